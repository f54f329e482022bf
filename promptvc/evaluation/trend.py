"""A prompt's scores over its versions, as committed evidence tells them. Nothing is run.

One point a version: its newest record, a run or a comparison's candidate, else a comparison's baseline. The score has
Wilson's interval for the number of cases that its spread is worth, at 95 % (:func:`promptvc.base.stats.mean_interval`).
What happened from one version to the next is said by a comparison of the two alone, which is paired: two intervals
that overlap may still be a clear difference, and two scores on different suites are no difference at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.stats import mean, mean_interval
from promptvc.evaluation.gate import cases_of
from promptvc.evaluation.guards import keys
from promptvc.evaluation.reduce import CaseScore
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.records import Record, RunRecord
from promptvc.evidence.values import Score

LEVEL = 0.95
BARS = "▁▂▃▄▅▆▇█"
NONE = "·"
BREAK = "|"


@dataclass(frozen=True, slots=True)
class Made:
    """A version and the commit that brought it."""

    version: int
    digest: str
    commit: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Rated:
    """The mean rating (0..1) that users gave a version, over ``n`` events."""

    mean: float
    n: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one record says of one version.

    Attributes:
        score: 0..1, with its interval at 95 %; None when no case has one.
        n: cases with a score; ``passed`` is None where an old record does not say.
        cost, latency_p50: of the run; None when unknown.
        evidence: id of the record.
    """

    evidence: str
    model: str
    suite: str
    judge: str | None
    score: float | None
    low: float | None
    high: float | None
    n: int
    passed: int | None
    failed: int | None
    errored: int
    cost: float | None = None
    latency_p50: float | None = None
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What a comparison says of a version against ``against``; the difference is paired, at its own level."""

    against: int | None
    verdict: str
    score: Score | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Point:
    """One version in a trend.

    Attributes:
        measured: None where no evidence is about it.
        changed: what else is not as at the point before, so that the two scores do not compare: ``suite``, ``model``,
            ``judge``.
        step: the comparison with the version before, else with another; None without one.
    """

    made: Made
    measured: Measured | None = None
    changed: tuple[str, ...] = ()
    step: Step | None = None
    rating: Rated | None = None

    def to_json(self) -> dict[str, Any]:
        """As `evaluate trend --json` prints it."""
        found, step = self.measured, self.step
        score = step.score if step is not None else None
        return {
            "version": self.made.version,
            "digest": self.made.digest,
            "commit": self.made.commit,
            "time": format_time(self.made.time),
            "score": found.score if found else None,
            "low": found.low if found else None,
            "high": found.high if found else None,
            "level": LEVEL if found and found.low is not None else None,
            "n": found.n if found else 0,
            "passed": found.passed if found else None,
            "failed": found.failed if found else None,
            "errored": found.errored if found else 0,
            "model": found.model if found else None,
            "suite": found.suite if found else None,
            "generated": found.generated if found else False,
            "changed": list(self.changed),
            "comparison": None
            if step is None
            else {
                "against": step.against,
                "verdict": step.verdict,
                "difference": score.difference if score else None,
                "low": score.low if score else None,
                "high": score.high if score else None,
                "level": score.level if score else None,
                "evidence": step.evidence,
            },
            "cost": found.cost if found else None,
            "latency_p50": found.latency_p50 if found else None,
            "rating": None if self.rating is None else {"mean": self.rating.mean, "n": self.rating.n},
            "evidence": found.evidence if found else None,
        }


def trend(
    versions: Sequence[Made], records: Iterable[Record], ratings: dict[int, Rated] | None = None
) -> tuple[Point, ...]:
    """The points of ``versions`` (oldest first), in their order.

    Args:
        records: all that are about the prompt, oldest first.
        ratings: by version.
    """
    kept = list(records)
    points: list[Point] = []
    last: Measured | None = None
    for position, made in enumerate(versions):
        found = _measured(made, kept)
        before = versions[position - 1] if position else None
        points.append(
            Point(
                made=made,
                measured=found,
                changed=_changed(last, found),
                step=_step(made, before, kept),
                rating=(ratings or {}).get(made.version),
            )
        )
        last = found or last
    return tuple(points)


def sparkline(points: Sequence[Point]) -> str:
    """The scores as one line: a bar a version on the scale 0..1, a dot without a score, ``|`` before another suite."""
    line = ""
    for point in points:
        if "suite" in point.changed:
            line += BREAK
        score = point.measured.score if point.measured is not None else None
        line += NONE if score is None else BARS[min(len(BARS) - 1, int(score * len(BARS)))]
    return line


def _measured(made: Made, records: Sequence[Record]) -> Measured | None:
    own = [
        one
        for one in records
        if (isinstance(one, RunRecord) and one.digest == made.digest)
        or (isinstance(one, ComparisonRecord) and one.candidate.digest == made.digest)
    ]
    if own:
        newest = own[-1]
        assert isinstance(newest, RunRecord | ComparisonRecord)
        return _read(newest, cases_of(newest))
    beside = [
        one for one in records if isinstance(one, ComparisonRecord) and one.baseline.digest == made.digest
    ]
    return _read(beside[-1], _baseline_cases(beside[-1])) if beside else None


def _read(record: RunRecord | ComparisonRecord, scores: Sequence[CaseScore]) -> Measured:
    counting = [one for one in scores if one.case not in record.quarantined]
    known = [one for one in counting if one.score is not None]
    values = [one.score for one in known if one.score is not None]
    low, high = mean_interval(values, keys([one.cluster for one in known]), LEVEL) if values else (None, None)
    told = _says_passes(record)
    passed = sum(one.passed for one in counting)
    totals = record.totals if isinstance(record, RunRecord) else None
    return Measured(
        evidence=record.id,
        model=record.model,
        suite=record.suite,
        judge=record.judge,
        score=mean(values),
        low=low,
        high=high,
        n=len(values),
        passed=passed if told else None,
        failed=len(values) - passed if told else None,
        errored=len(counting) - len(values),
        cost=totals.cost if totals is not None else None,
        latency_p50=totals.latency_p50 if totals is not None else None,
        generated=record.generated,
    )


def _says_passes(record: RunRecord | ComparisonRecord) -> bool:
    return isinstance(record, RunRecord) or all(pair.candidate_passed is not None for pair in record.pairs)


def _baseline_cases(record: ComparisonRecord) -> tuple[CaseScore, ...]:
    return tuple(
        CaseScore(
            case=pair.case,
            score=pair.baseline,
            passed=bool(pair.baseline_passed),
            repeats=record.repeats,
            cluster=record.clusters.get(pair.case),
            error="no score" if pair.baseline is None else None,
        )
        for pair in record.pairs
    )


def _changed(before: Measured | None, now: Measured | None) -> tuple[str, ...]:
    if before is None or now is None:
        return ()
    told = {
        "suite": before.suite == now.suite,
        "model": before.model == now.model,
        # A record without a judge is older than the key, or asked none: nothing is known to have changed.
        "judge": not before.judge or not now.judge or before.judge == now.judge,
    }
    return tuple(key for key, same in told.items() if not same)


def _step(made: Made, before: Made | None, records: Sequence[Record]) -> Step | None:
    """The newest comparison with the version before; where there is none, the newest with any."""
    own = [
        one for one in records if isinstance(one, ComparisonRecord) and one.candidate.digest == made.digest
    ]
    with_it = [one for one in own if before is not None and one.baseline.digest == before.digest]
    chosen = (with_it or own)[-1:]
    return next((Step(one.baseline.version, one.verdict, one.score, one.id) for one in chosen), None)
