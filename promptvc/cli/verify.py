"""`promptvc verify`: whether a version comes out of its evidence again."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import verify as verifying
from promptvc.workflows.diff import readable


@click.command("verify")
@click.argument("reference", metavar="REV", type=NAME)
@click.option("--ask", is_flag=True, help="Ask the models for answers that the cache has not got.")
@edge_options
def verify(edge: Edge, reference: str, ask: bool) -> int:
    """Train a version again from its evidence and compare.

    REV is NAME@v3, the branch of a candidate, or the id of a training. Reads the commit, the events and the options of
    then, takes answers from the cache, and confirms the same prompt, its number aside. It never looks at the hold-out
    and writes nothing. Exit 1 if something else comes out.
    """
    found = verifying.verify(edge.project(), reference, ask=ask, progress=edge.ui.progress)

    def text(ui: Ui) -> None:
        what = f"training {found.training}" if found.version is None else f"{found.name} v{found.version}"
        where = f"main at {found.main[:12]}, {found.events:,} events, {found.calls:,} calls"
        if found.difference is None:
            ended = "ends as it did" if found.version is None else "comes out again, byte for byte"
            ui.line(f"{what} {ended}", "good")
        else:
            ui.line(f"{what} does not come out again: {found.difference.path} differs", "bad")
            ui.line(f"  recorded: {_shown(ui, found.difference.recorded)}")
            ui.line(f"  found:    {_shown(ui, found.difference.found)}")
        ui.line(f"  {where}", "dim")

    edge.show(found.to_json(), text)
    return 0 if found.same else 1


def _shown(ui: Ui, value: object) -> str:
    return "nothing" if value is None else ui.brief(readable(value))
