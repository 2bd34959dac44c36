"""What predictions owe to groups of features: how far they move when a group is exchanged.

Source: Breiman 2001, Random Forests, section 10 (exchange of a variable's values between
samples); for single samples as in Štrumbelj and Kononenko 2014, Knowledge and Information
Systems 41, without the exchange of several groups at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.samples import Attributions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def permutation_attributions(
    predict: Callable[[np.ndarray], np.ndarray],
    features: np.ndarray,
    groups: Mapping[str, Sequence[int]],
    *,
    background: np.ndarray | None = None,
    draws: int = 20,
    seed: int = 0,
) -> Attributions:
    """Return the share of each group of features in each prediction.

    The values of a group are replaced by those of samples drawn from a background, and the mean
    absolute change of the prediction is what it owes to the group.

    Args:
        predict: Given features, (sample, feature), returns predictions, (sample,).
        features: (sample, feature) of the predictions that are explained.
        groups: Name of a group to the columns that are exchanged together.
        background: (other, feature) what values are drawn from; None takes the samples.
        draws: How many samples are drawn for each prediction.
        seed: Of the draws.
    """
    others = features if background is None else background
    generator = np.random.default_rng(seed)
    value = predict(features)
    change = np.zeros((len(features), len(groups)))
    for _ in range(draws):
        # The same samples for all groups, so that these differ by their columns only.
        drawn = generator.integers(len(others), size=len(features))
        for number, columns in enumerate(groups.values()):
            exchanged = features.copy()
            exchanged[:, list(columns)] = others[drawn][:, list(columns)]
            change[:, number] += np.abs(predict(exchanged) - value) / draws
    total = change.sum(axis=1, keepdims=True)
    share = np.divide(change, total, out=np.zeros_like(change), where=total > 0)
    return Attributions(names=tuple(groups), share=share)
