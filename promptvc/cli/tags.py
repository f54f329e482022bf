"""`promptvc feedback tags`: the tags that events carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import tags as counting


@click.command("tags")
@click.argument("name", type=NAME, required=False)
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@edge_options
def tags(edge: Edge, name: str | None, *, spooled: bool) -> None:
    """List tags by dimension, with how many events carry them.

    The dimensions and their words are those of `feedback.tags` in promptvc.yaml. Tags that are probably one, spelt
    differently, are named.
    """
    found = counting.tags(edge.project(), name, spooled=spooled)
    for remark in found["remarks"]:
        edge.ui.note(remark)
    edge.show(found, lambda ui: _print(ui, found))


def _print(ui: Ui, found: Mapping[str, Any]) -> None:
    rows = [
        (
            one["dimension"] or "",
            one["tag"],
            f"{one['events']:,}",
            "unknown" if one["mean"] is None else f"{one['mean']:.2f}",
        )
        for one in found["tags"]
    ]
    ui.table(("dimension", "tag", "events", "mean score"), rows, empty="no tags")
    for twin in found["twins"]:
        ui.note(twin["text"])
