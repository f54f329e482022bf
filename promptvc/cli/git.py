"""`promptvc git`: git compares and merges prompts by what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import drive, git_install

TABLE = {
    "install": Entry("promptvc.cli.git", "install", "Let git compare and merge prompts by items."),
    "uninstall": Entry(
        "promptvc.cli.git", "uninstall", "Take the drivers and the lines of `.gitattributes` out again."
    ),
    "textconv": Entry("promptvc.cli.git", "textconv", "Print a prompt's file as `git diff` compares it."),
    "merge-driver": Entry(
        "promptvc.cli.git", "merge_driver", "Merge one file, as git calls it: the result replaces OURS."
    ),
}
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("git", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def git(context: click.Context) -> None:
    """Let git compare and merge prompts by items."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("install")
@click.option(
    "--force", is_flag=True, help="Also in place of drivers named promptvc that call something else."
)
@edge_options
def install(edge: Edge, force: bool) -> None:
    """Let git compare and merge prompts by items.

    Writes a diff driver and a merge driver into this clone's configuration, and names them in `.gitattributes`, which
    is yours to commit. `git diff`, `git log -p`, `git merge`, `git rebase`, `git cherry-pick` and `git stash pop` then
    work on rules, examples, messages and keys. A clone without this, and a forge's merge button, compare lines.
    """
    done = git_install.install(edge.project(), sys.executable, force=force)

    def text(ui: Ui) -> None:
        ui.line("git compares and merges prompts/**/*.yaml by items in this clone", "good")
        if done.by_lines:
            files = "file" if len(done.by_lines) == 1 else "files"
            ui.note(f"{len(done.by_lines):,} .prompt.yml {files} beside them: git goes on by lines there")
        for file in done.files:
            ui.note(f"{file} has new lines: commit it, so that other clones need only this command")

    edge.show(done.to_json(), text)


@click.command("uninstall")
@click.option("--force", is_flag=True, help="Also drivers named promptvc that call something else.")
@edge_options
def uninstall(edge: Edge, force: bool) -> None:
    """Take the drivers and the lines of `.gitattributes` out again."""
    done = git_install.uninstall(edge.project(), force=force)

    def text(ui: Ui) -> None:
        if done.settings or done.files:
            ui.line("git compares and merges prompts by lines again", "good")
        else:
            ui.line("there was nothing to take out")

    edge.show(done.to_json(), text)


@click.command("textconv")
@click.argument("file", type=FILE)
@edge_options
def textconv(edge: Edge, file: Path) -> None:
    """Print a prompt's file as `git diff` compares it: a line for each rule, example and key.

    What is no prompt is printed as it is.
    """
    text = drive.textconv(edge.directory / file).decode("utf-8", "replace")
    edge.show({"text": text}, lambda ui: ui.raw(text))


@click.command("merge-driver")
@click.argument("base", type=FILE)
@click.argument("ours", type=FILE)
@click.argument("theirs", type=FILE)
@click.argument("marker_size", type=click.IntRange(min=1))
@click.argument("path")
@edge_options
def merge_driver(edge: Edge, base: Path, ours: Path, theirs: Path, marker_size: int, path: str) -> int:
    """Merge one file, as git calls it: the result replaces OURS.

    Exit 1 with conflicts.
    """
    start = edge.directory
    merged = drive.merge_driver(start / base, start / ours, start / theirs, marker_size, path)
    value = {"conflicts": [{"file": path, **one.to_json()} for one in merged.conflicts]}

    def text(ui: Ui) -> None:
        for one in merged.conflicts:
            ui.line(f"{path}: {one.name}: {one.reason}", "bad")

    edge.show(value, text)
    return 1 if merged.conflicts else 0
