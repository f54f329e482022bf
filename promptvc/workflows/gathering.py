"""Events of a project: committed ones of HEAD, with the spool's on request, and the facts over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from promptvc.base.clock import parse_time
from promptvc.base.errors import InputError, NotFound, StorageError, Usage
from promptvc.feedback.pseudonyms import KeyRing, find_keys, make_key
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.redact import Redactor
from promptvc.feedback.rollups import Counted
from promptvc.feedback.segments import FOLDER, Reading, prompt_of, read_segments
from promptvc.feedback.spool import Spool
from promptvc.prompts.names import path_of
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project


def open_facts(project: Project, name: str | None = None, *, spooled: bool = False) -> Facts:
    """What can be asked of the events of one prompt, or of all."""
    reading = read_events(project, name, spooled=spooled)
    return PlainFacts(reading.events, project.settings.feedback, unread=len(reading.problems))


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
    # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
    waiting = Spool.of(project.repository.common_dir, project.environ).read().events if spooled else ()
    wanted = parse_reference(name).name if name else None
    blobs = segments_of(project, wanted)
    committed = read_segments(dict(contents_of(project, blobs)))
    known = {event.id for event in committed.events} if waiting else set()
    counted = Counted(committed.events if waiting else ())
    mine = (one for one in waiting if wanted in {None, one.prompt})
    fresh = [one for one in mine if one.id not in known and one not in counted]
    return Reading((*committed.events, *fresh), committed.conflicts, committed.problems)


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
    count = len(reading.problems)
    if not count:
        return ()
    noun = "committed line" if count == 1 else "committed lines"
    return (f"{count:,} {noun} could not be read as events: `promptvc check` names them",)
