"""`promptvc analyze`: what users say, and what separates good answers from bad ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from promptvc.base.config import MOST_DAYS
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import analyze as analyzing
from promptvc.workflows.span import Asked

_GROUPS = ("prompt", "version", "tag", "framework", "model", "technique", "week")
_COLUMNS = ("events", "rated", "success", "mean score", "error rate", "mean ms", "p95 ms", "tokens", "cost $")
_PATTERNS = 10
_ROWS = 12
_EDITS = 5


@click.command("analyze")
@click.argument("name", type=NAME, required=False)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    default=7,
    show_default=True,
    help="The last N days up to the newest event's.",
)
@click.option(
    "--min-samples",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="So many rated events at least, in all and for a pattern.",
)
@click.option("--since", help="Begin at this time (RFC 3339, or a date) instead.")
@click.option("--until", help="End before this time.")
@click.option("--as-of", help="Leave out what came at or after this time.")
@click.option("--spooled", is_flag=True, help="Also events that are not committed yet.")
@edge_options
def analyze(edge: Edge, name: str | None, min_samples: int, *, spooled: bool, **window: Any) -> None:
    """Tell what separates good answers from bad ones.

    Figures of one prompt, or of all: success rate with its interval, mean score and trend, error rate, mean latency,
    tokens and cost, by version, tag, framework, model, technique and week; and the latency that 19 of 20 calls do not
    exceed, but by tag, framework and technique. Then patterns: phrases, clusters of inputs,
    features of outputs, tags and models among which more scores are above 0.8, or below 0.3, than chance explains;
    and versions that moved the score. Of all that is printed one in twenty is chance.
    """
    request = analyzing.AnalyzeRequest(name, Asked(**window), min_samples, spooled)
    found = analyzing.analyze(edge.project(), request)
    for remark in found["remarks"]:
        edge.ui.note(remark)
    edge.show(found, lambda ui: _print(ui, found))


def _print(ui: Ui, found: Mapping[str, Any]) -> None:
    name = found["name"] or "all prompts"
    ui.line(f"{name}, {found['since'][:16]} to {found['until'][:16]} UTC", "title")
    rows = [("all", *_cells(found))]
    for by in _GROUPS:
        group = found["by"][by]
        label = "v" if by == "version" else f"{by} "
        rows += [(f"{label}{one['key']}", *_cells(one)) for one in _largest(group, by)]
    ui.table(("", *_COLUMNS), rows)
    if found["trend"] is not None:
        ui.line(f"trend of the mean score: {_signed(found['trend'])} a week")
    for type_ in ("success", "failure"):
        _patterns(ui, type_, [one for one in found["patterns"] if one["type"] == type_])
    _versions(ui, found["versions"])
    if not found["patterns"]:
        ui.line(f"no patterns: {found['tested']:,} tests on {found['looked_at']:,} rated events")
    ui.line(f"these events: {found['list']}", "dim")


def _largest(group: Sequence[Mapping[str, Any]], by: str) -> list[Mapping[str, Any]]:
    """The rows to show: the newest weeks, of the others those with most events, in their order."""
    if by == "week":
        return list(group[-_ROWS:])
    kept = sorted(range(len(group)), key=lambda at: (-group[at]["events"], at))[:_ROWS]
    return [group[at] for at in sorted(kept)]


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{one['events']:,}",
        f"{one['rated']:,}",
        _between(one["success"], percent=True),
        _between(one["mean"], percent=False),
        _between(one["error_rate"], percent=True),
        _number(one["mean_ms"]),
        "-" if one["p95_ms"] is None and one["mean_ms"] is not None else _number(one["p95_ms"]),
        _number(None if one["tokens_in"] is None else one["tokens_in"] + one["tokens_out"]),
        "unknown" if one["cost"] is None else f"{one['cost']:.2f}",
    )


def _patterns(ui: Ui, type_: str, patterns: Sequence[Mapping[str, Any]]) -> None:
    if not patterns:
        return
    ui.line(f"{type_} patterns", "title")
    for one in patterns[:_PATTERNS]:
        level = "above 0.8" if one["measure"] == "high" else "below 0.3"
        share, other = one["hits"] / one["events"], one["without_hits"] / one["without"]
        ui.line(f"  {_named(one)}", "good" if type_ == "success" else "bad")
        ui.line(
            f"    {share:.0%} {level}, {other:.0%} without; {one['events']:,} events,"
            f" effect {_signed(one['effect'])}, confidence {one['confidence']:.3f}"
        )
        if one["aliases"]:
            more = one["merged"] - 3
            also = ", ".join(_named(alias) for alias in one["aliases"][:3])
            ui.line(f"    also: {also}{f' and {more:,} more' if more > 0 else ''}", "dim")
        ui.line(f"    {' '.join(one['ids'][:3])}", "dim")
    if len(patterns) > _PATTERNS:
        ui.line(f"  and {len(patterns) - _PATTERNS:,} more: --json has all", "dim")


def _versions(ui: Ui, shifts: Sequence[Mapping[str, Any]]) -> None:
    shown = [one for one in shifts if one["stands"] and one["difference"] is not None]
    if not shown:
        return
    ui.line("versions that moved the score", "title")
    for one in shown[:_PATTERNS]:
        style = "good" if one["difference"]["value"] > 0 else "bad"
        ui.line(f"  {one['prompt']} v{one['before']} -> v{one['after']}: {_signed(one['difference'])}", style)
        for edit in (one["edits"] or ())[:_EDITS]:
            ui.line(f"    {edit['kind']} {edit['path']}: {ui.brief(edit['text'])}", "dim")


def _named(one: Mapping[str, Any]) -> str:
    where = f"{one['where']} " if one["where"] else ""
    text = f'"{one["text"]}"' if one["kind"] in {"phrase", "cluster"} else one["text"]
    return f"{where}like {text}" if one["kind"] == "cluster" else f"{where}{_KINDS[one['kind']]}{text}"


_KINDS = {"phrase": "", "feature": "", "tag": "tag ", "model": "model ", "framework": "framework "} | {
    "technique": "technique "
}


def _between(estimate: Mapping[str, float] | None, *, percent: bool) -> str:
    if estimate is None:
        return "unknown"
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    return f"{value:.0%} ({low:.0%}-{high:.0%})" if percent else f"{value:.2f} ({low:.2f}-{high:.2f})"


def _signed(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:+.2f} ({estimate['low']:+.2f} to {estimate['high']:+.2f})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"
