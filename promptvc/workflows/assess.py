"""`evaluate`: run a prompt's suite on versions and models, alone or against a baseline; save what was found."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.base.clock import format_time
from promptvc.base.errors import OverBudget, ProviderRefused, Usage
from promptvc.base.ids import new_ulid
from promptvc.evaluation.assembly import Beside, Frame, make_report, side_of
from promptvc.evaluation.assessed import Evaluated, EvaluateRequest, Planned
from promptvc.evaluation.cases.sequence import digest_of
from promptvc.evaluation.judges.digest import judge_digest
from promptvc.evaluation.last import Last
from promptvc.evaluation.level import Level
from promptvc.evaluation.qualities import judged_qualities, lexical_qualities
from promptvc.evaluation.recording import Facts, record_of
from promptvc.evaluation.remarks import told
from promptvc.evaluation.reports.report import Judging, Quality, Report, Side
from promptvc.evaluation.reports.terminal import error_lines
from promptvc.evaluation.running.journal import Journal, Mark
from promptvc.evaluation.sessions.collector import Collector
from promptvc.evaluation.sessions.estimate import Asked, Estimate, estimate
from promptvc.models.providers import OFFLINE
from promptvc.prompts.render import Renderer
from promptvc.training.data.leakage import find_leaks
from promptvc.workflows.approved import gated
from promptvc.workflows.plans import Plan, plans
from promptvc.workflows.project import Progress, Project, silent
from promptvc.workflows.suites import Loaded, level_for, save, shelf
from promptvc.workflows.voices import voices

__all__ = ["EvaluateRequest", "Evaluated", "Planned", "estimates", "evaluate", "planned"]


def evaluate(
    project: Project, request: EvaluateRequest, *, progress: Progress = silent
) -> tuple[Evaluated, ...]:
    """Run suites on versions and models: the working tree's suites, or a revision's own.

    Cases marked ``split: train`` are left out: they are for training.

    Raises:
        NotFound: no such prompt or revision; no case is left.
        Usage: what was asked for does not go together; ``save`` of what git does not have.
        ProviderError: no case could be answered.
        OverBudget: a bound was reached; running again goes on from there.
    """
    found: list[Evaluated] = []
    for plan in _kept(project, request):
        found += _Evaluation(plan, progress).outcome()
    return tuple(found)


def planned(project: Project, request: EvaluateRequest) -> tuple[Planned, ...]:
    """What :func:`evaluate` would evaluate, and what ``offline`` leaves out. No model is opened: it takes no key."""
    return tuple(plan.planned() for plan in plans(project, request))


def _kept(project: Project, request: EvaluateRequest) -> list[Plan]:
    return [plan for plan in plans(project, request) if plan.left is None]


def estimates(project: Project, request: EvaluateRequest) -> tuple[Estimate, ...]:
    """What :func:`evaluate` would take; nobody is asked."""
    return tuple(one for plan in _kept(project, request) for one in _estimated(plan))


def _estimated(plan: Plan) -> Iterator[Estimate]:
    # Fresh answers are those from now on: an estimate finds none.
    session = plan.session(plan.started if plan.request.fresh else None)
    try:
        models = {model.name: model for model in session.models}
        measured = {one.version.digest for one in plan.versions} if plan.request.qualities else set()
        runs = [Asked(one.prompt, models[model], one.version.digest in measured) for one, model in plan.runs]
        yield from estimate(runs, plan.cases, session)
    finally:
        session.close()


class _Evaluation:
    """One prompt's evaluation under way."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan = plan
        self.progress = progress
        self._journal = Journal(plan.project.state / "runs")
        self._mark: Mark | None = None
        if plan.request.fresh:
            self._mark = self._journal.begin(_identity(plan), now=plan.started)
        self.session = plan.session(self._mark.started if self._mark is not None else None)
        if plan.request.qualities and (
            self.session.judging is None or self.session.judging.judge_name() is None
        ):
            self.session.close()
            raise Usage("--qualities takes a model that judges", hint="name one: --judge provider:model")
        self._models = {model.name: model for model in self.session.models}
        self._notes: list[str] = []
        self._refused: list[str] = []

    def outcome(self) -> list[Evaluated]:
        """Ask, and tell what the answers say; a model that cannot be asked does not cost the others' results."""
        plan = self.plan
        try:
            sides = self._collect()
            if self._mark is not None:
                self._journal.end(self._mark)
            wanted = {one.version.digest for one in plan.versions}
            return [
                self._evaluated(one, model, sides)
                for one, model in plan.runs
                if one.version.digest in wanted and self._is_whole(one, model, sides)
            ]
        finally:
            self.session.close()

    def _collect(self) -> dict[tuple[str, str], Collector]:
        """Every content on every model, by digest and model."""
        plan, session = self.plan, self.session
        sides: dict[tuple[str, str], Collector] = {}
        refused: list[ProviderRefused] = []
        try:
            for one, model in plan.runs:
                show = self.progress(f"{plan.name} v{one.version.version}")
                try:
                    found = session.collect(one.prompt, plan.cases, self._models[model], show)
                except ProviderRefused as error:
                    refused.append(error)
                    self._refused.append(f"no result of {model}: {error.message}")
                else:
                    sides[one.version.digest, model] = found
            if refused and not sides:
                raise refused[0]
            session.settle(list(sides.values()))
        except OverBudget as error:
            raise self._too_few(error) from None
        return sides

    def _is_whole(self, one: Loaded, model: str, sides: dict[tuple[str, str], Collector]) -> bool:
        """Whether there are answers of a version, and of its baseline, from ``model``."""
        base = self.plan.baseline
        needed = [one] if base is None else [one, base]
        return all((side.version.digest, model) in sides for side in needed)

    def _too_few(self, error: OverBudget) -> OverBudget:
        """``error`` with how many answers are missing."""
        plan, session = self.plan, self.session
        total = len(plan.runs) * len(plan.cases) * session.repeats
        missing = total - session.spent.answered
        kept = set(plan.asking.models) != {OFFLINE} and not session.warnings
        if missing <= 0:
            return OverBudget(
                f"{error.message}; all {total} answers are there, not all of them are judged",
                hint="run it again with a higher bound: what was paid for is kept",
            )
        more = "allow more"
        if plan.request.max_calls is not None and not plan.demands.waits:
            more = f"--max-calls {missing if kept else total} or more"
        hint = f"the evaluation takes {total} answers: {more}" + (
            "; those that are there are kept" if kept else ""
        )
        return OverBudget(f"{error.message}; {missing} of {total} answers are missing", hint=hint)

    def _evaluated(self, one: Loaded, model: str, sides: dict[tuple[str, str], Collector]) -> Evaluated:
        plan, base = self.plan, self.plan.baseline
        frame = self._frame(one)
        side = side_of(one.pin, model, sides[one.version.digest, model], frame)
        baseline = None
        if base is not None:
            baseline = side_of(base.pin, model, sides[base.version.digest, model], frame)
        report = make_report(frame, side, baseline, self._beside(one, side, frame))
        if plan.request.gate and plan.cases:
            report = gated(plan.project, plan.judged, plan.asked, report)
        save = plan.request.save and report.unscored is None
        evidence, commit = self._save(one, report) if save else (None, None)
        held = frame.quarantined
        failing = [score.case for score in side.scores if not score.passed and score.case not in held]
        whole = len(plan.cases) == len(plan.asked)
        asked = None if whole else [case.id for case in plan.cases]
        Last(plan.project.state / "last").note(plan.name, asked, failing)
        return Evaluated(
            report=report,
            errors=error_lines(report),
            evidence=evidence,
            commit=commit,
            good=report.good(frame.bars.success),
            bar=frame.bars.success,
            missing=tuple(self._refused),
        )

    def _frame(self, one: Loaded) -> Frame:
        plan = self.plan
        project, base = plan.project, plan.baseline
        level, older = Level(), None
        if base is not None:
            level = level_for(project, one.version, base, plan.suite.cases)
            if base.version.commit is not None:
                older = shelf(project, base.version.commit).suite(plan.name)
        return Frame(
            name=plan.name,
            suite=plan.suite,
            digest=plan.judged.digest,
            cases=plan.cases,
            of=len(plan.asked),
            started=plan.started,
            repeats=plan.asking.repeats,
            reducer=str(plan.asking.reducer),
            bars=project.settings.evaluation,
            quarantined=plan.quarantined,
            older=older,
            level=level,
        )

    def _beside(self, one: Loaded, side: Side, frame: Frame) -> Beside:
        plan = self.plan
        said = voices(plan.project, plan.name)
        return Beside(
            ended=plan.project.clock(),
            qualities=self._qualities(one, side),
            calibrations=said.calibrations,
            ratings=said.ratings,
            judging=self._judging(),
            judge_digest=self._judge_digest(),
            pure=plan.demands.pure(plan.project.settings.evaluation.embeddings),
            remarks=self._remarks(one, frame),
        )

    def _qualities(self, one: Loaded, side: Side) -> tuple[Quality, ...]:
        plan, renderer = self.plan, Renderer(one.prompt)
        bench = self.session.judging
        if not plan.request.qualities or bench is None:
            return lexical_qualities(renderer, plan.cases, side.results)
        concurrency = self.session.options.concurrency
        found = judged_qualities(renderer, plan.cases, side.results, bench, concurrency)
        if found.failed:
            count = "1 quality" if found.failed == 1 else f"{found.failed} qualities"
            self._notes.append(f"{count} of answers could not be judged; the first: {found.reason}")
        return found.qualities

    def _judge_digest(self) -> str:
        bench = self.session.judging
        return "" if bench is None or self.plan.suite.at_once else judge_digest(self.plan.asked, bench)

    def _judging(self) -> Judging | None:
        bench = self.session.judging
        if bench is None or not (bench.spent.calls or bench.spent.answered):
            return None
        return Judging(
            model=bench.judge_name(),
            digest=self._judge_digest(),
            prompts=bench.versions,
            calls=bench.spent.calls,
            cached=bench.spent.cached,
            tokens=bench.spent.tokens,
            cost=bench.spent.cost,
        )

    def _remarks(self, one: Loaded, frame: Frame) -> tuple[str, ...]:
        plan = self.plan
        remarks = [*self.session.warnings, *self._refused, *self._notes]
        if self._mark is not None and self._mark.warning:
            remarks.append(self._mark.warning)
        if self._mark is not None and self._mark.resumed:
            remarks.append(f"resumed the fresh run that began {format_time(self._mark.started)}")
        if plan.baseline is not None:
            own = plan.baseline.prompt.model or plan.project.settings.model or OFFLINE
            if own not in plan.asking.models:
                remarks.append(f"{plan.baseline.label} names {own}; both sides were asked on the same model")
        remarks += told(frame, trained=len(plan.suite.cases) - len(plan.asked))
        found = () if plan.suite.generated else find_leaks(plan.cases, one.prompt)
        if found:
            cases = "1 case repeats" if len(found) == 1 else f"{len(found)} cases repeat"
            remarks.append(
                f"{cases} an example of the prompt, such as {found[0].case}: their score says little"
            )
        return tuple(remarks)

    def _save(self, one: Loaded, report: Report) -> tuple[str, str]:
        project = self.plan.project
        facts = Facts.of(report, new_ulid(project.clock()), self.plan.suite, one.prompt.parameters)
        return save(project, record_of(facts, report), one.version.version, report.detail)


def _identity(plan: Plan) -> str:
    """The same text for the same fresh run: what is asked of whom, how often, and who judges."""
    cases = "all" if len(plan.cases) == len(plan.asked) else digest_of(plan.cases)
    runs = [f"{one.version.digest} {model}" for one, model in plan.runs]
    judge = plan.asking.judge or plan.project.settings.evaluation.judge or ""
    return " ".join(["evaluate", plan.judged.digest, cases, str(plan.asking.repeats), judge, *runs])
