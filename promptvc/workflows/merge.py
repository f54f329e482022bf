"""`evaluate merge`: the results of several shards as one evaluation of each prompt. Nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from promptvc.base.clock import parse_time
from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.base.ids import new_ulid
from promptvc.evaluation.assembly import Beside, Frame, make_report, make_side
from promptvc.evaluation.assessed import Evaluated
from promptvc.evaluation.cases.sequence import ids_of
from promptvc.evaluation.cases.suite import Suite
from promptvc.evaluation.level import Level
from promptvc.evaluation.recording import Facts, record_of
from promptvc.evaluation.reduce import Reducer, parse_reducer, reduce_case
from promptvc.evaluation.remarks import told
from promptvc.evaluation.reports.lines import BASELINE, CANDIDATE
from promptvc.evaluation.reports.reading import Part, read_parts
from promptvc.evaluation.reports.report import Judging, Quality, Report, Side
from promptvc.evaluation.reports.terminal import error_lines
from promptvc.evaluation.running.results import Results
from promptvc.evaluation.totals import Tally
from promptvc.evidence.runs import CaseResult
from promptvc.evidence.values import Tokens, VersionRef
from promptvc.store.references import Reference
from promptvc.workflows.approved import gated
from promptvc.workflows.project import Project
from promptvc.workflows.suites import (
    SuiteAt,
    level_for,
    loaded,
    quarantined,
    require_committed,
    save,
    shelf,
    suite_for,
)
from promptvc.workflows.voices import voices


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Files of results; ``gate`` and ``save`` as with ``evaluate``."""

    files: tuple[Path, ...]
    gate: bool = False
    save: bool = False


@dataclass(slots=True)
class _Gathered:
    """The results of one side."""

    results: Results
    tally: Tally = field(default_factory=Tally)


def merge(project: Project, request: MergeRequest) -> tuple[Evaluated, ...]:
    """Bring shards together; every case of a suite must be in exactly one of them.

    One evaluation for each prompt, version, model and baseline that the files are of, in their order; none where all
    files say that nothing was to be evaluated. Nothing is saved before everything is whole.

    Raises:
        NotFound: no such file; the prompt has no suite here.
        InvalidDocument: a file holds no results, or a case twice.
        Usage: files of different runs or of another suite; cases that are in no file.
    """
    mergings = [_merging(project, parts) for parts in read_parts(request.files)]
    reports = [_reported(merging, request) for merging in mergings]
    return tuple(
        _evaluated(merging, report, request) for merging, report in zip(mergings, reports, strict=True)
    )


def _merging(project: Project, parts: Sequence[Part]) -> _Merging:
    first = parts[0]
    reference = Reference(first.name)
    version = project.resolver.resolve(reference)
    judged = suite_for(project, reference, version)
    if judged is None or judged.digest != first.suite:
        raise Usage(
            f"{first.path} is of another suite than {first.name} has here",
            hint="merge where the shards were evaluated: the same commit",
        )
    return _Merging(project, parts, judged)


def _reported(merging: _Merging, request: MergeRequest) -> Report:
    report = merging.report()
    if not request.gate:
        return report
    return gated(merging.project, merging.judged, merging.cases, report)


def _evaluated(merging: _Merging, report: Report, request: MergeRequest) -> Evaluated:
    success = merging.project.settings.evaluation.success
    save = request.save and report.unscored is None
    evidence, commit = merging.save(report) if save else (None, None)
    return Evaluated(
        report=report,
        errors=error_lines(report),
        evidence=evidence,
        commit=commit,
        good=report.good(success),
        bar=success,
    )


class _Merging:
    """Parts of one run, and the suite that they are of."""

    def __init__(self, project: Project, parts: Sequence[Part], judged: SuiteAt) -> None:
        self.project, self.parts, self.judged = project, parts, judged
        self.notes: list[str] = []
        self.first = parts[0]
        self.cases = judged.suite.split("holdout")
        self.places = {name: position for position, name in enumerate(ids_of(self.cases))}
        self.reducer: Reducer = parse_reducer(self.first.reducer)
        sides = [CANDIDATE, *([BASELINE] if self.first.baseline is not None else [])]
        self.sides = {side: _Gathered(Results(len(self.cases), self.first.repeats)) for side in sides}

    def report(self) -> Report:
        """All parts as one report."""
        seen = {side: bytearray(len(self.cases) * self.first.repeats) for side in self.sides}
        for part in self.parts:
            for side, result, line in part.results():
                self._take(part, side, result, line, seen)
        self._require_all(seen)
        frame = self._frame()
        candidate = self._side(CANDIDATE, self.first.candidate, frame)
        baseline = None
        if self.first.baseline is not None:
            baseline = self._side(BASELINE, self.first.baseline, frame)
        trained = len(self.judged.suite.cases) - len(self.cases)
        values = [part.value for part in self.parts]
        said = voices(self.project, self.first.name)
        beside = Beside(
            ended=max(parse_time(value["ended"]) for value in values),
            qualities=self._qualities(),
            judging=self._judging(),
            judge_digest=self.first.judge,
            pure=all(value["pure"] for value in values),
            remarks=(f"merged from {len(self.parts)} files", *self.notes, *told(frame, trained=trained)),
            calibrations=said.calibrations,
            ratings=said.ratings,
        )
        return make_report(frame, candidate, baseline, beside)

    def save(self, report: Report) -> tuple[str, str]:
        """Commit the record; see :func:`promptvc.workflows.suites.save`.

        Raises:
            Usage: the version that was evaluated is not committed.
        """
        project, pin = self.project, self.first.candidate
        version = project.resolver.numbered(self.first.name, pin.version) if pin.version else None
        if version is None or version.digest != pin.digest:
            raise Usage(f"{self.first.name} {report.candidate.label} is not committed here with these bytes")
        require_committed(project, version, self.judged)
        prompt = loaded(project, version, self.judged.suite).prompt
        facts = Facts.of(report, new_ulid(project.clock()), self.judged.suite, prompt.parameters)
        return save(project, record_of(facts, report), pin.version, report.detail)

    def _take(self, part: Part, side: str, result: CaseResult, line: int, seen: dict[str, bytearray]) -> None:
        position = self.places.get(result.case)
        if position is None or side not in self.sides or not 0 <= result.repeat < self.first.repeats:
            raise InvalidDocument(
                f"the case {result.case} is none of this run", file=str(part.path), line=line
            )
        index = position * self.first.repeats + result.repeat
        if seen[side][index]:
            raise InvalidDocument(
                f"the case {result.case} is there twice",
                hint="give each shard once",
                file=str(part.path),
                line=line,
            )
        seen[side][index] = 1
        gathered = self.sides[side]
        gathered.results.put(position, result.repeat, result)
        gathered.tally.add(result)

    def _require_all(self, seen: dict[str, bytearray]) -> None:
        missing = sum(len(marks) - sum(marks) for marks in seen.values())
        if missing:
            raise NotFound(
                f"{missing:,} of {sum(map(len, seen.values())):,} answers are in no file: of {self.first.name} on "
                f"{self.first.model}",
                hint="give the results of every shard",
            )

    def _side(self, name: str, pin: VersionRef, frame: Frame) -> Side:
        gathered = self.sides[name]
        scores = tuple(
            reduce_case(gathered.results.of(position), case.cluster, self.reducer)
            for position, case in enumerate(self.cases)
        )
        return make_side(pin, self.first.model, frame, (scores, gathered.results, gathered.tally))

    def _frame(self) -> Frame:
        project, first = self.project, self.first
        level, older = self._level()
        started = min(parse_time(part.value["started"]) for part in self.parts)
        return Frame(
            name=first.name,
            suite=self.judged.suite,
            digest=first.suite,
            cases=self.cases,
            of=first.of,
            started=started,
            repeats=first.repeats,
            reducer=first.reducer,
            bars=project.settings.evaluation,
            quarantined=quarantined(project, self.judged, first.name, self.cases, started),
            older=older,
            level=level,
        )

    def _level(self) -> tuple[Level, Suite | None]:
        """At which level the shards are compared, and the baseline's own suite; neither for versions not here."""
        base, pin = self.first.baseline, self.first.candidate
        resolver, name = self.project.resolver, self.first.name
        if base is None or base.version is None:
            return Level(), None
        suite, before = self.judged.suite, resolver.numbered(name, base.version)
        if before is None:
            return Level(), None
        older = shelf(self.project, before.commit).suite(name) if before.commit is not None else None
        now = resolver.numbered(name, pin.version) if pin.version is not None else None
        if now is None or now.digest != pin.digest:
            return Level(), older
        return level_for(self.project, now, loaded(self.project, before, suite), suite.cases), older

    def _qualities(self) -> tuple[Quality, ...]:
        """Of all answers; what not every part with answers measured in the same way is left out."""
        found: dict[str, list[Quality]] = {}
        asked = [part for part in self.parts if part.value["cases"]]
        for part in asked:
            for name, value in part.value["qualities"].items():
                found.setdefault(name, []).append(Quality(name, **value))
        alike = [
            same
            for same in found.values()
            if len(same) == len(asked) and len({quality.measure for quality in same}) == 1
        ]
        if len(alike) < len(found):
            self.notes.append("not all parts measured qualities in the same way: they are left out")
        return tuple(map(_joined, alike))

    def _judging(self) -> Judging | None:
        values = [part.value["judging"] for part in self.parts if part.value.get("judging")]
        if not values:
            return None
        costs = [value["cost"] for value in values]
        tokens = [value["tokens"] for value in values]
        known = all(one["input"] is not None and one["output"] is not None for one in tokens)
        return Judging(
            model=values[0]["model"],
            digest=values[0]["digest"],
            prompts={name: version for value in values for name, version in value["prompts"].items()},
            calls=sum(value["calls"] for value in values),
            cached=sum(value["cached"] for value in values),
            tokens=Tokens(sum(one["input"] for one in tokens), sum(one["output"] for one in tokens))
            if known
            else Tokens(),
            cost=None if None in costs else sum(costs),
        )


def _joined(qualities: Sequence[Quality]) -> Quality:
    """One quality of several parts: the mean over all of their answers."""
    count = sum(quality.n for quality in qualities)
    total = sum(quality.score * quality.n for quality in qualities)
    return replace(qualities[0], score=total / count if count else 0.0, n=count)
