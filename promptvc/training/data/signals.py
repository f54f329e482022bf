"""What training hears: every event of the training side, with what was put in, what came out and what was said.

Claims (:mod:`promptvc.training.data.claims`) keep only what says a right answer. Signals also keep what says that
something is wrong, and why: low ratings, thumbs, comments, suggestions, errors. What an annotation rejected is no
signal; a note of a person on an event belongs to that event's words. What a judge says is none: it is held against
people, and teaches nobody.

Of very many signals a stable sample is heard: of those that tell of a call with one bound, so that rates stay what they
are; of suggestions and demonstrations, which are rare, each with its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from promptvc.feedback.events import Event
from promptvc.feedback.people import as_persons
from promptvc.prompts.model import Prompt
from promptvc.training.data.claims import (
    EXPIRED,
    FUTURE,
    JUDGE,
    JUDGED,
    OLDER,
    ClaimOptions,
    approves,
    standing_notes,
)
from promptvc.training.data.inputs import Form, Inputs
from promptvc.training.data.sample import sampled
from promptvc.training.measures import SERVED

HEARD = frozenset({"rating", "correction", "suggestion", "error", "success", "demonstration"})

WORDS = frozenset({"correction", "suggestion", "demonstration"})
"""Kinds that say nothing once their texts were taken out; a rating still rates."""

MOST_SIGNALS = 5_000
"""Of more a sample is heard: what an approach reads, it reads many times."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One event as training hears it.

    Attributes:
        id: of the event; ``because`` are it and the annotations that belong to it, sorted.
        kind: of the event.
        user: the pseudonym, else the session, else the event's id.
        input: texts by variable; None where the event has none that fits the prompt. ``form``: what it is compared by.
        output: what came out; ``corrected``: what should have.
        score: 0..1, as :attr:`promptvc.feedback.events.Event.score` derives it; ``thumbs``: true for up.
        words: what people said: comment, notes, the notes of annotations; each once.
        error: ``type: message`` of an error.
        issues, tags: as given.
        version: of the prompt; None when unknown.
        framework, model: from the event's context; None when unknown.
        execution: the call that it tells of; None when it does not say.
        judged: a model scored it, no user.
        unfit: an input that does not fit the prompt, as one text; None where it fits, or there is none.
        count: how many events it stands for; more than 1 of a rollup.
    """

    id: str
    kind: str
    time: datetime
    user: str
    because: tuple[str, ...]
    input: Mapping[str, str] | None = None
    form: Form | None = None
    output: str | None = None
    corrected: str | None = None
    score: float | None = None
    thumbs: bool | None = None
    words: tuple[str, ...] = ()
    error: str | None = None
    issues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    version: int | None = None
    framework: str | None = None
    model: str | None = None
    execution: str | None = None
    judged: bool = False
    unfit: str | None = None
    count: int = 1

    @property
    def run(self) -> str:
        """The call that it tells of, or its own id."""
        return self.execution or self.id

    @property
    def texts(self) -> Iterator[str]:
        """Everything that it says in words, its input apart."""
        yield from self.words
        for text in (self.output, self.corrected, self.error, self.unfit):
            if text is not None:
                yield text


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals in the order of their events' time and id; ``left_out`` counts the others by reason."""

    signals: tuple[Signal, ...]
    left_out: Mapping[str, int]


def hear(
    events: Iterable[Event], prompt: Prompt, rejected: frozenset[str], options: ClaimOptions | None = None
) -> Signals:
    """The signals in ``events`` for ``prompt``.

    Args:
        rejected: ids of events that an annotation rejected.
        options: which events count, as for claims; ``days`` before the prompt's newest event.
    """
    options = options or ClaimOptions()
    mine = {event.id: event for event in as_persons(events) if event.prompt == prompt.name}
    ordered, since, future = options.window(sorted(mine.values(), key=attrgetter("time", "id")))
    left_out: Counter[str] = Counter({FUTURE: future} if future else {})
    counting: list[Event] = []
    for event in ordered:
        if event.kind not in HEARD:
            continue
        if unheard := _unheard(event, rejected, since):
            left_out[unheard] += 1
        else:
            counting.append(event)
    kept = _sample(counting)
    if len(kept) < len(counting):
        left_out[f"beyond the sample of {len(kept):,} signals"] += len(counting) - len(kept)
    inputs = Inputs.of(prompt)
    heard = {event.id: _signal(event, inputs) for event in kept}
    human = (event for event in reversed(ordered) if event.kind == "annotation" and event.source == "human")
    reviewed_ids: set[str] = set()
    for target, notes in standing_notes(human).items():
        # One that speaks against its target has silenced it already, and a later one stands for an earlier one.
        if target not in heard:
            continue
        for note in sorted(notes.values(), key=attrgetter("time", "id")):
            heard[target] = _annotated(heard[target], note)
            if approves(note) or note.corrected:
                reviewed_ids.add(target)
    found = tuple(heard.values())
    if options.reviewed_only:
        reviewed = tuple(signal for signal in found if signal.id in reviewed_ids)
        left_out["not reviewed"] += len(found) - len(reviewed)
        found = reviewed
    return Signals(found, dict(sorted((+left_out).items())))


def _sample(events: Sequence[Event]) -> Sequence[Event]:
    if len(events) <= MOST_SIGNALS:
        return events
    by_kind: dict[str, list[str]] = {}
    for event in events:
        by_kind.setdefault("" if event.kind in SERVED else event.kind, []).append(event.id)
    kept: set[str] = set()
    for ids in by_kind.values():
        some = sampled(ids, MOST_SIGNALS)
        kept.update(ids if some is None else some)
    return [event for event in events if event.id in kept]


def _unheard(event: Event, rejected: frozenset[str], since: datetime | None) -> str | None:
    """Why an event is no signal; None where it is one."""
    if event.source == JUDGE:
        return JUDGED
    if event.id in rejected:
        return "rejected by an annotation"
    if since is not None and event.time < since:
        return OLDER
    return EXPIRED if "expired" in event.data and event.kind in WORDS else None


def _signal(event: Event, inputs: Inputs) -> Signal:
    data = event.data
    given = inputs.given(event.input)
    context = data.get("context")
    context = context if isinstance(context, Mapping) else {}
    error = data.get("error")
    thumbs = data.get("thumbs")
    return Signal(
        id=event.id,
        kind=event.kind,
        time=event.time,
        user=str(event.user or data.get("session") or event.id),
        because=(event.id,),
        input=given,
        form=None if given is None else inputs.form(given),
        output=event.output,
        corrected=event.corrected,
        score=event.score,
        thumbs=None if thumbs is None else thumbs == "up",
        words=_words(data),
        error=_error(error) if error else None,
        issues=tuple(map(str, data.get("issues") or ())),
        tags=tuple(map(str, data.get("tags") or ())),
        version=event.version,
        framework=_text(context.get("framework")),
        model=_text(context.get("model")),
        execution=_text(data.get("execution")),
        judged=event.source == JUDGE,
        unfit=_plain(event.input) if given is None else None,
        count=event.count,
    )


def _annotated(signal: Signal, note: Event) -> Signal:
    words = tuple(dict.fromkeys((*signal.words, *_words(note.data))))
    corrected = note.corrected or signal.corrected
    return replace(
        signal, words=words, corrected=corrected, because=tuple(sorted({*signal.because, note.id}))
    )


def _words(data: Mapping[str, object]) -> tuple[str, ...]:
    given = (data.get("comment"), data.get("notes"))
    return tuple(dict.fromkeys(text.strip() for text in given if isinstance(text, str) and text.strip()))


def _error(value: object) -> str:
    if isinstance(value, Mapping):
        return ": ".join(str(value[key]) for key in ("type", "message") if value.get(key))
    return str(value)


def _plain(value: str | Mapping[str, object] | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return "\n".join(str(each) for each in value.values())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
