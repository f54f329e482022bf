"""`train --due`, `--status`: which prompts are due, and training those.

Which are due is a function of main's commits and of the ledger: the same in cron, in CI and at a desk. What is new
since the last training is a difference of sets: the events of main now, without those that the commit had which the
training read. Nothing is fetched; only with ``push`` is the ledger, because a look has to be seen by all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import Busy, Interrupted, NotFound, PromptvcError, Usage
from promptvc.base.files import FileLock
from promptvc.evidence.trainings import Training
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.prompts.names import nearest
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import name_alone
from promptvc.training.trained import Failed, Trained, TrainRequest
from promptvc.training.triggers import (
    Due,
    assess,
    counting,
    fresh,
    has_asked,
    has_failed,
    last_ended,
    used_by_time,
)
from promptvc.workflows.autodeploy import AutoDeployment, auto_deploy
from promptvc.workflows.project import Project

__all__ = ["Due", "Failed", "Round", "Standing", "Train", "require", "standings", "train_due"]

Train = Callable[[str, TrainRequest], Trained]
"""Trains one prompt; `promptvc train NAME` does the same."""

_ELSEWHERE = "another process trains it now"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one prompt stands. ``last`` is its newest training, whether it counts or not."""

    name: str
    due: Due
    last: Training | None = None

    @property
    def said(self) -> str | None:
        """When the newest training was, in words, and what it was where it was none to count; None without one."""
        if self.last is None:
            return None
        time = format_time(self.last.time)[:16]
        if has_failed(self.last):
            return f"failed at {time}"
        return time if has_asked(self.last) else f"asked nothing at {time}"

    def to_json(self) -> dict[str, Any]:
        """As `train --status --json` prints it."""
        last = None
        if self.last is not None:
            last = {"id": self.last.id, "time": format_time(self.last.time), "reason": self.last.reason}
        return {
            "name": self.name,
            "due": self.due.due,
            "trigger": self.due.trigger,
            "reasons": list(self.due.reasons),
            "new": self.due.counts.to_json(),
            "last": last,
        }


@dataclass(frozen=True, slots=True)
class Round:
    """What one `train --due` did, prompts in the order of their names.

    Attributes:
        trained: (trigger, how it ended).
        not_due: the others, with the reasons; one that another process trains is among them.
        deployed: what auto-deployment did, or why not; empty where it is off.
    """

    trained: tuple[tuple[str | None, Trained], ...] = ()
    failed: tuple[Failed, ...] = ()
    not_due: tuple[Standing, ...] = ()
    deployed: tuple[AutoDeployment, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether everything that was begun came to its end."""
        return not self.failed and all(one.error is None for one in self.deployed)

    def to_json(self) -> dict[str, Any]:
        """As `train --due --json` prints it."""
        return {
            "trained": [{**one.to_json(), "trigger": trigger} for trigger, one in self.trained],
            "failed": [one.to_json() for one in self.failed],
            "not_due": [one.to_json() for one in self.not_due],
            "deployed": [{"name": one.name, **one.to_json()} for one in self.deployed],
        }


def standings(project: Project, name: str | None = None) -> list[Standing]:
    """Whether each prompt of main is due, and why or why not, by name.

    Raises:
        NotFound: main has no prompt ``name``.
    """
    main = project.need_main()
    names, segments = _names(project, main, name), _segments(project, main, name or "")
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    trainings = (
        ledgers.trainings() if name is None else {each: ledgers.read(each).trainings for each in names}
    )
    return [_standing(project, each, segments.get(each, {}), trainings.get(each, ())) for each in names]


def require(project: Project, name: str | None) -> None:
    """Make sure that main has the prompt ``name``, before a service waits for it.

    Raises:
        NotFound: it has not.
    """
    if name is not None:
        _names(project, project.need_main(), name)


def train_due(
    project: Project, requests: Sequence[TrainRequest], train: Train, *, name: str | None = None
) -> Round:
    """Train every prompt that is due, one after another, then deploy what may be deployed by itself.

    A training that fails is told of in the answer, and the others go on. Of two processes in one clone only one
    trains a prompt: the other finds it locked, or finds that it is not due any more.

    Args:
        requests: for each of them, one after another; the trigger is put in.
        train: trains one prompt.
        name: only this prompt, if it is due.

    Raises:
        NotFound: main has no prompt ``name``.
        Usage: ``push`` without a remote.
        Interrupted: Ctrl-C.
    """
    if any(request.push for request in requests):
        _learn(project)
    trained: list[tuple[str | None, Trained]] = []
    failed: list[Failed] = []
    not_due: list[Standing] = []
    deployed: list[AutoDeployment] = []
    for standing in standings(project, name):
        done = _train_one(project, standing, requests, train) if standing.due.due else standing
        if isinstance(done, Standing):
            not_due.append(done)
        else:
            trained += [(standing.due.trigger, one) for one in done if isinstance(one, Trained)]
            failed += [one for one in done if isinstance(one, Failed)]
        if not any(request.dry_run for request in requests):
            project.refresh()
            pushing = any(request.push for request in requests)
            outcome = auto_deploy(project, standing.name, push_main=pushing)
            deployed += [outcome] if outcome.said is not None else []
    return Round(tuple(trained), tuple(failed), tuple(not_due), tuple(deployed))


def _train_one(
    project: Project, standing: Standing, requests: Sequence[TrainRequest], train: Train
) -> list[Trained | Failed] | Standing:
    """How each training ended; where it stands when it is not due any more, or not ours to train."""
    name = standing.name
    try:
        with FileLock(_lock(project, name), timeout_s=0):
            project.refresh()
            again = standings(project, name)[0]  # what held the lock may have trained it
            if not again.due.due:
                return again
            wanted = [replace(request, trigger=again.due.trigger) for request in requests]
            return [_train(project, name, request, train) for request in wanted]
    except Busy:
        return replace(standing, due=replace(standing.due, due=False, trigger=None, reasons=(_ELSEWHERE,)))


def _train(project: Project, name: str, request: TrainRequest, train: Train) -> Trained | Failed:
    project.refresh()
    project.log.event("training.due", name=name, trigger=request.trigger)
    try:
        return train(name, request)
    except Interrupted:
        raise
    except PromptvcError as error:
        project.log.event("training.failed", name=name, kind=error.kind)
        return Failed(name, request.trigger, error, request.models)


def _lock(project: Project, name: str) -> Path:
    """One for all worktrees; prompts of several roots stay apart."""
    return project.repository.common_dir / "promptvc" / "training" / f"{project.prefix}{name}.lock"


def _learn(project: Project) -> None:
    """Read the remote's ledger, so that what another clone trained counts."""
    remote = project.settings.remote
    ledgers = Ledgers.of(project.resolver, remote)
    if not ledgers.has_remote:
        raise Usage(f"--push: there is no remote {remote}", hint="git remote add, or leave it out")
    ledgers.fetch()


def _names(project: Project, main: str, name: str | None) -> Sequence[str]:
    known = project.resolver.names(main)
    if name is None:
        return known
    wanted = name_alone(name)
    if wanted not in known:
        near = nearest(wanted, known)
        hint = f"did you mean {near}?" if near else "training starts from main: commit the prompt there first"
        raise NotFound(f"main has no prompt {wanted}", hint=hint)
    return [wanted]


def _segments(project: Project, commit: str, below: str = "") -> dict[str, dict[str, str]]:
    """By prompt, {path: blob} of its feedback in ``commit``; ``below``: of that prompt, and those within its name."""
    found: dict[str, dict[str, str]] = {}
    for path, blob in project.tree(commit, f"{FOLDER}/{below}".rstrip("/")).items():
        prompt = prompt_of(path)
        if prompt is not None:
            found.setdefault(prompt, {})[path] = blob
    return found


def _standing(project: Project, name: str, now: Mapping[str, str], trainings: Sequence[Training]) -> Standing:
    settings = project.settings.training
    ended = last_ended(trainings)
    found = _new(project, name, now, ended)
    due = assess(found.new, ended, settings.triggers, project.clock(), there=found.there)
    newest = trainings[0] if trainings else None
    stuck = newest is not None and not has_asked(newest) and not has_failed(newest)
    if due.due and newest is not None and stuck and newest.main == project.main_commit:
        # It could not start with what is there; to try again every hour would only fill the ledger.
        due = replace(
            due, due=False, reasons=("the last training could ask nothing, and main is as it was then",)
        )
    return Standing(name, replace(due, reasons=(*due.reasons, *found.remark)), newest)


@dataclass(frozen=True, slots=True)
class _New:
    """The events that are new, how many count in all, and a remark where what is new cannot be told exactly."""

    new: Sequence[Event] = ()
    there: int = 0
    remark: tuple[str, ...] = ()


def _new(project: Project, name: str, now: Mapping[str, str], last: Training | None) -> _New:
    """What is new since ``last``."""
    days, clock = project.settings.training.days, project.clock()

    def of(events: Sequence[Event], used: Collection[str], *remark: str) -> _New:
        there = counting(events, days, clock)
        return _New(fresh(there, used), len(there), remark)

    if last is None:
        return of(_read(project, now, now), ())
    commit = project.repository.resolve(last.main) if last.main is not None else None
    if commit is None:
        events = _read(project, now, now)
        since = format_time(last.time)
        return of(
            events,
            used_by_time(events, last),
            f"the commit that the last training read is not in this clone: new is what came after {since}",
        )
    then = _segments(project, commit, name).get(name, {})
    # Segments are written once: what both have is parsed once, and nothing is where nothing was added.
    added = {path for path in now if then.get(path) != now[path]}
    if not added:
        return _New()
    shared = _read(project, now, (path for path in now if path not in added))
    gone = _read(project, then, (path for path in then if now.get(path) != then[path]))
    there = {event.id for event in shared}
    events = [*shared, *(event for event in _read(project, now, added) if event.id not in there)]
    return of(events, {event.id for event in (*shared, *gone)})


def _read(project: Project, blobs: Mapping[str, str], paths: Iterable[str]) -> Sequence[Event]:
    return read_segments({path: project.objects.blob(blobs[path]) for path in paths}).events
