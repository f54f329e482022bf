"""`promptvc train`: learn from feedback."""

from __future__ import annotations

from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import improve


@click.command("train")
@click.argument("name", type=NAME)
@click.option(
    "--approach", type=click.Choice(["auto", "few_shot"]), default="auto", help="How to learn; auto chooses."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Same commit, same seed: the same bytes."
)
@click.option("--max-examples", type=click.IntRange(min=1), help="At most so many examples in the prompt.")
@click.option("--max-calls", type=click.IntRange(min=1), help="At most so many calls to the model.")
@click.option("--days", type=click.IntRange(min=1), help="Only events of the last N days before the newest.")
@click.option("--models", metavar="A,B", help="Train and compare on these models together.")
@click.option("--reviewed-only", is_flag=True, help="Only feedback that an annotation approved.")
@click.option("--draft", is_flag=True, help="Commit the candidate even if the verdict is inconclusive.")
@click.option("--dry-run", is_flag=True, help="Show what would change; never look at the hold-out.")
@click.option("--push", is_flag=True, help="Push the look and the candidate to the remote.")
@click.option("--history", is_flag=True, help="List the trainings so far instead.")
@edge_options
def train(edge: Edge, name: str, history: bool, models: str | None, **options: Any) -> None:
    """Learn from feedback; commit a candidate that is better.

    Starts from main and writes the branch promptvc/NAME/vN, only if a paired test on cases that training never
    saw says that the candidate is better. "No improvement found" is a normal end.
    """
    if history:
        _history(edge, name)
        return
    chosen = tuple(part.strip() for part in models.split(",") if part.strip()) if models else ()
    if models is not None and not chosen:
        raise Usage("--models takes one or more names with commas between them")
    request = improve.TrainRequest(models=chosen, **options)
    outcome = improve.train(edge.project(), name, request, progress=edge.ui.progress)

    def text(ui: Ui) -> None:
        for line, style in improve.words(outcome):
            ui.line(line, style)

    edge.show(outcome.to_json(), text)


def _history(edge: Edge, name: str) -> None:
    rows = improve.history(edge.project(), name)

    def text(ui: Ui) -> None:
        cells = [
            (row["time"], row["approach"], row["look"], row["verdict"], row["candidate"], row["reason"])
            for row in rows
        ]
        ui.table(("time", "approach", "look", "verdict", "candidate", "reason"), cells, empty="no trainings")

    edge.show(rows, text)
