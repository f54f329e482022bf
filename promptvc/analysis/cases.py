"""Cases that events give: a fold over the events of one prompt, one case an input.

A correction says what the answer should have been; so do a demonstration and an output that was rated well. An output
that was rated badly says what it should not be, and an error that there should be an answer. An annotation outranks
what it is about: one that rejects (``approved: false``, or the label ``reject``) leaves the event out, one with
``corrected`` makes a correction of it. Of several events on one input the kind that says most counts, of one kind the
newest; all that agree are cited.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.config import FeedbackSettings
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.events import THRESHOLDS, Event
from promptvc.feedback.people import as_persons
from promptvc.feedback.redaction_rules import placeholder

Kind = Literal["correction", "demonstration", "praised", "disliked", "error"]
Given = Callable[[str | Mapping[str, Any] | None], Mapping[str, str] | None]
"""The variables of the prompt in an event's input; None where they are not all there."""

RANK: tuple[Kind, ...] = ("correction", "demonstration", "praised", "disliked", "error")
RIGHT: frozenset[Kind] = frozenset({"correction", "demonstration", "praised"})
"""Kinds that say what a right answer is."""
PROPOSED: frozenset[Kind] = frozenset({"correction", "disliked", "error"})
"""Kinds that say what went wrong: what a suite should ask for from now on."""

REJECTED = "rejected by an annotation"
NO_VARIABLES = "lack the prompt's variables"
NO_OUTPUT = "do not say which output was bad"
REDACTED = "hold redacted data where the answer stands"
TEMPLATE = "hold {{ }} where the answer stands"
EXPIRED = "had their texts taken out"
OUTRANKED = "another event says more, or later, about the same input"


@dataclass(frozen=True, slots=True)
class EventCase:
    """What events say about one input.

    Attributes:
        answer: the right answer; the bad one for ``disliked``; None for an error.
        because: ids of the events, the newest last.
        cluster: the pseudonym of the user whose word it is.
        remark: for people: what the user said, or how the call failed.
    """

    kind: Kind
    vars: Mapping[str, str]
    answer: str | None
    because: tuple[str, ...]
    cluster: str | None = None
    remark: str | None = None

    @property
    def id(self) -> str:
        """Of the input alone: "feedback-" and ten hexadecimal digits of its SHA-256."""
        return f"feedback-{hashlib.sha256(canonical_json(dict(self.vars))).hexdigest()[:10]}"

    def document(self, smoke: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """A case as a suite or a dataset writes it; ``smoke`` is what any answer has to be."""
        case: dict[str, Any] = {"id": self.id}
        if self.remark:
            case["description"] = self.remark
        case["vars"] = dict(self.vars)
        if self.kind in RIGHT:
            case["expected"] = self.answer
        elif self.kind == "disliked":
            case["assert"] = [{"type": "not-equals", "value": self.answer}]
        else:
            case["assert"] = [dict(each) for each in smoke]
        if self.cluster is not None:
            case["cluster"] = self.cluster
        return case | {"metadata": {"because": list(self.because)}}


@dataclass(frozen=True, slots=True)
class EventCases:
    """The cases in the order in which their inputs were first seen; ``skipped`` counts events by reason."""

    cases: tuple[EventCase, ...]
    skipped: Mapping[str, int]


def event_cases(
    events: Iterable[Event],
    given: Given,
    kinds: frozenset[Kind],
    thresholds: FeedbackSettings = THRESHOLDS,
) -> EventCases:
    """The cases of some ``kinds`` that ``events`` of one prompt give; ``given`` reads their inputs.

    What says nothing of the sort does not count as skipped.
    """
    mine = {event.id: event for event in as_persons(events)}
    ordered = sorted(mine.values(), key=lambda event: (event.time, event.id))
    notes = _notes(ordered)
    skipped: Counter[str] = Counter()
    by_input: dict[bytes, list[EventCase]] = {}
    for event in ordered:
        found = _case(event, notes.get(event.id, ()), given, thresholds)
        if isinstance(found, str):
            skipped[found] += 1
        elif found is not None and found.kind in kinds:
            by_input.setdefault(canonical_json(dict(found.vars)), []).append(found)
    cases = []
    for group in by_input.values():
        case, others = _settled(group)
        cases.append(case)
        skipped[OUTRANKED] += others
    return EventCases(tuple(cases), dict(sorted((+skipped).items())))


def documents(
    events: Iterable[Event], given: Given, thresholds: FeedbackSettings = THRESHOLDS
) -> list[dict[str, Any]]:
    """Cases that say what a right answer is, as they would be written; for a suite that nobody wrote."""
    return [case.document() for case in event_cases(events, given, RIGHT, thresholds).cases]


def _notes(ordered: Sequence[Event]) -> dict[str, list[Event]]:
    """Annotations by the event that they are about, without those that are rejected themselves."""
    notes: dict[str, list[Event]] = {}
    for event in reversed(ordered):
        if event.kind == "annotation" and not any(map(_rejects, notes.get(event.id, ()))):
            notes.setdefault(event.data["target"], []).append(event)
    return notes


def _case(
    event: Event, notes: Sequence[Event], given: Given, thresholds: FeedbackSettings
) -> EventCase | str | None:
    """One event's case, why it has none, or None where it is about something else."""
    if event.kind == "annotation":
        return None
    corrections = [note for note in notes if note.corrected]
    kind: Kind | None = "correction" if corrections else _kind(event, thresholds)
    if kind is None:
        return None
    if not corrections and any(map(_rejects, notes)):
        return REJECTED
    if "expired" in event.data:
        return EXPIRED
    variables = given(event.input)
    if variables is None:
        return NO_VARIABLES
    because: tuple[str, ...] = (event.id,)
    if corrections:  # the newest comes first
        answer, because = corrections[0].corrected, (event.id, corrections[0].id)
    else:
        answer = event.corrected if kind == "correction" else event.output
    if kind == "error":
        return EventCase(kind, variables, None, because, event.user, _failure(event))
    if answer is None or not answer.strip():
        return NO_OUTPUT if kind == "disliked" else None
    if placeholder(thresholds.redaction.patterns).search(answer):
        return REDACTED
    if "{{" in answer:
        return TEMPLATE
    return EventCase(kind, variables, answer.strip(), because, event.user, event.comment)


def _kind(event: Event, thresholds: FeedbackSettings) -> Kind | None:
    if event.kind == "correction":
        return "correction"
    if event.kind == "demonstration":
        return "demonstration"
    if event.kind == "error":
        return "error"
    if event.is_positive(thresholds):
        return "praised"
    return "disliked" if event.is_negative(thresholds) else None


def _settled(group: Sequence[EventCase]) -> tuple[EventCase, int]:
    """The case that counts of those on one input, citing all that agree, and how many others there are."""
    best = min(RANK.index(case.kind) for case in group)
    newest = [case for case in group if RANK.index(case.kind) == best][-1]
    agreeing = [case for case in group if (case.kind, case.answer) == (newest.kind, newest.answer)]
    because = dict.fromkeys(event for case in agreeing for event in case.because)
    settled = EventCase(
        kind=newest.kind,
        vars=newest.vars,
        answer=newest.answer,
        because=tuple(because),
        cluster=newest.cluster,
        remark=newest.remark,
    )
    return settled, len(group) - len(agreeing)


def _failure(event: Event) -> str | None:
    error: Mapping[str, str] = event.data.get("error") or {}
    said = ": ".join(error[key] for key in ("type", "message") if error.get(key))
    return f"the call failed: {said}" if said else None


def _rejects(note: Event) -> bool:
    if note.corrected:
        return False
    if "approved" in note.data:
        return not note.data["approved"]
    return note.data.get("label") in {"reject", "rejected"}
