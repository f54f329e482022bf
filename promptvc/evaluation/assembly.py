"""From what was collected to a report: sides, comparison, flaky and quarantined cases, what judging took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from promptvc.base.config import EvaluationSettings
from promptvc.evaluation.cases.suite import Case, Suite
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.flaky import flaky_cases
from promptvc.evaluation.level import Level
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.report import Calibration, Judging, Quality, Rating, Report, Side
from promptvc.evaluation.running.results import Results
from promptvc.evaluation.sessions.collector import Collector
from promptvc.evaluation.totals import Tally
from promptvc.evidence.values import VersionRef


@dataclass(frozen=True, slots=True)
class Frame:
    """What all evaluations of one prompt in one run share.

    Attributes:
        digest: of the suite.
        cases: those that are asked, of so many that the suite has to ask.
        quarantined: by id, why a case does not count.
        older: the suite as the baseline had it; None without one.
        level: of the comparison.
    """

    name: str
    suite: Suite
    digest: str
    cases: Sequence[Case]
    of: int
    started: datetime
    repeats: int
    reducer: str
    bars: EvaluationSettings
    quarantined: Mapping[str, str] = field(default_factory=dict)
    older: Suite | None = None
    level: Level = field(default_factory=Level)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside the scores."""

    ended: datetime
    qualities: tuple[Quality, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    ratings: tuple[Rating, ...] = ()
    judging: Judging | None = None
    judge_digest: str = ""
    pure: bool = True
    remarks: tuple[str, ...] = ()


def side_of(pin: VersionRef, model: str, collected: Collector, frame: Frame) -> Side:
    """One version on one model, as it was collected."""
    return make_side(pin, model, frame, (collected.scores, collected.results, collected.tally))


def make_side(
    pin: VersionRef, model: str, frame: Frame, parts: tuple[Sequence[CaseScore], Results, Tally]
) -> Side:
    """One version on one model from its scores, its results and their sums."""
    scores, results, tally = parts
    totals = tally.totals(scores, frame.quarantined)
    return Side(pin.version, pin.digest, model, totals, scores, results)


def compare_sides(candidate: Side, baseline: Side, frame: Frame) -> Comparison:
    """The comparison over the cases that count."""
    options = CompareOptions(alpha=frame.level.alpha, bars=frame.bars, guards=frame.suite.guards)
    removed = frame.suite.removed_since(frame.older) if frame.older is not None else ()
    return compare(
        _counting(candidate.scores, frame), _counting(baseline.scores, frame), options, removed=removed
    )


def make_report(frame: Frame, candidate: Side, baseline: Side | None, beside: Beside) -> Report:
    """Everything in one value."""
    return Report(
        name=frame.name,
        suite=frame.digest,
        candidate=candidate,
        cases=frame.cases,
        started=frame.started,
        ended=beside.ended,
        of=frame.of,
        repeats=frame.repeats,
        reducer=frame.reducer,
        baseline=baseline,
        comparison=compare_sides(candidate, baseline, frame)
        if baseline is not None and frame.cases
        else None,
        flaky=_flaky(candidate, baseline, frame),
        quarantined=frame.quarantined,
        qualities=beside.qualities,
        calibrations=beside.calibrations,
        ratings=beside.ratings,
        judging=beside.judging,
        judge_digest=beside.judge_digest,
        pure=beside.pure,
        remarks=beside.remarks,
    )


def _counting(scores: Sequence[CaseScore], frame: Frame) -> Sequence[CaseScore]:
    if not frame.quarantined:
        return scores
    return [score for score in scores if score.case not in frame.quarantined]


def _flaky(candidate: Side, baseline: Side | None, frame: Frame) -> tuple[str, ...]:
    if frame.repeats == 1:
        return ()
    sides = [candidate, *([baseline] if baseline is not None else [])]
    found = {one.case for side in sides for one in flaky_cases(side.scores)}
    return tuple(score.case for score in candidate.scores if score.case in found)
