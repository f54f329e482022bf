"""`promptvc blame`: the whole prompt, item by item, with who or what brought it."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import blame as blaming

HEADERS = ("version", "commit", "date", "by", "events", "item", "text")
UNCOMMITTED = "not committed yet"


@click.command("blame")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--events", is_flag=True, help="Show what users said below each item.")
@edge_options
def blame(edge: Edge, reference: str, events: bool) -> None:
    """Show who or what brought each item of a prompt.

    Of each rule, example and line: the version that first had the words, its commit, and its training or author. Words
    that moved keep their version, and what a merge brought is of the side that wrote it. `why` tells more of one.
    """
    found = blaming.blame(edge.project(), reference, events=events)

    def text(ui: Ui) -> None:
        rows = [_cells(one.credit) for one in found.items]
        styles = [_style(one.credit) for one in found.items]
        if not events:
            ui.table(HEADERS, rows, styles=styles, empty="an empty prompt")
            return
        for one, row, style in zip(found.items, rows, styles, strict=True):
            version, commit, date, who, _, item, words = row
            ui.line(f"{version} {commit}{f' {date}' if date else ''} {who}, {item}: {words}", style)
            for said in one.events or ():
                _say(ui, said)

    edge.show(found.to_json(), text)


def _cells(credit: blaming.Credit) -> tuple[str, ...]:
    item, introduced = credit.item, credit.introduced
    known = introduced.commit is not None
    return (
        "" if introduced.version is None else f"v{introduced.version}",
        (introduced.commit or "-")[:10],
        (introduced.time or "")[:10],
        (introduced.approach or introduced.author or "") if known else UNCOMMITTED,
        str(len(credit.because) or ""),
        f"{item.kind} {item.number}",
        item.text if item.kind == "line" else " ".join(item.text.split()),
    )


def _style(credit: blaming.Credit) -> str | None:
    if credit.introduced.commit is None:
        return "warn"
    return "key" if credit.introduced.approach else None


def _say(ui: Ui, said: blaming.Said) -> None:
    if said.event is None:
        ui.line(f"    {said.id}  no longer here: forgotten, or archived elsewhere", "warn")
    else:
        told = f"{said.event.kind}, {said.event.time:%Y-%m-%d}: {ui.brief(said.event.words)}"
        ui.line(f"    {said.id}  {told}", "dim")
