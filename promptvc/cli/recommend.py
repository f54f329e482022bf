"""`promptvc recommend`."""

from __future__ import annotations

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import recommend as recommending


@click.command("recommend")
@click.argument("task")
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="At most so many.")
@click.option("--as-of", "as_of", metavar="TIME", help="Only events before this time (RFC 3339, or a date).")
@edge_options
def recommend(edge: Edge, task: str, limit: int, as_of: str | None) -> int:
    """Recommend prompts for a task, with reasons.

    TASK is a text that says what is to be done. A prompt's score is how much it is about the task, times what ratings
    say of its present version; the learned ranker puts them in order where `promptvc rank train` found a better one.
    Prompts and events are those of HEAD. Exit code 1: none fits.
    """
    answer = recommending.recommend(edge.project(), task, limit, as_of)

    def text(ui: Ui) -> None:
        for place, one in enumerate(answer.found, 1):
            known = one.evidence
            version = "" if known.version is None else f"@v{known.version}"
            ui.line(f"{place}. {known.name}{version}  {one.score:.3f}", "title")
            for reason in one.reasons:
                ui.line(f"   {ui.brief(reason)}")
        if not answer.found:
            ui.line("no prompt shares a word with the task")

    for remark in answer.remarks:
        edge.ui.note(remark)
    edge.show(answer.to_json(), text)
    return 0 if answer.found else 1
