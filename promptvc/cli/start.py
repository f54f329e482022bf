"""`init` and `new`: the beginning of a repository and of a prompt."""

from __future__ import annotations

import os
from pathlib import Path

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import draft, start


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@edge_options
def init(edge: Edge, directory: Path | None) -> None:
    """Make the folders and settings in a git repository.

    Safe to repeat: what is there already is left as it is. DIRECTORY may be a sub-folder of the repository.
    """
    created = start.init(edge.directory / (directory or "."), environ=os.environ)
    _created(edge, created, "everything was there already")


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
