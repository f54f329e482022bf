"""`promptvc train --reserve` and `--reserved`: a training whose look, calls and commits are jobs of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from promptvc.base.errors import Unfinished, Usage
from promptvc.base.files import write_atomic
from promptvc.cli import train_due
from promptvc.cli.edge import Edge
from promptvc.cli.ui import Ui
from promptvc.workflows import improve, reserving


@dataclass(frozen=True, slots=True)
class Jobs:
    """Which of the jobs this is: ``reserve`` is the file to write, ``reserved`` the one to read."""

    reserve: Path | None
    reserved: Path | None
    run: str
    parcels: Path | None


def job_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--reserve``, ``--reserved``, ``--run-id``, ``--parcel``; the command gets ``jobs``, None without them."""

    @click.option(
        "--reserve",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Reserve looks for trainings in another job, push them, and write FILE.",
    )
    @click.option(
        "--reserved",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Train what --reserve wrote to FILE, and commit nothing.",
    )
    @click.option("--run-id", "run", metavar="ID", help="With both: the run and its attempt.")
    @click.option(
        "--parcel",
        "parcels",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="With --reserved: leave what was made in DIR, for `promptvc publish`.",
    )
    @functools.wraps(function)
    def command(
        *args: Any,
        reserve: Path | None,
        reserved: Path | None,
        run: str | None,
        parcels: Path | None,
        **kwargs: Any,
    ) -> Any:
        if reserve is None and reserved is None:
            stray = "--run-id" if run is not None else "--parcel" if parcels is not None else None
            if stray is not None:
                raise Usage(f"{stray} goes with --reserved")
            return function(*args, jobs=None, **kwargs)
        if reserve is not None and reserved is not None:
            raise Usage("--reserve does not go with --reserved", hint="they are two jobs")
        if not run:
            raise Usage(
                "--run-id is missing", hint='in GitHub Actions: --run-id "$GITHUB_RUN_ID.$GITHUB_RUN_ATTEMPT"'
            )
        if (reserved is None) != (parcels is None):
            raise Usage(
                "--reserved and --parcel go together", hint="`promptvc publish DIR` commits what was made"
            )
        return function(*args, jobs=Jobs(reserve, reserved, run, parcels), **kwargs)

    return command


def run_job(
    edge: Edge, jobs: Jobs, asked: tuple[str | None, str | None], request: improve.TrainRequest
) -> int | None:
    """Do one of the jobs; the exit code.

    Args:
        asked: the prompt, and `due`, `status`, `watch` or None.

    Raises:
        Usage: what does not go together.
        NotFound: it was reserved for another run.
    """
    name, mode = asked
    if request.propose or request.dry_run or mode not in {None, "due"}:
        raise Usage(
            "--reserve and --reserved go with neither --pr, --dry-run, --status nor --watch",
            hint="`promptvc publish DIR --pr` proposes what was made",
        )
    if jobs.reserve is not None:
        _reserve(edge, jobs.reserve, jobs.run, (name, mode == "due"), request)
        return None
    if name is not None or mode is not None or request.models:
        raise Usage("--reserved trains what was reserved: it takes no NAME, no --due and no --models")
    return _train(edge, jobs, request)


def _reserve(
    edge: Edge, file: Path, run: str, asked: tuple[str | None, bool], request: improve.TrainRequest
) -> None:
    name, due = asked
    if name is None and not due:
        raise Usage("--reserve takes NAME, or --due")
    found = reserving.reserve(edge.project(), request, run, name=name, due=due)
    write_atomic(file, found.to_bytes())

    def text(ui: Ui) -> None:
        for one in found.trainings:
            why = f", due by {one.trigger}" if one.trigger else ""
            ui.line(f"reserved: training {one.id} of {one.prompt}{why}")
        if not found.trainings:
            ui.line("nothing is due")

    edge.show(found.to_json(), text)


def _train(edge: Edge, jobs: Jobs, request: improve.TrainRequest) -> int:
    assert jobs.reserved is not None
    found = reserving.read_reservation(jobs.reserved, jobs.run)
    project, ui = edge.project(), edge.ui
    trainer = train_due.trainer(edge, project)
    outcomes = []
    for one in reserving.train_reserved(project, found, replace(request, parcels=jobs.parcels), trainer):
        outcomes.append(one)
        if not ui.as_json:
            said = one.reason if isinstance(one, improve.Trained) else f"failed: {one.error}"
            ui.line(f"{one.name}: {said}")
            ui.flush()
    if ui.as_json:
        ui.json([one.to_json() for one in outcomes])
    elif not outcomes:
        ui.line("nothing is reserved")
    return 0 if all(isinstance(one, improve.Trained) for one in outcomes) else Unfinished.exit_code
