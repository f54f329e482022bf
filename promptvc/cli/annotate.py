"""`promptvc annotate`: people review answers, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.cli.annotating import Desk
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import annotate as story
from promptvc.workflows import concord


@click.command("annotate")
@click.argument("name", type=NAME, required=False)
@click.option("--kind", help="Only answers in events of this kind.")
@click.option("--tag", help="Only answers with this tag.")
@click.option("--since", help="Only answers from this time on (RFC 3339, or a date).")
@click.option("--until", help="Only answers before this time.")
@click.option(
    "--outcome", type=click.Choice(["good", "bad", "rated"]), help="Only answers that were rated so."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many; 1,000 by default.")
@click.option("--reviewer", help="Who reviews; by default the e-mail address that git commits with.")
@click.option("--overlap", type=click.IntRange(1, 20), help="How many reviewers each answer needs.")
@click.option("--blind", is_flag=True, help="Hide what others said, version and model; mix the order.")
@click.option("--skipped", is_flag=True, help="Also what you skipped.")
@click.option("--queue", "listing", is_flag=True, help="Only list what waits.")
@click.option("--agreement", is_flag=True, help="Tell how far reviewers agree, and where they differ.")
@click.option("--target", help="Review this event and no other, without a terminal.")
@click.option("--approve", is_flag=True, help="With --target: it is right as it is.")
@click.option("--reject", is_flag=True, help="With --target: it is not.")
@click.option(
    "--score", "scores", multiple=True, metavar="NAME=VALUE", help="With --target: a configured score."
)
@click.option("--label", help="With --target: a word for it.")
@click.option("--corrected", help="With --target: what should have come out.")
@click.option("--comment", help="With --target: why.")
@edge_options
def annotate(edge: Edge, name: str | None, **given: Any) -> None:
    """Review answers, and tell how far reviewers agree.

    What waits is shown one by one, and every review is recorded at once. What reviewers are asked is annotation.scores
    in promptvc.yaml. First come the answers on which reviewers differ, then the worst rated, then the newest; what you
    reviewed or skipped does not come again.
    """
    listing, agreement, target = (given.pop(key) for key in ("listing", "agreement", "target"))
    approve, reject = given.pop("approve"), given.pop("reject")
    if approve and reject:
        raise Usage("--approve and --reject are two answers", hint="give one of them")
    word = {key: given.pop(key) for key in ("scores", "label", "corrected", "comment")}
    word["approved"] = approve if approve or reject else None
    if target is None and any(value not in {None, ()} for value in word.values()):
        raise Usage("a review needs its answer", hint="name it with --target; --queue lists what waits")
    if sum((listing, agreement, target is not None)) > 1:
        raise Usage("--queue, --agreement and --target are three questions", hint="ask one at a time")
    project = edge.project()
    if agreement:
        told = concord.agreement(project, name)
        _notes(edge.ui, told.remarks)
        edge.show(told.to_json(), lambda ui: _agreement(ui, told))
    elif target is not None:
        said = story.Word(**{**word, "scores": _pairs(word["scores"])})
        done = story.review(project, story.target_of(project, target), said, given["reviewer"])
        _notes(edge.ui, done.remarks)
        edge.show(done.to_json(), lambda ui: ui.line(f"recorded {done.id}", "good"))
    else:
        _work(edge, project, story.QueueRequest(name, **given), listing=listing)


def _work(edge: Edge, project: Any, request: story.QueueRequest, *, listing: bool) -> None:
    there = edge.ui.as_json or not (sys.stdin.isatty() and sys.stderr.isatty())
    if there and not listing:
        raise Usage(
            "reviews are asked for in a terminal, and there is none",
            hint="list what waits with --queue, then review with --target ID --approve or --reject",
        )
    found = story.waiting(project, request)
    _notes(edge.ui, found.remarks)
    if listing:
        edge.show(found.to_json(), lambda ui: _queue(ui, found))
    else:
        Desk(edge.ui, project, found, request.reviewer).work()


def _pairs(scores: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in scores:
        name, sign, value = one.partition("=")
        if not sign:
            raise Usage(f"no score: {one!r}", hint="--score NAME=VALUE, such as --score tone=4")
        if name in found:
            raise Usage(f"{name} is scored twice", hint="give each score once")
        found[name] = value
    return found


def _notes(ui: Ui, remarks: Sequence[str]) -> None:
    for remark in remarks:
        ui.note(remark)


def _queue(ui: Ui, found: story.Queue) -> None:
    rows = [
        (
            item.id,
            item.waiting.event.prompt,
            _score(item),
            str(item.waiting.reviews),
            ui.brief(item.waiting.event.output or ""),
        )
        for item in found.items
    ]
    ui.table(("id", "prompt", "score", "reviews", "answer"), rows, empty="nothing waits for you")
    if found.total > len(found.items):
        ui.note(f"{found.total - len(found.items):,} more wait")


def _score(item: story.Item) -> str:
    score = item.waiting.event.score
    return "" if score is None or item.blind else f"{score:.2f}"


def _agreement(ui: Ui, told: concord.Agreement) -> None:
    answers = f"{told.reviewed:,} answer{'' if told.reviewed == 1 else 's'}"
    ui.line(f"{answers} reviewed, {told.twice:,} by several reviewers", "title")
    if told.uncounted:
        ui.note(f"{told.uncounted:,} reviews of people who are no experts do not count")
    rows = [
        (
            one.question.name,
            one.question.level,
            _figure(one.alpha.value),
            f"{_figure(one.alpha.low)} to {_figure(one.alpha.high)}",
            f"{one.alpha.answers:,}",
        )
        for one in told.concords
    ]
    ui.table(("question", "level", "alpha", "95 %", "answers"), rows, empty="nothing was reviewed")
    pairs = [
        (one.question.name, *pair.reviewers, _figure(pair.kappa), f"{pair.n:,}")
        for one in told.concords
        for pair in one.pairs
    ]
    if pairs:
        ui.line()
        ui.table(("question", "reviewer", "and", "kappa", "answers"), pairs)
    if told.disputes:
        ui.line()
        ui.line(f"{len(told.disputes):,} disagreement{'s' * (len(told.disputes) != 1)}", "title")
    for dispute in told.disputes:
        shown = dispute.question.shown
        settled = "open" if dispute.settled is None else f"{_told(shown(dispute.settled))} by {dispute.by}"
        ui.line(
            f"{dispute.target} {dispute.question.name}: {settled}", None if dispute.settled is None else "dim"
        )
        for who, value in dispute.said.items():
            ui.line(f"  {who}  {_told(shown(value))}")
    if told.reviewed:
        ui.line(f"these reviews: {told.to_json()['list']}", "dim")


def _told(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
