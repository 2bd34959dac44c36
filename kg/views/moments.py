"""What span of time a prediction is about, as people write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, kw_only=True, order=True)
class Moment:
    """A span of time: an hour, a day, a month, a year, or any other."""

    begin: datetime
    """UTC."""
    end: datetime
    """The moment after the last, UTC."""

    @property
    def label(self) -> str:
        """The span as short as it can be said: 2015-10-04, 2015-10, 2015, or from to."""
        if not self._is_of_days:
            return f"{self.begin:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"
        if self.end == self.begin + timedelta(days=1):
            return f"{self.begin:%Y-%m-%d}"
        if self._is_month:
            return f"{self.begin:%Y-%m}"
        if self._is_year:
            return f"{self.begin:%Y}"
        return f"{self.begin:%Y-%m-%d} to {self.end:%Y-%m-%d}"

    @property
    def phrase(self) -> str:
        """The span in a sentence: on 2015-10-04, in October 2015, in 2015, from one to another."""
        if self._is_month:
            return f"in {self.begin:%B %Y}"
        if self._is_year:
            return f"in {self.label}"
        return f"from {self.label}" if " to " in self.label else f"on {self.label}"

    @property
    def _is_of_days(self) -> bool:
        return all(m == m.replace(hour=0, minute=0, second=0) for m in (self.begin, self.end))

    @property
    def _is_month(self) -> bool:
        after = self.begin.replace(day=1) + timedelta(days=31)
        return self._is_of_days and self.begin.day == 1 and self.end == after.replace(day=1)

    @property
    def _is_year(self) -> bool:
        starts = self.begin.month == self.begin.day == 1
        return (
            self._is_of_days and starts and self.end == self.begin.replace(year=self.begin.year + 1)
        )


def moment_of(begin: str, end: str) -> Moment:
    """Return the span between two xsd:dateTime texts."""
    return Moment(begin=_parse(begin), end=_parse(end))


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
