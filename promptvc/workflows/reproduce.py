"""`reproduce`: the command that made a version, and the commit of main that it ran on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from promptvc.base.clock import format_time
from promptvc.evidence.ledger import Training
from promptvc.training.trained import TrainRequest
from promptvc.training.triggers import has_failed
from promptvc.workflows.learning import request_of
from promptvc.workflows.made import made, require_commit
from promptvc.workflows.project import Project

_NOT_OPTIONS = frozenset(
    {"settings", "feedback", "as_of", "trigger", "blocks", "proposals", "dry_run", "push"}
)
"""What of a request no option says: it stands in `promptvc.yaml`, or bears on nothing that is found."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How a version was made.

    Attributes:
        version: that came out; None when none did.
        main: the commit that the training read; ``baseline``: the version there.
        command: its words.
        settings: what `promptvc.yaml` said of training then, where that differs from the defaults; ``feedback``: what
            it said of feedback, if it differs.
        remarks: what the command alone does not say, each one sentence.
    """

    name: str
    training: str
    time: str
    version: int | None
    main: str
    baseline: int | None
    command: tuple[str, ...]
    settings: Mapping[str, Any]
    feedback: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)

    def to_json(self) -> dict[str, Any]:
        """As `reproduce --json` prints it."""
        return {
            "name": self.name,
            "training": self.training,
            "time": self.time,
            "version": self.version,
            "main": self.main,
            "baseline": self.baseline,
            "command": self.line,
            "settings": dict(self.settings),
            "feedback": dict(self.feedback),
            "remarks": list(self.remarks),
        }


def reproduce(project: Project, reference: str) -> Reproduction:
    """The command that made ``reference``: NAME@REV, a candidate's branch, or a training's id. Nothing is run.

    Raises:
        NotFound: no training made it, or this clone has not got what it read.
        InputError: its record is from before trainings kept their options.
    """
    training = made(project, reference).training
    main = require_commit(project, training)
    request = request_of(training)
    settings, feedback = training.options.get("settings"), training.options.get("feedback")
    return Reproduction(
        name=training.prompt,
        training=training.id,
        time=format_time(training.time),
        version=training.candidate.version if training.candidate else None,
        main=main,
        baseline=training.baseline.version,
        command=("promptvc", "train", training.prompt, *_options(request, training)),
        settings=settings if isinstance(settings, dict) else {},
        feedback=feedback if isinstance(feedback, dict) else {},
        remarks=tuple(_remarks(project, training, request, (reference, main))),
    )


def _options(request: TrainRequest, training: Training) -> Iterator[str]:
    """Every option that differs from its default; the models in any case, whose default may change."""
    default = TrainRequest()
    for one in fields(TrainRequest):
        value = getattr(request, one.name)
        if one.name in _NOT_OPTIONS or value == getattr(default, one.name) or value is None:
            continue
        flag = f"--{one.name.replace('_', '-')}"
        if value is True:
            yield flag
        else:
            yield from (flag, ",".join(value) if isinstance(value, tuple) else f"{value}")
    # What is repeated stops at a block; what is asked for again, after as many seconds.
    if (seconds := training.options.get("max_time")) is not None and request.max_time is None:
        yield from ("--max-time", f"{seconds:g}")
    if training.candidate is not None and not training.promoted:
        yield "--draft"


def _remarks(
    project: Project, training: Training, request: TrainRequest, made_at: tuple[str, str]
) -> Iterator[str]:
    reference, main = made_at
    if project.main_commit != main:
        moved = "main has moved since, and the command starts from where main is now"
        again = shlex.join(("promptvc", "verify", reference))
        yield moved if has_failed(training) else f"{moved}: {again} starts from {main[:12]}"
    if request.blocks is not None:
        yield f"it ran out of time after {request.blocks} blocks of its races, which another machine may not"
