"""Scores for a training from a session with models (:mod:`promptvc.evaluation.sessions.session`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from promptvc.base.config import Price
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.sessions.opening import judgements
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.runs import CaseResult
from promptvc.prompts.model import Prompt
from promptvc.training.scoring import Scored


@dataclass(frozen=True, slots=True)
class SessionScorer:
    """A :class:`~promptvc.training.scoring.Scorer` that asks ``session``, which keeps the account.

    Attributes:
        progress: called with (done, total) within each round of questions.
    """

    session: Session
    progress: Callable[[int, int], None] | None = None

    @property
    def calls_per_case(self) -> int:
        """Repeats times models."""
        return self.session.calls_per_case

    def judging(self, cases: Sequence[Case]) -> int:
        """How many calls grading takes besides: see :class:`~promptvc.training.search.account.Judging`."""
        return judgements(cases) * self.calls_per_case

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
        """See :class:`~promptvc.training.scoring.Scorer`."""
        results: dict[str, list[CaseResult]] = {}
        scores = self.session.scores(
            prompt,
            cases,
            progress=self.progress,
            seen=lambda one: results.setdefault(one.case, []).append(one),
        )
        by_case = {score.case: score.score for score in scores}
        prices = {self.session.prices.get(model.name) for model in self.session.models}
        price = prices.pop() if len(prices) == 1 else None
        return [_scored(by_case.get(case.id), results.get(case.id, []), price) for case in cases]


def _scored(score: float | None, results: Sequence[CaseResult], price: Price | None) -> Scored:
    latency = _sum([one.latency_ms for one in results])
    return Scored(
        score=score,
        outputs=tuple(one.output for one in results if one.output is not None),
        reasons=tuple(
            dict.fromkeys(
                grade.reason for one in results for grade in one.grades if grade.reason and not grade.passed
            )
        ),
        tokens=_sum([count for one in results for count in (one.tokens.input, one.tokens.output)]),
        cost=_sum([_cost(one, price) for one in results]),
        latency_ms=None if latency is None else latency / len(results),
    )


def _cost(result: CaseResult, price: Price | None) -> float | None:
    """As it was told, else by the price: an answer that is older than its price was kept without a cost."""
    if result.cost is not None or price is None:
        return result.cost
    used = result.tokens
    if used.input is None or used.output is None:
        return None
    return (used.input * price.input + used.output * price.output) / 1e6


_N = TypeVar("_N", int, float)


def _sum(values: Sequence[_N | None]) -> _N | None:
    """None where one is unknown, or there is none."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
