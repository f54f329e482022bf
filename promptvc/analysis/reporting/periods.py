"""The periods that a report is about: weeks of ISO 8601 and calendar months, whole ones, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Kind = Literal["weekly", "monthly"]
WEEKS = 52
"""How far back a report looks for what got worse."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``start`` to before ``end``. ``label`` is ``2026-W47`` or ``2026-11``."""

    kind: Kind
    start: date
    end: date
    label: str

    @property
    def before(self) -> Period:
        """The period before it."""
        return _around(self.kind, self.start - timedelta(days=1))

    @property
    def window(self) -> tuple[date, date]:
        """The year that ends with it: :data:`WEEKS` times seven days."""
        return self.end - timedelta(weeks=WEEKS), self.end


def last_complete(kind: Kind, as_of: datetime) -> Period:
    """The last period that was over at ``as_of``."""
    return _around(kind, as_of.astimezone(UTC).date()).before


def midnight(day: date) -> datetime:
    """The first moment of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _around(kind: Kind, day: date) -> Period:
    if kind == "weekly":
        start = day - timedelta(days=day.weekday())
        year, week, _ = start.isocalendar()
        return Period(kind, start, start + timedelta(days=7), f"{year}-W{week:02d}")
    start = day.replace(day=1)
    end = (start + timedelta(days=31)).replace(day=1)
    return Period(kind, start, end, f"{start:%Y-%m}")
