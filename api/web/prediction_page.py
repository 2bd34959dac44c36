"""What pages show of a run's predictions: places in colour on a map, or rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from api.errors import BadRequestError
from api.web.links import page_of
from api.web.maps import MapShape, draw
from kg.rdf.geometry import parse_wkt
from kg.views.colours import scale_of
from kg.views.predictions import alerts, legend, moments, most_severe, predictions

if TYPE_CHECKING:
    from markupsafe import Markup
    from pyoxigraph import NamedNode
    from shapely.geometry.base import BaseGeometry

    from api.state import State
    from kg.store import GraphStore
    from kg.views.moments import Moment
    from kg.views.predictions import AlertRow, Observed, PredictionRow
    from kg.views.runs import RunRow

_MOMENT = re.compile(r"(\d{4}(-\d\d(-\d\d)?)?)( \d\d:\d\d)?( to .+)?")
#: Rows of the table beside a map; without a map there are all.
_ROWS_BESIDE_MAP = 12


@dataclass(frozen=True, kw_only=True)
class Row:
    """One prediction in the table."""

    href: str
    place: str
    value: str
    interval: str
    """Empty where there is none."""
    class_label: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """Everything of one moment about one observed property."""

    title: str
    map: Markup
    """Empty where no place has a geometry that can be drawn."""
    legend: list[tuple[str, str]]
    """Label and colour, from low to high."""
    rows: list[Row]
    total: int
    """Predictions there are, of which `rows` may be the first."""
    value_heading: str
    interval_heading: str
    """Empty where no prediction has an interval."""
    has_classes: bool


def page_of_run(run: NamedNode, moment: str | None = None) -> str:
    """Return the path of the page of a run's predictions, for a moment by its label."""
    path = "/predictions?run=" + quote(run.value, safe="")
    return path if moment is None else f"{path}&moment={quote(moment, safe='')}"


def check_moment(text: str | None) -> str | None:
    """Return the label of a moment as it came in a request.

    Raises:
        BadRequestError: It is none.
    """
    if text is None:
        return None
    match = _MOMENT.fullmatch(text)
    try:
        if match:
            datetime.fromisoformat((match[1] + "-01-01")[:10])
            return text
    except ValueError:
        pass  # digits that are no date: worded below
    raise BadRequestError(
        f"moment is a day, a month or a year like 2015-10-04, 2015-10 or 2015, not {text!r}"
    )


def page_values(state: State, run: RunRow, asked: str | None) -> dict[str, object]:
    """Return what the templates show of a run at a moment.

    Args:
        state: The application.
        run: The run.
        asked: Label of the moment; None for the one that calls for attention first.
    """
    known = moments(state.store, run.iri)
    labels = [m.moment.label for m in known if m.moment is not None]
    if asked is None:
        chosen = most_severe(state.store, run.iri, known)
    else:
        chosen = next((m for m in known if m.moment and m.moment.label == asked), None)
    moment = chosen.moment if chosen else None
    label = moment.label if moment else asked
    # Labels begin with the year: their order is that of time.
    before = max((x for x in labels if label and x < label), default=None)
    after = min((x for x in labels if label and x > label), default=None)
    return {
        "run": run,
        "run_href": page_of(state.iris, run.iri.value),
        "before": (before, page_of_run(run.iri, before)) if before else None,
        "after": (after, page_of_run(run.iri, after)) if after else None,
        "asked": label,
        "sections": _sections(state, run.iri, moment) if chosen else [],
        "alerts": [_alert(state, a) for a in alerts(state.store, run.iri, moment)]
        if chosen
        else [],
    }


def _alert(state: State, alert: AlertRow) -> dict[str, str]:
    href = page_of(state.iris, alert.iri.value)
    return {"href": href, "headline": alert.headline, "area": alert.area}


def _sections(state: State, run: NamedNode, moment: Moment | None) -> list[Section]:
    groups: dict[Observed, list[PredictionRow]] = {}
    for row in predictions(state.store, run, moment):
        groups.setdefault(row.observed, []).append(row)
    return [
        _section(state, observed, rows, moment)
        for observed, rows in sorted(groups.items(), key=lambda g: g[0].label)
    ]


def _section(
    state: State, observed: Observed, rows: list[PredictionRow], moment: Moment | None
) -> Section:
    title = observed.label[:1].upper() + observed.label[1:]
    title += f" {moment.phrase}" if moment else ""
    colours, key = _colours(state.store, rows)
    shown = [_row(state, row, colour) for row, colour in zip(rows, colours, strict=True)]
    shapes = [
        MapShape(geometry=geometry, colour=line.colour, label=_text(line), href=line.href)
        for row, line in zip(rows, shown, strict=True)
        if (geometry := _geometry(row)) is not None
    ]
    map_ = draw(state.store, shapes, title)
    coverages = {row.coverage for row in rows if row.interval}
    share = coverages.pop() if len(coverages) == 1 else None
    return Section(
        title=title,
        map=map_,
        legend=key,
        rows=shown[:_ROWS_BESIDE_MAP] if map_ else shown,
        total=len(shown),
        value_heading=f"value ({observed.unit})" if observed.unit else "value",
        interval_heading=(f"{share:.0%} interval".replace("%", " %") if share else "interval")
        if any(row.interval for row in rows)
        else "",
        has_classes=any(row.predicted_class for row in rows),
    )


def _colours(
    store: GraphStore, rows: list[PredictionRow]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return a colour for each prediction and the key to them: of its class, else of its value."""
    schemes = {c.scheme for row in rows if (c := row.predicted_class) and c.scheme}
    key = [
        (entry.label, entry.colour)
        for scheme in sorted(schemes, key=lambda s: s.value)
        for entry in legend(store, scheme)
        if entry.colour
    ]
    scale = scale_of(
        row.value for row in rows if not (row.predicted_class and row.predicted_class.colour)
    )
    colours = [
        (row.predicted_class and row.predicted_class.colour) or scale.colour(row.value)
        for row in rows
    ]
    if not key:
        key = [
            (f"{format_number(low)} to {format_number(high)}", colour)
            for low, high, colour in scale.steps()
        ]
    return colours, key


def _row(state: State, row: PredictionRow, colour: str) -> Row:
    low_high = row.interval
    return Row(
        href=page_of(state.iris, row.iri.value),
        place=row.place_label,
        value=format_number(row.value),
        interval=f"{format_number(low_high[0])} to {format_number(low_high[1])}"
        if low_high
        else "",
        class_label=row.predicted_class.label if row.predicted_class else "",
        colour=colour,
    )


def _text(row: Row) -> str:
    """Return what a place on the map says when the pointer rests on it."""
    interval = f" ({row.interval})" if row.interval else ""
    return f"{row.place}: {row.value}{interval}" + (
        f", {row.class_label}" if row.class_label else ""
    )


def format_number(value: float) -> str:
    """Return a number with as many decimals as people read: two below a thousand, none above."""
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004


def _geometry(row: PredictionRow) -> BaseGeometry | None:
    if row.wkt is None:
        return None
    try:
        return parse_wkt(row.wkt)
    except ValueError:
        return None  # in another reference system, which the map does not draw
