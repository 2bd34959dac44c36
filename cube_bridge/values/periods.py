"""Periods of a query as positions in time: both ends belong to a period, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal

from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import XSD

if TYPE_CHECKING:
    from typing import Literal as OneOf

    from pyoxigraph import NamedNode

    from kg.rdf.terms import Term

    Unit = OneOf["D", "M", "Y"]

_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
#: Of dates without a time of day: how they read, and the unit that they last.
_DATES: dict[NamedNode, tuple[re.Pattern[str], Unit]] = {
    XSD.date: (re.compile(r"\d{4}-\d\d-\d\d"), "D"),
    XSD.gYearMonth: (re.compile(r"\d{4}-\d\d"), "M"),
    XSD.gYear: (re.compile(r"\d{4}"), "Y"),
}
_TICK = np.timedelta64(1, "us")


@dataclass(frozen=True, kw_only=True)
class TimeSpan:
    """A moment, or a day, month or year as a whole."""

    first: np.datetime64
    """In UTC, to the microsecond."""
    last: np.datetime64


@dataclass(frozen=True, kw_only=True)
class Period:
    """From a moment to another, both within; None for no bound."""

    first: np.datetime64 | None = None
    last: np.datetime64 | None = None

    def positions(self, times: np.ndarray | None) -> slice:
        """Return which of (time,) datetime64, ascending, lie in the period; all without time."""
        if times is None:
            return slice(0, 1)
        begin = 0 if self.first is None else int(np.searchsorted(times, self.first, "left"))
        end = len(times) if self.last is None else int(np.searchsorted(times, self.last, "right"))
        return slice(begin, max(begin, end))


def period_of(start: Term | None, end: Term | None) -> Period:
    """Return the period between two literals, either of which may be missing.

    Raises:
        InvalidArgumentError: One is neither xsd:dateTime nor xsd:date, or they are in the
            wrong order.
    """
    first = None if start is None else time_span_of(start).first
    last = None if end is None else time_span_of(end).last
    if first is not None and last is not None and last < first:
        raise InvalidArgumentError(f"the period ends ({end}) before it begins ({start})")
    return Period(first=first, last=last)


def time_span_of(term: Term) -> TimeSpan:
    """Return the moment that a literal of time stands for; without a zone it is UTC.

    Raises:
        InvalidArgumentError: The term is no such literal.
    """
    if isinstance(term, Literal):
        if term.datatype in {XSD.dateTime, XSD.dateTimeStamp}:
            return _instant(term)
        if term.datatype in _DATES:
            pattern, unit = _DATES[term.datatype]
            text = _ZONE.sub("", term.value)
            if pattern.fullmatch(text):
                try:
                    whole = np.datetime64(text).astype(f"datetime64[{unit}]")
                except ValueError as error:
                    raise InvalidArgumentError(f"{term} is no moment: {error}") from error
                after = (whole + np.timedelta64(1, unit)).astype("datetime64[us]")
                return TimeSpan(first=whole.astype("datetime64[us]"), last=after - _TICK)
    raise InvalidArgumentError(
        f"{term} is no moment; write an xsd:dateTime, xsd:date, xsd:gYearMonth or xsd:gYear"
    )


def _instant(term: Literal) -> TimeSpan:
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError as error:
        raise InvalidArgumentError(f"{term} is no moment: {error}") from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    instant = np.datetime64(moment, "us")
    return TimeSpan(first=instant, last=instant)


def position_at(times: np.ndarray, moment: TimeSpan) -> int | None:
    """Return which of (n,) ascending datetime64 holds at a moment; None where none does.

    It is the first within a day, month or year; else the last before, if no longer ago than
    the times are apart.
    """
    begin = int(np.searchsorted(times, moment.first, "left"))
    if begin < len(times) and times[begin] <= moment.last:
        return begin
    before = begin - 1
    if before >= 0 and moment.first < times[before] + step_of(times):
        return before
    return None


def step_of(times: np.ndarray) -> np.timedelta64:
    """Return the median step of (n,) ascending datetime64; zero for a single one."""
    if len(times) < 2:
        return np.timedelta64(0, "us")
    steps = np.sort(np.diff(times))
    return np.timedelta64(steps[len(steps) // 2])
