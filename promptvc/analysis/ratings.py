"""What users thought of each version: the mean of their ratings, to be read beside the scores of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.base.stats import mean
from promptvc.feedback.events import Event


@dataclass(frozen=True, slots=True)
class Rating:
    """The mean rating (0..1) of a version over ``n`` events; ``version`` is None for events that name none."""

    version: int | None
    mean: float
    n: int


def user_rating(event: Event) -> float | None:
    """What a user gave, 0..1, by the score of the event; None where it is no rating of a user.

    A judge's and a program's numbers are none, and neither is an annotation: its author is a reviewer, who has read
    answers for a purpose and not come by with a question of his own.
    """
    if event.source != "human" or event.kind == "annotation":
        return None
    return event.score


def ratings(events: Iterable[Event]) -> tuple[Rating, ...]:
    """The mean user rating of each version that has any, by version, events without one last.

    A fold: the order of ``events``, each there once, does not change one bit of the answer.
    """
    given: dict[int | None, list[float]] = {}
    for event in events:
        rating = user_rating(event)
        if rating is not None:
            given.setdefault(event.version, []).append(rating)
    versions = sorted(given, key=lambda version: (version is None, version))
    means = ((version, mean(given[version]), len(given[version])) for version in versions)
    return tuple(Rating(version, average, n) for version, average, n in means if average is not None)
