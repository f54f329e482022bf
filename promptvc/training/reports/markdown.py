"""A training for a pull request: how it ended, what it cost, what was tried, and the changes with their events.

At most :data:`~promptvc.evaluation.reports.markdown.LIMIT` bytes, whatever the texts; what does not fit is left out row
by row, and counted. Foreign text is inert (:mod:`promptvc.base.spans`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptvc.base.spans import code, table_head, table_row, words
from promptvc.evaluation.reports.figures import (
    UNKNOWN,
    chance,
    counted,
    dollars,
    guard_words,
    interval,
    level,
    milliseconds,
    points,
    share,
    tokens,
)
from promptvc.evaluation.reports.markdown import LIMIT
from promptvc.evaluation.reports.parts import Part
from promptvc.training.outcome import Change, Tried
from promptvc.training.reports.report import Report

_EVENTS_SHOWN = 5
_WORDS_SHOWN = 200


def markdown(report: Report) -> Iterator[str]:
    """The report, part by part."""
    room = LIMIT
    for part in _parts(report):
        text = part.fitted(round(room * part.share))
        room -= len(text.encode())
        yield text


def _parts(report: Report) -> Iterator[Part]:
    yield Part(head=_ended(report), rows=(), total=0, share=0.3)
    yield Part(head=_spent(report), rows=(), total=0, share=0.3)
    if report.changes:
        rows = [_change(change, report) for change in report.changes]
        yield Part("\n#### What changes, and because of whom\n\n", rows, len(rows), "change", 0.5)
    if report.tried:
        yield _race(report)
        front = [one for one in report.tried if one.front]
        if front:
            yield _front(front)
    yield from _notes(report)


def _ended(report: Report) -> str:
    which = code(report.name)
    against = "" if report.baseline is None else f" against v{report.baseline}"
    if report.verdict is None:
        head = f"### No candidate: {which}{against}\n"
    else:
        made = "a candidate" if report.candidate is None else f"v{report.candidate}"
        provisional = report.comparison is not None and report.comparison.provisional
        head = f"### {words(report.verdict)}{' (provisional)' * provisional}: {which} {made}{against}"
        head += f", {_measured(report)}\n" if report.score is not None else "\n"
    told = report.comparison.reason if report.comparison is not None else None
    said = [f"{words(report.reason)}."] if report.reason != told else []
    chosen = f", {words(report.chosen)}" if report.chosen else ""
    said.append(f"Approach: {code(report.approach)}{chosen}; {counted(report.events, 'event')} used.")
    if report.branch is not None:
        said.append(f"{'Committed' if report.promoted else 'Committed as a draft'} on {code(report.branch)}.")
    if report.train_baseline is not None and report.train_candidate is not None:
        cases = "" if report.cases is None else f" on {counted(report.cases, 'training case')}"
        p = "" if report.p is None else f", {chance(report.p)}"
        said.append(
            f"Training score {share(report.train_baseline)} → {share(report.train_candidate)}{cases}{p}."
        )
    if report.look is not None:
        alpha = "" if report.alpha is None else f", at the level {report.alpha:.4f}"
        said.append(f"Look {report.look} at the hold-out{alpha}.")
    if report.comparison is not None:
        said += _of_the_comparison(report)
    elif report.recommendation is not None:
        said.append(f"Recommendation: {words(report.recommendation.replace('_', ' '))}.")
    return head + "".join(f"\n{sentence}\n" for sentence in said)


def _measured(report: Report) -> str:
    score = report.score
    assert score is not None
    means = f"{share(score.baseline)} → {share(score.candidate)}"
    told = interval(report.comparison) if report.comparison is not None else None
    if told is None:
        bounds = f"{points(score.low)} .. {points(score.high)}"
        told = f"{points(score.difference)} points, {level(score.level)} interval {bounds}, n={score.n}"
    return f"{means} ({told})"


def _of_the_comparison(report: Report) -> Iterator[str]:
    comparison = report.comparison
    assert comparison is not None
    recommended = comparison.recommendation.replace("_", " ")
    yield f"Recommendation: **{recommended}**, {words(comparison.reason)}."
    if comparison.needed is not None:
        yield f"About {counted(comparison.needed, 'more case')} like these would decide, with a chance of 80 %."
    elif comparison.detectable:
        least = f"{comparison.detectable * 100:.1f} points"
        yield f"So many cases find a true difference of {least} with a chance of 80 %."
    if comparison.guards:
        yield "; ".join(f"guard {code(guard.name)} {guard_words(guard)}" for guard in comparison.guards) + "."


def _spent(report: Report) -> str:
    spent = report.spent
    rows = []
    if spent.calls is not None:
        total = UNKNOWN if spent.tokens is None else f"{spent.tokens:,}"
        rows.append(["the search, paid now or earlier", f"{spent.calls:,}", total, dollars(spent.cost)])
    if spent.full_calls:
        rows.append(["every variant on every case", f"{spent.full_calls:,}", "-", "-"])
    paid = [f"{spent.paid:,}", tokens(spent.paid_tokens), dollars(spent.paid_cost)]
    rows.append(["paid in this run, the hold-out included", *paid])
    text = "\n#### What it cost\n\n" + table_head(["", "calls", "tokens", "cost"])
    text += "".join(table_row(row) for row in rows)
    if spent.saved is not None:
        text += f"\nRacing did without {spent.saved * 100:.0f} % of the calls.\n"
    if report.stopped is not None:
        text += f"\nThe search stopped early: {words(report.stopped)}.\n"
    return text


def _race(report: Report) -> Part:
    columns = [
        "round",
        "approach",
        "variant",
        "score",
        "gain",
        "interval",
        "cases",
        "length",
        "tokens",
        "cost",
    ]
    rows = [_row(one) for one in report.tried]
    blocks = "" if not report.blocks else f", {counted(report.blocks, 'block')}"
    head = f"\n#### What was tried ({counted(len(rows), 'variant')}{blocks})\n\n"
    return Part(head + table_head([*columns, "ended"]), rows, len(rows), "variant", 0.5)


def _row(one: Tried) -> str:
    bounds = "-" if one.low is None or one.high is None else f"{points(one.low)} .. {points(one.high)}"
    asked = one.cases > 0
    reason = f", {words(one.reason)}" if one.reason else ""
    return table_row(
        [
            str(one.round),
            code(one.approach, 40),
            code(one.name, 60),
            share(one.score) if asked else "-",
            points(one.score - one.parent) if asked else "-",
            bounds,
            f"{one.cases:,}",
            f"{one.length:,.0f}",
            "-" if one.tokens is None else f"{one.tokens:,.0f}",
            "-" if one.cost is None else dollars(one.cost),
            f"{words(one.ended)}{reason}",
        ]
    )


def _front(front: Sequence[Tried]) -> Part:
    rows = [
        table_row(
            [
                code(one.name, 60),
                share(one.score),
                "-" if one.cost is None else dollars(one.cost),
                "-" if one.latency_ms is None else milliseconds(one.latency_ms),
                f"{one.length:,.0f}",
            ]
        )
        for one in front
    ]
    head = "\n#### The Pareto front: no other variant is better in all four\n\n"
    columns = ["variant", "score", "cost of an answer", "latency", "length"]
    return Part(head + table_head(columns), rows, len(rows), "variant", 0.2)


def _change(change: Change, report: Report) -> str:
    """A change with the first of its events, those that say something before those that are gone."""
    said = [text for text in (change.before, change.after) if text is not None]
    shown = " → ".join(code(text, _WORDS_SHOWN) for text in said)
    lines = [f"- {words(change.kind)} {code(change.path)}: {shown}\n"]
    events = sorted(change.because, key=lambda event: event not in report.words)
    for event in events[:_EVENTS_SHOWN]:
        words_of = report.words.get(event)
        lines.append(f"  - {code(event)} {'is gone' if words_of is None else code(words_of, _WORDS_SHOWN)}\n")
    if len(events) > _EVENTS_SHOWN:
        lines.append(f"  - and {counted(len(events) - _EVENTS_SHOWN, 'more event')}\n")
    return "".join(lines)


def _notes(report: Report) -> Iterator[Part]:
    if report.left_out:
        rows = [f"- {count:,} {words(why)}\n" for why, count in report.left_out.items()]
        yield Part("\n#### Feedback that was left out\n\n", rows, len(rows), "reason", 0.3)
    if report.remarks:
        rows = [f"- {words(remark)}\n" for remark in report.remarks]
        yield Part("\n#### Remarks\n\n", rows, len(rows), "remark", 0.5)
    if report.training is not None:
        yield Part(f"\nTraining {code(report.training)}, seen again with `train --history`.\n", (), 0)
