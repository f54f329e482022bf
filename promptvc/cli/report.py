"""`promptvc report`: a week or a month of feedback, what got worse, and what to do."""

from __future__ import annotations

from pathlib import Path

import click

from promptvc.analysis.reporting.formats import format_of
from promptvc.analysis.reporting.report import Report
from promptvc.analysis.reporting.telling import (
    HEADLINES,
    UNKNOWN,
    copied,
    decline,
    difference,
    headline,
    target_value,
    title,
    unlooked,
    value,
)
from promptvc.base.errors import Usage
from promptvc.base.outputs import write_output
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import report as reporting

_MOST = 4000
"""Characters of a command; the JSON has those that are longer."""


@click.command("report")
@click.option(
    "--period",
    type=click.Choice(["weekly", "monthly"]),
    default="weekly",
    show_default=True,
    help="What is reported on.",
)
@click.option(
    "--as-of",
    "--until",
    "as_of",
    metavar="TIME",
    help="The last period that was over then; by default, at the newest committed event.",
)
@click.option(
    "--output",
    "outputs",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Write it: .md, .html or .json; repeatable.",
)
@click.option("--prompt", type=NAME, help="Only this prompt.")
@click.option(
    "--fail-below",
    type=click.FloatRange(-100, 0),
    metavar="PERCENT",
    help="Exit 1 if the success rate fell clearly, and by more than so many per cent of itself: -10.",
)
@click.option("--spooled", is_flag=True, help="Also count events that are not committed yet.")
@edge_options
def report(edge: Edge, outputs: tuple[Path, ...], fail_below: float | None, **request: object) -> int:
    """Report on a week or a month of feedback.

    And on what got worse over the past year, with when it began, and what to do.
    The last complete week (ISO 8601) or calendar month, in UTC, against the one before it. With --fail-below the
    success rate of the period is compared with that of the period before; too little data is no decline.
    """
    targets = [edge.directory / path for path in outputs]
    for path in targets:
        format_of(path)
        if not path.parent.is_dir():
            raise Usage(f"there is no folder {path.parent}", hint="make it first")
    made = reporting.report(edge.project(), reporting.ReportRequest(**request))  # type: ignore[arg-type]
    for path in targets:
        write_output(path, (part.encode() for part in format_of(path).write(made)))
    declined = fail_below is not None and made.declined_by(fail_below)

    def text(ui: Ui) -> None:
        _show(ui, made)
        for remark in made.remarks:
            ui.note(remark)
        for path in targets:
            ui.note(f"wrote {path}")
        if declined:
            ui.line(f"the success rate fell by more than {-(fail_below or 0):g} %", "bad")

    edge.show(made.to_json() | {"declined": declined}, text)
    return 1 if declined else 0


def _show(ui: Ui, made: Report) -> None:
    period = made.period
    ui.line(f"{title(made)}: {period.start} to before {period.end}, against {period.before.label}", "title")
    rows = []
    for figure, name in HEADLINES.items():
        change = made.change(figure)
        before = UNKNOWN if change is None else value(figure, change.before.value)
        clear = "" if change is None or change.p is None else "clear" if change.clear else "not clear"
        rows.append(
            (name, before, value(figure, made.overall.figures[figure].value), difference(change), clear)
        )
    ui.table(("", "before", "now", "change", ""), rows)
    for figure, name in HEADLINES.items():
        reason = made.overall.figures[figure].reason
        if reason is not None:
            ui.line(f"{name} is unknown: {reason}", "dim")
    bad = made.declines or any(one.until is None for one in made.problems)
    ui.line(headline(made), "bad" if bad else "good")
    for problem in made.problems:
        state = "open" if problem.until is None else "over"
        ui.line(f"  {state}: {problem.told()}", "bad" if problem.until is None else "dim")
    for change in made.declines:
        ui.line(f"  in this period: {decline(change, made)}", "bad")
    for said in unlooked(made):
        ui.line(f"  {said}", "dim")
    for target in made.targets:
        why = target.reason or target_value(target)
        ui.line(f"target {target.state}: {target.wanted} ({why})", "dim")
    for action in made.actions:
        ui.line(copied(action.command, _MOST))
        ui.line(f"  {action.why}", "dim")
