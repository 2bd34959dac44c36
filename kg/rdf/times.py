"""OWL-Time instants and intervals as shared nodes; durations and cadences, with their order."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import total_ordering
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from ontology.terms import RDF, RDFS, TIME, XSD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.rdf.iris import Iris


_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_CALENDAR = re.compile(r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?")
_WEEKS = re.compile(r"P(?P<weeks>\d+)W")
_YEAR = 12
#: Seconds of a month on average: a Gregorian year has 365.2425 days.
_MONTH_S = 2_629_746


@total_ordering
@dataclass(frozen=True, kw_only=True)
class Cadence:
    """How often something is sampled: each so many calendar months, or so many seconds.

    Calendar months have no fixed length, so they are kept as months. Cadences are ordered by
    what they last on average: PT1H < P1D < P8D < P1M < P3M < P1Y.
    """

    months: int = 0
    """Calendar months; 0 for a cadence of fixed length."""
    seconds: int = 0
    """Length of a cadence that has a fixed one; 0 for calendar months."""

    def __post_init__(self) -> None:
        """Refuse what is no step forward, or is of both kinds at once."""
        if min(self.months, self.seconds) != 0 or max(self.months, self.seconds) <= 0:
            raise ValueError(f"a cadence is some months or some seconds: {self.months} months, "
                             f"{self.seconds} seconds")  # fmt: skip

    @classmethod
    def of(cls, duration: str) -> Cadence:
        """Return the cadence that an ISO 8601 duration tells: PT1H, P8D, P2W, P1M, P1Y.

        Raises:
            ValueError: The text is no such duration, lasts no time, or mixes months and days.
        """
        if found := _WEEKS.fullmatch(duration):
            duration = f"P{7 * int(found['weeks'])}D"
        if found := _CALENDAR.fullmatch(duration):
            months = int(found["months"] or 0) + _YEAR * int(found["years"] or 0)
            if months:
                return cls(months=months)
        if seconds := _fixed_seconds(duration):
            return cls(seconds=seconds)
        raise ValueError(
            f"not the duration of a cadence: {duration!r}; write PT6H, P1D, P1M or P1Y"
        )

    @classmethod
    def of_seconds(cls, seconds: float) -> Cadence:
        """Return the cadence of so many seconds; of months, where these are what they average.

        So that `nominal_s`, which is what the graph keeps as a number, reads back the same.
        """
        whole = round(seconds)
        if whole and whole % _MONTH_S == 0:
            return cls(months=whole // _MONTH_S)
        return cls(seconds=whole)

    @property
    def text(self) -> str:
        """The ISO 8601 duration in the largest unit that divides it."""
        if self.months:
            years, rest = divmod(self.months, _YEAR)
            return f"P{self.months}M" if rest else f"P{years}Y"
        return duration_text(self.seconds)

    @property
    def nominal_s(self) -> int:
        """Seconds that it lasts on average: a number to compare by."""
        return self.months * _MONTH_S + self.seconds

    def __lt__(self, other: Cadence) -> bool:
        """Return whether this is the finer of the two; of equal ones, the one of seconds is."""
        return (self.nominal_s, self.months) < (other.nominal_s, other.months)

    def begin_of(self, moment: datetime) -> datetime:
        """Return the beginning of the step that a row is about which bears this moment.

        A calendar year for whole years, else a calendar month; a UTC day for whole days. A
        finer moment is a beginning already.
        """
        if self.months:
            month = 1 if self.months % _YEAR == 0 else moment.month
            return datetime(moment.year, month, 1, tzinfo=UTC)
        if self.seconds % 86400 == 0:
            return day_bounds(moment)[0]
        return moment

    def after(self, moment: datetime, steps: int = 1) -> datetime:
        """Return the moment so many steps later, by the calendar where steps are months."""
        if not self.months:
            return moment + steps * timedelta(seconds=self.seconds)
        year, month = divmod(moment.year * _YEAR + moment.month - 1 + steps * self.months, _YEAR)
        # The 31st of January and a month is the last of February.
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)

    def steps(self, begin: datetime, end: datetime) -> float:
        """Return how many steps lie between two moments, counted in months where steps are such.

        Whole for two beginnings of steps; a part of a month counts by what a month averages.
        """
        if not self.months:
            return (end - begin) / timedelta(seconds=self.seconds)
        months = _YEAR * (end.year - begin.year) + end.month - begin.month
        rest = (end - end.replace(day=1)) - (begin - begin.replace(day=1))
        apart = rest / timedelta(seconds=_MONTH_S)
        return (months + apart) / self.months


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
    """Return the IRI of the interval; a UTC day, month or year is named as such: 2001-01."""
    name = _calendar_name(begin, end)
    if name is not None:
        return iris.mint("time", name)
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


def _calendar_name(begin: datetime, end: datetime) -> str | None:
    """Return how people call the day, month or year that an interval is; None if it is none."""
    if begin.time() != datetime.min.time():
        return None
    if end - begin == timedelta(days=1):
        return begin.date().isoformat()
    if begin.day == 1 and end == Cadence(months=1).after(begin):
        return f"{begin.year:04}-{begin.month:02}"
    if (begin.month, begin.day) == (1, 1) and end == Cadence(months=_YEAR).after(begin):
        return f"{begin.year:04}"
    return None


def _interval_label(begin: datetime, end: datetime) -> str:
    name = _calendar_name(begin, end)
    if name is not None:
        return name
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
    seconds = _fixed_seconds(duration)
    if seconds is None:
        raise ValueError(
            f"not a duration of days, hours, minutes or seconds: {duration!r}; write P1D or PT6H"
        )
    return seconds


def _fixed_seconds(duration: str) -> int | None:
    """Return the seconds of a duration of fixed length; None for any other text."""
    match = _DURATION.fullmatch(duration)
    parts = {k: int(v) for k, v in match.groupdict().items() if v} if match else {}
    return int(timedelta(**parts).total_seconds()) if parts else None


def duration_text(seconds: float) -> str:
    """Return seconds as an ISO 8601 duration in the largest unit that divides them."""
    whole = round(seconds)
    for size, form in ((86400, "P{}D"), (3600, "PT{}H"), (60, "PT{}M")):
        if whole and whole % size == 0:
            return form.format(whole // size)
    return f"PT{whole}S"
