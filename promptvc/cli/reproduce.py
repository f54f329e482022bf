"""`promptvc reproduce`: how a version was made."""

from __future__ import annotations

import json

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import reproduce as reproducing


@click.command("reproduce")
@click.argument("reference", metavar="REV", type=NAME)
@edge_options
def reproduce(edge: Edge, reference: str) -> None:
    """Print the command that made a version.

    REV is NAME@v3, the branch of a candidate, or the id of a training. Nothing is run: `promptvc verify` does, and
    confirms that the same prompt comes out.
    """
    found = reproducing.reproduce(edge.project(), reference)

    def text(ui: Ui) -> None:
        ui.line(found.line)
        ui.line(f"  from v{found.baseline}, main at {found.main[:12]}, {found.time}", "dim")
        for part, values in (("training", found.settings), ("feedback", found.feedback)):
            if values:
                ui.line(f"  with {part}: {json.dumps(values, ensure_ascii=False)} in promptvc.yaml", "dim")
        for remark in found.remarks:
            ui.note(remark)

    edge.show(found.to_json(), text)
