"""`promptvc rank`: train the learned ranker, and show which ranker is in use."""

from __future__ import annotations

import click

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import rank as ranking

TABLE = {
    "train": Entry("promptvc.cli.rank", "train", "Learn a ranker from choices; keep it if it is better."),
    "show": Entry("promptvc.cli.rank", "show", "Tell which ranker is in use, and why."),
}


@click.group("rank", cls=LazyGroup, table=TABLE, invoke_without_command=True)
@click.pass_context
def rank(context: click.Context) -> None:
    """Learn in which order prompts are recommended."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("train")
@edge_options
def train(edge: Edge) -> None:
    """Learn a ranker from choices; keep it if it is better.

    Choices are committed events of the kind `selection`. The ranker is used only if it beats both the success of the
    prompts and similarity times success on the newest 30 % of the choices. Not to beat them is a result, too: exit
    code 0. Needs `pip install 'promptvc[rank]'`.
    """
    _tell(edge, ranking.train(edge.project()))


@click.command("show")
@edge_options
def show(edge: Edge) -> None:
    """Tell which ranker is in use, and why."""
    _tell(edge, ranking.show(edge.project()))


def _tell(edge: Edge, shown: ranking.Shown) -> None:
    def text(ui: Ui) -> None:
        name = "the learned ranker" if shown.in_use else "similarity x relevance"
        ui.line(f"in use: {name}", "good" if shown.in_use else "title")
        ui.line(shown.why)
        if shown.ranker is None:
            return
        tested = shown.ranker.backtest
        ui.line(
            f"trained at {shown.ranker.commit[:10]} from {shown.ranker.choices:,} choices up to"
            f" {shown.ranker.as_of}; tried on {tested['tested']:,} of {tested['sessions']:,} later sessions"
        )
        rows = [("learned", f"{tested['ndcg']:.3f}", "", "", "")]
        rows += [
            (
                one["other"],
                f"{one['ndcg']:.3f}",
                f"{one['difference']:+.3f}",
                f"{one['low']:+.3f}..{one['high']:+.3f}",
                f"{one['p']:.2g}",
            )
            for one in tested["against"]
        ]
        ui.table(("ranker", "NDCG@5", "difference", "interval", "p"), rows)
        if shown.asks:
            asks = sorted(shown.asks.items(), key=lambda item: (-item[1], item[0]))
            ui.line("it asks for " + ", ".join(f"{name} ({count})" for name, count in asks if count))

    edge.show(shown.to_json(), text)
