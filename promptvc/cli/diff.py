"""`promptvc diff`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.store.diff import Change, words
from promptvc.workflows import contrast as contrasting
from promptvc.workflows import diff as comparing

MARKS = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "warn"), "moved": (">", "key")}


@click.command("diff")
@click.argument("references", metavar="[A [B] | NAME ...]", type=NAME, nargs=-1)
@click.option(
    "--env", "sides", nargs=2, metavar="ENV ENV", help="Compare environments, or one with `latest`."
)
@click.option("--text", "as_text", is_flag=True, help="Line by line instead of item by item.")
@edge_options
def diff(edge: Edge, references: tuple[str, ...], sides: tuple[str, str] | None, as_text: bool) -> None:
    """Show what differs between two revisions of a prompt.

    A and B are NAME or NAME@REV; B may be @REV alone. Without B: from A to the working tree, or, where A is a
    bare NAME, from the last commit to the working tree. With --env: from what one environment runs to what the other
    does, of every prompt or of the NAMEs given.
    """
    if sides is not None:
        _environments(edge, sides, references, as_text=as_text)
        return
    if not 1 <= len(references) <= 2:
        raise click.UsageError("a diff takes A, or A and B", click.get_current_context())
    difference = comparing.diff(edge.project(), *references)

    def text(ui: Ui) -> None:
        if as_text:
            for line in difference.unified().splitlines():
                style = {"+": "good", "-": "bad", "@": "key"}.get(line[:1])
                ui.line(line, style)
            return
        if not difference.changes:
            ui.line(f"{difference.from_} and {difference.to} say the same", "dim")
        for change in difference.changes:
            show_change(ui, change)

    value = difference.to_json()
    edge.show(value | {"text": difference.unified()} if as_text else value, text)


def _environments(edge: Edge, sides: tuple[str, str], names: tuple[str, ...], *, as_text: bool) -> None:
    if as_text:
        raise click.UsageError(
            "--text compares two revisions of one prompt: NAME@ENV @ENV", click.get_current_context()
        )
    found = contrasting.contrast(edge.project(), *sides, names)

    def text(ui: Ui) -> None:
        if not found:
            ui.line(f"{sides[0]} and {sides[1]} run the same", "dim")
        for gap in found:
            show_gap(ui, gap)

    edge.show([gap.to_json() for gap in found], text)


def show_gap(ui: Ui, gap: contrasting.Gap) -> None:
    """One prompt on two sides: a line, and its changes below it."""
    before, after = (_side(*one) for one in ((gap.from_, gap.before), (gap.to, gap.after)))
    if gap.changes is None:
        ui.line(f"{gap.name}: {before}, {after}{f': {gap.problem}' if gap.problem else ''}", "warn")
        return
    count = len(gap.changes)
    words = f"{count} change{'s' * (count != 1)}" if count else "other bytes, the same words"
    ui.line(f"{gap.name}: {before}, {after}: {words}", "title")
    for change in gap.changes:
        show_change(ui, change)


def _side(name: str, version: int | None) -> str:
    return f"{name} {'has no version of it' if version is None else f'v{version}'}"


def show_change(ui: Ui, change: Change) -> None:
    """One change of a prompt, word by word where a text changed."""
    mark, style = MARKS[change.kind]
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        ui.line(f"{mark} {change.path}", style)
        for line in _changed_lines(ui, before, after):
            ui.raw(f"    {line}\n")
        return
    sides = [comparing.readable(value) for value in (before, after) if value is not None]
    if all("\n" not in side for side in sides):
        ui.line(f"{mark} {change.path}: {' => '.join(sides)}", style)
        return
    ui.line(f"{mark} {change.path}", style)
    for value, sign in ((before, "-"), (after, "+")):
        for line in comparing.readable(value).splitlines() if value is not None else ():
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
