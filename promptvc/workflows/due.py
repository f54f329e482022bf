"""`train --due`: training every prompt that is due.

Nothing is fetched; only with ``push`` is the ledger, because a look has to be seen by all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import Busy, Interrupted, PromptvcError, Usage
from promptvc.base.files import FileLock
from promptvc.store.ledgers import Ledgers
from promptvc.training.trained import Failed, Trained, TrainRequest
from promptvc.workflows.autodeploy import AutoDeployment, auto_deploy
from promptvc.workflows.project import Project
from promptvc.workflows.standing import Standing, require, standings

__all__ = ["Failed", "Round", "Standing", "Train", "require", "standings", "train_due"]

Train = Callable[[str, TrainRequest], Trained]
"""Trains one prompt; `promptvc train NAME` does the same."""

_ELSEWHERE = "another process trains it now"


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
