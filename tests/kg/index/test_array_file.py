import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kg.index.array_file import mapped_arrays, write_arrays

ARRAYS = st.dictionaries(
    st.text("ab.é", max_size=5),
    hnp.arrays(
        st.sampled_from([np.dtype(t) for t in ("i8", "i4", "u1", "?", "f8", "U3")]),
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=20),
    ),
    max_size=4,
)


def kept(path, arrays):
    with path.open("wb") as target:
        write_arrays(target, arrays)
    return path


@given(arrays=ARRAYS)
def test_arrays_read_back_as_they_were_written(tmp_path_factory, arrays):
    path = kept(tmp_path_factory.mktemp("kept") / "arrays", arrays)
    found = mapped_arrays(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
        assert found[name].flags.aligned


def test_arrays_that_were_read_outlive_the_file_and_may_be_changed(tmp_path):
    path = kept(tmp_path / "arrays", {"a": np.arange(3)})
    found = mapped_arrays(path)
    found["a"][1] = 7
    assert mapped_arrays(path)["a"].tolist() == [0, 1, 2]
    path.unlink()
    assert found["a"].tolist() == [0, 7, 2]


def test_a_part_of_a_file_is_refused(tmp_path):
    path = kept(tmp_path / "arrays", {"a": np.arange(1000), "b": np.arange(3)})
    whole = path.read_bytes()
    for length in (*range(0, len(whole), 97), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError):  # noqa: PT011 -- NumPy's own, or that of mmap
            mapped_arrays(path)
