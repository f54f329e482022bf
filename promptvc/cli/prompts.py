"""`list`, `show`, `log`, `diff`, `commit`: prompts and their versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.store.diff import Change, words
from promptvc.workflows import author, browse

MARKS = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "warn"), "moved": (">", "key")}


@click.command("list")
@edge_options
def list_(edge: Edge) -> None:
    """List the prompts and what runs where."""
    prompts = browse.list_prompts(edge.project())

    def text(ui: Ui) -> None:
        rows = [
            (one.name, _v(one.version), one.model, _where(one.environments), ", ".join(one.tags))
            for one in prompts
        ]
        ui.table(("prompt", "version", "model", "runs in", "tags"), rows, empty="no prompts yet")

    edge.show([one.to_json() for one in prompts], text)


@click.command("show")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option(
    "--var", "variables", multiple=True, metavar="K=V", help="Render with K set to V; may be repeated."
)
@edge_options
def show(edge: Edge, reference: str, variables: tuple[str, ...]) -> None:
    """Show a prompt at a revision, rendered on request.

    REV is a version (v3 or 3), latest, an environment, or any git revision; without it the working tree's file.
    """
    shown = browse.show(edge.project(), reference, _pairs(variables) if variables else None)

    def text(ui: Ui) -> None:
        if shown.messages is None:
            ui.raw(shown.text)
            return
        for message in shown.messages:
            ui.line(f"[{message['role']}]", "key")
            ui.line(message["content"].rstrip("\n"))

    edge.show(shown.to_json(), text)


@click.command("log")
@click.argument("name", type=NAME)
@edge_options
def log(edge: Edge, name: str) -> None:
    """List the versions of a prompt, newest first."""
    entries = browse.log(edge.project(), name)

    def text(ui: Ui) -> None:
        rows = [
            (
                _v(one.version),
                one.commit[:10],
                one.time[:10],
                one.author,
                one.verdict,
                None if one.score is None else f"{one.score:.3f}",
                one.subject,
            )
            for one in entries
        ]
        headers = ("version", "commit", "date", "author", "verdict", "score", "subject")
        ui.table(headers, rows, empty="no version on main yet")

    edge.show([one.to_json() for one in entries], text)


@click.command("diff")
@click.argument("a", metavar="A", type=NAME)
@click.argument("b", metavar="[B]", type=NAME, required=False)
@click.option("--text", "as_text", is_flag=True, help="Line by line instead of item by item.")
@edge_options
def diff(edge: Edge, a: str, b: str | None, as_text: bool) -> None:
    """Show what differs between two revisions of a prompt.

    A and B are NAME or NAME@REV; B may be @REV alone. Without B: from A to the working tree, or, where A is a
    bare NAME, from the last commit to the working tree.
    """
    difference = browse.diff(edge.project(), a, b)

    def text(ui: Ui) -> None:
        if as_text:
            for line in difference.unified().splitlines():
                style = {"+": "good", "-": "bad", "@": "key"}.get(line[:1])
                ui.line(line, style)
            return
        if not difference.changes:
            ui.line(f"{difference.from_} and {difference.to} say the same", "dim")
        for change in difference.changes:
            _change(ui, change)

    value = difference.to_json()
    edge.show(value | {"text": difference.unified()} if as_text else value, text)


@click.command("commit")
@click.argument("name", type=NAME)
@click.option("-m", "message", required=True, help="What changed, in one line or more.")
@click.option("--renumber", is_flag=True, help="Give it the next free version, whatever number it has.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@click.option("--no-verify", is_flag=True, help="Do not run the pre-commit and commit-msg hooks.")
@edge_options
def commit(edge: Edge, name: str, message: str, renumber: bool, branch: str | None, no_verify: bool) -> None:
    """Commit an edited prompt as its next version.

    Only this prompt's file is committed; other staged and unstaged work stays as it is.
    """
    request = author.CommitRequest(name, message, renumber, branch, no_verify)
    done = author.commit(edge.project(), request)
    line = f"{done.name} v{done.version} on {done.branch or 'the detached HEAD'} ({done.commit[:10]})"
    edge.show(done.to_json(), lambda ui: ui.line(line, "good"))


def _change(ui: Ui, change: Change) -> None:
    mark, style = MARKS[change.kind]
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        ui.line(f"{mark} {change.path}", style)
        for line in _changed_lines(ui, before, after):
            ui.raw(f"    {line}\n")
        return
    sides = [browse.readable(value) for value in (before, after) if value is not None]
    if all("\n" not in side for side in sides):
        ui.line(f"{mark} {change.path}: {' => '.join(sides)}", style)
        return
    ui.line(f"{mark} {change.path}", style)
    for value, sign in ((before, "-"), (after, "+")):
        for line in browse.readable(value).splitlines() if value is not None else ():
            ui.line(f"    {sign} {line}", "bad" if sign == "-" else "good")


def _changed_lines(ui: Ui, before: str, after: str) -> Iterator[str]:
    """The lines that differ, word by word, each with one line of what stands around them."""
    forms = {"+": ("{{+{}+}}", "good"), "-": ("[-{}-]", "bad"), "=": ("{}", None)}
    shown, touched = [""], [False]
    for stretch in words(before, after):
        form, style = forms[stretch.op]
        for at, piece in enumerate(stretch.text.split("\n")):
            if at:
                shown.append("")
                touched.append(False)
            if piece and stretch.op != "=":
                touched[-1] = True
            shown[-1] += ui.style(form.format(piece), style) if piece else ""
    near = [any(touched[max(0, at - 1) : at + 2]) for at in range(len(shown))]
    for at, line in enumerate(shown):
        if near[at]:
            yield line
        elif at and near[at - 1]:
            yield ui.style("...", "dim")


def _pairs(variables: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for pair in variables:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Usage(f"--var takes K=V, not {pair!r}")
        values[key] = value
    return values


def _v(version: int | None) -> str:
    return "?" if version is None else f"v{version}"


def _where(environments: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} {_v(version)}" for name, version in sorted(environments.items()))
