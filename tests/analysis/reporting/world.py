"""Facts that a test writes down day by day: ratings, calls, errors; and the report on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.problems import Deployment
from promptvc.analysis.reporting.report import Asked, Report, make_report
from promptvc.feedback.query.facts import (
    MILLION,
    Cell,
    Count,
    Facts,
    Label,
    Labelled,
    Latency,
    Tally,
    Witnesses,
)
from promptvc.feedback.query.selection import Query

START = date(2025, 1, 6)
DAYS = 364
EVERYTHING = Query()


class World:
    """A year that begins on a Monday."""

    engine, unread = "written", 0

    def __init__(self) -> None:
        self.written: list[Cell] = []

    def rate(
        self,
        day: int,
        n: int,
        good: int,
        prompt: str = "a/b",
        *,
        high: float = 1.0,
        low: float = 0.0,
        version: int = 1,
    ) -> None:
        """``n`` ratings on a day, ``good`` of them with the score ``high`` and the rest with ``low``."""
        scores = good * high + (n - good) * low
        squares = good * high**2 + (n - good) * low**2
        tally = Tally(
            n=n,
            rated=n,
            positive=good * (high >= 0.7),
            score=round(scores * MILLION),
            squares=round(squares * MILLION),
        )
        self._add(day, prompt, "rating", "human", tally, version)

    def say(self, day: int, kind: str, n: int, prompt: str = "a/b") -> None:
        """``n`` events of a kind without a score."""
        self._add(day, prompt, kind, "code", Tally(n=n))

    def _add(self, day: int, prompt: str, kind: str, source: str, tally: Tally, version: int = 1) -> None:
        if tally.n:
            self.written.append(
                Cell(START + timedelta(days=day), prompt, version, kind, source, None, None, None, tally)
            )

    def cells(self, query: Query = EVERYTHING) -> list[Cell]:
        """As :meth:`promptvc.feedback.query.facts.Facts.cells`."""
        return [
            one
            for one in self.written
            if query.prompt in {None, one.prompt}
            and (query.since is None or midnight(one.day) >= query.since)
            and (query.until is None or midnight(one.day) < query.until)
        ]

    def labelled(self, _what: Label, _query: Query = EVERYTHING) -> list[Labelled]:
        """Nothing has labels."""
        return []

    def latencies(self, _query: Query = EVERYTHING) -> list[Latency]:
        """Nothing was timed."""
        return []

    def counts(self, _query: Query = EVERYTHING) -> list[Count]:
        """Not asked."""
        return []

    def witnesses(self, query: Query = EVERYTHING, *, limit: int = 0) -> Witnesses:
        """How many, and when the newest came; no ids."""
        found = self.cells(query)[limit * 0 :]
        newest = max((one.day for one in found), default=None)
        return Witnesses(sum(one.tally.n for one in found), (), None if newest is None else midnight(newest))

    def report(self, day: int = DAYS, deployments: tuple[Deployment, ...] = ()) -> Report:
        """The weekly report at the end of a day."""
        asked = Asked("weekly", midnight(START + timedelta(days=day)))
        return make_report(cast("Facts", self), asked, deployments)
