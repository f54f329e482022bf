"""`promptvc log`."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import log as chronicle


@click.command("log")
@click.argument("name", type=NAME)
@edge_options
def log(edge: Edge, name: str) -> None:
    """List the versions of a prompt, newest first."""
    entries = chronicle.log(edge.project(), name)

    def text(ui: Ui) -> None:
        rows = [
            (
                f"v{one.version}",
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
