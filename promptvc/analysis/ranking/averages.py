"""How prompts went lately: exponential moving averages by day, and what is left of how much they were used.

After a day with the value x the average is (1 - rate) average + rate x; the first day's value starts it. A day without
events changes nothing, and within a day only sums count, so that the order of events does not matter.

**Success** is the share of positive ratings, **satisfaction** the mean score, both of people; **latency** the mean of
the calls that tell theirs; **context match** the share of the choices among several prompts that fell on this one where
it was offered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from promptvc.analysis.ranking.relevance import JUDGE
from promptvc.base.feedback_settings import LearningSettings
from promptvc.feedback.query.facts import MILLION, Cell, Choice

CALLS = ("error", "success", "usage")


@dataclass(frozen=True, slots=True)
class Averages:
    """The averages of one prompt; None where nothing tells. ``latency`` in milliseconds, the others 0..1."""

    success: float | None = None
    satisfaction: float | None = None
    latency: float | None = None
    context_match: float | None = None


@dataclass(slots=True)
class Day:
    """What one day says of one prompt, in whole numbers."""

    positive: int = 0
    rated: int = 0
    score: int = 0
    timed: int = 0
    latency: int = 0
    offered: int = 0
    taken: int = 0
    events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def uses(self) -> int:
        """Calls: those that were reported as served, or as ended, whichever are more, as one call may be both."""
        return max(self.kinds["usage"], self.kinds["success"] + self.kinds["error"])


@dataclass(slots=True)
class Course:
    """A prompt's way through the days, as far as it was followed.

    Attributes:
        good, rated: fading sums of ratings. ``uses``: a fading sum of calls.
        last: the last day that was followed. ``used``: the last with events of the prompt's own; None before.
    """

    success: float | None = None
    satisfaction: float | None = None
    latency: float | None = None
    context_match: float | None = None
    good: float = 0.0
    rated: float = 0.0
    uses: float = 0.0
    last: date | None = None
    used: date | None = None

    @property
    def averages(self) -> Averages:
        """The moving averages as of now."""
        return Averages(self.success, self.satisfaction, self.latency, self.context_match)

    def fade(self, day: date, decay_rate: float) -> float:
        """What the sums weigh on ``day``: their factor."""
        return 1.0 if self.last is None else (1 - decay_rate) ** max(0, (day - self.last).days)

    def follow(self, day: date, said: Day, learning: LearningSettings) -> None:
        """Take in the next day that has events."""
        rate = learning.learning_rate
        if said.rated:
            self.success = _next(self.success, said.positive / said.rated, rate)
            self.satisfaction = _next(self.satisfaction, said.score / (MILLION * said.rated), rate)
        if said.timed:
            self.latency = _next(self.latency, said.latency / (1000 * said.timed), rate)
        if said.offered:
            self.context_match = _next(self.context_match, said.taken / said.offered, rate)
        factor = self.fade(day, learning.decay_rate)
        self.good = self.good * factor + said.positive
        self.rated = self.rated * factor + said.rated
        self.uses = self.uses * factor + said.uses
        self.last = day
        self.used = day if said.events else self.used


def days_of(
    cells: Iterable[Cell], choices: Iterable[Choice], until: date | None = None
) -> Iterator[tuple[date, Mapping[str, Day]]]:
    """What each day says of each prompt, in the order of the days, up to ``until``."""
    days: dict[date, dict[str, Day]] = {}

    def of(day: date, name: str) -> Day:
        return days.setdefault(day, {}).setdefault(name, Day())

    for cell in cells:
        if until is not None and cell.day > until:
            continue
        said, tally = of(cell.day, cell.prompt), cell.tally
        said.events += tally.n
        said.kinds[cell.kind] += tally.n
        said.timed += tally.timed
        said.latency += tally.latency
        if cell.source != JUDGE:
            said.positive += tally.positive
            said.rated += tally.rated
            said.score += tally.score
    for choice in choices:
        day = choice.time.date()
        if (until is not None and day > until) or not is_choice(choice):
            continue
        for name, _ in choice.options:
            said = of(day, name)
            said.offered += 1
            said.taken += name == choice.selected
    for day in sorted(days):
        yield day, days[day]


def is_choice(choice: Choice) -> bool:
    """Whether there was something to choose from: two prompts or more, each once, and one of them taken."""
    names = [name for name, _ in choice.options]
    return len(names) > 1 and len(set(names)) == len(names) and choice.selected in names


def courses(days: Iterable[tuple[date, Mapping[str, Day]]], learning: LearningSettings) -> dict[str, Course]:
    """The whole way of each prompt."""
    found: dict[str, Course] = {}
    for day, said in days:
        for name, one in said.items():
            found.setdefault(name, Course()).follow(day, one, learning)
    return found


def _next(before: float | None, value: float, rate: float) -> float:
    return value if before is None else (1 - rate) * before + rate * value
