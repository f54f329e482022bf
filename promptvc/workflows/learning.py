"""What a training of a prompt works on, as main or an earlier commit has it; shared by the stories that learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import Any

from promptvc.base.collecting import fewer_collections
from promptvc.base.config import FeedbackSettings, TrainingSettings, training_settings
from promptvc.base.errors import InputError, NotFound
from promptvc.evaluation.cases.suite import Suite, check_variables
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.sessions.opening import Asking, Demands, judgements, open_session
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.trainings import Training
from promptvc.feedback.segments import FOLDER, Reading, prompt_of, read_segments
from promptvc.models.providers import OFFLINE
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import nearest, path_of
from promptvc.store.foreign import refuse_foreign
from promptvc.store.references import name_alone
from promptvc.store.versions import Version
from promptvc.training.data.claims import OLDER, ClaimOptions
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import Dataset, build
from promptvc.training.data.signals import hear
from promptvc.training.data.split import Split
from promptvc.training.embedding import open_embed
from promptvc.training.optimizer import Surroundings, open_optimizer, optimizer_model
from promptvc.training.options import Bounds, TrainingOptions
from promptvc.training.recording import left_out
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask
from promptvc.training.trained import TrainRequest
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Progress, Project
from promptvc.workflows.suites import place_of, shelf

NOT_RECORDED = frozenset(
    {
        "draft",
        "dry_run",
        "push",
        "trigger",
        "models",
        "seed",
        "settings",
        "feedback",
        "as_of",
        "propose",
        "reserved",
        "parcels",
    }
)
"""What of a request does not bear on what is found, or stands in the record by itself."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prompt with all that a training of it reads, from one commit.

    Attributes:
        main: the commit.
        baseline: the newest version there; ``path``: of its file.
        suite: None where the prompt has none.
        reading: all committed events of the prompt.
        split: with the cases in quarantine left out of the hold-out.
        task: what may be learned from; nothing of the hold-out.
        models: specs, trained for together.
        left_out: how much of the feedback is not used, by reason.
    """

    name: str
    main: str
    baseline: Version
    path: str
    prompt: Prompt
    suite: Suite | None
    reading: Reading
    dataset: Dataset
    split: Split
    task: TrainingTask
    models: tuple[str, ...]
    left_out: Mapping[str, int]

    @property
    def suite_holds_out(self) -> bool:
        """Whether the hold-out is the suite's; else it is made of what events say."""
        return self.suite is not None and any(case.split != "train" for case in self.suite.cases)

    @property
    def repeats(self) -> int:
        """How often each case is asked: a model that always answers the same is asked once."""
        return 1 if set(self.models) == {OFFLINE} else 3


@fewer_collections()
def prepare(project: Project, name: str, request: TrainRequest, *, at: str | None = None) -> Prepared:
    """Read everything that a training of ``name`` works on.

    Args:
        at: a commit instead of main.

    Raises:
        NotFound: there is no such prompt.
        Usage: ``name`` has a revision.
        InvalidDocument: the prompt or its suite cannot be read.
    """
    alone = name_alone(name)
    main = at or project.need_main()
    baseline = _version(project, alone, main)
    path = path_of(alone)
    prompt = load_prompt(baseline.data, file=path, name=alone, memo=project.memo)
    suite = shelf(project, main).suite(alone)
    if suite is not None:
        check_variables(suite, [one.name for one in prompt.variables if one.required])
    reading = _reading(project, alone, main)
    reading = replace(reading, events=heeded(project, reading.events))
    # A day's grace for clocks that differ.
    until = (request.as_of or project.clock()) + timedelta(days=1)
    days = request.days or settings_of(project, request).days
    claims = ClaimOptions(days, request.reviewed_only, request.feedback or project.settings.feedback, until)
    dataset = build(reading.events, prompt, claims)
    divided = _divided(reading, prompt, suite, dataset, claims)
    held = shelf(project, main).quarantine(alone)
    split = divided.without(
        held.reasons([case.id for case in divided.holdout], (request.as_of or project.clock()).date())
    )
    heard = hear(reading.events, prompt, dataset.rejected, claims)
    signals, _ = split.audible(heard.signals)
    counts = Counter(left_out(dataset, split, reading))
    # What says a right answer is counted with the items.
    told = {event for item in dataset.items for event in item.because}.union(
        *(signal.because for signal in signals)
    )
    counts["are of the hold-out, and not heard"] = sum(1 for one in heard.signals if one.id not in told)
    return Prepared(
        name=alone,
        main=main,
        baseline=baseline,
        path=path,
        prompt=prompt,
        suite=suite,
        reading=reading,
        dataset=dataset,
        split=split,
        task=TrainingTask.of(prompt, dataset, split, signals),
        models=request.models or (prompt.model or project.settings.model or OFFLINE,),
        left_out=dict(sorted((+counts).items())),
    )


def _divided(
    reading: Reading, prompt: Prompt, suite: Suite | None, dataset: Dataset, claims: ClaimOptions
) -> Split:
    """Without a hold-out in the suite it goes by all that was ever said: a window that moves must not move it."""
    cases = suite.cases if suite else None
    if suite is not None and any(case.split != "train" for case in suite.cases):
        return divide(dataset.items, cases, prompt)
    if not claims.reviewed_only and OLDER not in dataset.left_out:
        return divide(dataset.items, cases, prompt)
    whole = build(reading.events, prompt, replace(claims, days=None, reviewed_only=False))
    return divide(whole.items, cases, prompt).taught(dataset.items)


def _version(project: Project, name: str, main: str) -> Version:
    found = project.resolver.at(name, main)
    if found is not None:
        refuse_foreign(found.path, name, "train")
        return found
    near = nearest(name, project.resolver.names(main))
    hint = f"did you mean {near}?" if near else "training starts from main: commit the prompt there first"
    raise NotFound(f"main has no prompt {name}", hint=hint)


def _reading(project: Project, name: str, commit: str) -> Reading:
    blobs = project.tree(commit, f"{FOLDER}/{name}")
    mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == name}
    return read_segments({path: project.objects.blob(blob) for path, blob in mine.items()})


def look_calls(prepared: Prepared, session: Session) -> int:
    """What the comparison on the hold-out takes: both sides answered, and graded where the suite asks models."""
    each = len(prepared.split.holdout) + judgements(prepared.split.holdout)
    return 2 * each * session.calls_per_case


def options_of(project: Project, request: TrainRequest, *, reserved: int = 0) -> TrainingOptions:
    """How to train, from what was asked for and the settings.

    Args:
        reserved: calls that the comparison on the hold-out takes.
    """
    settings = settings_of(project, request)
    bounds = Bounds(
        calls=max(0, (request.max_calls or settings.max_calls) - reserved),
        tokens=request.max_tokens or settings.budget.tokens,
        cost=request.max_cost or settings.budget.cost,
        seconds=request.max_time or settings.budget.seconds,
        reserved=reserved,
        blocks=request.blocks,
        proposals=request.proposals,
    )
    return TrainingOptions(
        approach=request.approach,
        enabled=settings.approaches,
        selection=settings.selection,
        triggers=settings.triggers,
        thresholds=request.feedback or project.settings.feedback,
        trigger=request.trigger,
        seed=request.seed,
        max_examples=request.max_examples or settings.max_examples,
        max_tokens=settings.max_tokens,
        max_growth=settings.max_growth,
        min_gain=settings.min_gain,
        variants=settings.variants,
        rounds=settings.rounds,
        batch=settings.batch,
        bounds=bounds,
    )


def open_training(
    project: Project,
    prepared: Prepared,
    request: TrainRequest,
    budget: Budget | None = None,
    environ: Mapping[str, str] | None = None,
) -> Session:
    """A session with the models that are trained for; close it.

    Args:
        budget: instead of what the request and the settings allow.
        environ: instead of the project's, for endpoints and keys.

    Raises:
        As :func:`promptvc.evaluation.sessions.opening.open_session`.
    """
    settings = settings_of(project, request)
    limits = Limits(
        calls=request.max_calls or settings.max_calls,
        tokens=request.max_tokens or settings.budget.tokens,
        cost=request.max_cost or settings.budget.cost,
    )
    demands = Demands.of(prepared.suite.cases if prepared.suite else ())
    asking = Asking(prepared.models, prepared.repeats)
    place = place_of(project)
    place = place if environ is None else replace(place, environ=environ)
    return open_session(asking, demands, place, budget or Budget(limits))


def open_tools(
    project: Project,
    prepared: Prepared,
    request: TrainRequest,
    session: Session,
    progress: Progress,
    environ: Mapping[str, str] | None = None,
) -> Tools:
    """What the approaches may ask: the session's models, the optimizer, and embeddings.

    Args:
        environ: as for :func:`open_training`.

    Raises:
        InputError: a model that cannot be opened.
    """
    settings = settings_of(project, request)
    spec = request.optimizer or optimizer_model(settings.optimizer, prepared.models)
    around = Surroundings(
        project.settings.models,
        project.environ if environ is None else environ,
        session.options.budget,
        session.options.cache,
    )
    optimizer = None
    if spec is not None and spec != OFFLINE:
        optimizer = open_optimizer(spec, settings.optimizer.temperature, around)
    return Tools(
        scorer=SessionScorer(session, progress("training")),
        optimizer=optimizer,
        embed=open_embed(settings.embeddings, around),
    )


def settings_of(project: Project, request: TrainRequest) -> TrainingSettings:
    """What holds for this training."""
    return request.settings or project.settings.training


def recorded(project: Project, request: TrainRequest) -> dict[str, Any]:
    """What was asked for, for the training's record: all that differs from the defaults and bears on what is found."""
    default = TrainRequest()
    found: dict[str, Any] = {
        one.name: getattr(request, one.name)
        for one in fields(TrainRequest)
        if one.name not in NOT_RECORDED and getattr(request, one.name) != getattr(default, one.name)
    }
    given, usual = asdict(settings_of(project, request)), asdict(TrainingSettings())
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value != usual[name] and name != "auto_deploy"
    }
    if settings:
        found["settings"] = settings
    told, usual_bars = request.feedback or project.settings.feedback, FeedbackSettings()
    bars = {"positive": told.positive, "negative": told.negative}
    if bars != {"positive": usual_bars.positive, "negative": usual_bars.negative}:
        found["feedback"] = bars
    return found


def request_of(record: Training) -> TrainRequest:
    """The request that a training was made with, from its record; where time stopped it, it stops at the same block.

    Raises:
        InputError: the record is older than what this takes.
    """
    if record.main is None:
        raise InputError(
            f"training {record.id} was recorded before trainings kept what they were asked for",
            hint="train again; a newer record can be repeated",
        )
    known = {one.name for one in fields(TrainRequest)} - NOT_RECORDED
    options = {name: value for name, value in record.options.items() if name in known}
    if record.stopped is not None and record.stopped.endswith(" s"):
        options |= {"blocks": record.blocks, "max_time": None}
    failed = record.search.get("failed_after")
    return TrainRequest(
        **options,
        proposals=failed if isinstance(failed, int) else None,
        seed=record.seed,
        models=tuple(record.model.split(",")),
        trigger=record.trigger,
        settings=training_settings(record.options.get("settings") or {}),
        feedback=FeedbackSettings(**(record.options.get("feedback") or {})),
        as_of=record.time,
    )
