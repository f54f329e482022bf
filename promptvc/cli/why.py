"""`promptvc why`: where a rule, an example or a line comes from."""

from __future__ import annotations

import click

from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import why as reasons

_NUMBER = click.IntRange(min=1)


@click.command("why")
@click.argument("reference", metavar="NAME[@REV]", type=NAME)
@click.option("--line", type=_NUMBER, help="Of a line of the prompt's file, from 1.")
@click.option("--rule", type=_NUMBER, help="Of a rule, from 1.")
@click.option("--example", type=_NUMBER, help="Of an example, from 1.")
@edge_options
def why(edge: Edge, reference: str, line: int | None, rule: int | None, example: int | None) -> None:
    """Tell who or what brought a rule, an example or a line.

    Names the version that introduced the words, its commit, training and verdict, and the events behind it with what
    they say. Without an option every rule and example, a line each.
    """
    found = reasons.why(edge.project(), reasons.WhyRequest(reference, line, rule, example))

    def text(ui: Ui) -> None:
        if found.alone:
            _one(ui, found, found.reasons[0])
        else:
            _all(ui, found)

    edge.show(found.to_json(), text)


def _all(ui: Ui, found: reasons.Reasons) -> None:
    rows = [
        (
            f"{one.item.kind} {one.item.number}",
            f"v{one.introduced.version}" if one.introduced.commit else "not committed",
            one.introduced.approach or one.introduced.author,
            len(one.events),
            " ".join(one.item.text.split()),
        )
        for one in found.reasons
    ]
    ui.table(("item", "since", "by", "events", "text"), rows, empty="no rules and no examples")


def _one(ui: Ui, found: reasons.Reasons, reason: reasons.Reason) -> None:
    item, introduced = reason.item, reason.introduced
    where = f" ({item.path})" if item.kind == "line" and item.path else ""
    ui.line(
        f"{item.kind} {item.number}{where} of {found.name} v{found.version}: {item.text.strip()}", "title"
    )
    if introduced.commit is None:
        ui.line("  not committed yet", "warn")
    else:
        when = (introduced.time or "")[:10]
        who = f"{introduced.commit[:10]} by {introduced.author}, {when}"
        ui.line(f"  since v{introduced.version}, {who}: {introduced.subject}")
        ui.line(f"  {_maker(introduced)}")
    if reason.events:
        ui.line(f"  because of {len(reason.events)} event{'s' * (len(reason.events) != 1)}:")
    for said in reason.events:
        if said.event is None:
            ui.line(f"    {said.id}  no longer here: forgotten, or archived elsewhere", "warn")
        else:
            ui.line(
                f"    {said.id}  {said.event.kind}, {said.event.time:%Y-%m-%d}: {ui.brief(said.event.words)}"
            )


def _maker(introduced: reasons.Introduced) -> str:
    verdict = "" if introduced.verdict is None else f", {introduced.verdict}"
    if introduced.verdict is not None and introduced.scores is not None:
        verdict += f" ({introduced.scores[0]:.3f} -> {introduced.scores[1]:.3f})"
    if introduced.training is None:
        return f"written by hand{verdict}"
    return f"by {introduced.approach}{verdict}, training {introduced.training}"
