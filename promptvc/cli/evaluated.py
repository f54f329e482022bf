"""How an evaluation is shown on a terminal and written to files; also for `evaluate merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from promptvc.base.errors import Usage
from promptvc.base.outputs import write_output
from promptvc.cli.edge import Edge
from promptvc.cli.ui import Ui
from promptvc.evaluation.assessed import Evaluated, Planned
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.gate import Gate, named
from promptvc.evaluation.reports.formats import format_of
from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.terminal import (
    beside_lines,
    changed_cases,
    comparison_lines,
    failed_cases,
    totals_lines,
)
from promptvc.evaluation.sessions.estimate import Estimate

SHOWN = {"failed": 10, "broken": 20, "fixed": 10}

output_option = click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Write a report: .html, .md, .json, .jsonl, .csv, .xml (JUnit) or .otel.jsonl; repeatable.",
)


def write_outputs(outputs: Sequence[Path], reports: Sequence[Report]) -> None:
    """Write each report in each format; several reports get their prompt, version and model into the file's name.

    Without any only what is merged later is written: that there was nothing.

    Raises:
        Usage: a file's ending is no format.
        StorageError: it cannot be written; what was there is as it was.
    """
    for output in outputs:
        kind = format_of(output)
        if not reports and kind.nothing is not None:
            write_output(output, (kind.nothing().encode(),), make=True)
        for report in reports:
            path = output if len(reports) == 1 else output.with_name(_own_name(output, kind.ending, report))
            write_output(
                path, (part.encode("utf-8", "surrogatepass") for part in kind.write(report)), make=True
            )


def check_outputs(outputs: Sequence[Path]) -> None:
    """Find a wrong ending before anything is asked.

    Raises:
        Usage: a file's ending is no format, or its folder is not there.
    """
    for output in outputs:
        format_of(output)
        if not output.parent.is_dir():
            raise Usage(f"there is no folder {output.parent}", hint="make it first")


def show_estimates(edge: Edge, found: Sequence[Estimate]) -> None:
    """What a run would take."""

    def text(ui: Ui) -> None:
        rows = [
            (
                "-" if one.version is None else f"v{one.version}",
                one.model,
                f"{one.answers:,}",
                f"{one.cached:,}",
                f"{one.calls:,}",
                f"{one.tokens:,}",
                "unknown" if one.cost is None else f"${one.cost:.4f}",
                f"{one.judgements:,}",
                f"{one.judge.calls:,}",
                f"{one.judge.tokens:,}",
                "unknown" if one.judge.cost is None else f"${one.judge.cost:.4f}",
            )
            for one in found
        ]
        answers = ("version", "model", "answers", "cached", "calls", "tokens", "cost")
        ui.table((*answers, "judgements", "judge calls", "judge tokens", "judge cost"), rows)

    costs = [one.total for one in found]
    total = None if None in costs else sum(cost for cost in costs if cost is not None)
    edge.show({"estimates": [one.to_json() for one in found], "cost": total}, text)


def show_plan(edge: Edge, found: Sequence[Planned]) -> None:
    """What a run would evaluate."""

    def text(ui: Ui) -> None:
        rows = [
            (one.name, ", ".join(one.models), f"{one.cases:,}", f"{one.answers:,}", one.left or "")
            for one in found
        ]
        ui.table(("prompt", "models", "cases", "answers", "left out"), rows, empty="nothing to evaluate")

    edge.show({"prompts": [one.to_json() for one in found]}, text)


def show_evaluated(edge: Edge, found: Sequence[Evaluated]) -> None:
    """One evaluation as the contract says; several in a list."""

    def text(ui: Ui) -> None:
        for one in found:
            _one(ui, one, named=len(found) > 1)
        if len(found) > 1:
            _side_by_side(ui, found)
        if not found:
            ui.line("nothing has changed", "dim")

    value = found[0].to_json() if len(found) == 1 else {"evaluations": [one.to_json() for one in found]}
    edge.show(value, text)


def _one(ui: Ui, one: Evaluated, *, named: bool) -> None:
    report = one.report
    first, *rest = totals_lines(report.totals)
    model = f" on {report.candidate.model}" if named else ""
    ui.line(f"{report.name} {report.candidate.label}{model}: {first}", "title")
    for line in (*rest, *beside_lines(report)):
        ui.line(f"  {line}", "dim")
    for error in one.errors:
        ui.line(f"  {error}", "bad")
    if report.comparison is not None:
        _comparison(ui, report.comparison)
        _changes(ui, report, report.comparison)
    else:
        _failed(ui, one)
    if report.gate is not None:
        _gate(ui, report.gate)
    elif report.comparison is None and not one.good:
        errored = report.totals.errored
        cases = "1 case" if errored == 1 else f"{errored} cases"
        ui.line(f"{cases} could not be graded" if errored else f"below the bar of {one.bar:g}", "warn")
    for remark in one.remarks:
        ui.note(remark)
    if one.evidence:
        ui.line(f"saved as {one.evidence}", "dim")


def _side_by_side(ui: Ui, found: Sequence[Evaluated]) -> None:
    """Every version on every model, a row each."""
    rows = []
    for one in found:
        report, totals = one.report, one.report.totals
        score = "-" if totals.score is None else f"{totals.score:.3f}"
        counts = (f"{totals.passed:,}", f"{totals.failed:,}", f"{totals.errored:,}")
        verdict = report.comparison.verdict if report.comparison is not None else ""
        cost = "unknown" if totals.cost is None else f"${totals.cost:.4f}"
        speed = "" if totals.latency_p50 is None else f"{totals.latency_p50:,.0f} ms"
        rows.append(
            (
                report.name,
                report.candidate.label,
                report.candidate.model,
                score,
                *counts,
                speed,
                cost,
                verdict,
            )
        )
    heads = ("prompt", "version", "model", "score", "passed", "failed", "errored", "p50", "cost", "verdict")
    ui.table(heads, rows)


def _failed(ui: Ui, one: Evaluated) -> None:
    shown = failed_cases(one.report.rows(), SHOWN["failed"])
    for failed in shown:
        ui.line(f"  {failed}", "bad")
    _more(ui, one.report.totals.failed - len(shown), indent="  ")


def _comparison(ui: Ui, comparison: Comparison) -> None:
    styles = {"improvement": "good", "regression": "bad", "incomparable": "bad"}
    first, *rest = comparison_lines(comparison)
    ui.line(first, styles.get(comparison.verdict, "warn"))
    for line in rest:
        ui.line(f"  {line}")


def _changes(ui: Ui, report: Report, comparison: Comparison) -> None:
    """The worst first: what is broken interests more than what is fixed."""
    if not comparison.broken and not comparison.fixed:
        return
    shown = changed_cases(report.rows(), SHOWN)
    rows = [(one.change, one.case, one.expected, one.before, one.after) for one in shown]
    ui.table(("change", "case", "expected", "before", "after"), rows)
    _more(ui, len(comparison.broken) + len(comparison.fixed) - len(shown))


def _gate(ui: Ui, gate: Gate) -> None:
    ui.line(f"gate {'open' if gate.open else 'closed'}: {gate.reason}", "good" if gate.open else "bad")
    for what, found in gate.apart:
        ui.line(f"  {what}: {len(found):,} ({named(found)})", "dim")
    if gate.advice is not None:
        ui.line(f"  {gate.advice}", "dim")


def _more(ui: Ui, count: int, *, indent: str = "") -> None:
    if count > 0:
        ui.line(f"{indent}and {count} more: --json lists them", "dim")


def _own_name(output: Path, ending: str, report: Report) -> str:
    stem = output.name.removesuffix(ending)
    parts = [stem, report.name, report.candidate.label, report.candidate.model]
    return "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in part) for part in parts) + ending
