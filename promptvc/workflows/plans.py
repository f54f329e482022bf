"""What an evaluation runs: for each prompt its versions, models and cases, and how they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from promptvc.base.errors import NotFound, Usage
from promptvc.evaluation.assessed import EvaluateRequest, Planned
from promptvc.evaluation.cases.suite import Case, Suite
from promptvc.evaluation.last import Last
from promptvc.evaluation.reduce import parse_reducer
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.selection import Selection, parse_shard
from promptvc.evaluation.sessions.opening import Asking, Demands, open_session
from promptvc.evaluation.sessions.session import Session
from promptvc.models.embeddings import LOCAL
from promptvc.models.providers import OFFLINE
from promptvc.prompts.names import path_of
from promptvc.store.references import Reference, parse_reference
from promptvc.workflows.approved import require_baseline
from promptvc.workflows.changes import changed_since, has_cases
from promptvc.workflows.project import Project
from promptvc.workflows.suites import (
    Loaded,
    SuiteAt,
    generated,
    loaded,
    place_of,
    quarantined,
    require_committed,
    require_trust,
    suite_for,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run for one prompt: versions and models, the cases, and how they are asked.

    Attributes:
        quarantined: by id, why a case does not count; read before anything is asked, for the file may be broken.
        runs: every content with a model that it is asked on.
    """

    project: Project
    request: EvaluateRequest
    started: datetime
    name: str
    versions: tuple[Loaded, ...]
    baseline: Loaded | None
    judged: SuiteAt
    asked: Sequence[Case]
    cases: Sequence[Case]
    quarantined: Mapping[str, str]
    demands: Demands
    runs: tuple[tuple[Loaded, str], ...]
    asking: Asking
    budget: Budget

    @property
    def suite(self) -> Suite:
        """Of the prompt."""
        return self.judged.suite

    @property
    def providers(self) -> tuple[str, ...]:
        """What is asked outside of this process: models, judges and embeddings, sorted."""
        settings, demands = self.project.settings.evaluation, self.demands
        asked = {*self.asking.models, *demands.models, *demands.embedders}
        judge = self.asking.judge or settings.judge
        if judge is not None and (demands.judged or self.request.qualities):
            asked.add(judge)
        if demands.embeds:
            asked.add(settings.embeddings)
        return tuple(sorted(asked - {OFFLINE, *LOCAL}))

    @property
    def left(self) -> str | None:
        """Why ``offline`` leaves it out; None where it does not."""
        if not self.request.offline:
            return None
        if self.providers:
            return f"{self.name} asks {', '.join(self.providers)}"
        if self.demands.code and not self.request.allow_code:
            return f"the suite of {self.name} runs code"
        return None

    def planned(self) -> Planned:
        """In numbers."""
        return Planned(
            name=self.name,
            models=self.asking.models,
            providers=self.providers,
            cases=len(self.cases),
            answers=len(self.runs) * len(self.cases) * self.asking.repeats,
            baseline=self.baseline is not None,
            code=self.demands.code,
            left=self.left,
        )

    def session(self, since: datetime | None = None) -> Session:
        """Ready to run.

        Raises:
            Refused: code of the suite is not trusted here.
        """
        if self.request.allow_code and self.demands.code:
            require_trust(self.project, self.judged)
        asking = replace(self.asking, since=since)
        return open_session(asking, self.demands, place_of(self.project), self.budget)


def plans(project: Project, request: EvaluateRequest) -> tuple[Plan, ...]:
    """One plan a prompt, in the order of the references; all of them before anything is asked.

    Raises:
        NotFound: no such prompt or revision; no case is left.
        Usage: what was asked for does not go together; ``save`` of what git does not have.
    """
    references = [parse_reference(one) for one in request.references]
    if request.changed_since is not None:
        changed = changed_since(project, request.changed_since)
        references += [Reference(name) for name in changed if has_cases(project, name)]
    elif not references:
        raise Usage("say which prompt to evaluate", hint="promptvc evaluate NAME, or --changed-since REV")
    if request.gate:
        for one in request.references:  # of prompts that only changed one may be new
            require_baseline(project, parse_reference(one).name)
    names = list(dict.fromkeys(reference.name for reference in references))
    if len(names) > 1 and request.cases:
        raise Usage("--case goes with one prompt", hint="evaluate them one after the other")
    started, budget = project.clock(), Budget(request.limits)
    return tuple(
        _plan(project, request, [one for one in references if one.name == name], started, budget)
        for name in names
    )


def _plan(
    project: Project,
    request: EvaluateRequest,
    references: Sequence[Reference],
    started: datetime,
    budget: Budget,
) -> Plan:
    found = [(reference, project.resolver.resolve(reference)) for reference in references]
    name = found[0][1].name
    judged = suite_for(project, *found[0]) or generated(project, found[0][1])
    suite = judged.suite
    versions = tuple(loaded(project, version, suite) for _, version in found)
    baseline = _baseline(project, request, name, suite)
    asked = suite.split("holdout")
    if not len(asked):
        raise NotFound(f"every case of {suite.file} is for training", hint="unmark some of them")
    selection = _selection(project, request, name)
    if request.save:
        _require_whole(selection, suite)
        for one in versions:
            require_committed(project, one.version, judged)
    runs = _runs(project, request, versions, baseline)
    models = tuple(dict.fromkeys(model for _, model in runs))
    repeats = request.repeat or suite.repeat or (1 if set(models) == {OFFLINE} else 3)
    reducer = parse_reducer(request.reduce or suite.reduce or "mean")
    reducer.check(repeats)
    cases = selection.of(asked)
    return Plan(
        project=project,
        request=request,
        started=started,
        name=name,
        versions=versions,
        baseline=baseline,
        judged=judged,
        asked=asked,
        cases=cases,
        quarantined=quarantined(project, judged, name, cases, started),
        demands=Demands.of(() if suite.at_once else cases),
        runs=runs,
        asking=Asking(
            models=models,
            repeats=repeats,
            reducer=reducer,
            concurrency=request.concurrency,
            judge=request.judge,
            code=request.allow_code,
        ),
        budget=budget,
    )


def _baseline(project: Project, request: EvaluateRequest, name: str, suite: Suite) -> Loaded | None:
    """What ``name`` is compared with. Of the prompts that only changed one may be new: there is nothing for it."""
    if request.baseline is None:
        return None
    revision = request.baseline.removeprefix(f"{name}@").removeprefix("@")
    if request.changed_since is not None and all(
        parse_reference(each).name != name for each in request.references
    ):
        commit = project.repository.resolve(revision)
        if commit is not None and project.at(commit, path_of(name)) is None:
            return None
    return loaded(project, project.resolver.resolve(parse_reference(f"{name}@{revision}")), suite)


def _runs(
    project: Project, request: EvaluateRequest, versions: Sequence[Loaded], baseline: Loaded | None
) -> tuple[tuple[Loaded, str], ...]:
    """Every content on every model that it is asked on, each once: a version's own model unless others are named.

    A baseline is asked on the models of what it is compared with: the prompts are compared, not their models.
    """
    found: dict[tuple[str, str], tuple[Loaded, str]] = {}
    for one in versions:
        models = request.models or (one.prompt.model or project.settings.model or OFFLINE,)
        for model in models:
            for side in (one, baseline):
                if side is not None:
                    found.setdefault((side.version.digest, model), (side, model))
    return tuple(found.values())


def _selection(project: Project, request: EvaluateRequest, name: str) -> Selection:
    failed = None
    if request.failed:
        failed = Last(project.state / "last").failing(name)
        if failed is None:
            raise NotFound(f"{name} was not evaluated here yet", hint="run it once without --failed")
    shard = parse_shard(request.shard) if request.shard is not None else None
    return Selection(request.tags, request.cases, failed, shard)


def _require_whole(selection: Selection, suite: Suite) -> None:
    if not selection.all:
        raise Usage("--save keeps what a whole suite says", hint="leave the filters out, or leave --save out")
    if suite.generated:
        raise Usage("generated cases are no evidence", hint=f"write cases into {suite.file}")
