"""`promptvc evaluate`: run a suite."""

from __future__ import annotations

from typing import Any

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import assess


@click.command("evaluate")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--baseline", metavar="REV", help="Compare against this revision, on the same cases.")
@click.option("--repeat", type=click.IntRange(min=1), help="Ask so many times; 3 with a provider, 1 offline.")
@click.option("--concurrency", type=click.IntRange(min=1), help="So many calls at a time.")
@click.option("--model", help="Answer with this model instead of the prompt's own.")
@click.option("--max-calls", type=click.IntRange(min=1), help="At most so many calls to the model.")
@click.option("--save", is_flag=True, help="Commit the result as evidence.")
@edge_options
def evaluate(edge: Edge, reference: str, **options: Any) -> int:
    """Run a suite, alone or against a baseline.

    Exit 0 if the score reaches the bar for success (or, with a baseline, is no regression), else 1.
    """
    request = assess.EvaluateRequest(reference, **options)
    outcome = assess.evaluate(edge.project(), request, progress=edge.ui.progress)

    def text(ui: Ui) -> None:
        for line, style in assess.words(outcome):
            ui.line(line, style)

    edge.show(outcome.to_json(), text)
    return 0 if outcome.good else 1
