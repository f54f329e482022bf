"""Made-up worlds of prompts that are rated and chosen, in which it is known what people go by."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from promptvc.feedback.query.facts import MILLION, Cell, Choice, Tally

START = date(2026, 1, 1)
DAYS = 60
Taste = Callable[[float, float], float]
"""Of a prompt's true success and the similarity to the task, how much it is liked."""


def cell(
    day: date, prompt: str, positive: int, rated: int, *, version: int | None = 1, **more: object
) -> Cell:
    """Ratings of one day; ``kind``, ``source`` and sums of the tally as asked."""
    kind, source = str(more.pop("kind", "rating")), str(more.pop("source", "human"))
    sums = {"n": rated, "rated": rated, "positive": positive, "score": positive * MILLION} | more
    return Cell(day, prompt, version, kind, source, None, None, None, Tally(**sums))  # type: ignore[arg-type]


class World:
    """Twelve prompts with a true success each, rated every day; choices among five, by taste.

    Attributes:
        likeness: of (task, prompt) the similarity.
    """

    def __init__(self, taste: Taste, *, choices: int, seed: int = 1, noise: float = 0.3) -> None:
        chance = random.Random(seed)
        names = [f"p{number}" for number in range(12)]
        truth = {name: 0.35 + 0.05 * at for at, name in enumerate(chance.sample(names, len(names)))}
        self.cells = [
            cell(START + timedelta(day), name, sum(chance.random() < truth[name] for _ in range(8)), 8)
            for day in range(DAYS)
            for name in names
        ]
        self.likeness: dict[tuple[str, str], float] = {}
        self.choices = []
        for number in range(choices):
            task = f"task {number}"
            offered = chance.sample(names, 5)
            for name in offered:
                self.likeness[task, name] = chance.random()
            liked = {
                name: taste(truth[name], self.likeness[task, name])
                - noise * math.log(-math.log(chance.random()))  # Gumbel: choice by softmax
                for name in offered
            }
            taken = max(offered, key=lambda name: liked[name])
            time = datetime(2026, 1, 2, tzinfo=UTC) + (DAYS - 1) * timedelta(1) * (number / choices)
            options = tuple((name, None) for name in offered)
            self.choices.append(
                Choice(f"c{number:05}", time, "router", f"s{number // 2}", task, options, taken)
            )

    def similar(self, task: str, prompt: str, moment: datetime) -> float:
        """As :data:`promptvc.analysis.ranking.features.Similar`."""
        del moment
        return self.likeness[task, prompt]


def by_success(success: float, similarity: float) -> float:
    """The better prompt is liked better, whatever it is about."""
    del similarity
    return 6 * success


def by_fit(success: float, similarity: float) -> float:
    """What is about the task is liked if it is good; what is about everything is not: no product orders these."""
    return 3 * success if 0.3 < similarity < 0.7 else -3 * success
