"""Statistics of streams are those of all their values at once, however they are cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cube_bridge.sources.value_statistics import EMPTY, Accumulator, chunk_statistics

VALUES = st.one_of(
    st.floats(-1e6, 1e6, allow_subnormal=False), st.sampled_from([np.nan, np.inf, -np.inf])
)


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 20)), elements=VALUES),
       st.lists(st.integers(0, 20), max_size=3))  # fmt: skip
def test_a_stream_in_parts_has_the_statistics_of_the_whole(values, cuts):
    total = Accumulator(len(values))
    for part in np.split(values, sorted(c for c in cuts if c <= values.shape[1]), axis=1):
        total.add(part)
    for row, own in enumerate(values):
        found, whole = total.statistics(row), chunk_statistics(own)
        assert found.valid_count == whole.valid_count
        np.testing.assert_equal((found.minimum, found.maximum), (whole.minimum, whole.maximum))
        np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.sum_of_squares, whole.sum_of_squares, rtol=1e-9, atol=1e-9)
        known = own[np.isfinite(own)]
        if known.size:
            variance = total.moments.squares[row] / total.moments.weight[row]
            np.testing.assert_allclose(variance, known.var(), rtol=1e-6, atol=1e-6)


def test_values_far_from_zero_keep_their_spread():
    total = Accumulator(1)
    for offset in range(0, 1000, 100):
        total.add(1e9 + np.arange(offset, offset + 100, dtype=float)[None])
    variance = total.moments.squares[0] / total.moments.weight[0]
    np.testing.assert_allclose(variance, np.arange(1000).var(), rtol=1e-12)


def test_a_stream_without_values_is_empty():
    total = Accumulator(2)
    total.add(np.array([[np.nan], [1.0]]))
    assert total.statistics(0) is EMPTY
    assert total.statistics(1).valid_count == 1


@given(arrays(np.float64, st.integers(0, 40), elements=VALUES), st.data())
def test_values_in_any_order_add_up_by_their_row(values, data):
    rows = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(values),
                                       max_size=len(values))), dtype=int)  # fmt: skip
    total = Accumulator()
    cut = data.draw(st.integers(0, len(values)))
    total.add_at(rows[:cut], values[:cut])
    total.add_at(rows[cut:], values[cut:])
    for row in range(rows.max(initial=-1) + 1):
        found, whole = total.statistics(row), chunk_statistics(values[rows == row])
        assert found.valid_count == whole.valid_count
        np.testing.assert_equal((found.minimum, found.maximum), (whole.minimum, whole.maximum))
        np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.sum_of_squares, whole.sum_of_squares, rtol=1e-9, atol=1e-9)
