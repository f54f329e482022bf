"""Assertions about retrieved context: context-faithfulness, context-recall, context-relevance.

After Ragas (Es et al. 2023, arXiv 2309.15217). The context is the case's variable ``context``, a text or a list of
texts; the question is its variable ``query``, or else what was asked. All default thresholds are 0, as promptfoo's:
without one the score is reported and cannot fail the case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Bench, Grade, share_threshold
from promptvc.evaluation.judges.judged import Judged, JudgedByText, one_line, share, text_of, texts_of
from promptvc.evaluation.judges.sentences import sentences_of

CONTEXT, QUERY = "context", "query"
_NO_CONTEXT = Grade.failed(f"needs the variable `{CONTEXT}`, a text or a list of texts")


class _InContext(Judged):
    """A context assertion that takes no value."""

    __slots__ = ()

    def problem(self, assertion: Assertion) -> str | None:
        """No value, and a threshold up to 1 or none."""
        if assertion.value is not None:
            return f"takes no `value`: the context is the variable `{CONTEXT}`"
        return share_threshold(assertion)


@dataclass(frozen=True, slots=True)
class ContextFaithfulness(_InContext):
    """The share of the answer's claims that the context supports; an answer that claims nothing has 1."""

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """One call: the judge lists the claims and marks each."""
        context = texts_of(answer.vars.get(CONTEXT))
        if context is None:
            return _NO_CONTEXT
        given = {CONTEXT: context, "question": _query(answer), "answer": answer.text}
        verdict = await bench.ask("context-faithfulness", given, model=assertion.provider)
        return _by_share(verdict["claims"], "supported", "claim", assertion, bench)


@dataclass(frozen=True, slots=True)
class ContextRecall(JudgedByText):
    """The share of the statements of the reference in ``value`` that the context accounts for."""

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """One call. The answer itself is not looked at: this grades what was retrieved."""
        context = texts_of(answer.vars.get(CONTEXT))
        if context is None:
            return _NO_CONTEXT
        given = {CONTEXT: context, "reference": text_of(assertion)}
        verdict = await bench.ask("context-recall", given, model=assertion.provider)
        return _by_share(verdict["statements"], "attributed", "statement", assertion, bench)


@dataclass(frozen=True, slots=True)
class ContextRelevance(_InContext):
    """The share of the context's sentences that the question needs."""

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """One call. promptvc cuts the context into sentences, so that the judge can only choose among them."""
        context = texts_of(answer.vars.get(CONTEXT))
        if context is None:
            return _NO_CONTEXT
        sentences = [sentence for text in context for sentence in sentences_of(text)]
        given = {QUERY: _query(answer), "sentences": sentences}
        relevant = (await bench.ask("context-relevance", given, model=assertion.provider))["relevant"]
        if any(number > len(sentences) for number in relevant):
            return Grade.failed(
                f"the judge named sentence {max(relevant)}, and the context has {len(sentences)}"
            )
        reason = f"{len(relevant)} of {len(sentences)} sentences help to answer"
        return _graded(share(len(relevant), len(sentences)), reason, assertion, bench)


def _query(answer: Answer) -> str:
    given = answer.vars.get(QUERY)
    return given if isinstance(given, str) and given.strip() else answer.question


def _by_share(
    items: Sequence[Mapping[str, Any]], mark: str, noun: str, assertion: Assertion, bench: Bench
) -> Grade:
    missing = [str(item[noun]) for item in items if not item[mark]]
    reason = f"{len(items) - len(missing)} of {len(items)} {noun}s {mark}"
    if missing:
        reason += f"; not: {'; '.join(missing)}"
    return _graded(share(len(items) - len(missing), len(items)), one_line(reason), assertion, bench)


def _graded(score: float, reason: str, assertion: Assertion, bench: Bench) -> Grade:
    return Grade.reaching(score, assertion.threshold or 0.0, reason, bench.judge_name(assertion.provider))
