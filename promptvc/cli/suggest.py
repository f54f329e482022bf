"""`promptvc suggest`: edits worth making."""

from __future__ import annotations

import click

from promptvc.base.config import MOST_DAYS
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import suggest as suggesting

_SHOWN = 3
"""Events of one suggestion that are quoted; `--json` has all."""


@click.command("suggest")
@click.argument("name", type=NAME, required=False)
@click.option("--framework", metavar="NAME", help="Only events of this framework, as their context names it.")
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    default=7,
    show_default=True,
    help="Only events of the last N days before the newest.",
)
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="At most so many.")
@click.option("--optimizer", metavar="MODEL", help="The model that proposes, provider:model, or offline.")
@edge_options
def suggest(
    edge: Edge, name: str | None, framework: str | None, days: int, limit: int, optimizer: str | None
) -> None:
    """List edits worth making, each with its evidence.

    Reads main's committed events of one prompt, or of all. With a model that proposes (--optimizer, or
    training.optimizer.model) that is asked; without one rules are made of users' own words. Nothing is written:
    `promptvc train` tries edits and commits what is better.
    """
    request = suggesting.SuggestRequest(name, framework, days, limit, optimizer)
    found = suggesting.suggest(edge.project(), request, progress=edge.ui.progress)

    edge.show(found.to_json(), lambda ui: _print(ui, found))


def _print(ui: Ui, found: suggesting.Suggestions) -> None:
    for number, each in enumerate(found.suggestions, 1):
        edit = each.proposal
        what = edit.action.replace("_", " ")
        place = "" if edit.at is None else f" at {edit.path}"
        ui.line(f"{number}. {each.prompt}: {what}{place}", "title")
        if edit.text:
            ui.line(f"   {edit.text}", "good")
        ui.line(f"   {_because(each)}")
        for event, words in each.events[:_SHOWN]:
            ui.line(f"   {event}  {ui.brief(words)}", "dim")
        if len(each.events) > _SHOWN:
            ui.line(f"   and {len(each.events) - _SHOWN:,} more", "dim")
    if not found.suggestions:
        ui.line("nothing to suggest")
    for remark in found.remarks:
        ui.note(remark)


def _because(each: suggesting.Suggestion) -> str:
    edit = each.proposal
    gain = (
        "effect unknown"
        if edit.effect is None
        else f"{edit.effect * 100:+.1f} points expected ({edit.basis})"
    )
    return f"{edit.why} {gain}; by {edit.origin}".strip()
