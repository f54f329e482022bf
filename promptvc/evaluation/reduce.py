"""Repeats brought together: one score a case.

A reducer makes one number of the numbers of a case's repeats. With the usual ``mean`` a case's score and metrics are
means; it passes when the reducer makes 1 of its passes (1 or 0 each), so under ``mean`` when every repeat passes; it is
errored when one repeat is. Latency, cost and metrics are means whatever the reducer.

``mean``, ``median``, ``mode`` (a tie goes to the smaller) and ``max`` are taken of the repeats' scores. The others ask
how many of ``n`` repeats pass, ``c``, and give the case that number as its score:

- ``pass_at_k`` = 1 - C(n-c, k) / C(n, k): the chance that one of ``k`` repeats passes (Chen et al. 2021, "Evaluating
  large language models trained on code").
- ``pass_k`` = C(c, k) / C(n, k): the chance that all of ``k`` repeats pass (Yao et al. 2024, "tau-bench").
- ``at_least_k`` = 1 where c >= k, else 0.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from promptvc.base.errors import Usage
from promptvc.base.stats import mean
from promptvc.evidence.runs import CaseResult

NO_METRICS: Mapping[str, float] = {}


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
        passes: how many repeats passed.
        digest: the first 16 hexadecimal digits of the case's digest; None when unknown.
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
    passes: int = 0
    digest: str | None = None


def with_metric(scores: Sequence[CaseScore], name: str, cases: Container[str]) -> tuple[CaseScore, ...]:
    """``scores``, with the score of each of ``cases`` (ids) as the metric ``name`` besides."""
    return tuple(
        replace(one, metrics={**one.metrics, name: one.score})
        if one.case in cases and one.score is not None
        else one
        for one in scores
    )


def _mode(values: Sequence[float]) -> float:
    counts = Counter(values)
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that one of ``k`` repeats, drawn from ``n`` of which ``c`` pass, passes."""
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def pass_k(n: int, c: int, k: int) -> float:
    """The chance that all of ``k`` repeats, drawn from ``n`` of which ``c`` pass, pass."""
    return math.comb(c, k) / math.comb(n, k)


def at_least_k(n: int, c: int, k: int) -> float:  # noqa: ARG001 - one of three with the same arguments
    """1 where at least ``k`` repeats pass, else 0."""
    return float(c >= k)


OF_SCORES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda values: math.fsum(values) / len(values),
    "median": median,
    "mode": _mode,
    "max": max,
}

OF_PASSES: dict[str, Callable[[int, int, int], float]] = {
    "pass_at_k": pass_at_k,
    "pass_k": pass_k,
    "at_least_k": at_least_k,
}


@dataclass(frozen=True, slots=True)
class Reducer:
    """How repeats become one number. ``k`` is None for those that take none."""

    name: str
    k: int | None = None

    def __str__(self) -> str:
        return self.name if self.k is None else f"{self.name}:{self.k}"

    def score(self, scores: Sequence[float], passes: Sequence[bool]) -> float:
        """The one score (0..1) of repeats with these scores, of which those passed."""
        if self.k is None:
            return min(1.0, max(0.0, OF_SCORES[self.name](scores)))
        return OF_PASSES[self.name](len(passes), sum(passes), self.k)

    def passed(self, passes: Sequence[bool]) -> bool:
        """Whether the case passes."""
        return self.score([float(each) for each in passes], passes) == 1

    def check(self, repeats: int) -> None:
        """Refuse a ``k`` above the number of repeats.

        Raises:
            Usage: it is above.
        """
        if self.k is not None and self.k > repeats:
            raise Usage(
                f"the reducer {self} asks for {self.k} of {repeats} repeat{'s' * (repeats != 1)}",
                hint=f"repeat each case at least {self.k} times: --repeat {self.k}",
            )


MEAN = Reducer("mean")


def parse_reducer(text: str) -> Reducer:
    """The reducer that ``text`` names: ``mean``, ``median``, ``mode``, ``max``, or such as ``pass_at_k:2``.

    Raises:
        Usage: it names none.
    """
    name, colon, digits = text.strip().partition(":")
    if name in OF_SCORES and not colon:
        return Reducer(name)
    if name in OF_PASSES and digits.isascii() and digits.isdigit() and int(digits) > 0:
        return Reducer(name, int(digits))
    if name in OF_PASSES:
        raise Usage(f"the reducer {name} needs a whole number from 1 on", hint=f"such as {name}:2")
    known = ", ".join([*OF_SCORES, *(f"{each}:K" for each in OF_PASSES)])
    raise Usage(f"{text!r} is no reducer", hint=f"one of: {known}")


def reduce_case(
    results: Sequence[CaseResult], cluster: str | None = None, reducer: Reducer = MEAN
) -> CaseScore:
    """Bring the repeats of one case together. ``results`` are one or more, of the same case."""
    first = results[0]
    if len(results) == 1 and reducer.k is None:
        # Most runs ask a case once: nothing is gathered for them.
        error = (first.error or "no score") if first.score is None else None
        passed = error is None and bool(first.passed)
        return CaseScore(
            first.case,
            first.score,
            passed,
            1,
            cluster,
            error,
            first.metrics or NO_METRICS,
            first.latency_ms,
            first.cost,
            int(bool(first.passed)),
            first.case_digest,
        )
    error = next((result.error or "no score" for result in results if result.score is None), None)
    if error is None and reducer.k is not None and reducer.k > len(results):
        error = f"{len(results)} of the {reducer.k} repeats that {reducer} asks for"
    passes = [bool(result.passed) for result in results]
    scores = [result.score for result in results if result.score is not None]
    names = set.intersection(*(set(result.metrics) for result in results))
    return CaseScore(
        case=first.case,
        score=None if error is not None else reducer.score(scores, passes),
        passed=error is None and reducer.passed(passes),
        repeats=len(results),
        cluster=cluster,
        error=error,
        metrics={name: mean(result.metrics[name] for result in results) or 0.0 for name in sorted(names)},
        latency_ms=_mean_known([result.latency_ms for result in results]),
        cost=_mean_known([result.cost for result in results]),
        passes=sum(passes),
        digest=first.case_digest,
    )


def reduce_repeats(
    results: Iterable[CaseResult],
    clusters: Mapping[str, str | None] | None = None,
    reducer: Reducer = MEAN,
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
    return tuple(
        reduce_case(list(group.values()), known.get(case), reducer) for (case, _), group in groups.items()
    )


def _mean_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None
