"""`promptvc check`: look for anything wrong."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import check as checking


@click.command("check")
@click.argument("names", metavar="[NAME ...]", type=NAME, nargs=-1)
@edge_options
def check(edge: Edge, names: tuple[str, ...]) -> int:
    """Look for anything wrong in the repository.

    Schemas, names, version reuse, deployments that are not their version, dangling holds, events with one id and
    two contents, and what a crash may have left. With names: only these prompts. Exit 1 if anything is an error.
    """
    report = checking.check(edge.project(), names)

    def text(ui: Ui) -> None:
        for one in report.problems:
            where = f"{one.file}:{one.line}" if one.line else one.file
            ui.line(f"{one.severity}: {where}: {one.message} [{one.rule}]", "bad" if one.is_error else "warn")
            if one.hint:
                ui.line(f"  {one.hint}", "dim")
        errors = sum(one.is_error for one in report.problems)
        if report.problems:
            warnings = len(report.problems) - errors
            counted = ", ".join([_count(errors, "error"), _count(warnings, "warning")])
            ui.line(f"{counted} in {_count(report.looked_at, 'file')}")
        else:
            ui.line(f"nothing wrong in {_count(report.looked_at, 'file')}", "good")

    edge.show({"problems": [one.to_json() for one in report.problems]}, text)
    return 1 if any(one.is_error for one in report.problems) else 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
