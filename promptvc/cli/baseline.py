"""`promptvc baseline`: approve, show and list the evidence that versions are held against."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import baseline as baselines

MOST_FAILING = 20
TABLE = {
    "approve": Entry("promptvc.cli.baseline", "approve", "Approve evidence as the baseline, in one commit."),
    "show": Entry("promptvc.cli.baseline", "show", "Show the approved baseline of a prompt."),
    "list": Entry("promptvc.cli.baseline", "list_", "List the approved baselines."),
}


@click.group("baseline", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def baseline(context: click.Context) -> None:
    """Approve what versions are held against."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("approve")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--evidence", metavar="ID", help="This record; the newest about the prompt when not given.")
@click.option("-m", "--message", "reason", metavar="TEXT", help="Why; kept in the file and in the commit.")
@click.option("--branch", help="Commit to this branch instead of the current one.")
@edge_options
def approve(edge: Edge, reference: str, evidence: str | None, reason: str | None, branch: str | None) -> None:
    """Approve evidence as the baseline, in one commit.

    Points evaluation/baselines/NAME.yaml at a saved run. `promptvc evaluate NAME --gate` then lists new regressions
    only: what fails in that run is known, and stands under `failing`.
    """
    request = baselines.ApproveRequest(reference, evidence, reason, branch)
    done = baselines.approve(edge.project(), request)

    def text(ui: Ui) -> None:
        one, where = done.baseline, done.branch or "the detached HEAD"
        if not done.changed:
            ui.line(f"{one.name} v{one.version} is the approved baseline already")
        else:
            before = f" (was v{done.previous.version})" if done.previous is not None else ""
            ui.line(f"{one.name} v{one.version} is the approved baseline{before}", "good")
            ui.line(f"  score {one.score:.3f}, {_failing(len(one.failing))}", "dim")
            ui.line(f"  commit {done.commit[:10]} on {where}", "dim")
        for remark in done.remarks:
            ui.note(remark)

    edge.show(done.to_json(), text)


@click.command("show")
@click.argument("name", type=NAME)
@edge_options
def show(edge: Edge, name: str) -> None:
    """Show the approved baseline of a prompt."""
    shown = baselines.show(edge.project(), name)

    def text(ui: Ui) -> None:
        one = shown.baseline
        ui.line(f"{one.name} v{one.version}: score {one.score:.3f}", "title")
        rows = [
            ("evidence", one.evidence),
            ("model", one.model),
            ("repeats", f"{one.reducer} of {one.repeats}"),
            ("judge", (one.judge or "")[:12]),
            ("latest", "" if shown.latest is None else f"v{shown.latest}"),
            ("approved", f"{one.to_json()['time'][:10]} by {one.by}"),
            ("reason", one.reason or ""),
        ]
        for key, value in rows:
            if value:
                ui.line(f"  {key:<9} {value}")
        for case in one.failing[:MOST_FAILING]:
            ui.line(f"  known to fail: {case}", "warn")
        if len(one.failing) > MOST_FAILING:
            ui.line(f"  and {len(one.failing) - MOST_FAILING} more: --json lists them", "dim")

    edge.show(shown.to_json(), text)


@click.command("list")
@edge_options
def list_(edge: Edge) -> None:
    """List the approved baselines."""
    found = baselines.list_all(edge.project())

    def text(ui: Ui) -> None:
        rows = [
            (
                one.baseline.name,
                f"v{one.baseline.version}",
                "?" if one.latest is None else f"v{one.latest}",
                f"{one.baseline.score:.3f}",
                len(one.baseline.failing),
                one.to_json()["time"][:10],
                one.baseline.by,
            )
            for one in found
        ]
        headers = ("prompt", "approved", "latest", "score", "failing", "date", "by")
        ui.table(headers, rows, empty="no baseline is approved: promptvc baseline approve NAME")

    edge.show([one.to_json() for one in found], text)


def _failing(count: int) -> str:
    return "no known failure" if not count else f"{count} known failure{'s' * (count > 1)}"
