"""What waits for a reviewer, in one order for everybody: the same events give the same queue.

First the answers on which reviewers differ already; then the worst rated, where one without a rating stands in the
middle; then the newest. A blind queue comes in an order that hangs on ids alone. An annotation and a demonstration
are no answers of a prompt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.annotations.reviews import Question, Reviews
from promptvc.feedback.events import Event

_NO_ANSWERS = frozenset({"annotation", "demonstration"})
_UNRATED = 0.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """One answer to review: how many have reviewed it, and whether they differ."""

    event: Event
    reviews: int
    disputed: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom a queue is.

    Attributes:
        names: every pseudonym of the reviewer; empty for somebody who has none yet.
        overlap: how many reviewers each answer needs.
        passed: ids that the reviewer skipped.
        unsettled: for an adjudicator, the answers with a dispute that nothing settles; None for everybody else.
    """

    names: frozenset[str] = frozenset()
    overlap: int = 1
    passed: Collection[str] = ()
    unsettled: Collection[str] | None = None


def is_answer(event: Event) -> bool:
    """Whether it has an output that can be reviewed."""
    return event.kind not in _NO_ANSWERS and bool(event.output)


def place(event: Event, reviews: Reviews, questions: Sequence[Question], asking: Asking) -> Waiting | None:
    """An event as it waits for a reviewer; None where it does not.

    Somebody's own reviews and skips do not come again, and neither does what enough others have reviewed. An
    adjudicator is asked only about disputes that nothing settles, however many reviews there are.
    """
    who = reviews.reviewers(event.id)
    enough = len(who) >= asking.overlap if asking.unsettled is None else event.id not in asking.unsettled
    if enough or not is_answer(event) or not who.isdisjoint(asking.names) or event.id in asking.passed:
        return None
    return Waiting(event, len(who), reviews.split(event.id, questions))


class Line:
    """The first ``most`` of the answers that wait; of all others only how many they are.

    Args:
        blind: in an order that tells nothing of what anybody said: by the SHA-256 of the id.
    """

    def __init__(self, most: int, *, blind: bool = False) -> None:
        self._most = most
        self._place = _shuffled if blind else _urgent
        self._found: list[tuple[tuple[Any, ...], Waiting]] = []
        self.total = 0

    def add(self, waiting: Waiting) -> None:
        """One more; each id once."""
        self.total += 1
        self._found.append((self._place(waiting), waiting))
        if len(self._found) >= 2 * self._most + 1_000:
            self._cut()

    def first(self) -> tuple[Waiting, ...]:
        """In order."""
        self._cut()
        return tuple(one for _, one in self._found)

    def _cut(self) -> None:
        self._found.sort(key=lambda one: one[0])
        del self._found[self._most :]


def _urgent(one: Waiting) -> tuple[bool, float, float, str]:
    score = one.event.score
    return (
        not one.disputed,
        _UNRATED if score is None else score,
        -one.event.time.timestamp(),
        one.event.id,
    )


def _shuffled(one: Waiting) -> tuple[str, str]:
    return hashlib.sha256(one.event.id.encode()).hexdigest(), one.event.id
