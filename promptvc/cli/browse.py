"""`promptvc feedback list` and `summary`: events as they are."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import browse

MEASURES = ("rating_mean", "success_rate", "error_rate")


@click.command("list")
@click.argument("name", type=NAME, required=False)
@click.option("--kind", multiple=True, help="Only events of this kind; may be repeated.")
@click.option(
    "--source",
    type=click.Choice(["human", "llm_judge", "code"]),
    multiple=True,
    help="Only from this source; may be repeated.",
)
@click.option("--version", type=click.IntRange(min=1), help="Only on this version.")
@click.option("--tag", help="Only events with this tag.")
@click.option("--issue", help="Only events that report this issue.")
@click.option("--error-type", help="Only errors of this type.")
@click.option("--model", help="Only of this model.")
@click.option("--framework", help="Only of this framework.")
@click.option("--technique", help="Only of this technique.")
@click.option("--outcome", type=click.Choice(["good", "bad", "rated"]), help="Only so by the score.")
@click.option("--since", help="Only events at or after this time (RFC 3339, or a date).")
@click.option("--until", help="Only events before this time.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--count", is_flag=True, help="Print how many there are; a rollup counts for all its events.")
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@edge_options
def list_(edge: Edge, name: str | None, count: bool, **query: Any) -> None:
    """List events, oldest first."""
    request = browse.ListRequest(**query)
    if count:
        counted = browse.count_events(edge.project(), name, request)
        for remark in counted.remarks:
            edge.ui.note(remark)
        value = {"count": counted.n, "remarks": list(counted.remarks)}
        edge.show(value, lambda ui: ui.line(str(counted.n)))
        return
    listing = browse.browse(edge.project(), name, request)
    events = listing.events

    def text(ui: Ui) -> None:
        rows = [(e.time, e.prompt, e.kind, e.score, e.words) for e in map(browse.brief, events)]
        ui.table(("time", "prompt", "kind", "score", "says"), rows, empty="no events")

    for remark in listing.remarks:
        edge.ui.note(remark)
    edge.show([event.to_json() for event in events], text)


@click.command("summary")
@click.argument("name", type=NAME, required=False)
@edge_options
def summary(edge: Edge, name: str | None) -> None:
    """Count events and what they say, committed and spooled."""
    tally = browse.tally(edge.project(), name)
    result = tally.figures

    def text(ui: Ui) -> None:
        kinds = sorted(result["by_kind"].items(), key=lambda item: (-item[1], item[0]))
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds)
        events = f"{result['total']:,} event{'' if result['total'] == 1 else 's'}"
        ui.line(f"{events}: {counts}" if kinds else "no events", "title")
        versions = [
            (f"v{name}" if name.isdigit() else name, one) for name, one in result["by_version"].items()
        ]
        rows = [
            (label, one["total"], *(_share(one[key]) for key in MEASURES))
            for label, one in [*versions, ("all", result)]
        ]
        ui.table(("version", "events", *MEASURES), rows)

    for remark in tally.remarks:
        edge.ui.note(remark)
    edge.show(result, text)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
