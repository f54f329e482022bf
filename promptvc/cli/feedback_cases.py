"""`promptvc feedback to-cases`: propose cases from feedback."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import propose_cases


@click.command("to-cases")
@click.argument("name", type=NAME)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add them to this JSONL file instead of evaluation/NAME.proposed.jsonl.",
)
@edge_options
def to_cases(edge: Edge, name: str, output: Path | None) -> None:
    """Propose corrections, errors and badly rated outputs as cases of a suite.

    No suite reads the file of proposals until a person moves its lines, or names it under `cases`. What the suite asks
    already, exactly or nearly, is left out; running it again adds nothing.
    """
    place = None if output is None else edge.directory / output
    done = propose_cases.propose(edge.project(), name, place)

    def text(ui: Ui) -> None:
        count = len(done.cases)
        if count:
            ui.line(f"{count:,} case{'s' * (count != 1)} proposed in {done.file}", "good")
        else:
            ui.line("nothing new to propose")
        for reason, number in done.skipped.items():
            ui.line(f"  {number:,} left out: {reason}", "dim")
        for remark in done.remarks:
            ui.note(remark)

    edge.show(done.to_json(), text)
