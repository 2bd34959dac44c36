import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kg.index.boxes import PackedBoxes, meets

PLACES = st.integers(-6, 6).map(float)
CORNERS = hnp.arrays(np.float64, st.tuples(st.integers(0, 90), st.just(4)), elements=PLACES)


def boxes_of(corners):
    west, south, wide, high = corners.T
    return np.column_stack([west, south, west + np.abs(wide), south + np.abs(high)])


@given(CORNERS, CORNERS, st.integers(2, 9))
def test_a_search_finds_what_comparing_all_boxes_finds(corners, searched, every):
    boxes, searched = boxes_of(corners), boxes_of(searched)
    boxes[::every] = np.nan
    packed = PackedBoxes(np.arange(len(boxes)) + 7, boxes)
    each = [np.flatnonzero(meets(boxes, box)) + 7 for box in searched]
    for box, rows in zip(searched, each, strict=True):
        assert packed.search(box).tolist() == rows.tolist()
        assert packed.count_near(box) == len(rows)
    found = packed.search_each(searched)
    assert sorted(found.tolist()) == sorted(np.concatenate([*each, np.empty(0, int)]).tolist())
    assert packed.nbytes >= 4 * len(packed.rows)


@pytest.mark.parametrize("box", [(-np.inf, -np.inf, np.inf, np.inf), (np.nan,) * 4])
def test_a_box_without_borders_meets_all_and_an_empty_one_none(box):
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 5.0, 5.0]])
    found = PackedBoxes(np.arange(2), boxes).search(np.array(box))
    assert found.tolist() == ([] if np.isnan(box).any() else [0, 1])
    assert found.dtype == np.int32
