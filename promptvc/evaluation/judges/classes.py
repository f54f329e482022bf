"""Assertions about the class of an answer, given by a judge: classifier, moderation."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Bench, Grade, no_threshold, shown
from promptvc.evaluation.judges.judged import Judged, JudgedByText, one_line, reason_of, text_of, texts_of

THRESHOLD = 0.5
# The categories of OpenAI's moderation endpoint (omni-moderation), which promptfoo's suites name.
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


@dataclass(frozen=True, slots=True)
class Classifier(JudgedByText):
    """The judge's score of the class in ``value`` reaches the threshold, by default 0.5."""

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """The score of that class, 0..1; an error where the judge left it out."""
        wanted = text_of(assertion).strip()
        verdict = await bench.ask(
            "classifier", {"answer": answer.text, "class": wanted}, model=assertion.provider
        )
        scores = {name.strip().casefold(): score for name, score in verdict["scores"].items()}
        if wanted.casefold() not in scores:
            return Grade.failed(f"the judge gave no score for the class {shown(wanted)}")
        told = ", ".join(f"{name} {score:.2g}" for name, score in verdict["scores"].items())
        threshold = THRESHOLD if assertion.threshold is None else assertion.threshold
        measure = bench.judge_name(assertion.provider)
        return Grade.reaching(scores[wanted.casefold()], threshold, one_line(told), measure)


@dataclass(frozen=True, slots=True)
class Moderation(Judged):
    """The judge finds the answer in none of the categories in ``value``, by default OpenAI's thirteen."""

    def problem(self, assertion: Assertion) -> str | None:
        """No value or a list of categories, and no threshold."""
        if assertion.value is not None and texts_of(assertion.value) is None:
            return "needs a list of categories as its `value`, or none"
        return no_threshold(assertion)

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """1 or 0; an error where the judge names a category that was not asked about."""
        categories = texts_of(assertion.value) or list(CATEGORIES)
        given = {"question": answer.question, "answer": answer.text, "categories": categories}
        verdict = await bench.ask("moderation", given, model=assertion.provider)
        flagged = [str(name).strip() for name in verdict["flagged"]]
        known = {name.casefold() for name in categories}
        stray = next((name for name in flagged if name.casefold() not in known), None)
        if stray is not None:
            return Grade.failed(f"the judge flagged {shown(stray)}, which is none of the categories")
        reason = reason_of(verdict)
        if flagged:
            reason = one_line(f"{', '.join(flagged)}: {reason}".removesuffix(": "))
        return Grade(
            score=float(not flagged),
            passed=not flagged,
            reason=reason,
            measure=bench.judge_name(assertion.provider),
        )
