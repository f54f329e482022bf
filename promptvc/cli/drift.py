"""`promptvc drift`: whether what runs is what main says."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.cli.diff import show_change
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import drift as drifting


@click.command("drift")
@click.option(
    "--env", "environment", metavar="ENV", help="Only this environment; with --against what it runs."
)
@click.option(
    "--against",
    metavar="DIR|FILE",
    type=click.Path(path_type=Path),
    help="A copy elsewhere: a folder of NAME.yaml files, an application's checkout, or one file.",
)
@edge_options
def drift(edge: Edge, environment: str | None, against: Path | None) -> int:
    """Tell whether what runs is what main says.

    Environments: which run an older version than the latest, by how many versions and for how many days, a held one, or
    one that was edited. With --against: what is missing, extra, edited, or another version there than in ENV, or
    than the latest. Nothing outside of DIR is read. Exit 1 when anything drifts.
    """
    place = edge.directory / against if against is not None else None
    found = drifting.drift(edge.project(), environment, place)

    def text(ui: Ui) -> None:
        rows = [_cells(one) for one in found.prompts]
        styles = [_style(one) for one in found.prompts]
        headers = ("place", "prompt", "has", found.against if found.against != "main" else "latest", "drift")
        ui.table(headers, rows, styles=styles, empty="nothing to compare")
        for one in found.prompts:
            if one.changes:
                ui.line(f"{one.name} in {one.place}, from v{one.nearest}:", "title")
            for change in one.changes or ():
                show_change(ui, change)

    edge.show(found.to_json(), text)
    return 1 if found.any else 0


def _cells(one: drifting.Drift) -> tuple[str, ...]:
    version = "" if one.version is None else f"v{one.version}"
    expected = "" if one.expected is None else f"v{one.expected}"
    return one.place, one.name, version, expected, "; ".join(_words(one)) or "none"


def _words(one: drifting.Drift) -> list[str]:
    found = []
    for state in one.states:
        words = state
        if state == "behind" and one.behind is not None:
            words = f"behind by {_count(one.behind.versions, 'version')}, {_count(one.behind.days, 'day')}"
        elif state == "different":
            words = one.problem or f"another version than v{one.expected}"
        elif state == "edited":
            near = f", most like v{one.nearest}" if one.nearest is not None else ""
            words = f"edited: no version has these bytes{near}"
        elif state == "held":
            words = f"held: {'; '.join(one.holds)}"
        elif state == "unreadable":
            words = one.problem or state
        elif state == "gone":
            words = "main has it no more"
        found.append(words)
    if one.changes == ():
        found.append("the same words")
    return found


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _style(one: drifting.Drift) -> str | None:
    if not one.states:
        return "good"
    return "bad" if {"edited", "held", "missing", "unreadable"} & set(one.states) else "warn"
