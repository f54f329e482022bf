"""Answers that are kept by what they were made from, so that asking again of the same commit costs no reading.

An answer lies in ``.promptvc/analysis/<key>.json``; the key is a digest of the committed events, of what main is, of
the settings and of the question. Deleting the folder costs time, never knowledge. A file that cannot be read, or
that answers another question, is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from promptvc import __version__
from promptvc.base.errors import StorageError
from promptvc.base.files import write_atomic
from promptvc.feedback.segments import FOLDER
from promptvc.workflows.archived import archived_parts
from promptvc.workflows.horizon import day_of_head
from promptvc.workflows.project import Project

EDITION = 2
"""Counted up when an answer to the same question becomes another."""

KEPT = 64
"""So many answers lie there at most; those that were made first go."""

MOST_BYTES = 32 * 1024 * 1024
"""A longer answer is not kept."""

_ELSEWHERE = frozenset({"spark", "warehouse"})


def answered(
    project: Project, question: Mapping[str, Any], compute: Callable[[], Any], *, spooled: bool = False
) -> Any:
    """What ``compute`` answers, as JSON reads it back: the same value whether it was kept or made just now.

    Args:
        question: all that the answer hangs on besides committed events, main and the settings: names, times as text,
            options, and what is read from the environment. JSON values, and ``"of"`` says which question it is.
        compute: makes the answer, a JSON value without NaN.
        spooled: the answer counts events that are not committed: it is neither kept nor looked for.
    """
    if spooled or project.settings.analytics.backend in _ELSEWHERE:
        return _plain(compute())
    asked = json.dumps(question, sort_keys=True, allow_nan=False)
    place = project.state / "analysis" / f"{_key(project, asked)}.json"
    kept = _kept(place, asked)
    if kept is not None:
        project.log.event("answer.kept", key=place.stem)
        return kept["answer"]
    answer = compute()
    data = _line({"question": json.loads(asked), "answer": answer}).encode()
    _keep(place, data)
    return json.loads(data)["answer"]


def _key(project: Project, asked: str) -> str:
    """A digest of everything that an answer comes from."""
    head = project.resolver.head
    digest = hashlib.sha256(f"{EDITION} {__version__}\n{asked}\n".encode())
    # Which versions there are, and what they say, is main's; which events there are is HEAD's, and its day says which
    # of them are from the future.
    digest.update(f"{project.main_commit} {day_of_head(project)}\n".encode())
    digest.update(json.dumps(asdict(project.settings), sort_keys=True, default=str).encode())
    # The one exception to a commit being all there is: an archive lies elsewhere, and may not be here.
    archived = archived_parts(project)
    for part, _ in archived.here:
        digest.update(f"\n{part.sha256}".encode())
    for part, reason in archived.absent:
        digest.update(f"\n{part.sha256} {reason}".encode("utf-8", "surrogateescape"))
    for path, blob in sorted(project.tree(head, FOLDER).items()) if head is not None else ():
        digest.update(f"\n{blob} {path}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:40]


def _kept(place: Path, asked: str) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if place.is_symlink() or place.stat().st_size > MOST_BYTES:
            return None
        found = json.loads(place.read_bytes())
        if isinstance(found, dict) and "answer" in found and found.get("question") == json.loads(asked):
            return found
    return None


def _keep(place: Path, data: bytes) -> None:
    """Write it, and let the oldest go; where the disk does not allow it nothing is kept."""
    if len(data) > MOST_BYTES or place.parent.is_symlink():
        return
    with contextlib.suppress(OSError, StorageError):
        write_atomic(place, data, durable=False)
        there = [(one.stat().st_mtime_ns, one) for one in place.parent.glob("*.json")]
        for _, one in sorted(there)[:-KEPT]:
            one.unlink(missing_ok=True)


def _line(value: Any) -> str:
    # Escapes, because events are written by strangers: half of a surrogate pair has no UTF-8.
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    return json.loads(_line(value))
