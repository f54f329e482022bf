"""What a ranker is told of a prompt that could be chosen: only what was known before the day of the choice.

A choice is told of with the state at the end of the day before. So neither the choice itself nor anything later, of
ratings, of calls or of other choices, is in its figures.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from promptvc.analysis.ranking.averages import Course, Day, days_of, is_choice
from promptvc.analysis.ranking.relevance import BETWEEN_PROMPTS, CONFIDENCE
from promptvc.base.feedback_settings import LearningSettings
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Cell, Choice

FEATURES = (
    "similarity",
    "success",
    "ratings",
    "recent_success",
    "satisfaction",
    "latency",
    "context_match",
    "uses",
    "days_unused",
    "position",
)
POSITION = len(FEATURES) - 1
UNKNOWN = -1.0
NOWHERE = 0.0
"""The position that is told when a prompt is recommended: people take what stands first, and nothing stands yet."""
_LONGEST = 365.0

Row = tuple[float, ...]
Similar = Callable[[str, str, datetime], float]
"""Of a task, a prompt and a moment, how much the prompt as it was then is about the task."""


@dataclass(frozen=True, slots=True)
class Group:
    """One choice.

    Attributes:
        key: its session, else its own id: choices of one session are not independent.
        rows: the features of each option, by :data:`FEATURES`; ``plain``: of each, shrunken success as a lower bound.
        taken: which option was chosen.
    """

    key: str
    time: datetime
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    plain: tuple[float, ...]
    taken: int


class Past:
    """The state of all prompts at the end of a day, moved forward day by day."""

    def __init__(self, days: Iterable[tuple[date, Mapping[str, Day]]], learning: LearningSettings) -> None:
        self._days = list(days)
        self._dates = [day for day, _ in self._days]
        self._next = 0
        self._learning = learning
        self._courses: dict[str, Course] = {}
        self._all = Course()

    def before(self, day: date) -> None:
        """Take in all days before ``day``, which is not before the last one asked for."""
        end = bisect_left(self._dates, day)
        while self._next < end:
            at, said = self._days[self._next]
            whole = Day()
            for name, one in said.items():
                self._courses.setdefault(name, Course()).follow(at, one, self._learning)
                whole.positive += one.positive
                whole.rated += one.rated
            self._all.follow(at, whole, self._learning)
            self._next += 1

    def success(self, name: str, day: date) -> tuple[float, float]:
        """The shrunken success of a prompt over its versions on ``day``, and its lower bound."""
        decay = self._learning.decay_rate
        factor = self._all.fade(day, decay)
        prior = (self._all.good * factor + 1) / (self._all.rated * factor + 2)
        course = self._courses.get(name, Course())
        factor = course.fade(day, decay)
        n = BETWEEN_PROMPTS + course.rated * factor
        good = min(n, BETWEEN_PROMPTS * prior + course.good * factor)
        return good / n, wilson(good, n, CONFIDENCE)[0]

    def row(self, name: str, day: date, similarity: float, position: float = NOWHERE) -> Row:
        """The features of a prompt on ``day``."""
        course = self._courses.get(name, Course())
        factor = course.fade(day, self._learning.decay_rate)
        unused = _LONGEST if course.used is None else min(_LONGEST, (day - course.used).days)
        return (
            similarity,
            self.success(name, day)[0],
            math.log1p(course.rated * factor),
            _known(course.success),
            _known(course.satisfaction),
            UNKNOWN if course.latency is None else math.log1p(course.latency),
            _known(course.context_match),
            math.log1p(course.uses * factor),
            float(unused),
            position,
        )


def groups_of(
    cells: Sequence[Cell], choices: Iterable[Choice], similar: Similar, learning: LearningSettings
) -> list[Group]:
    """The choices with what was known before each, oldest first; what was no choice is left out."""
    usable = [choice for choice in choices if is_choice(choice)]
    past = Past(days_of(cells, usable), learning)
    found = []
    for choice in sorted(usable, key=lambda one: (one.time, one.id)):
        day = choice.time.date()
        past.before(day)
        names = tuple(name for name, _ in choice.options)
        task = choice.task or ""
        rows = tuple(
            past.row(name, day, similar(task, name, choice.time), float(position))
            for position, name in enumerate(names, 1)
        )
        plain = tuple(past.success(name, day)[1] for name in names)
        key = f"session {choice.session}" if choice.session else f"choice {choice.id}"
        found.append(Group(key, choice.time, names, rows, plain, names.index(choice.selected)))
    return found


def unplaced(row: Row) -> Row:
    """A row as it is told when a prompt is recommended: without where it stood."""
    return (*row[:POSITION], NOWHERE)


def _known(value: float | None) -> float:
    return UNKNOWN if value is None else value
