"""OWL-Time instants and intervals as shared nodes, and durations as numbers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from ontology.terms import RDF, RDFS, TIME, XSD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.iris import Iris

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC as xsd:dateTimeStamp text; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def now_literal() -> Literal:
    """Return the present as an xsd:dateTime literal."""
    return date_time_literal(datetime.now(UTC))


def date_time_literal(moment: datetime) -> Literal:
    """Return a moment as an xsd:dateTime literal in UTC."""
    return Literal(timestamp(moment), datatype=XSD.dateTime)


def instant(iris: Iris, moment: datetime) -> NamedNode:
    """Return the IRI of the instant, shared by all that happens then."""
    return iris.mint("time", timestamp(moment))


def instant_quads(iris: Iris, moment: datetime) -> Iterator[Quad]:
    """Yield what the graph says of an instant."""
    node = instant(iris, moment)
    yield Quad(node, RDF.type, TIME.Instant)
    yield Quad(
        node, TIME.inXSDDateTimeStamp, Literal(timestamp(moment), datatype=XSD.dateTimeStamp)
    )


def interval(iris: Iris, begin: datetime, end: datetime) -> NamedNode:
    """Return the IRI of the interval; a UTC day is named by its date."""
    if begin.time() == datetime.min.time() and end - begin == timedelta(days=1):
        return iris.mint("time", begin.date().isoformat())
    return iris.mint("time", timestamp(begin), timestamp(end))


def interval_quads(iris: Iris, begin: datetime, end: datetime) -> Iterator[Quad]:
    """Yield what the graph says of an interval, from its beginning up to, not with, its end.

    Raises:
        ValueError: The end is before the beginning.
    """
    if end < begin:
        raise ValueError(f"the interval ends ({end}) before it begins ({begin})")
    node = interval(iris, begin, end)
    yield Quad(node, RDF.type, TIME.Interval)
    yield Quad(node, RDFS.label, Literal(_interval_label(begin, end)))
    yield Quad(node, TIME.hasBeginning, instant(iris, begin))
    yield Quad(node, TIME.hasEnd, instant(iris, end))
    yield from instant_quads(iris, begin)
    yield from instant_quads(iris, end)


def _interval_label(begin: datetime, end: datetime) -> str:
    if end - begin == timedelta(days=1):
        return begin.date().isoformat()
    return f"{begin.date().isoformat()} to {end.date().isoformat()}"


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a UTC day and that of the next."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begin, begin + timedelta(days=1)


def duration_seconds(duration: str) -> int:
    """Return the seconds of an ISO 8601 duration of days, hours, minutes and seconds.

    Raises:
        ValueError: The text is no such duration (months have no fixed length).
    """
    match = _DURATION.fullmatch(duration)
    parts = {k: int(v) for k, v in match.groupdict().items() if v} if match else {}
    if not parts:
        raise ValueError(
            f"not a duration of days, hours, minutes or seconds: {duration!r}; write P1D or PT6H"
        )
    return int(timedelta(**parts).total_seconds())


def duration_text(seconds: float) -> str:
    """Return seconds as an ISO 8601 duration in the largest unit that divides them."""
    whole = round(seconds)
    for size, form in ((86400, "P{}D"), (3600, "PT{}H"), (60, "PT{}M")):
        if whole and whole % size == 0:
            return form.format(whole // size)
    return f"PT{whole}S"
