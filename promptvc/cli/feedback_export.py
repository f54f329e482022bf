"""`promptvc feedback export`: write events to a file, or those of one person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import feedback_export as story


@click.command("export")
@click.option("--format", "format_", type=click.Choice(story.FORMATS), help="By the file's name, else jsonl.")
@click.option("--prompt", type=NAME, help="Only events of this prompt.")
@click.option("--user", help="Only events that name this person, under any pseudonym.")
@click.option("--since", help="Only events at or after this time (RFC 3339, or a date).")
@click.option("--until", help="Only events before this time.")
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Instead of the terminal (-)."
)
@edge_options
def export(edge: Edge, format_: str | None, output: Path | None, **given: Any) -> None:
    """Write events as JSON Lines, CSV or Parquet.

    `feedback import` reads each of them back to the same events. In CSV inner keys have columns of their own, such as
    `input.message`, and what no cell can hold is in `_rest`. With --user it is what a person may ask for as their own
    data. `tables` are the Parquet files that Spark or a warehouse answers from, for `analytics: {backend: ...}`.
    """
    suffix = output.suffix.lstrip(".").lower() if output is not None else ""
    form = format_ or (suffix if suffix in story.FORMATS else "jsonl")
    place = None if output is None or str(output) == "-" else edge.directory / output
    if place is None and edge.ui.as_json:
        raise Usage(
            "--json tells what was written to a file", hint="-o FILE; JSON Lines are the usual format"
        )
    request = story.ExportRequest(form, **given)

    def out(line: bytes) -> None:
        edge.ui.raw(line.decode("utf-8", "replace"))

    done = story.export(edge.project(), request, place, out)
    for remark in done.remarks:
        edge.ui.note(remark)

    def text(ui: Ui) -> None:
        ui.line(f"{done.events:,} event{'s' * (done.events != 1)} written to {done.file}", "good")

    if place is not None:
        edge.show(done.to_json(), text)
