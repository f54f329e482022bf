"""`promptvc log`."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import graph as graphs
from promptvc.workflows import log as chronicle


@click.command("log")
@click.argument("name", type=NAME)
@click.option("--graph", "as_graph", is_flag=True, help="Draw which version was made from which.")
@edge_options
def log(edge: Edge, name: str, as_graph: bool) -> None:
    """List the versions of a prompt, newest first.

    With --graph also the candidates that wait on branches, what each version was made from, which environments run it,
    merges, rollbacks and holds.
    """
    if as_graph:
        drawing = graphs.graph(edge.project(), name)
        edge.show(drawing.to_json(), lambda ui: _draw(ui, drawing))
        return
    project = edge.project()
    entries = chronicle.log(project, name)
    counted = chronicle.remark(project, name)
    if counted is not None:
        edge.ui.note(counted)

    def text(ui: Ui) -> None:
        rows = [
            (
                f"v{one.version}",
                one.commit[:10],
                one.time[:10],
                one.author,
                one.verdict,
                None if one.score is None else f"{one.score:.3f}",
                one.subject,
            )
            for one in entries
        ]
        headers = ("version", "commit", "date", "author", "verdict", "score", "subject")
        ui.table(headers, rows, empty="no version on main yet")

    edge.show([one.to_json() for one in entries], text)


def _draw(ui: Ui, drawing: graphs.Graph) -> None:
    lines = 0
    for node, lane in drawing.drawn():
        for at, (words, style) in enumerate(_lines(node)):
            ui.line(f"{lane.node if at == 0 else lane.below}  {ui.brief(words)}", style)
            lines += 1
        for edges in lane.edges:
            ui.line(edges)
    if not lines:
        ui.line("no version on main yet", "dim")


def _lines(node: graphs.Node) -> list[tuple[str, str | None]]:
    """What is said of a node, line by line: the version, its commit, and what became of it."""
    one = node.logged
    names = [*node.environments]
    if not node.owns_number:
        names.append(f"on a branch: v{one.version} is another text")
    if not node.on_main:
        kind = "draft" if node.draft else "candidate"
        names.append(
            f"{kind} {node.branch}" if "promptvc/" in (node.branch or "") else f"only on {node.branch}"
        )
    marks = f" ({', '.join(names)})" if names else ""
    score = "" if one.score is None else f" {one.score:.3f}"
    verdict = f" {one.verdict}{score}" if one.verdict else ""
    told: list[tuple[str, str | None]] = [(f"v{one.version}{marks}{verdict}", "key" if names else "title")]
    told.append((f"{one.commit[:10]} {one.time[:10]} {one.author}: {one.subject}", None))
    if node.merged is not None:
        when = f"merged {node.merged.commit[:10]} {node.merged.time[:10]} {node.merged.author}"
        told.append((when, "dim"))
    for move in node.moves:
        if move.digest == one.digest:
            before = "" if move.previous is None else f" from v{move.previous}"
            what = f"{move.environment} rolled back to it{before}"
        else:
            what = f"{move.environment} rolled back from it to v{move.version}"
        told.append((f"{what} {move.time[:10]}: {move.reason}", "warn"))
    holds = (f"held in {hold.environment} since {hold.time[:10]}: {hold.reason}" for hold in node.held)
    return [*told, *((words, "bad") for words in holds)]
