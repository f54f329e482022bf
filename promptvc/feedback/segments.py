"""Segments: files of events in git, written once and never changed.

``feedback/<prompt>/YYYY/MM/<ulid>.jsonl``, by the event's month in UTC, at most 40 MiB each. Since a segment is
never edited, no merge can conflict on one; an event that arrives by two ways is told apart by its id when
reading. What comes in masses and is numbers only is sealed as hourly rollups (`feedback/rollups.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import derived_ulid, is_ulid, ulid_time
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.rollups import roll_up

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
    """One id with two contents; ``kept`` is the SHA-256 of the one that wins: see :func:`winner`."""

    id: str
    kept: str
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: each event once, by id; ids with two contents; lines that are no events.

    ``returned``: events whose texts were taken out, and that are somewhere with their texts all the same, as after
    the merge of an old branch; ``places`` are only the latter's. ``absent``: lines that are archived and cannot be read
    here; ``remarks`` says which, for people.
    """

    events: tuple[Event, ...]
    conflicts: tuple[Conflict, ...] = ()
    problems: tuple[Problem, ...] = ()
    returned: tuple[Conflict, ...] = ()
    absent: int = 0
    remarks: tuple[str, ...] = ()


def read_segments(files: Mapping[str, bytes]) -> Reading:
    """Read events from ``{path: content}``, in the order of their ids, each once.

    The answer does not depend on the order of files or lines. One id with two contents gives one of them, by
    :func:`winner`, and a conflict, unless that one's texts were taken out; a line that is no event gives a problem
    and costs no other line.
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
        if known.content_digest() != found.content_digest():
            contested.add(found.id)
            events[found.id] = winner(known, found)
    ordered = tuple(events[key] for key in sorted(events))
    clashes = _conflicts(files, contested, events)
    expired = {clash.id for clash in clashes if "expired" in events[clash.id].data}
    return Reading(
        ordered,
        tuple(clash for clash in clashes if clash.id not in expired),
        tuple(problems),
        tuple(clash for clash in clashes if clash.id in expired and clash.places),
    )


def winner(one: Event, other: Event) -> Event:
    """Which of two contents of one id counts: the one without its texts, else the one with the smaller SHA-256."""
    return min(one, other, key=lambda event: ("expired" not in event.data, event.content_digest()))


def read_lines(data: bytes, *, file: str) -> Iterator[tuple[int, Event | Problem]]:
    """The lines of one file, numbered from 1, each an event or a problem; blank lines are left out."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            yield number, parse_event(parse_json(line, file=file, line=number), file=file, line=number)
        except InvalidDocument as error:
            yield number, Problem(file, number, error.message, line)


def seal(
    events: Iterable[Event], *, ulid: str, limit: int = SEGMENT_BYTES, rolled: Collection[str] = ()
) -> dict[str, bytes]:
    """Segments for ``events``, as ``{path: content}``; the same events and ``ulid`` give the same bytes.

    Args:
        ulid: names the segments. Of what goes to one folder, the first part has this name, and each further
            one, when ``limit`` bytes are reached, a name derived from it.
        rolled: the kinds that become hourly rollups.

    Raises:
        ValueError: ``ulid`` is none.
    """
    if not is_ulid(ulid):
        raise ValueError(f"not a ULID: {ulid}")
    folders: dict[str, dict[str, Event]] = {}
    for event in events:
        folder = folders.setdefault(f"{FOLDER}/{event.prompt}/{event.time:%Y/%m}", {})
        known = folder.setdefault(event.id, event)
        if known is not event:
            folder[event.id] = winner(known, event)
    files: dict[str, bytes] = {}
    for place, members in sorted(folders.items()):
        kept = roll_up(members.values(), rolled) if rolled else members.values()
        files |= seal_folder(place, kept, ulid=ulid, limit=limit)
    return files


def seal_folder(folder: str, events: Iterable[Event], *, ulid: str, limit: int) -> dict[str, bytes]:
    """The segments of one folder, in the order of the events' ids, each of which is there once; as :func:`seal`."""
    ordered = {event.id: event for event in events}
    return {
        f"{folder}/{_part(ulid, number)}.jsonl": content
        for number, content in enumerate(_split(ordered, limit))
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
        if not isinstance(found, Event) or found.id not in contested:
            continue
        if "expired" not in events[found.id].data or "expired" not in found.data:
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
