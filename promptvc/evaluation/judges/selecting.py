"""Assertions that choose one of several answers to a case: select-best by a judge, max-score by the other scores."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import (
    Answer,
    Assertion,
    Bench,
    Grade,
    Requirement,
    Templates,
    no_threshold,
)
from promptvc.evaluation.judges.judged import Judged, reason_of, text_of, text_problem

_ALONE = Grade.failed(
    "compares several answers to a case, and there is one: evaluate several versions or models"
)


@dataclass(frozen=True, slots=True)
class SelectBest(Judged):
    """The judge chooses this answer as the best by the criterion in ``value``.

    Judges favour an answer by its place (Zheng et al. 2023, arXiv 2306.05685). So answers are shown in an order that
    is random but decided by their texts: whichever version is named first, the question is the same. Equal texts are
    shown once and graded alike; if all are equal there is nothing to choose, and all hold.
    """

    def problem(self, assertion: Assertion) -> str | None:
        """A text that is not empty, and no threshold."""
        return text_problem(assertion) or no_threshold(assertion)

    async def compare(
        self,
        answers: Sequence[Answer],
        scores: Sequence[float],  # noqa: ARG002 - the protocol's
        assertion: Assertion,
        bench: Bench,
    ) -> Sequence[Grade]:
        """1 for the winner, 0 for the others."""
        if len(answers) < 2:
            return [_ALONE for _ in answers]
        measure = bench.judge_name(assertion.provider)
        criterion = text_of(assertion)
        texts = shuffled([answer.text for answer in answers], criterion)
        if len(texts) == 1:
            return [Grade(1.0, passed=True, reason="all answers are equal", measure=measure) for _ in answers]
        given = {"question": answers[0].question, "answers": texts, "criterion": criterion}
        verdict = await bench.ask("select-best", given, model=assertion.provider)
        best = int(verdict["best"])
        if best > len(texts):
            return [Grade.failed(f"the judge chose answer {best} of {len(texts)}") for _ in answers]
        reason = reason_of(verdict)
        return [
            Grade(
                score=float(answer.text == texts[best - 1]),
                passed=answer.text == texts[best - 1],
                reason=reason,
                measure=measure,
            )
            for answer in answers
        ]


@dataclass(frozen=True, slots=True)
class MaxScore:
    """No other answer to the case scores higher by the other assertions, and none before it as high.

    With ``value: {threshold: T}``, or a ``threshold``, its score must reach T as well.
    """

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value or a mapping with a threshold 0..1, and no provider."""
        if assertion.provider is not None:
            return "takes no `provider`: it compares scores"
        value = assertion.value
        if value is None:
            return None if (assertion.threshold or 0) <= 1 else "takes a `threshold` from 0 to 1"
        if not isinstance(value, Mapping):
            return "takes no `value`, or a mapping with a `threshold`"
        if {"method", "weights"} & set(value):
            return "takes no `method` and no `weights`: scores are means by the `weight` of each assertion"
        limit = value.get("threshold")
        if set(value) != {"threshold"} or isinstance(limit, bool) or not isinstance(limit, int | float):
            return "takes a `threshold` in its `value`, and nothing else"
        if not 0 <= limit <= 1 or assertion.threshold is not None:
            return "takes one `threshold`, from 0 to 1"
        return None

    def needs(self, assertion: Assertion) -> Requirement | None:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return None

    async def compare(
        self,
        answers: Sequence[Answer],
        scores: Sequence[float],
        assertion: Assertion,
        bench: Bench,  # noqa: ARG002 - the protocol's
    ) -> Sequence[Grade]:
        """1 for the first of the highest, 0 for the others."""
        if len(answers) < 2:
            return [_ALONE for _ in answers]
        limit = assertion.threshold
        if isinstance(assertion.value, Mapping):
            limit = float(assertion.value["threshold"])
        best = max(range(len(answers)), key=lambda at: (scores[at], -at))
        reached = limit is None or scores[best] >= limit - 1e-9
        reason = f"the highest score is {scores[best]:.3g}" + ("" if reached else f", below {limit:g}")
        return [Grade.of(reached and at == best, reason) for at in range(len(answers))]


def shuffled(texts: Sequence[str], criterion: str) -> list[str]:
    """Each text once, in a random order that depends on the texts and the criterion and on nothing else."""
    once = sorted(set(texts))
    digest = hashlib.sha256()
    for text in (criterion, *once):
        data = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    random.Random(digest.digest()).shuffle(once)  # noqa: S311 - an order that can be repeated, not a secret
    return once
