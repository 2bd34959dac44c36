"""What `deepcube demo` shows of fire danger."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from ml.use_case import Demo
from ml.use_cases.fire_danger.danger_map import draw_danger_map
from ml.use_cases.fire_danger.questions import questions
from ml.use_cases.fire_danger.simulation import ISLAND, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from pyoxigraph import NamedNode

    from kg.store import GraphStore
    from kg.views.moments import Moment
    from ml.use_cases.fire_danger.simulation import SimulatedSource


def _draw(store: GraphStore, run: NamedNode, moment: Moment, folder: Path) -> Path:
    day = moment.begin.date()
    file = folder / f"fire-danger-{day}.png"
    draw_danger_map(store, run, day, file)
    return file


def _simulate(folder: Path) -> tuple[tuple[SimulatedSource, ...], str]:
    return tuple(simulate(folder)), ISLAND


DEMO = Demo(
    title="the fire danger model",
    datasets=(
        "natural-earth-countries",
        "natural-earth-places",
        "natural-earth-protected-areas",
        "munich-land-surface-temperature",
        "munich-ndvi",
        "australia-weather-2015",
        "australia-hotspots-2015",
    ),
    region="Australia",
    period=(date(2015, 1, 1), date(2015, 12, 31)),
    predict_from=datetime(2015, 9, 1),  # noqa: DTZ001  # UTC, as all moments of samples
    simulate=_simulate,
    questions=questions,
    draw=_draw,
)
