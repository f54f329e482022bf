"""`promptvc feedback archive`: old months move into Parquet files outside of git, and come back."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows.archive import ArchiveRequest, Moved, Verified, restore, verify
from promptvc.workflows.archive import archive as move_out

HEADERS = ("prompt", "month", "events", "file")


@click.command("archive")
@click.argument("name", required=False, type=NAME)
@click.option("--before", metavar="MONTH", help="Move the months before this one, such as 2025-01.")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder that gets the Parquet files.",
)
@click.option("--verify", "verifying", is_flag=True, help="Look at the file of every archived part.")
@click.option("--restore", "month", metavar="MONTH", help="Bring a month back into git.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def archive(
    edge: Edge,
    name: str | None,
    *,
    before: str | None,
    to: Path | None,
    verifying: bool,
    month: str | None,
    branch: str | None,
) -> int:
    """Move old months into Parquet files outside of git.

    feedback/archive.yaml lists them by digest. They count wherever their files can be read: at their place, or in
    the folder that PROMPTVC_ARCHIVE names. Back these files up: no clone holds them. What git had stays in its history.
    """
    asked = [verifying, month is not None, before is not None or to is not None]
    if sum(asked) != 1 or (before is None) != (to is None):
        raise Usage("give --before MONTH with --to DIR, or --verify, or --restore MONTH")
    project = edge.project()
    if verifying:
        found = verify(project)
        edge.show(found.to_json(), lambda ui: _verified(ui, found))
        return 0 if found.whole else 1
    if month is not None:
        back = restore(project, month, name=name, branch=branch)
        edge.show(back.to_json(), lambda ui: _moved(ui, back, "restored"))
    elif before is not None and to is not None:
        done = move_out(project, ArchiveRequest(before, edge.directory / to, name, branch))
        edge.show(done.to_json(), lambda ui: _moved(ui, done, "archived"))
    return 0


def _moved(ui: Ui, moved: Moved, verb: str) -> None:
    if moved.commit is None:
        ui.line("nothing to archive")
        return
    where = moved.branch or "the detached HEAD"
    ui.line(f"{verb} {moved.events:,} events on {where} ({moved.commit[:10]})", "good")
    ui.table(HEADERS, [(part.prompt, part.month, part.events, part.location) for part in moved.parts])
    if verb == "archived":
        ui.note("back these files up: a clone does not hold them")


def _verified(ui: Ui, found: Verified) -> None:
    rows = [(part.prompt, part.month, part.events, reason or "intact") for part, reason in found.parts]
    ui.table(("prompt", "month", "events", ""), rows, empty="nothing is archived")
