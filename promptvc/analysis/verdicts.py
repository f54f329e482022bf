"""Who said what about an answer: people's verdicts and judges', read from events.

An answer is named by the event that carries it. A person speaks by an annotation whose ``target`` it is, or by the
event itself where that is a rating or a correction. A judge speaks by an annotation whose ``source`` is not human; its
``context`` says which model judged, by which version of which prompt.

What a person says about an answer as a whole, in this order:

1. a correction to another text says no, one to the same text yes;
2. ``approved``, else the label (:data:`YES`, :data:`NO`);
3. the score of the event (effectiveness, rating, stars, thumbs), from the positive threshold on yes.

Annotations outrank what the event itself says, as in training. A correction that somebody reports has an answer that is
wrong: an annotation that approves it agrees that the answer is wrong, one that rejects it takes the report back. Of
several statements by one person the latest counts; an annotation that a later one rejects does not count. That a
person rejects a judge's annotation does not take that away: it would leave only verdicts that people agree with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS, Event
from promptvc.feedback.people import as_persons

YES = frozenset({"approve", "approved", "pass", "good", "correct"})
NO = frozenset({"reject", "rejected", "fail", "bad", "incorrect"})


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judged what, and how; two that differ in anything are two judges.

    Attributes:
        model: ``provider:name``, or ``lexical``; the source of the event where its context names no model.
        metric: what was judged.
        prompt, version, digest: of the judge prompt; None where there was none, or the event does not say.
        rubric: the text that answers were held against, None where the prompt alone says it.
    """

    model: str
    metric: str
    prompt: str | None = None
    version: int | None = None
    digest: str | None = None
    rubric: str | None = None

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """An order of all judges: by model and metric first."""
        return (
            self.model,
            self.metric,
            self.prompt or "",
            self.version or 0,
            self.digest or "",
            self.rubric or "",
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """One word on one answer.

    Attributes:
        good: whether it is good enough.
        score: 0..1; None where only yes or no was said.
        comment: what was said with it.
    """

    good: bool
    score: float | None = None
    comment: str | None = None

    @property
    def value(self) -> float:
        """The score, else 1 for yes and 0 for no."""
        return float(self.good) if self.score is None else self.score


class Verdicts:
    """All verdicts on the answers of one prompt, by the id of the event that carries the answer.

    Attributes:
        judged: by judge and target.
        bar: the score from which a verdict is yes, for people and judges alike.
    """

    def __init__(self, events: Iterable[Event], thresholds: FeedbackSettings = THRESHOLDS) -> None:
        self.bar = thresholds.positive
        self._events = {event.id: event for event in as_persons(events)}
        newest_first = sorted(self._events.values(), key=lambda event: (event.time, event.id), reverse=True)
        notes = [event for event in newest_first if event.kind == "annotation"]
        self._notes = notes_by_target(note for note in notes if note.source == "human")
        self.judged = self._by_judge(note for note in notes if note.source != "human")

    @property
    def reviewed(self) -> tuple[str, ...]:
        """The answers that people judged, as a whole or by a metric."""
        said = {event.id for event in self._events.values() if event.source == "human"} | set(self._notes)
        return tuple(sorted(target for target in said if self._speaks(target)))

    def by_people(self, target: str, metric: str) -> tuple[tuple[Verdict, ...], bool]:
        """One verdict a person on the answer, and whether they are about ``metric`` itself.

        Scores for the metric count before verdicts on the answer as a whole, and annotations before what the event
        itself says.
        """
        for about in (metric, None):
            for statements in (self._annotations(target), self._own(target)):
                each = [
                    next(filter(None, (self._verdict(one, target, about) for one in mine)), None)
                    for mine in statements
                ]
                found = tuple(one for one in each if one is not None)
                if found:
                    return found, about is not None
        return (), False

    def event(self, target: str) -> Event | None:
        """The event that carries the answer; None where it is not among the events."""
        return self._events.get(target)

    def _annotations(self, target: str) -> list[list[Event]]:
        """What each person noted, newest first."""
        return list(self._notes.get(target, {}).values())

    def _own(self, target: str) -> list[list[Event]]:
        """What the event itself says as its author's word, unless a reviewer took it back."""
        event = self._events.get(target)
        if event is None or event.source != "human" or event.kind in {"annotation", "demonstration"}:
            return []
        return [] if event.kind == "correction" and _taken_back(self._notes.get(target)) else [[event]]

    def _speaks(self, target: str) -> bool:
        statements = [one for mine in (*self._annotations(target), *self._own(target)) for one in mine]
        return any(one.data.get("scores") or self._verdict(one, target, None) for one in statements)

    def _verdict(self, note: Event, target: str, metric: str | None) -> Verdict | None:
        """What one statement says about ``metric``, or about the whole when None."""
        if metric is not None:
            score = (note.data.get("scores") or {}).get(metric)
            return None if score is None else self._scored(score, note)
        event = self._events.get(target)
        if note is not event and event is not None and event.kind == "correction":
            good = _on_a_correction(note, event)
        else:
            good = _whole(note, event)
        if good is not None:
            return Verdict(good, None, note.comment)
        return None if note.score is None else self._scored(note.score, note)

    def _scored(self, score: float, note: Event) -> Verdict:
        return Verdict(score >= self.bar, float(score), note.comment)

    def _by_judge(self, newest_first: Iterable[Event]) -> dict[Judge, dict[str, Verdict]]:
        judged: dict[Judge, dict[str, Verdict]] = {}
        for note in newest_first:
            for metric, score in (note.data.get("scores") or {}).items():
                verdicts = judged.setdefault(judge_of(note, metric), {})
                verdicts.setdefault(note.data["target"], self._scored(score, note))
        return judged


def judge_of(note: Event, metric: str) -> Judge:
    """Who judged ``metric``, by the context of a judge's annotation."""
    context = note.data.get("context")
    given = context if isinstance(context, Mapping) else {}
    texts = {key: given[key] for key in ("prompt", "digest", "rubric") if isinstance(given.get(key), str)}
    model, version = given.get("model"), given.get("version")
    return Judge(
        model=model if isinstance(model, str) and model else note.source,
        metric=metric,
        version=version if isinstance(version, int) and not isinstance(version, bool) else None,
        **texts,
    )


def notes_by_target(newest_first: Iterable[Event]) -> dict[str, dict[str, list[Event]]]:
    """By target and person what was noted, newest first, without what a later note rejects."""
    notes: dict[str, dict[str, list[Event]]] = {}
    for note in newest_first:
        if not _taken_back(notes.get(note.id)):
            person = str(note.data.get("reviewer") or note.user or note.id)
            notes.setdefault(note.data["target"], {}).setdefault(person, []).append(note)
    return notes


def approval(note: Event, event: Event | None) -> bool | None:
    """Whether a note says that ``event``, be it an answer or a correction, is right as it is; None: it does not say.

    Another text says no. That is what two reviewers can disagree about; whether the prompt's answer was good, which for
    a correction is another question, :class:`Verdicts` tells.
    """
    if note.corrected is None:
        return _says(note)
    stands = None if event is None else event.corrected if event.kind == "correction" else event.output
    return stands is not None and note.corrected.strip() == stands.strip()


def _taken_back(notes: Mapping[str, list[Event]] | None) -> bool:
    """Whether somebody's latest word on an event is that it does not stand."""
    latest = [statements[0] for statements in (notes or {}).values()]
    return any(_says(note) is False and note.corrected is None for note in latest)


def _says(note: Event) -> bool | None:
    if "approved" in note.data:
        return bool(note.data["approved"])
    label = str(note.data.get("label", "")).strip().lower()
    return True if label in YES else False if label in NO else None


def _whole(note: Event, event: Event | None) -> bool | None:
    """Whether the answer is right, by a statement that is not about a correction; None where it does not say."""
    if note.corrected is None:
        return _says(note)
    if event is not None and event.output is None:
        return None
    return event is not None and event.output is not None and note.corrected.strip() == event.output.strip()


def _on_a_correction(note: Event, event: Event) -> bool | None:
    if note.corrected is not None:
        return _whole(note, event)
    return _whole(event, event) if _says(note) else None
