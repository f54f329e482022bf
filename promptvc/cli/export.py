"""`promptvc export`: copies of prompts, or of what an environment runs, in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.base.losses import told
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import converting, fleet


@click.command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("references", metavar="[NAME[@REV]]...", nargs=-1, type=NAME)
@click.option("--env", "environment", metavar="ENV", help="What this environment runs instead of the latest.")
@click.option(
    "--format", "format_", metavar="FORMAT", help="In another tool's format; see `promptvc convert`."
)
@click.option("--force", is_flag=True, help="Replace files that differ.")
@edge_options
def export(
    edge: Edge,
    directory: Path,
    references: tuple[str, ...],
    environment: str | None,
    format_: str | None,
    force: bool,
) -> None:
    """Copy prompts, or an environment's, to a folder.

    Writes NAME.yaml for each prompt, all or those that are named: the latest on main, or what ENV runs, byte
    for byte. A file that is there already and differs is replaced only with --force. With --format they are
    written as another tool has them, a NAME without @REV as it lies there; what it has no place for is listed.
    """
    place = edge.directory / directory
    if format_ is None:
        copied = fleet.export(edge.project(), place, environment, references=references, force=force)
        done = converting.Exported(copied)
    else:
        request = converting.ExportRequest(place, format_, references, environment, force=force)
        done = converting.export_as(edge.project(), request)

    def text(ui: Ui) -> None:
        for path in done.written:
            ui.line(path)

    for loss in told(done.dropped):
        edge.ui.note(str(loss))
    edge.show(done.to_json(), text)
