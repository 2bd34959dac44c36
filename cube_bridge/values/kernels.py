"""Statistics of weighted cells: pure functions on arrays.

Values that are NaN or infinite, and cells without weight, do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.sources.value_statistics import Moments

if TYPE_CHECKING:
    from scipy import sparse


def moments(values: np.ndarray, weights: sparse.csr_array, *, squared: bool) -> Moments:
    """Return the moments of zones at each time.

    Args:
        values: (cells, times) float64.
        weights: (zones, cells).
        squared: Whether `squares` is wanted; they are 0 where not.

    Returns:
        Each field (zones, times).
    """
    valid = np.isfinite(values)
    every = bool(valid.all())
    known = values if every else np.where(valid, values, 0.0)
    # Squares of what is left beside a value that all are near to lose no digits.
    near = known.sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    known = known - near if every else np.where(valid, known - near, 0.0)
    if every:
        weight = np.broadcast_to(weights.sum(axis=1)[:, None], (weights.shape[0], values.shape[1]))
    else:
        weight = weights @ valid.astype(np.float64)
    has = weight > 0
    mean = np.divide(weights @ known, weight, out=np.zeros(weight.shape), where=has)
    squares = np.zeros(weight.shape)
    if squared:
        squares = np.maximum(weights @ known**2 - weight * mean**2, 0.0)
    return Moments(weight=np.array(weight), mean=np.where(has, mean + near, 0.0), squares=squares)


def sums(values: np.ndarray, shares: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of valid cells and the sum of their values, each by its share.

    Args:
        values: (cells, times) float64.
        shares: (zones, cells).

    Returns:
        Two (zones, times).
    """
    valid = np.isfinite(values)
    return shares @ valid.astype(np.float64), shares @ np.where(valid, values, 0.0)


def extremes(values: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest valid value of a zone at each time; NaN without one.

    Args:
        values: (cells, times) float64.
        cells: (n,) positions of the zone's cells.

    Returns:
        Two (times,).
    """
    own = values[cells]
    valid = np.isfinite(own)
    has = valid.any(axis=0)
    low = np.where(valid, own, np.inf).min(axis=0, initial=np.inf)
    high = np.where(valid, own, -np.inf).max(axis=0, initial=-np.inf)
    return np.where(has, low, np.nan), np.where(has, high, np.nan)


def areas_beyond(
    values: np.ndarray, areas: sparse.csr_array, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of each zone whose value is above, and below, a threshold at each time.

    Args:
        values: (cells, times) float64.
        areas: (zones, cells) square metres.
        threshold: In the unit of the values; a value that equals it is neither.

    Returns:
        Two (zones, times), square metres.
    """
    valid = np.isfinite(values)
    above = valid & (values > threshold)
    below = valid & (values < threshold)
    return areas @ above.astype(np.float64), areas @ below.astype(np.float64)


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Return a quantile of weighted values, NaN without a valid one.

    With equal weights it is numpy's linear quantile. Between values it is interpolated at
    S(k) = (k - 1) w(k) + (n - 1) (w(1) + ... + w(k - 1)), as exactextract does.

    Args:
        values: (n,)
        weights: (n,) not negative.
        share: 0 to 1.

    Source: https://stats.stackexchange.com/a/13223
    """
    kept = np.isfinite(values) & (weights > 0)
    values, weights = values[kept], weights[kept]
    if not values.size:
        return float("nan")
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    before = np.concatenate([[0.0], np.cumsum(weights[:-1])])
    places = np.arange(len(values)) * weights + (len(values) - 1) * before
    return float(np.interp(share * places[-1], places, values))
