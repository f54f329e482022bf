"""Scored events made by a seed, for what is told from them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from promptvc.base.ids import derived_ulid
from promptvc.feedback.query.facts import Said

START = datetime(2026, 11, 15, tzinfo=UTC)
WORDS = [
    first + last for first in ("ba", "ko", "ri", "mu", "te", "la") for last in ("ne", "fu", "ga", "wo", "shi")
]


def said(number: int, **more: Any) -> Said:
    """One rating; the higher its number the older it is."""
    moment = START - timedelta(minutes=number)
    values: dict[str, Any] = {
        "id": derived_ulid(moment, b"event", number),
        "time": moment,
        "prompt": "desk",
        "version": 1,
        "kind": "rating",
        "source": "human",
        "score": 1.0,
        "tags": (),
        "issues": (),
    }
    told: tuple[str, ...] = ("model", "framework", "technique", "input", "output", "corrected", "comment")
    values = dict.fromkeys(told) | values
    return Said(**(values | more))


def crowd(count: int, seed: int = 1) -> list[Said]:
    """Ratings, six in ten of them good; of inputs with `parcel was late` one in four, of answers in JSON eight."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        late, listed = draw.random() < 0.2, draw.random() < 0.25
        words = draw.choices(WORDS, k=8)
        if late:
            words[4:4] = ["parcel", "was", "late"]
        text = " ".join(draw.choices(WORDS, k=8))
        good = draw.random() < 0.6 - 0.35 * late + 0.2 * listed
        found.append(
            said(
                number,
                score=1.0 if good else draw.choice((0.0, 0.25)),
                input=" ".join(words),
                output=f'{{"answer": "{text}"}}' if listed else text,
                model=draw.choice(("large", "small")),
                tags=tuple(draw.sample(("billing", "delivery", "account"), draw.randint(0, 2))),
            )
        )
    return found


def shuffled(given: Sequence[Said], seed: int) -> list[Said]:
    """The same events with each other's scores."""
    scores = [one.score for one in given]
    random.Random(seed).shuffle(scores)
    return [replace(one, score=score) for one, score in zip(given, scores, strict=True)]
