"""`promptvc issues`: the reported issues of a prompt, ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from promptvc.base.config import MOST_DAYS
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import issues as ranking
from promptvc.workflows.span import Asked


@click.command("issues")
@click.argument("name", type=NAME)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    default=30,
    show_default=True,
    help="The last N days up to the newest event's; they are held against the N days before.",
)
@click.option("--since", help="Begin at this time (RFC 3339, or a date) instead.")
@click.option("--until", help="End before this time.")
@click.option("--as-of", help="Leave out what came at or after this time.")
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@edge_options
def issues(edge: Edge, name: str, *, spooled: bool, **window: Any) -> None:
    """Rank the issues that ratings report.

    Of each: how many ratings report it, what scores they give against the others, whether it is more frequent than in
    the period before, and the words that go with it.
    """
    found = ranking.issues(edge.project(), ranking.IssuesRequest(name, Asked(**window), spooled))
    for remark in found["remarks"]:
        edge.ui.note(remark)
    edge.show(found, lambda ui: _print(ui, found))


def _print(ui: Ui, found: Mapping[str, Any]) -> None:
    ui.line(
        f"{found['name']}, {found['since'][:10]} to {found['until'][:10]}: {found['ratings']:,} ratings",
        "title",
    )
    rows = [_row(one) for one in found["issues"]]
    headers = ("issue", "count", "share", "mean score", "without", "change", "goes with")
    ui.table(headers, rows, empty="no issues reported")
    if found["issues"]:
        ui.line(f"these events: {found['list']} --issue ISSUE", "dim")


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    words = ", ".join(f'{word["where"]} "{word["text"]}"' for word in one["words"][:3])
    return (
        one["issue"],
        f"{one['count']:,}",
        _value(one["share"], "{:.1%}"),
        _value(one["mean"], "{:.2f}"),
        _value(one["others"], "{:.2f}"),
        _value(one["change"], "{:+.1%}") + {True: " rising", False: " falling", None: ""}[one["rising"]],
        words,
    )


def _value(estimate: Mapping[str, float] | None, pattern: str) -> str:
    return "unknown" if estimate is None else pattern.format(estimate["value"])
