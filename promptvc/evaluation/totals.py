"""A run in a few numbers, added up as its results come."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from promptvc.base.stats import mean, percentile
from promptvc.evaluation.reduce import CaseScore
from promptvc.evidence.runs import CaseResult, Totals
from promptvc.evidence.values import Tokens


@dataclass(slots=True)
class Tally:
    """Latencies, tokens and cost of all answers, repeats included; tokens and cost unknown once one answer's are."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    costs: array[float] = field(default_factory=lambda: array("d"))
    answered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    uncounted: int = 0

    def add(self, result: CaseResult) -> None:
        """Take one result; one without an answer adds nothing."""
        if result.output_digest is None:
            return
        self.answered += 1
        if result.latency_ms is not None:
            self.latencies.append(result.latency_ms)
        if result.cost is not None:
            self.costs.append(result.cost)
        if result.tokens.input is None or result.tokens.output is None:
            self.uncounted += 1
        else:
            self.tokens_in += result.tokens.input
            self.tokens_out += result.tokens.output

    def totals(self, scores: Sequence[CaseScore], aside: Collection[str] = ()) -> Totals:
        """The totals over ``scores``: the mean over the cases that have a score and are not among ``aside``."""
        counting = [score for score in scores if score.case not in aside] if aside else scores
        errored = sum(score.score is None for score in counting)
        passed = sum(score.passed for score in counting)
        counted = self.answered > 0 and not self.uncounted
        priced = self.answered > 0 and len(self.costs) == self.answered
        return Totals(
            score=mean(score.score for score in counting if score.score is not None),
            cases=len(counting),
            passed=passed,
            failed=len(counting) - passed - errored,
            errored=errored,
            tokens=Tokens(self.tokens_in, self.tokens_out) if counted else Tokens(),
            cost=math.fsum(self.costs) if priced else None,
            latency_p50=percentile(self.latencies, 50),
            latency_p95=percentile(self.latencies, 95),
        )
