"""`init` and `new`: the beginning of a repository and of a prompt."""

from __future__ import annotations

import os
from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import draft, start, start_ci


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--ci", type=click.Choice(start_ci.SYSTEMS), help="Write the workflows of this forge too.")
@click.option(
    "--install", metavar="SPEC", help="With --ci: what pip installs there; needed until there is a release."
)
@click.option(
    "--force", is_flag=True, help="With --ci: make promptvc's own workflows anew where they differ."
)
@edge_options
def init(
    edge: Edge, directory: Path | None, ci: start_ci.System | None, install: str | None, *, force: bool
) -> None:
    """Make the folders and settings in a git repository.

    Safe to repeat: what is there already is left as it is. DIRECTORY may be a sub-folder of the repository.
    """
    if ci is None and (force or install is not None):
        raise Usage("--install and --force go with --ci", hint="promptvc init --ci github")
    place = edge.directory / (directory or ".")
    if ci is not None:
        start_ci.refuse_unreleased(place, start_ci.CiRequest(ci, install, force))
    created = start.init(place, environ=os.environ)
    if ci is None:
        _created(edge, created, "everything was there already")
        return
    written = start_ci.write_ci(place, start_ci.CiRequest(ci, install, force), environ=os.environ)

    def text(ui: Ui) -> None:
        for path in (*created, *written.created):
            ui.line(f"created {path}")
        for path, reason in written.left:
            ui.line(f"left {path} alone: {reason}", "warn")
        if not created and not written.created and not written.left:
            ui.line("everything was there already")
        ui.line("next:")
        for at, step in enumerate(written.steps, 1):
            ui.line(f"  {at}. {step}", "dim")

    left = [{"path": path, "reason": reason} for path, reason in written.left]
    made = [*created, *written.created]
    edge.show({"created": made, "left": left, "next": list(written.steps)}, text)


@click.command("new")
@click.argument("name")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="A text or a prompt file to start from."
)
@click.option(
    "--type",
    "type_",
    type=click.Choice(["system", "user", "connector"]),
    default=None,
    help="system: instructions; user: asked by people; connector: called by a program.",
)
@click.option("--task", help="What the prompt should do, in words: it is drafted from that.")
@click.option("--model", help="provider:model, or offline; also who drafts with --task.")
@edge_options
def new(
    edge: Edge, name: str, source: Path | None, type_: str | None, task: str | None, model: str | None
) -> None:
    """Write a new prompt, from a file or from a task in words.

    With --task a provider drafts it; offline, the nearest prompt of the repository is the draft.
    """
    place = None if source is None else edge.directory / source
    made = draft.new(edge.project(), draft.NewRequest(name, place, type_, task, model))
    _created(edge, made.created, "")
    if not edge.ui.as_json:
        for remark in made.remarks:
            edge.ui.note(remark)


def _created(edge: Edge, created: tuple[str, ...], empty: str) -> None:
    def text(ui: Ui) -> None:
        for path in created:
            ui.line(f"created {path}")
        if not created:
            ui.line(empty)

    edge.show({"created": list(created)}, text)
