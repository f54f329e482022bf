"""`promptvc train --due`, `--status` and `--watch`: train what needs it, once or as a service."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, Literal

import click

from promptvc.base.clock import format_time, utc_now
from promptvc.base.errors import Interrupted, PromptvcError, StorageError, Unfinished, Usage
from promptvc.cli.edge import Edge
from promptvc.cli.ui import Ui
from promptvc.workflows import due, improve, pull
from promptvc.workflows.project import Project

Print = Callable[[Ui, improve.Trained], None]

Mode = Literal["due", "status", "watch"]
Minutes = float

_ANYWHERE = {"name", "status", "start", "as_json", "as_log"}

HOURLY: Minutes = 60.0
"""Between two rounds."""


def due_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--due``, ``--status``, ``--watch`` and ``--every``; the command gets ``when``, None or (mode, minutes)."""

    @click.option("--due", is_flag=True, help="Train every prompt that needs it; NAME: only that one.")
    @click.option("--status", is_flag=True, help="Show which prompts are due, and why or why not.")
    @click.option("--watch", is_flag=True, help="Stay, and train what is due again and again.")
    @click.option(
        "--every",
        metavar="MINUTES",
        type=click.FloatRange(min=0, min_open=True),
        help=f"With --watch: how long to wait between rounds; {HOURLY:g} when not given.",
    )
    @functools.wraps(function)
    def command(
        *args: Any, due: bool, status: bool, watch: bool, every: Minutes | None, **kwargs: Any
    ) -> Any:
        modes: dict[Mode, bool] = {"due": due, "status": status, "watch": watch}
        chosen = [mode for mode, given in modes.items() if given]
        if len(chosen) > 1:
            raise Usage(f"--{chosen[0]} does not go with --{chosen[1]}")
        if every is not None and not watch:
            raise Usage("--every goes with --watch")
        return function(*args, when=(chosen[0], every) if chosen else None, **kwargs)

    return command


def run(
    edge: Edge,
    name: str | None,
    when: tuple[Mode, Minutes | None],
    requests: Sequence[improve.TrainRequest],
    show: Print,
) -> int | None:
    """Do what ``when`` asks for, with ``requests`` for each prompt that is due; the exit code.

    Raises:
        Usage: an option that does not go with it.
    """
    mode, minutes = when
    _refuse_others(mode)
    if mode == "due":
        return _train_due(edge, name, requests, show)
    if mode == "status":
        _status(edge, name)
    else:
        _watch(edge, name, requests, minutes)
    return None


def _refuse_others(mode: Mode) -> None:
    """What is about one training goes with none of them, and `--status` goes with nothing."""
    context = click.get_current_context()
    given = [
        key
        for key in context.params
        if context.get_parameter_source(key) is click.core.ParameterSource.COMMANDLINE
    ]
    refused = {"history", "reports"} if mode != "status" else set(given) - _ANYWHERE
    wrong = next((key for key in given if key in refused), None)
    if wrong is not None:
        flags = {option.name: option.opts[0] for option in context.command.params}
        raise Usage(f"--{mode} does not go with {flags[wrong]}")


def _status(edge: Edge, name: str | None) -> None:
    """Print for each prompt whether it is due, and why or why not."""
    rows = due.standings(edge.project(), name)

    def text(ui: Ui) -> None:
        cells = [
            (
                row.name,
                row.due.trigger or "no",
                row.due.counts.events,
                row.said,
                "; ".join(row.due.reasons),
            )
            for row in rows
        ]
        ui.table(("prompt", "due", "new", "trained", "why"), cells, empty="main has no prompts")

    edge.show([row.to_json() for row in rows], text)


def _train_due(
    edge: Edge, name: str | None, requests: Sequence[improve.TrainRequest], show: Print
) -> int | None:
    """Train what is due and print what came of it; the exit code."""
    project = edge.project()
    done = due.train_due(project, requests, trainer(edge, project), name=name)

    def text(ui: Ui) -> None:
        for trigger, outcome in done.trained:
            ui.line(f"{_label(outcome, requests)} was due, by {trigger}:", "title")
            show(ui, outcome)
        for line in _said(done, requests, of_trained=False):
            ui.line(line)
        for row in done.not_due:
            ui.line(f"{row.name} is not due: {'; '.join(row.due.reasons)}", "dim")

    edge.show(done.to_json(), text)
    return None if done.finished else Unfinished.exit_code


def _watch(
    edge: Edge, name: str | None, requests: Sequence[improve.TrainRequest], minutes: Minutes | None
) -> None:
    """Train what is due, again and again, with a line for each round, until a signal ends it.

    Raises:
        Interrupted, KeyboardInterrupt: a training was under way; else the end is a normal one.
    """
    with edge.opened() as project:
        due.require(project, name)
    watching = _Watch(edge, name, requests)
    before = signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        watching.run(60 * (minutes or HOURLY))
    except (KeyboardInterrupt, Interrupted):
        if watching.training is not None:
            raise
        edge.ui.note("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


class _Watch:
    """A service in the foreground. ``training`` is the prompt that is trained now."""

    def __init__(self, edge: Edge, name: str | None, requests: Sequence[improve.TrainRequest]) -> None:
        self.edge, self.name, self.requests = edge, name, requests
        self.training: str | None = None

    def run(self, seconds: float) -> None:
        every = f"every {seconds / 60:g} minutes"
        self.edge.ui.note(f"watching {self.name or 'all prompts'} {every}; git is read, nothing is fetched")
        waiting = threading.Event()
        while True:
            self._round()
            waiting.wait(seconds)

    def _round(self) -> None:
        """One round and its line; what goes wrong in it is said, and the next comes all the same."""
        try:
            done = self._trained()
        except Interrupted:
            raise
        except PromptvcError as error:
            self._say({"error": {"kind": error.kind, "message": str(error)}}, [f"error: {error}"])
        except OSError as error:
            fault = StorageError(error.strerror or str(error), file=str(error.filename or ""))
            self._say({"error": {"kind": fault.kind, "message": str(fault)}}, [f"error: {fault}"])
        else:
            idle = f"{len(done.not_due)} not due"
            self._say(done.to_json(), [*_said(done, self.requests, of_trained=True), idle])

    def _trained(self) -> due.Round:
        # Opened anew: branches, settings and the working tree may all have changed.
        with self.edge.opened() as project:
            inner = trainer(self.edge, project)

            def train(name: str, request: improve.TrainRequest) -> improve.Trained:
                self.training = name
                try:
                    outcome = inner(name, request)
                except Interrupted:
                    raise
                except PromptvcError:
                    self.training = None
                    raise
                self.training = None
                return outcome

            return due.train_due(project, self.requests, train, name=self.name)

    def _say(self, value: dict[str, Any], parts: Iterable[str]) -> None:
        ui, time = self.edge.ui, format_time(utc_now())
        if ui.as_json:
            ui.json({"time": time, **value})
        else:
            ui.line(f"{time} {'; '.join(parts)}")
        ui.flush()


def trainer(edge: Edge, project: Project) -> due.Train:
    """Trains one prompt, and shows how far it is."""

    def train(name: str, request: improve.TrainRequest) -> improve.Trained:
        outcome = improve.train(project, name, request, progress=edge.ui.progress)
        return pull.propose_trained(project, outcome) if request.propose else outcome

    return train


def _label(one: improve.Trained | due.Failed, requests: Sequence[improve.TrainRequest]) -> str:
    """The prompt; with the model where there is a training for each."""
    return one.name if len(requests) < 2 else f"{one.name} for {', '.join(one.models)}"


def _said(done: due.Round, requests: Sequence[improve.TrainRequest], *, of_trained: bool) -> list[str]:
    lines = []
    for trigger, one in done.trained if of_trained else ():
        made = one.reason if one.candidate is None else f"v{one.candidate} on {one.branch}"
        lines.append(f"trained {_label(one, requests)} ({trigger}): {made}")
    lines += [f"failed {_label(one, requests)}: {one.error}" for one in done.failed]
    return lines + [line for one in done.deployed if (line := one.said) is not None]


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    """End as Ctrl-C does, by whatever handles that now; a shell may have had it ignored in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
