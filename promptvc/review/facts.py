"""From records and events to what a report tells: how each side did, which cases changed, who caused which change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.runs import RunRecord
from promptvc.evidence.trainings import Training
from promptvc.evidence.values import Expense, VersionRef
from promptvc.feedback.events import Event
from promptvc.review.report import CaseFact, Cited, Side, Voice, shortened
from promptvc.store.diff import Change

MOST_TOLD = 1000
"""Cases of a kind whose question and answers are looked up: more than any comment shows."""


@dataclass(frozen=True, slots=True)
class Records:
    """What evidence and ledger say of a candidate: the comparison that counts, the training, all runs, oldest first."""

    comparison: ComparisonRecord | None = None
    training: Training | None = None
    runs: tuple[RunRecord, ...] = ()

    def run_of(self, digest: str | None) -> RunRecord | None:
        """The newest run of a content; beside a comparison one of the same suite on the same models."""
        like = self.comparison
        mine = [
            one
            for one in self.runs
            if one.digest == digest and (like is None or (one.model, one.suite) == (like.model, like.suite))
        ]
        return mine[-1] if mine else None

    @property
    def baseline(self) -> VersionRef | None:
        """What the candidate was compared with."""
        for record in (self.comparison, self.training):
            if record is not None:
                return record.baseline
        return None

    def models(self, default: str | None) -> tuple[str, ...]:
        """That answered; ``default``: that is to answer."""
        known = (self.comparison, self.training, *self.runs[-1:])
        told = next((one.model for one in known if one is not None), default or "")
        return tuple(model for model in told.split(",") if model)


def sides(records: Records, before: VersionRef, after: VersionRef) -> tuple[Side, Side, str]:
    """Baseline, candidate, and whether their latencies are medians or means.

    Costs and latencies are those of the comparison, which measured both sides on the same cases; else of saved runs.
    Latencies are both of the one or both of the other: a mean and a median do not compare.
    """
    comparison = records.comparison
    took = comparison.took if comparison is not None else None
    runs = [records.run_of(before.digest), records.run_of(after.digest)]
    spent = [took.baseline, took.candidate] if took is not None else [Expense(), Expense()]
    is_mean = None not in [one.latency_ms for one in spent]
    record = comparison or records.training
    score = record.score if record is not None else None
    made = []
    for ref, of, run, own_spent in zip((before, after), ("baseline", "candidate"), runs, spent, strict=True):
        paid = _each(run.totals.cost if run is not None else None, run)
        median = run.totals.latency_p50 if run is not None else None
        own = run.totals.score if run is not None and comparison is None else None
        made.append(
            Side(
                version=ref.version,
                digest=ref.digest,
                score=getattr(score, of) if score is not None else own,
                cost=paid if own_spent.cost is None else own_spent.cost,
                latency_ms=own_spent.latency_ms if is_mean else median,
                tokens=_each(_tokens(run), run),
            )
        )
    return made[0], made[1], "mean" if is_mean else "median"


def case_facts(
    ids: Sequence[str], records: Records, before: str | None, after: str, questions: Mapping[str, str]
) -> tuple[CaseFact, ...]:
    """The cases ``ids`` of the comparison; the answers are those of saved runs of the contents before and after."""
    comparison = records.comparison
    pairs = {pair.case: pair for pair in comparison.pairs} if comparison is not None else {}
    told = set(ids[:MOST_TOLD])
    answers = [_answers(records.run_of(digest), told) for digest in (before, after)]
    return tuple(
        CaseFact(
            case=case,
            baseline=pairs[case].baseline if case in pairs else None,
            candidate=pairs[case].candidate if case in pairs else None,
            question=questions.get(case),
            before=answers[0].get(case),
            after=answers[1].get(case),
        )
        for case in ids
    )


def cited_by(change: Change, training: Training | None) -> tuple[str, ...]:
    """The events that a change cites: those of the item itself, of a message those that the training names."""
    if change.kind == "moved":
        return ()
    item = change.after if change.after is not None else change.before
    if isinstance(item, dict) and isinstance(item.get("because"), list):
        return tuple(str(event) for event in item["because"])
    path = change.path.removesuffix(".content")
    edits = training.edits if training is not None else ()
    found = [str(event) for edit in edits if edit.get("path") == path for event in edit.get("because") or ()]
    return tuple(dict.fromkeys(found))


def with_voices(change: Change, ids: Sequence[str], events: Mapping[str, Event]) -> Cited:
    """A change with its events, those that say something before those that are gone."""
    known = [events[each] for each in ids if each in events]
    voices = [Voice(one.id, one.kind, shortened(one.user), one.time, one.words) for one in known]
    return Cited(change, (*voices, *(Voice(each) for each in ids if each not in events)))


def _answers(run: RunRecord | None, ids: Collection[str]) -> dict[str, str]:
    """By case the first answer that the record kept."""
    found: dict[str, str] = {}
    for result in run.cases if run is not None else ():
        if result.case in ids and result.output is not None:
            found.setdefault(result.case, result.output)
    return found


def _tokens(run: RunRecord | None) -> float | None:
    tokens = run.totals.tokens if run is not None else None
    if tokens is None or tokens.input is None or tokens.output is None:
        return None
    return float(tokens.input + tokens.output)


def _each(total: float | None, run: RunRecord | None) -> float | None:
    """Of one answer."""
    answers = len(run.cases) if run is not None else 0
    return total / answers if total is not None and answers else None
