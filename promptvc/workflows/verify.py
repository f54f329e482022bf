"""`verify`: a training made once more from its evidence and the cache; the same prompt has to come out.

Nothing is written and the hold-out is not looked at: whether the candidate is better was decided once. What is held
against the record are the events that it rests on and the bytes of the prompt, its number aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.errors import InputError, OverBudget, Unfinished
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cached_only import CachedOnly
from promptvc.evaluation.sessions.estimate import Asked, estimate
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.ledger import Events, Training
from promptvc.models.access import keyless
from promptvc.models.messages import Model, RemoteModel
from promptvc.prompts.edit import edit
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.store.diff import diff_prompts
from promptvc.store.versions import Version
from promptvc.training.options import TrainingOptions
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.scoring import Embed, Optimizer, Scored, Scorer, Tools
from promptvc.training.train import train
from promptvc.workflows.learning import (
    Prepared,
    look_calls,
    open_tools,
    open_training,
    options_of,
    prepare,
    request_of,
)
from promptvc.workflows.made import made, require_commit, unnumbered
from promptvc.workflows.project import Progress, Project, silent

_HINT = (
    "answers are kept by model and address: the endpoint has to be that of then;"
    " --ask lets it ask the models, whose answers may differ from those of then"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that came out otherwise: what the record has, and what was found now."""

    path: str
    recorded: Any
    found: Any

    def to_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {"path": self.path, "recorded": self.recorded, "found": self.found}


@dataclass(frozen=True, slots=True)
class Verified:
    """How a training went the second time.

    Attributes:
        version: that was verified; None where the training brought none.
        same: whether the same came out; ``difference``: the first thing that did not.
        events: how many it rests on.
        calls: that were made now; none without ``ask``, whatever models in this process answer.
    """

    name: str
    training: str
    version: int | None
    main: str
    same: bool
    difference: Difference | None
    events: int
    calls: int

    def to_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {
            "name": self.name,
            "training": self.training,
            "version": self.version,
            "main": self.main,
            "same": self.same,
            "difference": self.difference.to_json() if self.difference else None,
            "events": self.events,
            "calls": self.calls,
        }


def verify(project: Project, reference: str, *, ask: bool = False, progress: Progress = silent) -> Verified:
    """Train ``reference`` (NAME@REV, a candidate's branch, a training's id) once more, on the commit it was trained on.

    Args:
        ask: call the models for answers that the cache has not got.

    Raises:
        NotFound: no training made it, or this clone has not got what it read.
        InputError: the training failed or asked nothing, or its record is from before trainings kept their options.
        Unfinished: this clone lacks answers, and ``ask`` is False.
        ProviderError, OverBudget, Interrupted: from the models.
    """
    found = made(project, reference)
    training = found.training
    if training.reason.startswith("failed: "):
        raise InputError(
            f"training {training.id} came to no end: {training.reason}", hint="there is nothing to verify"
        )
    if training.search.get("calls") == 0 and training.reason.endswith(" s"):
        # Time ran out before the first answer: no block says where, and nothing was found.
        raise InputError(
            f"training {training.id} had no time to ask anything: {training.reason}",
            hint="there is nothing to verify",
        )
    main = require_commit(project, training)
    request = request_of(training)
    prepared = prepare(project, training.prompt, request, at=main)
    budget = None if ask else CachedOnly()
    environ = project.environ if ask else keyless(project.environ)
    session = open_training(project, prepared, request, budget, environ)
    try:
        reserved = look_calls(prepared, session)
        tools = open_tools(project, prepared, request, session, progress, environ)
        options = _untimed(options_of(project, request, reserved=reserved))
        outcome = train(prepared.task, options, tools if ask else _without_calls(tools, session))
        calls = 0 if budget is not None else session.options.budget.calls if session.options.budget else 0
    finally:
        session.close()
    _require_known(budget)
    difference = _difference(prepared, training, found.version, outcome)
    return Verified(
        name=training.prompt,
        training=training.id,
        version=found.version.version if found.version else None,
        main=main,
        same=difference is None,
        difference=difference,
        events=len(set(outcome.events)),
        calls=calls,
    )


def _untimed(options: TrainingOptions) -> TrainingOptions:
    """Without the clock: the record says where time ended the search, and that it did not end it anywhere else."""
    return replace(options, bounds=replace(options.bounds, seconds=None))


def _without_calls(tools: Tools, session: Session) -> Tools:
    optimizer = _KnownOptimizer(tools.optimizer) if tools.optimizer is not None else None
    embed = _KnownEmbed(tools.embed) if tools.embed is not None else None
    return Tools(_KnownScorer(tools.scorer, session), optimizer, embed)


def _require_known(budget: Budget | None) -> None:
    """An approach may go on without what it was refused; what it then finds is not what it found."""
    if isinstance(budget, CachedOnly) and budget.refused:
        raise Unfinished("this clone's cache lacks answers that the training had", hint=_HINT)


@dataclass(frozen=True, slots=True)
class _KnownScorer:
    """Says how many answers are missing where one is."""

    scorer: Scorer
    session: Session

    @property
    def calls_per_case(self) -> int:
        return self.scorer.calls_per_case

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> Sequence[Scored]:
        try:
            return self.scorer.ask(prompt, cases)
        except OverBudget:
            asked = [Asked(prompt, model) for model in self.session.models]
            rows = estimate(asked, cases, self.session)
            missing = sum(row.calls + row.judge.calls for row in rows)
            of = sum(row.answers for row in rows)
            raise Unfinished(
                f"this clone's cache lacks {max(1, missing):,} of the {of:,} answers that the training asks for"
                f" next, and perhaps more after them: of {', '.join(map(_placed, self.session.models))}",
                hint=_HINT,
            ) from None


def _placed(model: Model) -> str:
    location = model.location if isinstance(model, RemoteModel) else None
    return model.name if location is None else f"{model.name} at {location}"


@dataclass(frozen=True, slots=True)
class _KnownOptimizer:
    """Says which proposal is missing."""

    optimizer: Optimizer

    @property
    def name(self) -> str:
        return self.optimizer.name

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        try:
            return self.optimizer.ask(system, text, sample=sample)
        except OverBudget:
            raise Unfinished(f"this clone's cache lacks 1 proposal of {self.name}", hint=_HINT) from None


@dataclass(frozen=True, slots=True)
class _KnownEmbed:
    """Says that vectors are missing."""

    embed: Embed

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        try:
            return self.embed(texts)
        except OverBudget:
            raise Unfinished(
                f"this clone's cache lacks vectors of some of {len(texts):,} texts", hint=_HINT
            ) from None


def _difference(
    prepared: Prepared, training: Training, version: Version | None, outcome: TrainingOutcome
) -> Difference | None:
    if prepared.baseline.digest != training.baseline.digest:
        return Difference("baseline", training.baseline.digest, prepared.baseline.digest)
    events = Events.of(outcome.events)
    if events != training.events:
        return Difference("events", training.events.to_json(), events.to_json())
    if version is not None:
        return _of_the_prompt(prepared, version, outcome)
    edits = [change.to_json() for change in outcome.changes]
    for at in range(max(len(edits), len(training.edits))):
        recorded = dict(training.edits[at]) if at < len(training.edits) else None
        now = edits[at] if at < len(edits) else None
        if recorded != now:
            return Difference(f"edits[{at}]", recorded, now)
    if training.look is None and training.reason != outcome.reason:
        return Difference("reason", training.reason, outcome.reason)
    return None


def _of_the_prompt(prepared: Prepared, version: Version, outcome: TrainingOutcome) -> Difference | None:
    data = edit(prepared.baseline.data, outcome.edits or (), file=prepared.path)
    before, after = (unnumbered(each, file=prepared.path) for each in (version.data, data))
    if before == after:
        return None
    one, other = (load_prompt(each, file=prepared.path, name=prepared.name) for each in (before, after))
    for change in diff_prompts(one, other):
        return Difference(change.path, change.before, change.after)
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    at = next((at for at, (left, right) in enumerate(pairs) if left != right), 0)
    lines = [each.split(b"\n")[at].decode("utf-8", "replace") for each in (before, after)]
    return Difference(f"line {at + 1}", *lines)
