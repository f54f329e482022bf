"""From events to records: what single events say of answers to an input, and how sure that is.

A correction says that its ``corrected`` is right and its ``output`` is not; a demonstration that its ``output`` is
right; a selection that the chosen option is better than the others; a rating what its ``output`` is worth. An option's
text is its ``output``, else its ``name``. People's annotations outrank what they are about, by the rules of
:mod:`promptvc.training.data.claims`: a rejection takes the event out, ``corrected`` makes a correction of it, whatever
its kind, an approval of an output that was rated says that it is right.

The confidence of a record, 0..1, is the agreement of its reviewers: of those who approved or corrected it, the share
whose word is the answer. Without reviewers it is ``context.confidence``, for a selection also the confidence of the
selected option; else it is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from promptvc.feedback.events import Event
from promptvc.feedback.people import as_persons
from promptvc.prompts.model import Prompt
from promptvc.training.data.claims import EXPIRED, JUDGE, JUDGED, approves, rejects, standing_notes
from promptvc.training.data.inputs import Form, Inputs
from promptvc.training.exporting.query import KINDS, DatasetQuery

_NOTES: Mapping[str, Event] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """What one event says.

    Attributes:
        id: of the event; ``because``: it and the annotations that count, sorted.
        kind: of the event; ``correction`` where an annotation corrected it.
        form: what its input is compared by.
        good: the answer that is right, stripped; None where only a score is known.
        bad: answers that are not right, or less so.
        output, score: what came out and was rated, and how, 0..1; None without either.
        confidence: 0..1, None when unknown; ``reviewed``: whether a person approved or corrected it.
        user: the pseudonym; ``owner``: that, else the session, else None: whose record it is.
    """

    id: str
    kind: str
    time: datetime
    input: Mapping[str, str]
    form: Form
    because: tuple[str, ...]
    good: str | None = None
    bad: tuple[str, ...] = ()
    output: str | None = None
    score: float | None = None
    confidence: float | None = None
    reviewed: bool = False
    user: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Records in the order of their events' time and id.

    Attributes:
        records: what was asked for.
        known: (input, owner) of everything that could be a record of any query, in the same order, those that are
            left out included: splits go by these, so that two datasets of one prompt agree.
        left_out: numbers of events by reason.
    """

    records: tuple[Record, ...]
    known: tuple[tuple[Form, str | None], ...]
    left_out: Mapping[str, int]


def read_records(events: Iterable[Event], prompt: Prompt, query: DatasetQuery) -> Records:
    """The records that ``events`` give for ``prompt``. Events of other prompts are ignored."""
    mine = {event.id: event for event in as_persons(events) if event.prompt == prompt.name}
    ordered = sorted(mine.values(), key=attrgetter("time", "id"))
    people = [event for event in ordered if event.kind == "annotation" and event.source == "human"]
    notes = standing_notes(reversed(people))
    inputs = Inputs.of(prompt)
    records: list[Record] = []
    known: list[tuple[Form, str | None]] = []
    left_out: Counter[str] = Counter()
    for event in ordered:
        about = tuple(notes.get(event.id, _NOTES).values())
        if event.kind not in KINDS and not any(note.corrected for note in about):
            continue
        if event.source == JUDGE and not any(note.corrected or approves(note) for note in about):
            left_out[JUDGED] += 1
            continue
        if "expired" in event.data:
            left_out[EXPIRED] += 1
            continue
        given = inputs.given(event.input)
        if given is None:
            left_out["lack the prompt's variables"] += 1
            continue
        form = inputs.form(given)
        owner = event.user or event.data.get("session")
        known.append((form, owner))
        found = _record(event, about)
        if not isinstance(found, str):
            found = _refused(found, event.time, query) or found
        if isinstance(found, str):
            left_out[found] += 1
        else:
            records.append(
                Record(
                    id=event.id,
                    time=event.time,
                    input=given,
                    form=form,
                    user=event.user,
                    owner=owner,
                    kind=found.kind,
                    because=found.because,
                    good=found.good,
                    bad=found.bad,
                    output=found.output,
                    score=found.score,
                    confidence=found.confidence,
                    reviewed=found.reviewed,
                )
            )
    return Records(tuple(records), tuple(known), dict(sorted(left_out.items())))


@dataclass(frozen=True, slots=True)
class _Said:
    """A record without its input."""

    kind: str
    because: tuple[str, ...]
    good: str | None
    bad: tuple[str, ...]
    output: str | None
    score: float | None
    confidence: float | None
    reviewed: bool


def _record(event: Event, about: Sequence[Event]) -> _Said | str:
    if any(map(rejects, about)):
        return "rejected by an annotation"
    kind, good, bad = event.kind, *_answers(event)
    output, score = _text(event.output), event.score
    corrections = [note for note in about if _text(note.corrected)]
    approvals = [note for note in about if approves(note) and not note.corrected]
    because = [event.id]
    if corrections:  # the newest comes first
        kind, good = "correction", _text(corrections[0].corrected)
        because += [note.id for note in corrections if _text(note.corrected) == good]
        bad = tuple(text for text in (output,) if text is not None and text != good)
    elif approvals:
        good = output if kind == "rating" else good
        because += [note.id for note in approvals]
    if kind == "rating" and (output is None or (score is None and good is None)):
        return "are ratings without an output or a score"
    if kind != "rating" and good is None:
        return "say no right answer"
    agreeing = sum(_text(note.corrected) == good for note in corrections) if corrections else len(approvals)
    reviewers = len(corrections) + len(approvals)
    return _Said(
        kind=kind,
        because=tuple(sorted(because)),
        good=good,
        bad=tuple(text for text in dict.fromkeys(bad) if text != good),
        output=output if score is not None else None,
        score=score if output is not None else None,
        confidence=agreeing / reviewers if reviewers else _confidence(event),
        reviewed=reviewers > 0,
    )


def _answers(event: Event) -> tuple[str | None, tuple[str, ...]]:
    """The answer that is right by the event itself, and those that are not."""
    output = _text(event.output)
    if event.kind == "correction":
        return _text(event.corrected), () if output is None else (output,)
    if event.kind == "demonstration":
        return output, ()
    if event.kind == "selection":
        options = {option["name"]: _text(_option_text(option)) for option in event.data["options"]}
        chosen = options.get(event.data["selected"])
        others = [text for name, text in options.items() if name != event.data["selected"]]
        return chosen, tuple(text for text in others if text is not None)
    return None, ()


def _option_text(option: Mapping[str, Any]) -> Any:
    return option["output"] if "output" in option else option["name"]


def _confidence(event: Event) -> float | None:
    context = event.data.get("context")
    given = context.get("confidence") if isinstance(context, Mapping) else None
    if given is None and event.kind == "selection":
        selected = (one for one in event.data["options"] if one["name"] == event.data["selected"])
        given = next((one.get("confidence") for one in selected), None)
    usable = isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1
    return float(given) if usable and given is not None else None


def _refused(found: _Said, time: datetime, query: DatasetQuery) -> str | None:
    """Why the query does not want it."""
    if found.kind not in query.kinds:
        return "of another kind"
    if query.since is not None and time < query.since:
        return "before --since"
    if query.until is not None and time >= query.until:
        return "at or after --until"
    if query.reviewed_only and not found.reviewed:
        return "not reviewed"
    if query.min_confidence is not None:
        if found.confidence is None:
            return "of unknown confidence"
        if found.confidence < query.min_confidence:
            return "of less confidence"
    return None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
