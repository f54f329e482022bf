"""A period against the one before: what changed, and which changes are clear.

A change of a rate or of the mean score is tested against how its days and weeks differ
(:mod:`promptvc.analysis.reporting.tails`); of all that are tested, of all prompts in the table, at most a share
:data:`RATE` of those called clear may be chance (Benjamini and Hochberg).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.analysis.rates import rounded, significant
from promptvc.analysis.reporting.figures import Figure, Standing
from promptvc.analysis.reporting.periods import WEEKS
from promptvc.analysis.reporting.slices import DAYS, Rates
from promptvc.analysis.reporting.tails import days_differ, unevenness
from promptvc.analysis.reporting.traces import USERS
from promptvc.analysis.reporting.year import Year
from promptvc.base.stats import discoveries
from promptvc.feedback.query.facts import MILLION, Tally

RATE = 0.05
TESTED: Mapping[str, str] = {
    "success": "rated",
    "satisfaction": "rated",
    "errors": "calls",
    "corrections": "calls",
}
"""What is tested, and the name of the count that it is a share or mean of."""
WORSE_UP = {"errors", "corrections"}
FEWEST = 30
"""With fewer events in the whole of a rate, on either side, nothing is called a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of one prompt (None: all), before and now.

    Attributes:
        p: of no difference; None where it is not tested: too few events, or a figure that is neither rate nor score.
        clear: whether it is more than chance.
    """

    prompt: str | None
    figure: str
    before: Figure
    now: Figure
    p: float | None = None
    clear: bool = False

    @property
    def difference(self) -> float | None:
        """Now less before."""
        if self.before.value is None or self.now.value is None:
            return None
        return rounded(self.now.value - self.before.value)

    @property
    def declined(self) -> bool:
        """Whether it clearly got worse."""
        worse = self.difference or 0.0
        return self.clear and (worse > 0 if self.figure in WORSE_UP else worse < 0)

    @property
    def relative(self) -> float | None:
        """The difference as a share of what was before."""
        return (
            rounded(self.difference / self.before.value)
            if self.difference is not None and self.before.value
            else None
        )

    def to_json(self) -> dict[str, Any]:
        """The figures as they are, with what lies between them."""
        return {
            "prompt": self.prompt,
            "figure": self.figure,
            "before": self.before.to_json(),
            "now": self.now.to_json(),
            "difference": self.difference,
            "relative": self.relative,
            "p": None if self.p is None else significant(self.p),
            "clear": self.clear,
        }


def changes(year: Year, before: Sequence[Standing], now: Sequence[Standing]) -> tuple[Change, ...]:
    """Every figure of the standings that both periods have, prompt by prompt."""
    known = {one.prompt: one for one in before}
    scores = _scores(year)
    found = [
        _change(year, scores, one, known[one.prompt], figure)
        for one in now
        if one.prompt in known
        for figure in one.figures
    ]
    stand = iter(discoveries([one.p for one in found if one.p is not None], RATE))
    return tuple(
        one if one.p is None else Change(one.prompt, one.figure, one.before, one.now, one.p, next(stand))
        for one in found
    )


@dataclass(slots=True)
class _Scores:
    """Of one prompt, or of all: (sum of the scores, how many) of each week, and the sum of their squares."""

    weeks: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)] * WEEKS)
    squares: float = 0.0

    def add(self, week: int, tally: Tally) -> None:
        score, n = self.weeks[week]
        self.weeks[week] = score + tally.score / MILLION, n + tally.rated
        self.squares += tally.squares / MILLION

    @property
    def variance(self) -> float:
        """Of one score."""
        n = sum(n for _, n in self.weeks)
        mean = math.fsum(score for score, _ in self.weeks) / n if n else 0.0
        return max(0.0, self.squares / n - mean * mean) if n else 0.0


def _scores(year: Year) -> Mapping[str | None, _Scores]:
    found: dict[str | None, _Scores] = defaultdict(_Scores)
    for day, cells in sorted(year.cells.items()):
        for cell in cells:
            if cell.tally.rated and cell.source in USERS:
                for prompt in (None, cell.prompt):
                    found[prompt].add((day - year.start).days // DAYS, cell.tally)
    return found


def _change(
    year: Year, scores: Mapping[str | None, _Scores], now: Standing, before: Standing, name: str
) -> Change:
    first, second = before.figures[name], now.figures[name]
    p = None
    whole = TESTED.get(name, "")
    if whole and min(first.n(whole), second.n(whole)) >= FEWEST:
        days = list(first.days.values()), list(second.days.values())
        if name == "satisfaction":
            score = scores[now.prompt]
            p = days_differ(*days, unevenness(score.weeks, score.variance), score.variance)
        else:
            # Of a prompt with too few events to be looked at over the year there are the days of the two periods.
            weeks = _weeks(year, name, now.prompt)
            p = days_differ(*days, unevenness(weeks if any(n for _, n in weeks) else [*days[0], *days[1]]))
    return Change(now.prompt, name, first, second, p)


def _weeks(year: Year, name: str, prompt: str | None) -> list[tuple[int, int]]:
    """(part, whole) of the year's weeks."""
    total = [(0, 0)] * WEEKS
    for (measure, part), series in year.series.items():
        mine = measure == name and not part.dimension and prompt in {None, part.prompt}
        if mine and isinstance(series, Rates):
            for week in range(WEEKS):
                days = slice(week * DAYS, (week + 1) * DAYS)
                k, n = total[week]
                total[week] = k + sum(series.part[days]), n + sum(series.whole[days])
    return total
