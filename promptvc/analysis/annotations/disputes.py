"""Answers on which reviewers differ, and what settles each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.analysis.annotations.reviews import Question, Reviews
from promptvc.analysis.annotations.scales import Value

Resolve = Literal["majority", "adjudication"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """One answer on which reviewers differ in one question.

    Attributes:
        said: by reviewer.
        settled: the value that counts; None while nothing settles it.
        by: ``majority``, the adjudicator's pseudonym, or None.
    """

    target: str
    question: Question
    said: Mapping[str, Value]
    settled: Value | None
    by: str | None

    def to_json(self) -> dict[str, Any]:
        """As `annotate --agreement --json` prints it: values as people were asked for them."""
        shown = self.question.shown
        return {
            "id": self.target,
            "question": self.question.name,
            "said": {who: shown(value) for who, value in self.said.items()},
            "settled": None if self.settled is None else shown(self.settled),
            "by": self.by,
        }


def disputes(
    reviews: Reviews, decided: Reviews, questions: Iterable[Question], resolve: Resolve
) -> tuple[Dispute, ...]:
    """Every disagreement, unsettled ones first, then by answer and question.

    Args:
        reviews: what was said independently; without adjudicators' words where adjudication resolves.
        decided: with adjudicators' words in place of those that they outrank.
        resolve: ``majority``: a value that more than half of the reviewers gave; ``adjudication``: an adjudicator's.
    """
    asked = tuple(questions)
    found = []
    for target in sorted(reviews.notes):
        for question in asked:
            said = reviews.said(target, question)
            if len(set(said.values())) > 1:
                settled, by = (
                    _by_majority(said)
                    if resolve == "majority"
                    else _adjudicated(reviews, decided, target, question)
                )
                found.append(Dispute(target, question, said, settled, by))
    return tuple(sorted(found, key=lambda one: one.settled is not None))


def _by_majority(said: Mapping[str, Value]) -> tuple[Value | None, str | None]:
    value, times = Counter(said.values()).most_common(1)[0]
    return (value, "majority") if 2 * times > len(said) else (None, None)


def _adjudicated(
    reviews: Reviews, decided: Reviews, target: str, question: Question
) -> tuple[Value | None, str | None]:
    """The adjudicator's word: who decides is the only reviewer that is left, and none of those who differ."""
    said = decided.said(target, question)
    if len(said) != 1:
        return None, None
    by, value = next(iter(said.items()))
    return (None, None) if by in reviews.reviewers(target) else (value, by)
