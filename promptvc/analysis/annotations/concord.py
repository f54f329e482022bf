"""How far reviewers agree, question by question: alpha over all of them, kappa for each two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from promptvc.analysis.annotations.kappa import cohen
from promptvc.analysis.annotations.krippendorff import Alpha, krippendorff
from promptvc.analysis.annotations.reviews import Question, Reviews
from promptvc.analysis.annotations.scales import Value


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reviewers, the answers that both of them judged, and Cohen's kappa, None where it is undefined."""

    reviewers: tuple[str, str]
    n: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Concord:
    """Agreement on one question."""

    question: Question
    alpha: Alpha
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        """As `annotate --agreement --json` prints it."""
        return {
            "question": self.question.name,
            "level": self.question.level,
            "alpha": self.alpha.value,
            "low": self.alpha.low,
            "high": self.alpha.high,
            "answers": self.alpha.answers,
            "values": self.alpha.values,
            "pairs": [
                {"reviewers": list(one.reviewers), "n": one.n, "kappa": one.kappa} for one in self.pairs
            ],
        }


def concords(reviews: Reviews, questions: Iterable[Question]) -> tuple[Concord, ...]:
    """Agreement on each question that anybody answered, in the order given."""
    found = []
    for question in questions:
        said = [reviews.said(target, question) for target in sorted(reviews.notes)]
        if any(said):
            alpha = krippendorff((list(one.values()) for one in said), question.level)
            found.append(Concord(question, alpha, _pairs(said, question)))
    return tuple(found)


def _pairs(said: Iterable[dict[str, Value]], question: Question) -> tuple[Pair, ...]:
    both: dict[tuple[str, str], list[tuple[Value, Value]]] = {}
    for one in said:
        for left, right in combinations(sorted(one), 2):
            both.setdefault((left, right), []).append((one[left], one[right]))
    return tuple(
        Pair(who, len(values), cohen(values, question.level)) for who, values in sorted(both.items())
    )
