"""`promptvc evaluate flaky`: cases whose repeats disagree."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import flaky as unsure


@click.command("flaky")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--propose", is_flag=True, help="Print the YAML that would put them into quarantine.")
@edge_options
def flaky(edge: Edge, reference: str, *, propose: bool) -> None:
    """List the cases whose repeats disagree.

    Reads the newest saved run with repeats, and runs nothing. A quarantined case is asked and reported, and does not
    count; quarantine is a file beside the suite that a person commits, with a reason for each case.
    """
    found = unsure.find_flaky(edge.project(), reference)

    def text(ui: Ui) -> None:
        if propose:
            ui.raw(found.proposal)
            ui.note(f"to be added to {found.file}" if found.proposal else "nothing to add")
            return
        rows = [
            (
                one.case,
                f"{one.passes} of {one.repeats}",
                f"{one.low:.2f}..{one.high:.2f}",
                "in quarantine" if one.case in found.quarantined else "",
            )
            for one in found.cases
        ]
        ui.table(("case", "passes", "chance, 95 %", ""), rows, empty="no case is flaky")
        ui.note(f"of {found.name} v{found.version}, {found.repeats} repeats, by the run {found.evidence}")

    edge.show(found.to_json(), text)
