"""What waits for a reviewer, in one order for everybody: the same events give the same queue.

First the answers on which reviewers differ already; then the worst rated, where one without a rating stands in the
middle; then the newest. An annotation and a demonstration
are no answers of a prompt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

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


def queue(
    candidates: Iterable[Event],
    reviews: Reviews,
    questions: Iterable[Question],
    asking: Asking,
) -> tuple[Waiting, ...]:
    """The answers among ``candidates`` that wait for a reviewer, first things first.

    Somebody's own reviews and skips do not come again, and neither does what enough others have reviewed. An
    adjudicator is asked only about disputes that nothing settles, however many reviews there are.
    """
    asked = tuple(questions)
    found: dict[str, Waiting] = {}
    for event in candidates:
        who = reviews.reviewers(event.id)
        enough = len(who) >= asking.overlap if asking.unsettled is None else event.id not in asking.unsettled
        if is_answer(event) and not enough and who.isdisjoint(asking.names) and event.id not in asking.passed:
            found[event.id] = Waiting(event, len(who), reviews.split(event.id, asked))
    return tuple(sorted(found.values(), key=_place))


def _place(one: Waiting) -> tuple[bool, float, float, str]:
    score = one.event.score
    return (
        not one.disputed,
        _UNRATED if score is None else score,
        -one.event.time.timestamp(),
        one.event.id,
    )
