"""The report on a candidate as Markdown: what a reviewer can judge by in a minute, worst news first.

At most ``limit`` bytes, whatever the texts: what does not fit is left out row by row, and counted. Foreign text is
inert: it stands in code spans and in fences, where no parser and no forge finds a link, a mention, a reference, a
heading, HTML or a command (:mod:`promptvc.base.spans`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptvc.base.clock import format_time
from promptvc.base.spans import code, table_head, table_row, words
from promptvc.evaluation.reports.figures import (
    UNKNOWN,
    chance,
    counted,
    dollars,
    guard_words,
    level,
    milliseconds,
    points,
    share,
)
from promptvc.evaluation.reports.parts import Part
from promptvc.evidence.values import Score
from promptvc.forge.forge import MOST_COMMENT
from promptvc.review.advice import advice, headline, label, sign
from promptvc.review.changes import changes_parts
from promptvc.review.folded import Folded
from promptvc.review.report import CandidateReport, CaseFact, Side

MOST_SUMMARY = 1024 * 1024
"""Bytes that a step's summary may have on GitHub."""

_MOST_GUARDS = 8
_FOLD_ABOVE = 5
"""Cases above which fixed ones are folded away: good news can wait for a click, bad news cannot."""


def candidate_markdown(report: CandidateReport, limit: int = MOST_COMMENT) -> str:
    """The report, in at most ``limit`` bytes."""
    ends = [part.fitted(round(limit * part.share)) for part in _ends(report)]
    room = limit - _size(ends)
    text: list[str] = []
    for part in (
        *_begins(report),
        *_broken(report),
        *changes_parts(report.changes, 0.5, first=report.baseline is None),
        *_fixed(report),
    ):
        fits = part.fitted(min(room, round(room * part.share)))
        room -= len(fits.encode())
        text.append(fits)
    return "".join([*text, *ends])


def _size(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _begins(report: CandidateReport) -> Iterator[Part]:
    yield Part(f"### {sign(report)} {_title(report)}\n", (), 0)
    yield Part("".join(f"\n{sentence}\n" for sentence in _measured(report)), (), 0)
    yield _numbers(report)
    guards = report.comparison.guards if report.comparison is not None else ()
    if guards:
        # What does not hold comes first: it is the reason for what is recommended.
        ordered = sorted(guards, key=lambda guard: guard.holds)[:_MOST_GUARDS]
        rows = [f"- guard {code(guard.name)} {guard_words(guard)}\n" for guard in ordered]
        yield Part("\n", rows, len(guards), "guard", 0.2)


def _title(report: CandidateReport) -> str:
    against = "" if report.baseline is None else f" against {report.baseline.label}"
    told = f"**{label(report)}**: {code(report.name)} {report.candidate.label}{against}"
    if report.score is not None:
        return f"{told}, {points(report.score.difference)} points"
    return told


def _measured(report: CandidateReport) -> Iterator[str]:
    score, record = report.score, report.comparison
    if score is not None:
        p = (
            ""
            if record is None or record.p is None or record.verdict == "regression"
            else f", {chance(record.p)}"
        )
        interval = f"{level(score.level)} interval {points(score.low)} .. {points(score.high)}"
        yield f"{share(score.baseline)} → {share(score.candidate)}, {interval}, {_size_of(report, score)}{p}."
        broken = counted(len(report.broken), "case") if report.broken else "No case"
        fixed = f"{len(report.fixed):,}" if report.fixed else "none"
        yield f"{broken} that passed before {'fails' if len(report.broken) < 2 else 'fail'} now; fixed: {fixed}."
    elif report.cases:
        cases = counted(report.cases, "answer")
        yield f"Run alone on {cases}, score {share(report.candidate.score)}; it was compared with nothing."
    elif report.verdict is None:
        yield "Nothing was measured: there is no evidence for this version."
    if report.recommendation is not None:
        why = record.reason if record is not None else None
        because = f", {words(why)}" if why else ""
        yield f"Recommendation: **{report.recommendation.replace('_', ' ')}**{because}."
    if record is not None and record.removed:
        yield f"{counted(len(record.removed), 'case')} of the baseline's suite removed."
    if record is not None and record.generated:
        yield "The cases were made up from the prompt and its feedback: nobody wrote a suite."
    for remark in report.remarks:
        yield f"**Note:** {words(remark)}"


def _size_of(report: CandidateReport, score: Score) -> str:
    record = report.comparison
    if record is None or not record.clusters:
        return f"n={score.n}"
    alone = sum(pair.case not in record.clusters for pair in record.pairs)
    return f"n={score.n} in {len(set(record.clusters.values())) + alone} clusters"


def _numbers(report: CandidateReport) -> Part:
    sides = [report.candidate] if report.baseline is None else [report.baseline, report.candidate]
    latency = "latency, median" if report.latency == "median" else "latency, mean"
    rows = [
        ["score", *(UNKNOWN if side.score is None else share(side.score) for side in sides)],
        ["cost of an answer", *(_money(side.cost) for side in sides)],
        [latency, *(milliseconds(side.latency_ms) for side in sides)],
        [
            "tokens of an answer",
            *(UNKNOWN if side.tokens is None else f"{side.tokens:,.0f}" for side in sides),
        ],
    ]
    columns = ["", *(side.label for side in sides)]
    if report.baseline is not None:
        before, after = report.baseline, report.candidate
        difference = None if report.score is None else report.score.difference
        rows[0].append(UNKNOWN if difference is None else f"{points(difference)} points")
        rows[1].append(_change(before.cost, after.cost))
        rows[2].append(_change(before.latency_ms, after.latency_ms, least=1.0))
        rows[3].append(_change(before.tokens, after.tokens))
        columns.append("change")
    head = "\n" + table_head(columns) + "".join(table_row(row) for row in rows)
    return Part(head, (), 0)


def _money(cost: float | None) -> str:
    """What one answer costs: mostly far below a cent."""
    return f"${cost:.6f}" if cost is not None and 0 < cost < 0.01 else dollars(cost)


def _change(before: float | None, after: float | None, *, least: float = 0.0) -> str:
    """The relative change in per cent; unknown where one side is. Below ``least`` nothing can be told apart."""
    if before is None or after is None:
        return UNKNOWN
    if max(before, after) < least:
        return "none"
    if before == 0:
        return "none" if after == 0 else "from nothing"
    text = f"{(after - before) / before * 100:+.1f}"
    return "none" if float(text) == 0 else f"{text} %"


def _broken(report: CandidateReport) -> Iterator[Part]:
    """Before the changes: they are what a reviewer has to weigh."""
    if report.broken:
        yield _table("Broken", report.broken, report, 0.4)


def _fixed(report: CandidateReport) -> Iterator[Part]:
    if report.fixed:
        yield _table("Fixed", report.fixed, report, 1.0)


def _table(title: str, facts: Sequence[CaseFact], report: CandidateReport, of_room: float) -> Part:
    before: Side | None = report.baseline
    columns = ["case", "score"]
    asked = any(one.question is not None for one in facts)
    answered = any(one.before is not None or one.after is not None for one in facts)
    columns += ["question"] * asked
    if answered:
        columns += [f"{before.label if before else 'before'} answered", f"{report.candidate.label} answered"]
    rows = (table_row(_cells(one, asked=asked, answered=answered)) for one in facts)
    folded = title == "Fixed" and len(facts) > _FOLD_ABOVE
    head = f"\n#### {title} ({len(facts):,})\n\n"
    if folded:
        head += f"<details><summary>{counted(len(facts), 'case')} that failed and pass now</summary>\n\n"
    kind = Folded if folded else Part
    return kind(head + table_head(columns), rows, len(facts), share=of_room)


def _cells(fact: CaseFact, *, asked: bool, answered: bool) -> list[str]:
    cells = [code(fact.case), f"{share(fact.baseline)} → {share(fact.candidate)}"]
    if asked:
        cells.append(UNKNOWN if fact.question is None else code(fact.question, 160))
    if answered:
        cells += [UNKNOWN if one is None else code(one, 160) for one in (fact.before, fact.after)]
    return cells


def _ends(report: CandidateReport) -> Iterator[Part]:
    rows = [f"- {line}\n" for line in _made(report)]
    yield Part("\n#### How it was made\n\n", rows, len(rows), "line", 0.15)
    lines = [f"{line}\n" for line in advice(report)]
    yield Part("\n#### What to do next\n\n", ["\n".join(lines)], 1, "line", 0.1)


def _made(report: CandidateReport) -> Iterator[str]:
    training, record = report.training, report.comparison
    if training is None and report.approach is None:
        by = "" if report.author is None else f" by {code(report.author)}"
        yield f"Written by hand{by}; no training made it."
    else:
        chosen = f", {words(training.chosen)}" if training is not None and training.chosen else ""
        yield f"Approach {code(report.approach or UNKNOWN)}{chosen}."
    if report.models:
        yield f"Model: {', '.join(code(model) for model in report.models[:5])}."
    if training is not None:
        yield from _trained(report)
    if record is not None:
        look = "" if record.look is None or training is not None else f", look {record.look} at the hold-out"
        yield f"Evidence {code(record.id)} of {format_time(record.time)}{look}."
    where = [f"branch {code(report.branch)}"] if report.branch is not None else []
    where += [f"commit {code(report.commit[:12])}"] if report.commit is not None else []
    if where:
        yield f"On {', '.join(where)}."


def _trained(report: CandidateReport) -> Iterator[str]:
    training = report.training
    assert training is not None
    if training.look is not None:
        of = "" if training.epoch is None else f" of epoch {training.epoch}"
        alpha = "" if training.alpha is None else f", at the level {training.alpha:.4f}"
        yield f"Look {training.look}{of} at the hold-out{alpha}."
    spent = f"{counted(training.calls, 'call')} paid, {_total(report)} tokens, cost {dollars(training.cost)}"
    yield f"{counted(training.events.count, 'event')} used; {spent}."
    if training.trigger:
        yield f"It was due by {words(training.trigger)}."
    yield from (f"{words(remark.rstrip('.'))}." for remark in training.remarks)
    name = f"{report.name}@v{report.candidate.version}"
    yield f"{code(f'promptvc reproduce {name}', 400)} prints the command that made it."


def _total(report: CandidateReport) -> str:
    tokens = report.training.tokens if report.training is not None else None
    if tokens is None or tokens.input is None or tokens.output is None:
        return UNKNOWN
    return f"{tokens.input + tokens.output:,}"


__all__ = ["MOST_SUMMARY", "candidate_markdown", "headline"]
