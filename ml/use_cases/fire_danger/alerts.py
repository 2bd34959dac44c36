"""Alerts on spells of extreme fire danger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.rdf.times import day_bounds
from ml.errors import RunError
from ml.results.spells import Spell, spells
from ml.use_case import Alert
from ml.use_cases.fire_danger.danger_classes import EXTREME

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ml.samples import Places, Predicted

#: CAP 1.2: "Likely" is a probability over 50 %.
_LIKELY = 0.5


def alerts(_: Places, predicted: Predicted, simulated: bool) -> Iterator[Alert]:
    """Yield an alert for each spell of extreme danger of each cell."""
    classes = predicted.prediction.classes
    if classes is None:
        raise RunError("alerts are made of danger classes, and there are none")
    grid = predicted.samples.grid()
    probability = predicted.prediction.value[:, 0][grid]
    for spell in spells(probability, classes[grid], from_class=EXTREME):
        peak = float(probability[spell.place, spell.peak])
        yield _alert(spell, predicted, grid[spell.place], peak, simulated=simulated)


def _alert(
    spell: Spell, predicted: Predicted, row: np.ndarray, peak: float, *, simulated: bool
) -> Alert:
    days = row[spell.first : spell.last + 1]
    first, last = (predicted.samples.begin[d].astype("datetime64[D]").item() for d in days[[0, -1]])
    very_extreme = spell.highest > EXTREME
    label = "simulated fire danger" if simulated else "fire danger"
    grade = "very extreme" if very_extreme else "extreme"
    lasting = len(days)
    return Alert(
        place=spell.place,
        begin=day_bounds(first)[0],
        end=day_bounds(last)[1],
        headline=f"{grade} {label} for {lasting} day{'s' if lasting > 1 else ''}, up to {peak:.0%}",
        category="Fire",
        event="Fire danger",
        severity="Extreme" if very_extreme else "Severe",
        certainty="Likely" if peak > _LIKELY else "Possible",
        why=tuple(int(d) for d in days),
    )
