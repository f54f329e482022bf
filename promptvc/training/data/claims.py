"""What single events say about an input: "the answer to this is that", by whom, and how strongly.

A correction claims its ``corrected``, a demonstration its ``output``, a rating at or above the positive bar its
``output``. An annotation outranks what it is about: one that rejects (``approved: false``, or the label
``reject``) takes the event out of training, one with ``corrected`` replaces what was claimed, one that approves
confirms it. Of several annotations by one reviewer the latest counts; of several reviewers one rejection is
enough; an annotation that a later one rejects does not count. A claim cites the ids of all events that it rests on.

Only people's annotations count, and nothing that a judge says unless a person approved or corrected it. Its notes, or
a program's, are as if they were not there: what a model thinks of an answer is measured against people
(docs/design/judges.md), and is no review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import Event
from promptvc.feedback.people import as_persons
from promptvc.training.data.inputs import Inputs

_NONE: Mapping[str, Event] = {}

OLDER = "older than --days"
"""The reason for which an event outside of the window is left out."""

JUDGE = "llm_judge"
JUDGED = "said by a judge"

EXPIRED = "had their texts taken out"

FUTURE = "dated in the future"

REVIEWED, STATED, RATED = 3, 2, 1
"""Ranks: reviewed by an annotation; stated in a correction or demonstration; an output that was rated well."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``output`` is right for ``input``, says ``user``; ``rank`` is one of the three above."""

    input: Mapping[str, str]
    output: str
    rank: int
    user: str
    time: datetime
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimOptions:
    """Which events count.

    Attributes:
        days: only events of the last so many days before the prompt's newest event; None: all.
        until: what is dated later does not count, nor as the newest event: a clock was wrong; None: everything counts.
        reviewed_only: only what an annotation approved or corrected.
        thresholds: where a rating counts as positive.
    """

    days: int | None = None
    reviewed_only: bool = False
    thresholds: FeedbackSettings = field(default_factory=FeedbackSettings)
    until: datetime | None = None

    def window(self, ordered: Sequence[Event]) -> tuple[list[Event], datetime | None, int]:
        """Of events in order of time: those up to now, from when on they count, and how many are of the future."""
        until = self.until
        there = list(ordered) if until is None else [event for event in ordered if event.time <= until]
        since = there[-1].time - timedelta(days=self.days) if there and self.days is not None else None
        return there, since, len(ordered) - len(there)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims in the order of their events; ``left_out`` counts the other events by reason."""

    claims: tuple[Claim, ...]
    rejected: frozenset[str]
    left_out: Mapping[str, int]


def read_claims(events: Iterable[Event], inputs: Inputs, options: ClaimOptions) -> Claims:
    """The claims of one prompt's ``events``, whose variables are ``inputs``."""
    counting = {event.id: event for event in events if event.kind != "annotation" or event.source == "human"}
    ordered, since, future = options.window(sorted(counting.values(), key=attrgetter("time", "id")))
    notes = standing_notes(event for event in reversed(ordered) if event.kind == "annotation")
    claims: list[Claim] = []
    left_out: Counter[str] = Counter({FUTURE: future} if future else {})
    rejected: set[str] = set()
    for event in ordered:
        if event.kind == "annotation":
            continue
        about = notes.get(event.id, _NONE)
        if about and any(rejects(note) for note in about.values()):
            rejected.add(event.id)
            left_out["rejected by an annotation"] += 1
            continue
        if since is not None and event.time < since:
            left_out[OLDER] += 1
            continue
        if event.source == JUDGE and not any(note.corrected or approves(note) for note in about.values()):
            left_out[JUDGED] += 1
            continue
        found = EXPIRED if "expired" in event.data else _claim(event, tuple(about.values()), inputs, options)
        if isinstance(found, Claim):
            claims.append(found)
        else:
            left_out[found] += 1
    return Claims(tuple(claims), frozenset(rejected), dict(sorted(left_out.items())))


def rejected_in(events: Iterable[Event]) -> frozenset[str]:
    """Ids of what a person's annotation among ``events`` rejected, by the same rules."""
    notes = [event for event in as_persons(events) if event.kind == "annotation" and event.source == "human"]
    by_target = standing_notes(sorted(notes, key=attrgetter("time", "id"), reverse=True))
    return frozenset(target for target, by in by_target.items() if any(map(rejects, by.values())))


def standing_notes(newest_first: Iterable[Event]) -> dict[str, dict[str, Event]]:
    """By target and reviewer the annotation that counts, newest first."""
    notes: dict[str, dict[str, Event]] = {}
    for note in newest_first:
        if not any(rejects(later) for later in notes.get(note.id, {}).values()):
            notes.setdefault(note.data["target"], {}).setdefault(reviewer_of(note), note)
    return notes


def _claim(event: Event, about: Sequence[Event], inputs: Inputs, options: ClaimOptions) -> Claim | str:
    corrections = [note for note in about if note.corrected] if about else ()
    approvals = [note for note in about if approves(note)] if about else ()
    stated = event.corrected if event.kind == "correction" else event.output
    because: tuple[str, ...] = (event.id,)
    if corrections:
        note = corrections[0]
        output, rank, because = note.corrected, REVIEWED, (event.id, note.id)
    elif approvals:
        output, rank, because = stated, REVIEWED, (event.id, *(note.id for note in approvals))
    elif options.reviewed_only:
        return "not reviewed"
    elif event.kind in {"correction", "demonstration"}:
        output, rank = stated, STATED
    elif event.is_positive(options.thresholds):
        output, rank = stated, RATED
    else:
        return "say no right answer"
    if output is None or not output.strip():
        return "say no right answer"
    given = inputs.given(event.input)
    if given is None:
        return "lack the prompt's variables"
    user = event.user or event.data.get("session") or event.id
    return Claim(given, output.strip(), rank, user, event.time, because)


def reviewer_of(note: Event) -> str:
    """Who wrote an annotation; one that names nobody is a reviewer of its own."""
    return str(note.data.get("reviewer") or note.user or note.id)


def rejects(note: Event) -> bool:
    """Whether an annotation takes what it is about out of training."""
    if "approved" in note.data:
        return not note.data["approved"] and not note.corrected
    return note.data.get("label") in {"reject", "rejected"} and not note.corrected


def approves(note: Event) -> bool:
    """Whether an annotation confirms what it is about."""
    return note.data.get("approved") is True or (
        "approved" not in note.data and note.data.get("label") in {"approve", "approved"}
    )
