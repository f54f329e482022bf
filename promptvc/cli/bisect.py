"""`promptvc bisect`: which version broke a case."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.diff import show_change
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import bisect as search

STEP_CODES = {"good": 0, "bad": 1, "skipped": 125}
"""As `git bisect run` reads them."""

SHOWN = 12


@click.command("bisect")
@click.argument("name", type=NAME)
@click.option("--case", metavar="ID", required=True, help="The case that broke.")
@click.option("--good", metavar="REV", help="A version that passes; the oldest by default.")
@click.option("--bad", metavar="REV", help="A version that fails; the newest by default.")
@click.option(
    "--repeat", type=click.IntRange(1, 100), help="Ask so many times; 3 with a provider, 1 offline."
)
@click.option("--model", help="Ask every version on this model instead of its own.")
@click.option("--judge", metavar="MODEL", help="Grade with this model what words alone do not decide.")
@click.option("--max-calls", type=click.IntRange(min=1), help="Make at most so many calls.")
@click.option(
    "--allow-code", is_flag=True, help="Let `python` assertions run the suite's code; never for forks."
)
@click.option("--step", is_flag=True, help="Judge the working tree only, for `git bisect run`.")
@edge_options
def bisect(edge: Edge, step: bool, **options: Any) -> int:
    """Find the version that broke a case.

    Saved evidence and the completion cache are asked first, then as few versions as possible. Repeats that disagree
    are asked again, up to 9 times, and most of them decide.

    With --step: `git bisect run promptvc bisect NAME --case ID --step`. Exit 0 if the case passes, 1 if it fails,
    125 if nobody can tell.
    """
    request = search.BisectRequest(**options)
    if step:
        stepped = search.step(edge.project, request)
        edge.show(stepped.to_json(), lambda ui: _stepped(ui, stepped))
        return STEP_CODES[stepped.state]
    found = search.bisect(edge.project(), request, progress=edge.ui.progress)
    edge.show(found.to_json(), lambda ui: _found(ui, found))
    return 0


def _stepped(ui: Ui, stepped: search.Stepped) -> None:
    said = {"good": "passes", "bad": "fails", "skipped": "cannot be judged"}[stepped.state]
    version = stepped.name if stepped.version is None else f"{stepped.name} v{stepped.version}"
    flaky = " (most of its repeats)" if stepped.flaky else ""
    ui.line(
        f"{version}: {stepped.case} {said}{flaky}", {"good": "good", "bad": "bad"}.get(stepped.state, "warn")
    )
    if stepped.reason and stepped.state != "good":
        ui.line(f"  {stepped.reason}", "dim")


def _found(ui: Ui, found: search.Bisected) -> None:
    bad, good = found.first_bad, found.last_good
    if found.skipped:
        ui.line(f"{found.case} broke between v{good.version} and v{bad.version} of {found.name}", "warn")
        for entry, reason in found.skipped:
            ui.line(f"  v{entry.version} cannot be judged: {reason}", "dim")
    else:
        ui.line(f"v{bad.version} of {found.name} broke {found.case}", "bad")
    ui.line(f"  {bad.commit[:10]}  {bad.time:%Y-%m-%d}  {bad.author}  {bad.subject}")
    if found.reason:
        ui.line(f"  {found.reason}")
    ui.line(f"  v{good.version} ({good.commit[:10]}) still passes", "dim")
    if found.flaky:
        versions = ", ".join(f"v{version}" for version in found.flaky)
        ui.line(f"  flaky: the repeats disagree on {versions}, and most of them decided", "warn")
    for change in found.changes[:SHOWN]:
        show_change(ui, change)
    if len(found.changes) > SHOWN:
        ui.line(
            f"and {len(found.changes) - SHOWN} more: promptvc diff {found.name}@v{good.version} @v{bad.version}",
            "dim",
        )
    runs = found.runs
    ui.line(
        f"judged by evidence {runs['evidence']}, by the cache {runs['cached']}, by calls {runs['fresh']}",
        "dim",
    )
    for warning in found.warnings:
        ui.note(warning)
