"""`promptvc evaluate`: run a suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.reports.terminal import ChangedCase, comparison_lines, totals_lines
from promptvc.workflows import assess

SHOWN = {"failed": 10, "broken": 20, "fixed": 10}


@click.command("evaluate")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--baseline", metavar="REV", help="Compare against this revision, on the same cases.")
@click.option("--repeat", type=click.IntRange(min=1), help="Ask so many times; 3 with a provider, 1 offline.")
@click.option("--concurrency", type=click.IntRange(min=1), help="So many calls at a time.")
@click.option("--model", help="Answer with this model instead of the prompt's own.")
@click.option("--max-calls", type=click.IntRange(min=1), help="At most so many calls to the model.")
@click.option("--fresh", is_flag=True, help="Ask again instead of taking answers from the cache.")
@click.option("--save", is_flag=True, help="Commit the result as evidence.")
@edge_options
def evaluate(edge: Edge, reference: str, **options: Any) -> int:
    """Run a suite, alone or against a baseline.

    Exit 0 if the score reaches the bar for success (or, with a baseline, is no regression), else 1.
    """
    request = assess.EvaluateRequest(reference, **options)
    outcome = assess.evaluate(edge.project(), request, progress=edge.ui.progress)

    def text(ui: Ui) -> None:
        _totals(ui, outcome)
        if outcome.report.comparison is not None:
            _comparison(ui, outcome.report.comparison)
            _cases(ui, outcome.changed)
        for remark in outcome.remarks:
            ui.note(remark)
        if outcome.evidence:
            ui.line(f"saved as {outcome.evidence}", "dim")

    edge.show(outcome.to_json(), text)
    return 0 if outcome.good else 1


def _totals(ui: Ui, outcome: assess.Evaluated) -> None:
    report = outcome.report
    first, *rest = totals_lines(report.totals)
    ui.line(f"{report.name} v{report.version}: {first}", "title")
    for line in rest:
        ui.line(f"  {line}", "dim")
    for error in outcome.errors:
        ui.line(f"  {error}", "bad")
    if report.comparison is None:
        for failed in outcome.failed[: SHOWN["failed"]]:
            ui.line(f"  {failed}", "bad")
        _more(ui, len(outcome.failed) - SHOWN["failed"], indent="  ")
    if report.comparison is None and not outcome.good:
        ui.line(f"below the bar of {outcome.bar:g}", "warn")


def _comparison(ui: Ui, comparison: Comparison) -> None:
    styles = {"improvement": "good", "regression": "bad", "incomparable": "bad"}
    first, *rest = comparison_lines(comparison)
    ui.line(first, styles.get(comparison.verdict, "warn"))
    for line in rest:
        ui.line(f"  {line}")


def _cases(ui: Ui, changed: Sequence[ChangedCase]) -> None:
    """The worst first: what is broken interests more than what is fixed."""
    shown = [
        one
        for change in ("broken", "fixed")
        for one in [each for each in changed if each.change == change][: SHOWN[change]]
    ]
    rows = [(one.change, one.case, one.expected, one.before, one.after) for one in shown]
    ui.table(("change", "case", "expected", "before", "after"), rows)
    _more(ui, len(changed) - len(shown))


def _more(ui: Ui, count: int, *, indent: str = "") -> None:
    if count > 0:
        ui.line(f"{indent}and {count} more: --json lists them", "dim")
