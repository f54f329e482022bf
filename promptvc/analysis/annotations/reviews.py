"""What each reviewer says of each answer: the fold of annotations that queues, agreement and resolution share.

Of several statements by one person the latest that answers a question counts; an annotation that a later one rejects
does not count (:mod:`promptvc.analysis.verdicts`). Events are those that count, with persons in place of names:
:meth:`promptvc.feedback.panel.Panel.heeded`, :func:`promptvc.feedback.people.as_persons`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from promptvc.analysis.annotations.scales import Level, Scale, Value
from promptvc.analysis.verdicts import approval, notes_by_target
from promptvc.feedback.events import Event
from promptvc.feedback.panel import is_review

APPROVED = "approved"
"""The question that every review may answer: whether what is reviewed is right. It is no name of a score."""


@dataclass(frozen=True, slots=True)
class Question:
    """``approved``, or one score. ``scale``: how values are told; None for a score that no setting names."""

    name: str
    level: Level
    scale: Scale | None = None

    def shown(self, value: Value) -> bool | float | str:
        """A value as people were asked for it."""
        if self.name == APPROVED:
            return bool(value)
        return value if self.scale is None else self.scale.shown(value)


@dataclass(frozen=True, slots=True)
class Reviews:
    """By answer and reviewer, what was said, newest first.

    Attributes:
        notes: by target and person.
        events: by id, all that can be reviewed.
    """

    notes: Mapping[str, Mapping[str, Sequence[Event]]]
    events: Mapping[str, Event] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Reviews:
        """Fold ``events``; their order does not matter."""
        there = {event.id: event for event in events}
        newest_first = sorted(there.values(), key=lambda event: (event.time, event.id), reverse=True)
        return cls(notes_by_target(filter(is_review, newest_first)), there)

    def reviewers(self, target: str) -> frozenset[str]:
        """Who has reviewed an answer."""
        return frozenset(self.notes.get(target, ()))

    def questions(self, scales: Mapping[str, Scale]) -> tuple[Question, ...]:
        """``approved``, the configured scores in their order, then others that some review has, as intervals."""
        every = (note for by in self.notes.values() for notes in by.values() for note in notes)
        others = {name for note in every for name in note.data.get("scores") or ()} - scales.keys()
        return (
            Question(APPROVED, "nominal"),
            *(Question(name, scale.level, scale) for name, scale in scales.items()),
            *(Question(name, "interval") for name in sorted(others)),
        )

    def said(self, target: str, question: Question) -> dict[str, Value]:
        """By reviewer, the answer to one question about ``target``, reviewers in order."""
        event = self.events.get(target)
        found = {}
        for person, notes in sorted(self.notes.get(target, {}).items()):
            values = (_value(note, event, question) for note in notes)
            value = next((one for one in values if one is not None), None)
            if value is not None:
                found[person] = value
        return found

    def split(self, target: str, questions: Iterable[Question]) -> bool:
        """Whether reviewers differ in anything about an answer."""
        return any(len(set(self.said(target, one).values())) > 1 for one in questions)


def _value(note: Event, event: Event | None, question: Question) -> Value | None:
    if question.name == APPROVED:
        said = approval(note, event)
        return None if said is None else float(said)
    if question.scale is not None:
        return question.scale.value_in(note)
    score = (note.data.get("scores") or {}).get(question.name)
    return None if score is None else float(score)
