"""Segments: files of events in git, written once and never changed.

``feedback/<prompt>/YYYY/MM/<ulid>.jsonl``, by the event's month in UTC, at most 40 MiB each. Since a segment is
never edited, no merge can conflict on one; an event that arrives by two ways is told apart by its id when
reading. Hourly rollups of the kinds that come in masses are not made here: every event is written as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import derived_ulid, is_ulid, ulid_time
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event, parse_event

FOLDER = "feedback"
SEGMENT_BYTES = 40 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is no event: ``line`` counts from 1, ``raw`` is the line without its newline."""

    file: str
    line: int
    message: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """One id with two contents; ``kept`` is the SHA-256 of the one that wins: the smallest."""

    id: str
    kept: str
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: each event once, by id; ids with two contents; lines that are no events."""

    events: tuple[Event, ...]
    conflicts: tuple[Conflict, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_segments(files: Mapping[str, bytes]) -> Reading:
    """Read events from ``{path: content}``, in the order of their ids, each once.

    The answer does not depend on the order of files or lines. One id with two contents gives the event with the
    smaller digest and a conflict; a line that is no event gives a problem and costs no other line.
    """
    events: dict[str, Event] = {}
    contested: set[str] = set()
    problems: list[Problem] = []
    for _file, _, found in _lines(files):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        known = events.setdefault(found.id, found)
        if known is found:
            continue
        digests = known.content_digest(), found.content_digest()
        if digests[0] != digests[1]:
            contested.add(found.id)
            if digests[1] < digests[0]:
                events[found.id] = found
    ordered = tuple(events[key] for key in sorted(events))
    return Reading(ordered, _conflicts(files, contested, events), tuple(problems))


def read_lines(data: bytes, *, file: str) -> Iterator[tuple[int, Event | Problem]]:
    """The lines of one file, numbered from 1, each an event or a problem; blank lines are left out."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            yield number, parse_event(parse_json(line, file=file, line=number), file=file, line=number)
        except InvalidDocument as error:
            yield number, Problem(file, number, error.message, line)


def seal(events: Iterable[Event], *, ulid: str, limit: int = SEGMENT_BYTES) -> dict[str, bytes]:
    """Segments for ``events``, as ``{path: content}``; the same events and ``ulid`` give the same bytes.

    Args:
        ulid: names the segments. Of what goes to one folder, the first part has this name, and each further
            one, when ``limit`` bytes are reached, a name derived from it.

    Raises:
        ValueError: ``ulid`` is none.
    """
    if not is_ulid(ulid):
        raise ValueError(f"not a ULID: {ulid}")
    folders: dict[str, dict[str, Event]] = {}
    for event in events:
        folder = folders.setdefault(f"{FOLDER}/{event.prompt}/{event.time:%Y/%m}", {})
        known = folder.setdefault(event.id, event)
        if known is not event and event.content_digest() < known.content_digest():
            folder[event.id] = event
    return {
        f"{folder}/{_part(ulid, number)}.jsonl": content
        for folder, members in sorted(folders.items())
        for number, content in enumerate(_split(members, limit))
    }


def prompt_of(path: str) -> str | None:
    """The prompt whose segment ``path`` is, or ``None`` when it is no segment's path."""
    parts = path.split("/")
    if len(parts) < 5 or parts[0] != FOLDER or not parts[-1].endswith(".jsonl"):
        return None
    return "/".join(parts[1:-3])


def _lines(files: Mapping[str, bytes]) -> Iterator[tuple[str, int, Event | Problem]]:
    for file in sorted(files):
        for number, found in read_lines(files[file], file=file):
            yield file, number, found


def _conflicts(
    files: Mapping[str, bytes], contested: set[str], events: Mapping[str, Event]
) -> tuple[Conflict, ...]:
    """Where the contested ids are: read again, since it is rare and remembering every place is not free."""
    if not contested:
        return ()
    places: dict[str, list[tuple[str, int]]] = {key: [] for key in sorted(contested)}
    for file, number, found in _lines(files):
        if isinstance(found, Event) and found.id in contested:
            places[found.id].append((file, number))
    return tuple(Conflict(key, events[key].content_digest(), tuple(where)) for key, where in places.items())


def _split(members: Mapping[str, Event], limit: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for key in sorted(members):
        line = members[key].line()
        if lines and size + len(line) > limit:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield b"".join(lines)


def _part(ulid: str, number: int) -> str:
    return ulid if number == 0 else derived_ulid(ulid_time(ulid), ulid.encode(), number)
