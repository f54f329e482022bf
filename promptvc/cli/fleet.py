"""`promptvc status` and `promptvc export`: what runs where."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import fleet

_INTACT = {True: "yes", False: "NO: no version on main", None: "unknown: shallow clone"}


@click.command("status")
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@edge_options
def status(edge: Edge, environment: str | None) -> None:
    """Show which version each environment runs."""
    rows = fleet.status(edge.project(), environment)

    def text(ui: Ui) -> None:
        cells = [
            (
                row.environment,
                row.name,
                "?" if row.version is None else f"v{row.version}",
                "?" if row.latest is None else f"v{row.latest}",
                ", ".join(f"v{number}" for number in row.held),
                _INTACT[row.intact],
            )
            for row in rows
        ]
        ui.table(
            ("environment", "prompt", "runs", "latest", "held", "intact"), cells, empty="nothing is deployed"
        )

    edge.show([row.to_json() for row in rows], text)


@click.command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--env", "environment", metavar="ENV", help="What this environment runs instead of the latest.")
@click.option("--force", is_flag=True, help="Replace files that differ.")
@edge_options
def export(edge: Edge, directory: Path, environment: str | None, force: bool) -> None:
    """Copy prompts, or an environment's, to a folder.

    Writes NAME.yaml for each prompt: the latest on main, or what ENV runs, byte for byte. A file that is
    there already and differs is replaced only with --force.
    """
    written = fleet.export(edge.project(), edge.directory / directory, environment, force=force)

    def text(ui: Ui) -> None:
        for path in written:
            ui.line(path)

    edge.show({"written": list(written)}, text)
