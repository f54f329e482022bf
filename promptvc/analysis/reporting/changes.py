"""A period against the one before: what changed, and which changes are clear.

A rate's change is tested against how its days and weeks differ (:mod:`promptvc.analysis.reporting.tails`); of all rates
of all prompts in the table, at most a share :data:`RATE` of those called clear may be chance (Benjamini and Hochberg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.rates import rounded, significant
from promptvc.analysis.reporting.figures import Figure, Standing
from promptvc.analysis.reporting.periods import WEEKS
from promptvc.analysis.reporting.slices import DAYS, Rates
from promptvc.analysis.reporting.tails import days_differ, unevenness
from promptvc.analysis.reporting.year import Year
from promptvc.base.stats import discoveries

RATE = 0.05
TESTED = ("success", "errors", "corrections")
FEWEST = 30
"""With fewer events in the whole of a rate, on either side, nothing is called a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of one prompt (None: all), before and now.

    Attributes:
        p: of no difference; None where it is not tested: too few events, or a figure that is no rate.
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
    found = [
        _change(year, one, known[one.prompt], figure)
        for one in now
        if one.prompt in known
        for figure in one.figures
    ]
    stand = iter(discoveries([one.p for one in found if one.p is not None], RATE))
    return tuple(
        one if one.p is None else Change(one.prompt, one.figure, one.before, one.now, one.p, next(stand))
        for one in found
    )


def _change(year: Year, now: Standing, before: Standing, name: str) -> Change:
    first, second = before.figures[name], now.figures[name]
    p = None
    whole = "rated" if name == "success" else "calls"
    if name in TESTED and min(first.n(whole), second.n(whole)) >= FEWEST:
        between = unevenness(_weeks(year, name, now.prompt))
        p = days_differ(list(first.days.values()), list(second.days.values()), between)
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
