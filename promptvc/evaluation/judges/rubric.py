"""Assertions that a judge decides in one call: llm-rubric, model-graded-closedqa, factuality.

The judge says why first and decides then. Its words are the grade's reason whether the assertion holds or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Bench, Grade, no_threshold
from promptvc.evaluation.judges.judged import JudgedByText, reason_of, text_of, text_problem

# Which of the categories of OpenAI's evals (modelgraded/fact.yaml) hold, as promptfoo scores them by default: all but
# "disagree".
FACTUALITY = {"A": 1.0, "B": 1.0, "C": 1.0, "D": 0.0, "E": 1.0}
_CATEGORIES = {
    "A": "a subset of the reference",
    "B": "a superset of the reference",
    "C": "the same details as the reference",
    "D": "disagrees with the reference",
    "E": "differs where it does not matter",
}


@dataclass(frozen=True, slots=True)
class LlmRubric(JudgedByText):
    """The judge lets the answer pass by the rubric in ``value``; its score must reach a ``threshold`` too, if given."""

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """The judge's score, 0..1."""
        given = {"question": answer.question, "answer": answer.text, "rubric": text_of(assertion)}
        verdict = await bench.ask("llm-rubric", given, model=assertion.provider)
        grade = Grade.reaching(
            verdict["score"],
            assertion.threshold or 0.0,
            reason_of(verdict),
            bench.judge_name(assertion.provider),
        )
        if verdict["pass"]:
            return grade
        return Grade(
            grade.score, passed=False, reason=grade.reason or "it does not pass", measure=grade.measure
        )


@dataclass(frozen=True, slots=True)
class ClosedQa(JudgedByText):
    """The answer meets the criterion in ``value``: yes or no."""

    def problem(self, assertion: Assertion) -> str | None:
        """A text that is not empty, and no threshold."""
        return text_problem(assertion) or no_threshold(assertion)

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """1 or 0."""
        given = {"question": answer.question, "answer": answer.text, "criterion": text_of(assertion)}
        verdict = await bench.ask("model-graded-closedqa", given, model=assertion.provider)
        holds = verdict["verdict"] == "Y"
        return Grade(float(holds), holds, reason_of(verdict), measure=bench.judge_name(assertion.provider))


@dataclass(frozen=True, slots=True)
class Factuality(JudgedByText):
    """The facts of the answer do not disagree with the reference in ``value``."""

    def problem(self, assertion: Assertion) -> str | None:
        """A text that is not empty, and no threshold."""
        return text_problem(assertion) or no_threshold(assertion)

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """1 or 0, by :data:`FACTUALITY`."""
        given = {"question": answer.question, "answer": answer.text, "reference": text_of(assertion)}
        verdict = await bench.ask("factuality", given, model=assertion.provider)
        category = str(verdict["category"])
        score = FACTUALITY[category]
        reason = f"{category}, {_CATEGORIES[category]}: {reason_of(verdict)}".removesuffix(": ")
        return Grade(score, score > 0, reason, measure=bench.judge_name(assertion.provider))
