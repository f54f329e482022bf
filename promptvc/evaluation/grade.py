"""From an answer to a result: the assertions of a case applied to one outcome, and repeats brought together.

The score of a case is the mean of its assertions' scores by weight, 0..1. It passes when all of them pass, or when the
score reaches the case's ``threshold``. Where an assertion could not be graded the case is errored: it has no score. An
assertion with weight 0 is only a metric: it neither counts, fails the case nor makes it errored.

Repeats of a case: its score and metrics are their means, it passes when every repeat passes, and it is errored when one
repeat is. Latency and cost are means as well.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from promptvc.base.stats import mean
from promptvc.evaluation.assertions.assertion import Assertion, Grade
from promptvc.evaluation.assertions.registry import grade
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evidence.runs import OUTPUT_LIMIT, CaseResult
from promptvc.evidence.values import Tokens

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case over all its repeats.

    Attributes:
        score: 0..1, None when errored.
        passed: False when errored.
        cluster: key of the cluster, None for a case by itself.
        error: why there is no score.
        metrics: means by name, of what was measured in every repeat.
        latency_ms, cost: means over the repeats; None when unknown for one.
        output: an answer to show: of the first repeat that did not pass, else of the first.
    """

    case: str
    score: float | None
    passed: bool
    repeats: int = 1
    cluster: str | None = None
    error: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    cost: float | None = None
    output: str | None = None


def grade_outcome(case: Case, outcome: Outcome) -> CaseResult:
    """Grade what came of one task. Failed assertions are told in ``extra["failures"]``, one line each."""
    completion = outcome.completion
    if completion is None:
        error = outcome.error or "no answer"
        return CaseResult(case=case.id, repeat=outcome.repeat, score=None, passed=None, error=error)
    graded = [(assertion, grade(assertion, completion)) for assertion in case.assertions]
    counting = [(assertion, found) for assertion, found in graded if assertion.weight > 0]
    errors = [f"{assertion.type}: {found.error}" for assertion, found in counting if found.error is not None]
    score = None if errors else _weighted(counting)
    failures = [f"{assertion.type}: {found.reason}" for assertion, found in counting if not found.passed]
    return CaseResult(
        case=case.id,
        repeat=outcome.repeat,
        score=score,
        passed=None if score is None else not failures or _reaches(score, case.threshold),
        error="; ".join(errors) or None,
        output=completion.text[:OUTPUT_LIMIT],
        output_digest=hashlib.sha256(completion.text.encode("utf-8", "surrogatepass")).hexdigest(),
        tokens=Tokens(completion.tokens_in, completion.tokens_out),
        cost=completion.cost,
        latency_ms=completion.latency_ms,
        metrics=_metrics(graded),
        extra={"failures": failures} if failures and not errors else {},
    )


def reduce_repeats(
    results: Iterable[CaseResult], clusters: Mapping[str, str | None] | None = None
) -> tuple[CaseScore, ...]:
    """Bring the repeats of each case together, in the order in which the cases first appear.

    A repeat that is there twice stands as a case of its own with the same id, so that a comparison sees it.
    """
    groups: defaultdict[tuple[str, int], dict[int, CaseResult]] = defaultdict(dict)
    for result in results:
        copy = 0
        while result.repeat in groups[result.case, copy]:
            copy += 1
        groups[result.case, copy][result.repeat] = result
    known = clusters or {}
    return tuple(_reduced(list(group.values()), known.get(case)) for (case, _), group in groups.items())


def _reduced(results: Sequence[CaseResult], cluster: str | None) -> CaseScore:
    error = next((result.error or "no score" for result in results if result.score is None), None)
    telling = next((result for result in results if not result.passed), results[0])
    names = set.intersection(*(set(result.metrics) for result in results))
    return CaseScore(
        case=results[0].case,
        score=None if error is not None else _mean_known([result.score for result in results]),
        passed=error is None and all(result.passed for result in results),
        repeats=len(results),
        cluster=cluster,
        error=error,
        metrics={name: mean(result.metrics[name] for result in results) or 0.0 for name in sorted(names)},
        latency_ms=_mean_known([result.latency_ms for result in results]),
        cost=_mean_known([result.cost for result in results]),
        output=telling.output,
    )


def _mean_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None


def _metrics(graded: Sequence[tuple[Assertion, Grade]]) -> dict[str, float]:
    """Mean scores by metric; by weight, or evenly where all weights of a metric are 0. Errored ones are missing."""
    named: defaultdict[str, list[tuple[Assertion, Grade]]] = defaultdict(list)
    for assertion, found in graded:
        if assertion.metric is not None:
            named[assertion.metric].append((assertion, found))
    return {
        name: _weighted(members)
        for name, members in sorted(named.items())
        if all(found.error is None for _, found in members)
    }


def _weighted(graded: Sequence[tuple[Assertion, Grade]]) -> float:
    total = math.fsum(assertion.weight for assertion, _ in graded)
    if total == 0:
        return math.fsum(found.score for _, found in graded) / len(graded)
    score = math.fsum(assertion.weight * found.score for assertion, found in graded) / total
    return min(1.0, max(0.0, score))


def _reaches(score: float, threshold: float | None) -> bool:
    return threshold is not None and score >= threshold - _ROUNDING
