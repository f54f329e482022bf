"""`evaluate`: run a prompt's suite, alone or against a baseline; save what was found as evidence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument, NotFound, OverBudget, ProviderError, Usage
from promptvc.base.ids import new_ulid
from promptvc.evaluation.cases.suite import Suite, check_variables, load_suite
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.grade import CaseScore, reduce_repeats
from promptvc.evaluation.level import Level, level_of
from promptvc.evaluation.recording import Facts, comparison_record, run_record
from promptvc.evaluation.reports.terminal import (
    ChangedCase,
    FailedCase,
    Report,
    changed_cases,
    errors_line,
    failed_cases,
    totals_of,
)
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.journal import Journal
from promptvc.evaluation.running.session import Session
from promptvc.evaluation.running.tasks import RunOptions
from promptvc.evidence.records import Record, VersionRef, path, to_bytes
from promptvc.evidence.runs import CaseResult
from promptvc.git.commits import Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.objects import blob_id
from promptvc.models.chat import open_model
from promptvc.models.providers import OFFLINE
from promptvc.prompts.edit import with_version
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import Reference, parse_reference
from promptvc.store.versions import Version
from promptvc.training.holdout import divide
from promptvc.workflows.project import Progress, Project, silent


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What to run. ``repeat`` is 3 with a provider and 1 offline when None; ``fresh`` passes by the cache."""

    reference: str
    baseline: str | None = None
    repeat: int | None = None
    concurrency: int | None = None
    model: str | None = None
    max_calls: int | None = None
    fresh: bool = False
    save: bool = False


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came out.

    Attributes:
        changed: with a baseline, the cases that only one side passes.
        failed: the cases that the version answers and does not pass.
        failing: ids of all cases that it does not pass, errored ones too.
        errors: for each side with errored cases how many there are, and the first error.
        evidence, commit: of the saved record; None when nothing was saved.
        good: the answer of the exit code. ``bar`` is the score that a run alone has to reach.
    """

    report: Report
    changed: tuple[ChangedCase, ...]
    failed: tuple[FailedCase, ...]
    failing: tuple[str, ...]
    errors: tuple[str, ...]
    evidence: str | None
    commit: str | None
    good: bool
    bar: float
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `evaluate --json` prints it."""
        saved = {"evidence": self.evidence, "commit": self.commit}
        return self.report.to_json() | {"failing": list(self.failing)} | saved


@dataclass(frozen=True, slots=True)
class _Side:
    """One version with its answers."""

    version: Version
    prompt: Prompt
    results: tuple[CaseResult, ...] = ()
    scores: tuple[CaseScore, ...] = ()

    @property
    def pin(self) -> VersionRef:
        return VersionRef(self.version.version, self.version.digest)


@dataclass(frozen=True, slots=True)
class _Judging:
    """A suite and where it is from; ``commit`` is None for the working tree."""

    suite: Suite
    commit: str | None


def evaluate(project: Project, request: EvaluateRequest, *, progress: Progress = silent) -> Evaluated:
    """Run a suite on a version, and on its baseline if there is one: the working tree's, or the revision's own.

    Cases marked ``split: train`` are left out: they are for training.

    Raises:
        NotFound: no such prompt or revision, or it has no suite.
        Usage: ``save`` of a version or with a suite that git does not have.
        ProviderError: no case could be answered.
        OverBudget: ``max_calls`` was reached; running again goes on from there.
    """
    evaluation = _Evaluation(project, request)
    try:
        return evaluation.outcome(progress)
    finally:
        evaluation.session.close()


class _Evaluation:
    """One evaluation under way."""

    def __init__(self, project: Project, request: EvaluateRequest) -> None:
        self.project = project
        self.request = request
        self.started: datetime = project.clock()
        reference = parse_reference(request.reference)
        version = project.resolver.resolve(reference)
        self.name = version.name
        judged = _judging(project, reference, version)
        self.suite: Suite = judged.suite
        self.cases = self.suite.split("holdout")
        if not self.cases:
            raise NotFound(f"every case of {self.suite.file} is for training", hint="unmark some of them")
        sides = [self._side(version)]
        if request.baseline is not None:
            sides.append(self._side(self._baseline(request.baseline)))
        if request.save:
            _require_committed(project, version)
            _require_suite(project, judged, version)
        prompt = sides[0].prompt
        self.model = request.model or prompt.model or project.settings.model or OFFLINE
        self.repeats = request.repeat or (1 if self.model == OFFLINE else 3)
        self.level, self.older = Level(), None
        if len(sides) > 1:
            self.level = _level(project, version, sides[1], self.suite)
            self.older = _suite_at(project, self.name, sides[1].version.commit)
        self.sides = sides
        self.session = self._session([side.version.digest for side in sides])

    def _side(self, version: Version) -> _Side:
        prompt = load_prompt(version.data, file=version.path, name=version.name, memo=self.project.memo)
        check_variables(self.suite, [one.name for one in prompt.variables if one.required])
        return _Side(version, prompt)

    def _baseline(self, given: str) -> Version:
        """``v1``, ``@v1`` and ``NAME@v1`` all name a revision of the same prompt."""
        revision = given.removeprefix(f"{self.name}@").removeprefix("@")
        return self.project.resolver.resolve(parse_reference(f"{self.name}@{revision}"))

    def _session(self, digests: list[str]) -> Session:
        project, request = self.project, self.request
        # The model first: one that cannot be opened must leave no open cache and no begun run behind.
        model = open_model(self.model, settings=project.settings.models, environ=project.environ)
        self._journal = Journal(project.state / "runs")
        self._mark = None
        if request.fresh:
            identity = " ".join(["evaluate", self.model, str(self.repeats), self.suite.digest, *digests])
            self._mark = self._journal.begin(identity, now=self.started)
        options = RunOptions(
            concurrency=request.concurrency or project.settings.models.concurrency,
            max_calls=request.max_calls,
            cache=Cache(project.state / "cache", clock=project.clock),
            since=self._mark.started if self._mark is not None else None,
        )
        return Session([model], options, self.repeats)

    def _asked(self, side: _Side, progress: Progress, sides: int) -> _Side:
        show = progress(f"{self.name} v{side.version.version}")
        try:
            results = self.session.results(side.prompt, self.cases, show)
        except OverBudget as error:
            raise self._too_few(error, sides * len(self.cases) * self.repeats) from None
        scores = reduce_repeats(results, {case.id: case.cluster for case in self.cases})
        return _Side(side.version, side.prompt, tuple(results), scores)

    def _too_few(self, error: OverBudget, total: int) -> OverBudget:
        """``error`` with how many answers are missing of the ``total``."""
        missing = total - self.session.spent.answered
        kept = self.model != OFFLINE and not self.session.warnings
        hint = f"the evaluation takes {total} answers: --max-calls {missing if kept else total} or more"
        if kept:
            hint += "; those that are there are kept"
        return OverBudget(f"{error.message}; {missing} of {total} answers are missing", hint=hint)

    def _forget_mark(self) -> None:
        if self._mark is not None:
            self._journal.end(self._mark)

    def outcome(self, progress: Progress) -> Evaluated:
        """Ask, and tell what the answers say."""
        self.sides = [self._asked(side, progress, len(self.sides)) for side in self.sides]
        self._forget_mark()
        side = self.sides[0]
        totals = totals_of(side.results, side.scores)
        if totals.score is None:
            first = next((score.error for score in side.scores if score.error), "no answer")
            raise ProviderError(f"no case of {self.name} has a score; the first: {first}")
        bars = self.project.settings.evaluation
        comparison = self._comparison() if len(self.sides) > 1 else None
        report = Report(self.name, side.version.version, totals, comparison)
        evidence, commit = self._save(report) if self.request.save else (None, None)
        good = totals.score >= bars.success and not totals.errored
        changed: tuple[ChangedCase, ...] = ()
        if comparison is not None:
            good = comparison.verdict not in {"regression", "incomparable"}
            changed = changed_cases(comparison, side.scores, self.sides[1].scores, self.suite)
        return Evaluated(
            report=report,
            changed=changed,
            failed=failed_cases(side.scores, side.results, self.suite),
            failing=tuple(score.case for score in side.scores if not score.passed),
            errors=self._errors(),
            evidence=evidence,
            commit=commit,
            good=good,
            bar=bars.success,
            remarks=self._remarks(),
        )

    def _comparison(self) -> Comparison:
        options = CompareOptions(
            alpha=self.level.alpha, bars=self.project.settings.evaluation, guards=self.suite.guards
        )
        removed = self.suite.removed_since(self.older) if self.older is not None else ()
        return compare(self.sides[0].scores, self.sides[1].scores, options, removed=removed)

    def _errors(self) -> tuple[str, ...]:
        names = ("candidate", "baseline") if len(self.sides) > 1 else ("",)
        lines = [errors_line(side.scores, name) for side, name in zip(self.sides, names, strict=True)]
        return tuple(line for line in lines if line is not None)

    def _added(self) -> int:
        """How many cases are asked that the baseline's own suite had not."""
        if self.older is None:
            return 0
        added = set(self.older.removed_since(self.suite))
        return sum(case.id in added for case in self.cases)

    def _remarks(self) -> tuple[str, ...]:
        remarks = list(self.session.warnings)
        if self._mark is not None and self._mark.warning:
            remarks.append(self._mark.warning)
        left_out = len(self.suite.cases) - len(self.cases)
        if left_out:
            remarks.append(f"{left_out} cases marked `split: train` were left out")
        added = self._added()
        if added:
            cases = "1 case is" if added == 1 else f"{added} cases are"
            remarks.append(f"{cases} new since the baseline")
        if self.level.remark is not None:
            remarks.append(self.level.remark)
        return tuple(remarks)

    def _save(self, report: Report) -> tuple[str, str]:
        """Commit the record to the current branch; its path from the prompt root and the commit."""
        side, now = self.sides[0], self.project.clock()
        facts = Facts(
            id=new_ulid(now),
            prompt=self.name,
            candidate=side.pin,
            suite=self.suite.digest,
            model=self.model,
            started=self.started,
            ended=now,
            parameters=side.prompt.parameters,
            repeats=self.repeats,
        )
        record: Record
        if report.comparison is None:
            record = run_record(facts, side.results, report.totals)
            detail = f"score {report.totals.score:.3f}"
        else:
            record = comparison_record(facts, self.sides[1].pin, report.comparison)
            detail = f"{report.comparison.verdict} against v{self.sides[1].version.version}"
        text = message("Evaluate", self.name, side.version.version, detail, notes={"Evidence": record.id})
        plan = Plan({self.project.top(path(record)): to_bytes(record)}, text)
        done = git_commit(self.project.repository, None, lambda _tip: plan)
        maintain(self.project.repository)
        self.project.log.event("evidence.committed", name=self.name, evidence=record.id, commit=done.commit)
        return path(record), done.commit


def _require_committed(project: Project, version: Version) -> None:
    """Evidence cites a digest: only of bytes that git has."""
    if version.commit is not None:
        return
    head = project.resolver.head
    committed = project.resolver.at(version.name, head) if head is not None else None
    if committed is None or committed.digest != version.digest:
        raise Usage(
            f"--save needs a committed version, and the file of {version.name} has changes",
            hint=f"promptvc commit {version.name} -m TEXT, or name a revision: {version.name}@v{version.version}",
        )


def _judging(project: Project, reference: Reference, version: Version) -> _Judging:
    """The suite for ``version``, which ``reference`` was resolved to.

    A branch or another git revision is judged by the suite that it brings. Numbers, ``latest`` and environments are
    names for versions, which are usually older than the cases that judge them: for them it is the working tree's.

    Raises:
        NotFound: there is no suite.
    """
    commit = version.commit if _is_git_revision(reference, version) else None
    suite = _suite_at(project, version.name, commit) if commit is not None else None
    if suite is not None:
        return _Judging(suite, commit)
    file = _file_of(version.name)
    if commit is not None:
        raise NotFound(
            f"{version.name} has no suite in {reference.revision}",
            hint=f"to use the working tree's suite name a version: {version.name}@v{version.version}",
        )
    data = project.read(file)
    if data is None:
        raise NotFound(f"{version.name} has no suite", hint=f"write its cases into {file}")
    return _Judging(load_suite(data, file=file, memo=project.memo), None)


def _suite_at(project: Project, name: str, commit: str | None) -> Suite | None:
    """The suite of ``name`` in ``commit``; None where there is none."""
    data = project.at(commit, _file_of(name))
    if commit is None or data is None:
        return None
    return load_suite(data, file=f"{commit[:12]}:{_file_of(name)}", memo=project.memo)


def _require_suite(project: Project, judged: _Judging, version: Version) -> None:
    """Make sure that evidence cites a suite that git has.

    Raises:
        Usage: neither HEAD nor the commit of ``version`` has it.
    """
    if judged.commit is not None or any(
        _has(project, version.name, commit, judged.suite.digest)
        for commit in (project.resolver.head, version.commit)
    ):
        return
    file = _file_of(version.name)
    raise Usage(
        f"--save needs a committed suite, and {file} has changes",
        hint=f"git add {file} && git commit, then evaluate again",
    )


def _file_of(name: str) -> str:
    """The file of the suite of ``name``, from the prompt root."""
    return f"evaluation/{name}.yaml"


def _is_git_revision(reference: Reference, version: Version) -> bool:
    named = reference.revision in {None, "latest"} or reference.version == version.version
    return not named and version.path == path_of(version.name)


def _has(project: Project, name: str, commit: str | None, digest: str) -> bool:
    try:
        suite = _suite_at(project, name, commit)
    except InvalidDocument:
        return False
    return suite is not None and suite.digest == digest


def _level(project: Project, candidate: Version, baseline: _Side, suite: Suite) -> Level:
    """At which level ``candidate`` is compared; the baseline's variables decide which cases are the same."""
    ledger = Ledgers.of(project.resolver, project.settings.remote).read(candidate.name)
    if not ledger.looks:
        return Level()
    contents = {candidate.digest}
    for number in {baseline.version.version, *(one.baseline.version for one in ledger.trainings)}:
        with suppress(InputError):  # a number that no edit can change was put there by no training
            if number is not None:
                data = with_version(candidate.data, number, file=candidate.path)
                contents.add(blob_id(data, project.repository.object_format))
    return level_of(ledger, contents, divide((), suite.cases, baseline.prompt).holdout_keys)
