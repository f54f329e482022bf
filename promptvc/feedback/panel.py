"""Whose reviews count: the experts and adjudicators that the settings name, known in events by their pseudonyms.

Without experts everybody's reviews count. With some, other people's annotations stay recorded and count nowhere. Where
adjudication resolves, an answer that an adjudicator has reviewed has that review alone; of several adjudicators that
of whoever spoke last. Annotations that are not a person's are measured elsewhere, and pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from promptvc.base.errors import Usage
from promptvc.base.feedback_settings import AnnotationSettings
from promptvc.feedback.events import Event
from promptvc.feedback.people import People, akas_in
from promptvc.feedback.pseudonyms import KeyRing, is_pseudonym, pseudonyms_of


@dataclass(frozen=True, slots=True)
class Panel:
    """Names as the settings give them; a pseudonym (``u-...``) is known in every clone, without any key.

    Attributes:
        experts: whose annotations count; empty: everybody's. Adjudicators count as experts, too.
        adjudicators: whose word decides; empty where the majority does.
    """

    experts: tuple[str, ...] = ()
    adjudicators: tuple[str, ...] = ()

    @classmethod
    def of(cls, experts: Iterable[str], annotation: AnnotationSettings) -> Panel:
        """The panel of the settings ``feedback.experts`` and ``annotation``."""
        decides = annotation.resolve == "adjudication"
        return cls(tuple(experts), annotation.adjudicators if decides else ())

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.experts or self.adjudicators)

    @property
    def without_adjudication(self) -> Panel:
        """The same people, of whom nobody outranks another."""
        return Panel((*self.experts, *self.adjudicators) if self.experts else ())

    def heeded(self, events: Iterable[Event], keys: KeyRing | None) -> list[Event]:
        """``events`` in their order without the annotations that do not count.

        Raises:
            Usage: there are reviews, the settings give a name that is no pseudonym, and there is no key to know it by.
        """
        there = list(events)
        reviews = [event for event in there if is_review(event)] if self else []
        if not reviews:
            return there
        people = People.of(there)
        experts, judges = (self._known(names, keys, people) for names in (self.experts, self.adjudicators))
        reviews.sort(key=lambda event: (event.time, event.id))
        decided = {
            note.data["target"]: people.person(reviewer_of(note)) for note in reviews if _is(note, judges)
        }
        kept = {note.id for note in reviews if not self.experts or _is(note, experts | judges)}
        kept &= {
            note.id
            for note in reviews
            if (by := decided.get(note.data["target"])) is None or by == people.person(reviewer_of(note))
        }
        return [event for event in there if not is_review(event) or event.id in kept]

    def unadjudicated(self, events: Iterable[Event], keys: KeyRing | None) -> list[Event]:
        """``events`` without the reviews of adjudicators: what the others said independently.

        Raises:
            Usage: as :meth:`heeded`.
        """
        there = list(events)
        if not self.adjudicators or not any(map(is_review, there)):
            return there
        names = self._known(self.adjudicators, keys, People.of(there))
        return [event for event in there if not (is_review(event) and _is(event, names))]

    def is_expert(self, name: str, keys: KeyRing | None) -> bool:
        """Whether the reviews of ``name`` count."""
        return not self.experts or self._meets(name, (*self.experts, *self.adjudicators), keys)

    def is_adjudicator(self, name: str, keys: KeyRing | None) -> bool:
        """Whether the word of ``name`` decides."""
        return self._meets(name, self.adjudicators, keys)

    @staticmethod
    def _meets(name: str, names: Sequence[str], keys: KeyRing | None) -> bool:
        if name in names:
            return True
        mine = _pseudonyms(name, keys)
        return any(not mine.isdisjoint(_pseudonyms(one, keys)) for one in names)

    @staticmethod
    def _known(names: Sequence[str], keys: KeyRing | None, people: People) -> frozenset[str]:
        plain = [name for name in names if not is_pseudonym(name)]
        if plain and keys is None:
            raise Usage(
                f"{plain[0]} is named in promptvc.yaml, and there is no key to know their reviews by",
                hint="set PROMPTVC_USER_KEY_FILE, or name the pseudonym: "
                "`promptvc annotate --queue --json` prints it as reviewer",
            )
        known = frozenset(chain.from_iterable(_pseudonyms(name, keys) for name in names))
        return known | frozenset(chain.from_iterable(people.names(name) for name in known))


def is_review(event: Event) -> bool:
    """Whether it is a person's annotation."""
    return event.kind == "annotation" and event.source == "human"


def reviewer_of(note: Event) -> str:
    """Who wrote an annotation; one that names nobody is a reviewer of its own."""
    return str(note.data.get("reviewer") or note.user or note.id)


def _is(note: Event, names: frozenset[str]) -> bool:
    return bool(names) and not names.isdisjoint((reviewer_of(note), *akas_in(note.data)))


def _pseudonyms(name: str, keys: KeyRing | None) -> frozenset[str]:
    return frozenset(pseudonyms_of(name, keys.keys if keys is not None else ()))
