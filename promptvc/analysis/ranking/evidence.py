"""What feedback says of each prompt, in figures: the evidence by which prompts are ranked.

**Relevance** is the lower bound of the success rate, and a tenth of it hangs on use: low * (0.9 + 0.1 u), where u is
log(1 + calls) / log(1 + calls of the most used), of calls that fade as ratings do. A prompt that nobody calls loses a
tenth, which decides between equals and no more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from promptvc.analysis.ranking.averages import Averages, Course, Day, courses, days_of
from promptvc.analysis.ranking.relevance import Relevance, Success
from promptvc.base.feedback_settings import LearningSettings
from promptvc.feedback.query.facts import Cell, Choice

USE = 0.1
DIGITS = 6
"""Figures are given to a millionth: beyond that, processors differ."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one prompt.

    Attributes:
        success: of its present version; ``whole``: of all its versions.
        relevance: 0..1; None where nothing is adapted.
        averages: of the whole prompt; all None where learning is off.
        uses: calls. ``events``: of any kind. ``last_used``: the day of the newest; None without any.
    """

    name: str
    version: int | None
    success: Success
    whole: Success
    relevance: float | None
    averages: Averages
    uses: int
    events: int
    last_used: date | None

    def to_json(self) -> dict[str, Any]:
        """The figures as an object."""
        moving = self.averages
        return {
            "name": self.name,
            "version": self.version,
            "success": success_json(self.success),
            "whole": success_json(self.whole),
            "relevance": rounded(self.relevance),
            "averages": {
                "success": rounded(moving.success),
                "satisfaction": rounded(moving.satisfaction),
                "latency_ms": rounded(moving.latency),
                "context_match": rounded(moving.context_match),
            },
            "uses": self.uses,
            "events": self.events,
            "last_used": None if self.last_used is None else self.last_used.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What evidence is asked for.

    Attributes:
        present: prompt -> the version that it has now. Prompts that only have feedback are told as well.
        day: as of which.
    """

    present: Mapping[str, int | None]
    day: date
    learning: LearningSettings


def evidence(
    cells: Sequence[Cell], choices: Sequence[Choice], question: Question
) -> tuple[Relevance, tuple[Evidence, ...]]:
    """The success of everything, and the evidence of every prompt, by name."""
    day, learning = question.day, question.learning
    rates = Relevance(cells, day, learning)
    days = list(days_of(cells, choices, day))
    found = courses(days, learning) if learning.enabled else {}
    uses, events, used = _plain(days)
    most = max(
        (course.uses * course.fade(day, learning.decay_rate) for course in found.values()), default=0.0
    )
    names = sorted({*question.present, *(name for name, count in events.items() if count)})
    told = []
    for name in names:
        course = found.get(name, Course())
        version = question.present.get(name)
        success = rates.version(name, version) if version is not None else rates.prompt(name)
        share = _share(course.uses * course.fade(day, learning.decay_rate), most)
        told.append(
            Evidence(
                name=name,
                version=version,
                success=success,
                whole=rates.prompt(name),
                relevance=success.low * (1 - USE + USE * share) if rates.adapted else None,
                averages=course.averages,
                uses=uses[name],
                events=events[name],
                last_used=used.get(name),
            )
        )
    return rates, tuple(told)


def read_evidence(given: Mapping[str, Any]) -> Evidence:
    """What :meth:`Evidence.to_json` made."""
    moving = given["averages"]
    return Evidence(
        name=given["name"],
        version=given["version"],
        success=Success(**given["success"]),
        whole=Success(**given["whole"]),
        relevance=given["relevance"],
        averages=Averages(
            moving["success"], moving["satisfaction"], moving["latency_ms"], moving["context_match"]
        ),
        uses=given["uses"],
        events=given["events"],
        last_used=None if given["last_used"] is None else date.fromisoformat(given["last_used"]),
    )


def newest_day(cells: Iterable[Cell]) -> date | None:
    """The day of the newest event; None without any."""
    return max((cell.day for cell in cells), default=None)


def success_json(success: Success) -> dict[str, Any]:
    """A success rate as an object."""
    return {
        "mean": rounded(success.mean),
        "low": rounded(success.low),
        "high": rounded(success.high),
        "rated": success.rated,
        "positive": success.positive,
        "prior": rounded(success.prior),
        "weight": rounded(success.weight),
    }


def rounded(value: float | None) -> float | None:
    """To :data:`DIGITS`."""
    return None if value is None else round(value, DIGITS)


def _plain(
    days: Iterable[tuple[date, Mapping[str, Day]]],
) -> tuple[Counter[str], Counter[str], dict[str, date]]:
    kinds: dict[str, Counter[str]] = {}
    events: Counter[str] = Counter()
    used: dict[str, date] = {}
    for day, said in days:
        for name, one in said.items():
            kinds.setdefault(name, Counter()).update(one.kinds)
            events[name] += one.events
            if one.events:
                used[name] = day
    return Counter({name: Day(kinds=found).uses for name, found in kinds.items()}), events, used


def _share(uses: float, most: float) -> float:
    return math.log1p(uses) / math.log1p(most) if most > 0 else 0.0
