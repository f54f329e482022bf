"""Events of a project: committed ones of HEAD, with the spool's on request, and the facts over them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from promptvc.base.clock import parse_time
from promptvc.base.errors import InputError, NotFound, StorageError, Usage
from promptvc.feedback.events import Event
from promptvc.feedback.pseudonyms import KeyRing, find_keys, make_key
from promptvc.feedback.query.duck import DuckFacts, is_installed
from promptvc.feedback.query.elsewhere import ELSEWHERE, open_elsewhere
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.redact import Redactor
from promptvc.feedback.rollups import Counted, is_numbers
from promptvc.feedback.segments import FOLDER, Reading, prompt_of, read_lines, read_segments
from promptvc.feedback.spool import Spool
from promptvc.prompts.names import path_of
from promptvc.store.references import parse_reference
from promptvc.workflows.archived import archived_parts
from promptvc.workflows.laid_out import lay_out, read_contents, write_lines
from promptvc.workflows.project import Project

FEW_BYTES = 4_000_000
"""Some ten thousand lines: fewer plain Python has read before DuckDB is loaded (`benchmarks/engines.py`)."""


def open_facts(project: Project, name: str | None = None, *, spooled: bool = False) -> Facts:
    """What can be asked of the committed events of one prompt, or of all; ``spooled``: also of those to come.

    Who answers is what ``analytics.backend`` says; by default plain Python for few events, DuckDB for many. Where the
    events live elsewhere, that is all there is: what this clone has is not asked.

    Raises:
        Usage: the engine that the settings name is not installed, or has no place to find the events in.
    """
    backend = project.settings.analytics.backend
    wanted = parse_reference(name).name if name else None
    if backend in ELSEWHERE:
        settings = project.settings
        return open_elsewhere(settings.analytics, settings.feedback, project.environ, wanted)
    # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
    waiting = _waiting(project, wanted) if spooled else []
    blobs = segments_of(project, wanted)
    archived = archived_parts(project, wanted)
    sizes = dict(zip(blobs, project.objects.sizes(blobs.values()), strict=True))
    total = sum(sizes.values()) + sum(part.bytes for part, _ in archived.here)
    many = backend == "auto" and total > FEW_BYTES and is_installed()
    if backend != "duckdb" and not many:
        reading = read_events(project, name, spooled=spooled)
        unread = len(reading.problems) + reading.absent
        return PlainFacts(reading.events, project.settings.feedback, unread=unread)
    scratch = tempfile.TemporaryDirectory(prefix="promptvc-")
    files = lay_out(project, blobs, sizes, Path(scratch.name))
    counted = _counted(project, blobs, waiting)
    more = {
        "archive": (data for _, data in archived.contents()),
        "spool": (event.line() for event in waiting if event not in counted),
    }
    for label, contents in more.items():
        (folder := Path(scratch.name) / label).mkdir()
        files += write_lines(contents, folder)
    return DuckFacts(files, project.settings.feedback, unread=archived.lines, scratch=scratch)


def known_prompt(project: Project, name: str | None) -> str | None:
    """``name``, if there is such a prompt, in whatever state its file is, or feedback on one."""
    if name is None:
        return None
    wanted = parse_reference(name).name
    try:
        project.resolver.working(wanted)
    except NotFound:
        on_main = project.at(project.main_commit, path_of(wanted)) is not None
        if not (on_main or segments_of(project, wanted) or read_events(project, wanted, spooled=True).events):
            raise
    except (InputError, StorageError) as error:
        project.log.event("prompt.unreadable", prompt=wanted, reason=str(error))
    return wanted


def segments_of(project: Project, name: str | None) -> dict[str, str]:
    """Path -> blob of the committed segments of HEAD, of one prompt or of all."""
    head = project.resolver.head
    if head is None:
        return {}
    folder = FOLDER if name is None else f"{FOLDER}/{name}"
    return {
        path: blob
        for path, blob in project.tree(head, folder).items()
        if prompt_of(path) is not None and name in {None, prompt_of(path)}
    }


def contents_of(project: Project, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of segments (path -> blob), one at a time: ten thousand small ones cost as little as a few."""
    return zip(blobs, (data for _, data in project.objects.blobs(blobs.values())), strict=True)


def read_events(project: Project, name: str | None, *, spooled: bool) -> Reading:
    wanted = parse_reference(name).name if name else None
    # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
    waiting = _waiting(project, wanted) if spooled else []
    blobs = segments_of(project, wanted)
    archived = archived_parts(project, wanted)
    committed = read_segments(dict(read_contents(project, blobs)) | dict(archived.contents()))
    known = {event.id for event in committed.events} if waiting else set()
    counted = Counted(committed.events if waiting else ())
    fresh = [one for one in waiting if one.id not in known and one not in counted]
    return Reading(
        (*committed.events, *fresh),
        committed.conflicts,
        committed.problems,
        absent=archived.lines,
        remarks=archived.remarks(),
    )


def _waiting(project: Project, name: str | None) -> list[Event]:
    events = Spool.of(project.repository.common_dir, project.environ).read().events
    return [event for event in events if name in {None, event.prompt}]


def _counted(project: Project, blobs: Mapping[str, str], waiting: Sequence[Event]) -> Counted:
    """What rollups of the months of ``waiting`` count: a batch that is committed may still be in the spool."""
    months = {f"{FOLDER}/{event.prompt}/{event.time:%Y/%m}" for event in waiting if is_numbers(event)}
    near = {path: blob for path, blob in blobs.items() if path.rpartition("/")[0] in months}
    rolled = (
        line for _, data in contents_of(project, near) for line in data.split(b"\n") if b'"rollup":' in line
    )
    found = (event for _, event in read_lines(b"\n".join(rolled), file=FOLDER))
    return Counted(event for event in found if isinstance(event, Event))


def moment_of(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise Usage(f"not a time: {text!r}", hint="RFC 3339 or a date, such as 2026-11-20") from error


def redactor_of(project: Project, *, named: bool) -> Redactor:
    """A redactor by the settings; where somebody may be ``named`` and there is no key, one is made when needed."""
    keys, rules = keys_folder(project), project.settings.feedback.redaction
    key = keys_of(project)
    if key is None and named:
        return Redactor(lambda: make_key(keys, now=project.clock()), rules)
    return Redactor(key, rules)


def keys_of(project: Project) -> KeyRing | None:
    """The keys of pseudonyms, the newest first; None where there is none yet."""
    return find_keys(keys_folder(project), project.environ)


def keys_folder(project: Project) -> Path:
    """Where this clone keeps keys of its own; git never does."""
    return project.repository.common_dir / "promptvc" / "keys"


def unreadable(reading: Reading) -> tuple[str, ...]:
    """What of a reading does not count, for people."""
    return (*_lines_told(len(reading.problems)), *reading.remarks)


def uncounted(project: Project, name: str | None, facts: Facts) -> tuple[str, ...]:
    """What of the facts of a prompt, or of all, does not count, for people."""
    archived = archived_parts(project, parse_reference(name).name if name else None)
    return (*_lines_told(facts.unread - archived.lines), *archived.remarks())


def _lines_told(count: int) -> tuple[str, ...]:
    if count <= 0:
        return ()
    noun = "committed line" if count == 1 else "committed lines"
    return (f"{count:,} {noun} could not be read as events: `promptvc check` names them",)
