"""Events of a project whose lines hold certain words, one segment at a time: a review needs few of a million."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.people import as_persons, names_of
from promptvc.feedback.segments import Problem, Reading, winner
from promptvc.feedback.spool import Spool
from promptvc.store.references import parse_reference
from promptvc.workflows.archived import archived_parts
from promptvc.workflows.gathering import segments_of, unreadable
from promptvc.workflows.laid_out import read_contents
from promptvc.workflows.project import Project

ANNOTATION, AKA, OUTPUT, EXPIRED = b'"annotation"', b'"aka"', b'"output"', b'"expired"'
_IDS = re.compile(rb'"id"\s*:\s*"([^"]*)"')


@dataclass(slots=True)
class Sieve:
    """The committed and spooled lines of one prompt, or of all.

    A line is parsed only if it holds one of the words that are looked for, and is forgotten when the caller does so:
    memory is that of one segment.
    """

    project: Project
    name: str | None
    _bad: set[bytes] = field(default_factory=set)

    def found(self, words: Collection[bytes], ids: Collection[bytes] = ()) -> Iterator[Event]:
        """The events whose lines hold one of ``words``, or an id among ``ids``, as often as they are there."""
        for path, number, line in self._lines(words, ids):
            try:
                yield parse_event(parse_json(line, file=path, line=number), file=path, line=number)
            except InvalidDocument:
                self._bad.add(line)

    def contested(self, words: Collection[bytes]) -> set[str]:
        """The ids that stand in several lines, not all of them the same; told without parsing them."""
        seen: dict[int, int] = {}
        found: set[str] = set()
        for _, _, line in self._lines(words, ()):
            ids = _IDS.findall(line)
            content = hash(line)
            if seen.setdefault(hash(tuple(ids)), content) != content:
                found.update(one.decode("utf-8", "replace") for one in ids)
        return found

    def one(self, target: str) -> Event | None:
        """The event with this id."""
        found = [event for event in self.found((target.encode(),)) if event.id == target]
        return _won(found).get(target)

    def among(self, ids: Iterable[str]) -> list[Event]:
        """The events with these ids, each once."""
        wanted = {one.encode() for one in ids}
        events = (event for event in self.found((), wanted)) if wanted else ()
        return list(_won(event for event in events if event.id.encode() in wanted).values())

    def notes(self) -> list[Event]:
        """Every annotation with persons in place of names, and an event for each link between names of a person."""
        links: dict[tuple[str, ...], Event] = {}
        notes = []
        for event in self.found((ANNOTATION, AKA)):
            if event.kind == "annotation":
                notes.append(event)
            elif "aka" in event.data:
                known = links.setdefault(names_of(event), event)
                if (event.time, event.id) <= (known.time, known.id):
                    said = {key: event.data[key] for key in ("user", "reviewer", "aka") if key in event.data}
                    links[names_of(event)] = replace(event, data=said)
        return as_persons((*_won(notes).values(), *links.values()))

    def remarks(self) -> tuple[str, ...]:
        """What of the lines that were looked at does not count, for people."""
        problems = tuple(Problem(file="", line=0, message="", raw=line) for line in sorted(self._bad))
        return unreadable(
            Reading((), problems=problems, remarks=archived_parts(self.project, self._plain).remarks())
        )

    @property
    def _plain(self) -> str | None:
        return parse_reference(self.name).name if self.name else None

    def _lines(self, words: Collection[bytes], ids: Collection[bytes]) -> Iterator[tuple[str, int, bytes]]:
        for path, data in self._contents():
            if not (ids or any(word in data for word in words)):
                continue
            for number, line in enumerate(data.split(b"\n"), 1):
                if any(word in line for word in words) or (
                    ids and any(one in ids for one in _IDS.findall(line))
                ):
                    yield path, number, line

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
        spool = Spool.of(self.project.repository.common_dir, self.project.environ).read().events
        waiting = [event.line() for event in spool if self._plain in {None, event.prompt}]
        committed = read_contents(self.project, segments_of(self.project, self._plain))
        archived = archived_parts(self.project, self._plain).contents()
        return chain((("spool", one) for one in (b"".join(waiting),) if one), committed, archived)


def _won(events: Iterable[Event]) -> dict[str, Event]:
    """Each event once; of two contents the one that counts."""
    found: dict[str, Event] = {}
    for event in events:
        known = found.setdefault(event.id, event)
        if known is not event:
            found[event.id] = winner(known, event)
    return found
