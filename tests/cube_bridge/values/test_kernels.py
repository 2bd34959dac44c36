import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from cube_bridge.values.kernels import moments, weighted_quantile

VALUES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.integers(-(10**6), 10**6).map(lambda i: i / 8) | st.just(np.nan) | st.just(-np.inf),
)


@given(VALUES, VALUES)
def test_moments_of_two_parts_are_those_of_the_whole(one, other):
    times = min(one.shape[1], other.shape[1])
    parts = [one[:, :times], other[:, :times]]
    random = np.random.default_rng(0)
    weights = [random.uniform(0.1, 1, len(p)) for p in parts]
    found = [
        moments(p, sparse.csr_array(w[None, :]), squared=True)
        for p, w in zip(parts, weights, strict=True)
    ]
    merged = found[0].merged(found[1])
    values, weight = np.concatenate(parts), np.concatenate(weights)
    for time in range(times):
        valid = np.isfinite(values[:, time])
        if not valid.any():
            assert merged.weight[0, time] == 0
            continue
        v, w = values[valid, time], weight[valid]
        mean = np.average(v, weights=w)
        scale = np.abs(v).max()
        assert merged.weight[0, time] == pytest.approx(w.sum())
        assert merged.mean[0, time] == pytest.approx(mean, rel=1e-9, abs=1e-9 * scale)
        assert merged.squares[0, time] == pytest.approx(
            (w * (v - mean) ** 2).sum(), rel=1e-6, abs=1e-9 * scale**2
        )


@given(hnp.arrays(np.float64, st.integers(1, 9), elements=st.floats(-1e3, 1e3)), st.floats(0, 1))
def test_with_equal_weights_a_quantile_is_that_of_numpy(values, share):
    found = weighted_quantile(values, np.full(len(values), 0.7), share)
    assert found == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-9)


def test_a_quantile_of_nothing_is_none():
    assert np.isnan(weighted_quantile(np.array([np.nan]), np.ones(1), 0.5))
    assert np.isnan(weighted_quantile(np.array([1.0]), np.zeros(1), 0.5))
