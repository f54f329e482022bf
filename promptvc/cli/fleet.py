"""`promptvc status`: what runs where."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.diff import show_gap
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import contrast as contrasting
from promptvc.workflows import fleet

_INTACT = {True: "yes", False: "NO: no version on main", None: "unknown: shallow clone"}


@click.command("status")
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@click.option(
    "--diff", "as_diff", is_flag=True, help="Show what differs, between environments and from latest."
)
@edge_options
def status(edge: Edge, environment: str | None, as_diff: bool) -> None:
    """Show which version each environment runs.

    With --diff also what changes from each environment to the latest on main and to the other environments, item by
    item.
    """
    project = edge.project()
    rows = fleet.status(project, environment)
    gaps = contrasting.gaps(project, environment) if as_diff else ()

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
        for gap in gaps:
            show_gap(ui, gap)
        if as_diff and rows and not gaps:
            ui.line("every environment runs the latest", "good")

    edge.show([_json(row, gaps) if as_diff else row.to_json() for row in rows], text)


def _json(row: fleet.Standing, gaps: tuple[contrasting.Gap, ...]) -> dict[str, Any]:
    """A line of `status --diff --json`: each difference stands with every environment that it is about."""
    mine = (gap for gap in gaps if gap.name == row.name and row.environment in {gap.from_, gap.to})
    return row.to_json() | {"differences": [gap.to_json() for gap in mine]}
