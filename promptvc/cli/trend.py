"""`promptvc evaluate trend`: scores over the versions of a prompt."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import trend as trends

HEADERS = ("version", "date", "score", "95 %", "passed", "n", "against", "verdict", "difference", "rating", "cost",
           "p50 ms", "model", "changed")  # fmt: skip


@click.command("trend")
@click.argument("name", type=NAME)
@edge_options
def trend(edge: Edge, name: str) -> None:
    """Show a prompt's scores over its versions.

    Reads committed evidence and runs nothing. The interval is of one version's score; whether a version is better
    than the one before is said by their comparison. A change of suite, model or judge is marked.
    """
    found = trends.read_trend(edge.project(), name)

    def text(ui: Ui) -> None:
        rows = [_row(point.to_json()) for point in found.points]
        shown = list(range(len(HEADERS)))
        if ui.terminal:
            ui.line(f"{found.name}  {found.line}", "title")
            shown = [column for column in shown if any(row[column] for row in rows)]
        headers = [HEADERS[column] for column in shown]
        cells = [[row[column] for column in shown] for row in rows]
        ui.table(headers, cells, empty="no version on main yet")
        for remark in found.remarks:
            ui.note(remark)

    edge.show(found.to_json(), text)


def _row(point: dict[str, Any]) -> tuple[str, ...]:
    comparison, rating = point["comparison"] or {}, point["rating"]
    interval = "" if point["low"] is None else f"{point['low']:.3f}..{point['high']:.3f}"
    against = comparison.get("against")
    difference = comparison.get("difference")
    return (
        f"v{point['version']}",
        point["time"][:10],
        _number(point["score"], ".3f"),
        interval,
        _number(point["passed"], "d"),
        str(point["n"]) if point["evidence"] else "",
        "" if against is None else f"v{against}",
        comparison.get("verdict", ""),
        "" if difference is None else f"{100 * difference:+.1f}",
        "" if rating is None else f"{rating['mean']:.2f} ({rating['n']})",
        _number(point["cost"], ".4f"),
        _number(point["latency_p50"], ".0f"),
        point["model"] or "",
        "; ".join(f"another {key}" for key in point["changed"]),
    )


def _number(value: float | None, shape: str) -> str:
    return "" if value is None else format(value, shape)
