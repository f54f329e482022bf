"""Who is who: events of one person under the pseudonyms of several keys, told apart or brought together.

When a key was rotated, an event written afterwards carries the person's pseudonym under the new key and, in
``aka``, those under the earlier keys that are still linked. So whoever wrote again is known to be the same
person, from the events alone and without any key: the same events give the same persons in every clone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from promptvc.feedback.events import Event
from promptvc.feedback.pseudonyms import Key, KeyRing, is_pseudonym, pseudonym

_PEOPLE = frozenset({"user", "reviewer", "aka"})


@dataclass(frozen=True, slots=True)
class People:
    """The persons of some events; a name that no ``aka`` links to another is a person of its own."""

    _representative: Mapping[str, str]

    @classmethod
    def of(cls, events: Iterable[Event]) -> People:
        """Fold the links of ``events``; their order does not matter."""
        there = events if isinstance(events, Sequence) else list(events)
        parent: dict[str, str] = {}
        for event in there:
            if "aka" in event.data:
                first, *others = names_of(event)
                for other in others:
                    _join(parent, first, other)
        if not parent:
            return cls({})
        seen = _first_seen(there, parent)
        oldest: dict[str, str] = {}
        for name in sorted(parent, key=seen.__getitem__):
            oldest.setdefault(_root(parent, name), name)
        return cls({name: oldest[_root(parent, name)] for name in parent})

    def person(self, name: str) -> str:
        """Whose name it is: of all names of the person the one that was seen first; later ones change nothing."""
        return self._representative.get(name, name)

    def names(self, name: str) -> tuple[str, ...]:
        """All names of the person that has ``name``, sorted."""
        mine = self.person(name)
        return tuple(sorted({name, *(one for one, who in self._representative.items() if who == mine)}))

    def __bool__(self) -> bool:
        """Whether anybody has more than one name."""
        return bool(self._representative)


def names_of(event: Event) -> tuple[str, ...]:
    """The names of the person whose word ``event`` is: the user, else the reviewer, then each ``aka``; or nobody's."""
    whose = event.user or event.data.get("reviewer")
    return tuple(dict.fromkeys(filter(None, (whose, *akas_in(event.data)))))


def akas_in(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The names under earlier keys that an event's object carries: one text, or a list."""
    given = data.get("aka")
    return (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else ()


def is_plain(person: Any) -> bool:
    """Whether what an event holds for a person is a name, or names, that are to become pseudonyms."""
    if isinstance(person, list | tuple):
        return any(map(is_plain, person))
    return isinstance(person, str) and person != "" and not is_pseudonym(person)


def pseudonymous(value: Mapping[str, Any], keys: KeyRing) -> dict[str, Any]:
    """An event's object with pseudonyms in place of names.

    ``user``, ``reviewer`` and ``aka`` get those of the current key; and where the user, or else the reviewer, was a
    name, ``aka`` tells those under the linked earlier keys as well.
    """
    result = {key: _named(item, keys.current) if key in _PEOPLE else item for key, item in value.items()}
    whose = value.get("user") or value.get("reviewer")
    if keys.linked and isinstance(whose, str) and is_plain(whose):
        names = dict.fromkeys((*akas_in(result), *(pseudonym(whose, key) for key in keys.linked)))
        result["aka"] = next(iter(names)) if len(names) == 1 else list(names)
    return result


def _named(person: Any, key: Key) -> Any:
    if isinstance(person, list | tuple):
        return [_named(one, key) for one in person]
    return pseudonym(person, key) if is_plain(person) else person


def as_persons(events: Iterable[Event]) -> list[Event]:
    """``events`` with the user of each replaced by the person: for folds that group by user.

    What else an event holds, its content too, stays; without any link the very same events come back.
    """
    there = list(events)
    people = People.of(there)
    return list(_renamed(there, people)) if people else there


def _renamed(events: Iterable[Event], people: People) -> Iterator[Event]:
    for event in events:
        changed = {
            key: person
            for key in ("user", "reviewer")
            if (name := event.data.get(key)) and (person := people.person(name)) != name
        }
        yield replace(event, data={**event.data, **changed}) if changed else event


def _first_seen(events: Iterable[Event], names: Mapping[str, str]) -> dict[str, tuple[datetime, str, int]]:
    """When each of ``names`` came up first; of the names of one event the one of the oldest key."""
    seen: dict[str, tuple[datetime, str, int]] = {}
    for event in events:
        for place, name in enumerate(names_of(event)):
            if name in names:
                here = (event.time, event.id, -place)
                seen[name] = min(seen.get(name, here), here)
    return seen


def _join(parent: dict[str, str], one: str, other: str) -> None:
    """The smaller root stays the root, so that the order of joining does not matter."""
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent.setdefault(first, first)
    parent[second] = first


def _root(parent: dict[str, str], name: str) -> str:
    root = name
    while (above := parent.get(root, root)) != root:
        root = above
    while (above := parent.get(name, name)) != root:  # the next look is shorter
        parent[name] = root
        name = above
    return root
