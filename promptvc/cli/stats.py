"""`promptvc stats`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import stats as statistics

HEADERS = (
    *("prompt", "version", "events", "uses", "rated", "success", "interval", "relevance", "lately"),
    *("stars", "p50 ms", "p95 ms", "last"),
)
PATTERN_HEADERS = ("prompt", "type", "kind", "where", "events", "effect", "confidence", "pattern")


@click.command("stats")
@click.argument("name", type=NAME, required=False)
@click.option("--as-of", "as_of", metavar="TIME", help="Only events before this time (RFC 3339, or a date).")
@click.option(
    "--include-patterns", "patterns", is_flag=True, help="Also what separates good events from bad."
)
@edge_options
def stats(edge: Edge, name: str | None, as_of: str | None, patterns: bool) -> None:
    """Tell what each prompt did, and how it stands.

    Use, success, moving averages, relevance, latency and satisfaction, of committed events. `success` with its interval
    is plain, over all versions; `relevance` is of the present version, with ratings that fade.
    """
    told = statistics.stats(edge.project(), name, as_of, patterns=patterns)

    def text(ui: Ui) -> None:
        rows = [_row(one.to_json()) for one in told.prompts]
        if name is None:
            rows.append(_row({"name": "all", **told.totals}))
        ui.table(HEADERS, rows, empty="no prompts")
        if told.patterns is not None:
            ui.line()
            ui.table(PATTERN_HEADERS, map(_pattern, told.patterns), empty="no patterns")

    for remark in told.remarks:
        edge.ui.note(remark)
    edge.show(told.to_json(), text)


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    success, version = one["success"], one.get("version")
    interval = None if success["low"] is None else f"{success['low']:.2f}..{success['high']:.2f}"
    lately = one.get("averages", {}).get("success")
    return (
        one["name"],
        None if version is None else f"v{version}",
        f"{one['events']:,}",
        f"{one['uses']:,}",
        f"{one['rated']:,}",
        _share(success["rate"]),
        interval,
        _share(one.get("relevance")),
        _share(lately),
        _share(one["satisfaction"]["stars"]),
        _whole(one["latency_ms"]["p50"]),
        _whole(one["latency_ms"]["p95"]),
        one["last_used"],
    )


def _pattern(one: Mapping[str, Any]) -> tuple[Any, ...]:
    effect = one["effect"]["value"]
    return (
        *(one["prompt"], one["type"], one["kind"], one["where"], f"{one['events']:,}"),
        *(f"{effect:+.2f}", f"{one['confidence']:.3f}", one["text"]),
    )


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"
