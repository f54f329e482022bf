"""The assertion g-eval: evaluation steps are made from the criteria, then a score is given by them.

After Liu et al. 2023, G-Eval (arXiv 2303.16634). The paper weighs the possible scores by their token probabilities,
which few providers tell; here as in promptfoo the score is the one number that the judge gives, 0..10, divided by 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Bench, Grade, share_threshold
from promptvc.evaluation.judges.judged import Judged, one_line, texts_of

THRESHOLD = 0.7
_TOP = 10


@dataclass(frozen=True, slots=True)
class GEval(Judged):
    """The mean of the scores by each criterion in ``value``, a text or a list of texts, reaches the threshold."""

    def problem(self, assertion: Assertion) -> str | None:
        """A text or a list of texts, and a threshold up to 1 or none."""
        if texts_of(assertion.value) is None:
            return "needs a text or a list of texts as its `value`"
        return share_threshold(assertion)

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """Two calls a criterion. The first does not depend on the answer: the cache pays for it once a suite."""
        model = assertion.provider
        scores, reasons = [], []
        for criterion in texts_of(assertion.value) or []:
            steps = await bench.ask("g-eval-steps", {"criteria": criterion}, model=model)
            given = {
                "question": answer.question,
                "answer": answer.text,
                "criteria": criterion,
                "steps": "\n".join(f"{at}. {step}" for at, step in enumerate(steps["steps"], 1)),
            }
            verdict = await bench.ask("g-eval", given, model=model)
            scores.append(verdict["score"] / _TOP)
            reasons.append(str(verdict["reason"]))
        threshold = THRESHOLD if assertion.threshold is None else assertion.threshold
        return Grade.reaching(
            math.fsum(scores) / len(scores), threshold, one_line("; ".join(reasons)), bench.judge_name(model)
        )
