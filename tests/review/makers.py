"""Reports and alerts to test with: plain ones, large ones, and ones that are made of hostile text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.trainings import Events, Training
from promptvc.evidence.values import Expense, Guard, Score, Took, VersionRef
from promptvc.review.report import CandidateReport, CaseFact, Cited, Side, Voice
from promptvc.store.diff import Change

TIME = datetime(2026, 1, 3, 10, tzinfo=UTC)
EVENT = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
TRAINING = "01JD9QABCDEFGHJKMNPQRSTVWX"
BEFORE, AFTER = VersionRef(3, "b" * 40), VersionRef(4, "c" * 40)
SCORE = Score(baseline=0.717, candidate=0.812, difference=0.095, low=0.031, high=0.159, level=0.95, n=200)


def comparison(**more: object) -> ComparisonRecord:
    """An improvement by a training."""
    given: dict[str, object] = {
        "id": TRAINING,
        "time": TIME,
        "prompt": "support/triage",
        "candidate": AFTER,
        "baseline": BEFORE,
        "suite": "5" * 64,
        "model": "openai:gpt-4.1",
        "verdict": "improvement",
        "recommendation": "deploy",
        "score": SCORE,
        "p": 0.004,
        "alpha": 0.0304,
        "look": 1,
        "reason": "better by 9.5 points, and everything guarded held",
        "training": TRAINING,
        "approach": "few_shot",
        "took": Took(Expense(812.0, 0.0021), Expense(640.0, 0.0018)),
    }
    return ComparisonRecord(**{**given, **more})  # type: ignore[arg-type]


def training(**more: object) -> Training:
    """The training that made it."""
    given: dict[str, object] = {
        "id": TRAINING,
        "time": TIME,
        "prompt": "support/triage",
        "approach": "few_shot",
        "seed": 0,
        "model": "openai:gpt-4.1",
        "baseline": BEFORE,
        "candidate": AFTER,
        "events": Events(60, "d" * 64),
        "promoted": True,
        "reason": "better by 9.5 points",
        "calls": 302,
        "look": 1,
        "epoch": 1,
        "alpha": 0.0304,
        "verdict": "improvement",
        "recommendation": "deploy",
        "score": SCORE,
        "cost": None,
    }
    return Training(**{**given, **more})  # type: ignore[arg-type]


def report(**more: object) -> CandidateReport:
    """A trained candidate that is better."""
    rule = {"text": "A charge the customer does not recognise is card_fraud.", "because": [EVENT]}
    voice = Voice(EVENT, "correction", "u-12345678-abcdef01", TIME, "this was fraud -> card_fraud")
    given: dict[str, object] = {
        "name": "support/triage",
        "candidate": Side(4, "c" * 40, 0.812, 0.0018, 640.0, None),
        "baseline": Side(3, "b" * 40, 0.717, 0.0021, 812.0, None),
        "branch": "promptvc/support/triage/v4",
        "commit": "a" * 40,
        "author": "Ada Author",
        "models": ("openai:gpt-4.1",),
        "comparison": comparison(),
        "training": training(),
        "latency": "mean",
        "changes": (Cited(Change("rules[2]", "added", None, rule), (voice, Voice(EVENT[:-1] + "F"))),),
        "fixed": (CaseFact("double-charge", 0.0, 1.0, "I was charged twice", "billing", "card_fraud"),),
        "broken": (CaseFact("refund", 1.0, 0.0, "Where is my refund?", "billing", "shipping"),),
        "current": True,
    }
    return CandidateReport(**{**given, **more})  # type: ignore[arg-type]


def by_hand(**more: object) -> CandidateReport:
    """A candidate that a person wrote and nobody measured."""
    return report(
        **{
            "comparison": None,
            "training": None,
            "fixed": (),
            "broken": (),
            "candidate": Side(4, "c" * 40),
            "baseline": Side(3, "b" * 40),
            **more,
        }
    )


def large_report(cases: int, width: int | None = None) -> CandidateReport:
    """Many cases on both sides, with long questions and answers; ``width``: of each answer, in characters."""
    before = "an answer " * 20 if width is None else "a" * width
    after = "another answer " * 20 if width is None else "b" * width
    facts = tuple(
        CaseFact(f"case-{at}", 0.0, 1.0, f"question {at} " * 12, before, after) for at in range(cases)
    )
    pairs = tuple(Pair(fact.case, 0.0, 1.0, baseline_passed=False, candidate_passed=True) for fact in facts)
    ids = tuple(fact.case for fact in facts)
    return report(fixed=facts, broken=facts, comparison=comparison(pairs=pairs, fixed=ids, broken=ids))


def hostile(texts: Sequence[str]) -> CandidateReport:
    """A report in which every foreign text is one of ``texts``."""

    def text(at: int) -> str:
        return texts[at % len(texts)]

    voices = tuple(
        Voice(text(at), text(at + 1), text(at + 2), TIME, text(at + 3) if at % 3 else None) for at in range(5)
    )
    lines = "\n".join(texts) + "\n"
    changes = (
        Change(text(0), "added", None, {"text": text(1), "because": [text(2)]}),
        Change(text(1), "changed", {"text": text(2)}, {"text": text(3)}),
        Change("messages[0].content", "changed", lines, lines + text(4) + "\nmore"),
        Change("examples[0]", "removed", {"input": {"a": text(5)}, "output": text(6)}, None),
        Change("messages[1]", "added", None, {"role": text(7), "content": lines}),
        Change("parameters", "changed", {text(8): text(0)}, [text(1), 3, None]),
        Change("rules[3]", "moved", {"text": text(2)}, {"text": text(3)}),
    )
    facts = tuple(CaseFact(text(at), 0.0, None, text(at + 1), text(at + 2), text(at + 3)) for at in range(3))
    guards = (Guard(text(4), holds=False), Guard(text(5), holds=True, difference=0.1, low=0.0, margin=0.02))
    record = comparison(
        verdict=text(6),
        recommendation=text(7),
        reason=text(8),
        approach=text(0),
        model=text(1),
        guards=guards,
        removed=(text(2),),
    )
    made = training(approach=text(3), chosen=text(4), trigger=text(5), remarks=(text(6),), verdict=text(7))
    return replace(
        report(),
        branch=text(0),
        commit=text(1),
        author=text(2),
        subject=text(3),
        models=tuple(texts[:3]),
        comparison=record,
        training=made,
        changes=tuple(Cited(change, voices) for change in changes),
        fixed=facts * 4,
        broken=facts,
        remarks=tuple(texts[:4]),
    )
