"""`promptvc show`."""

from __future__ import annotations

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import show as showing

_COUNTED = {
    "main": "the file says no version, and this is so many contents of it on main",
    "branch": "the file says no version, and main has not got this content yet",
    "uncommitted": "the file says no version, and this content is not committed yet",
}


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
    shown = showing.show(edge.project(), reference, _pairs(variables) if variables else None)

    if shown.counted is not None:
        edge.ui.note(f"v{shown.version.version} is counted: {_COUNTED[shown.counted]}")

    def text(ui: Ui) -> None:
        if shown.messages is None:
            ui.raw(shown.text)
            return
        for message in shown.messages:
            ui.line(f"[{message['role']}]", "key")
            ui.line(message["content"].rstrip("\n"))

    edge.show(shown.to_json(), text)


def _pairs(variables: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for pair in variables:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Usage(f"--var takes K=V, not {pair!r}")
        values[key] = value
    return values
