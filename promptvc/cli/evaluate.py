"""`promptvc evaluate`: run a suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.report import ChangedCase, comparison_lines, shorten, totals_lines
from promptvc.workflows import assess

SHOWN = 10


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
    for failed in outcome.failed[:SHOWN] if report.comparison is None else ():
        reason = failed.error or f"answered {shorten(failed.output)}"
        ui.line(f"  failed {failed.case}: {reason}", "bad")
    if report.comparison is None and len(outcome.failed) > SHOWN:
        ui.line(f"  and {len(outcome.failed) - SHOWN} more; --json counts them", "dim")
    if report.comparison is None and not outcome.good:
        ui.line(f"below the bar of {outcome.bar:g}", "warn")


def _comparison(ui: Ui, comparison: Comparison) -> None:
    styles = {"improvement": "good", "regression": "bad", "incomparable": "bad"}
    first, *rest = comparison_lines(comparison)
    ui.line(first, styles.get(comparison.verdict, "warn"))
    for line in rest:
        ui.line(f"  {line}")


def _cases(ui: Ui, changed: Sequence[ChangedCase]) -> None:
    rows = [(one.change, one.case, one.expected, one.before, one.after) for one in changed]
    ui.table(("change", "case", "expected", "before", "after"), rows)
