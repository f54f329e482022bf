"""Compaction: many small segments of a prompt's month become few large ones, with the same events.

The new segments hold each event once, as the small ones did together, and the same small segments give the same new
ones under the same names, so that two clones that compact alike make the same files. An old segment that comes back
by a merge does no harm: its events are told apart by their ids. Rollups are lines like any other: one that was merged
with another could not be told from the two when they come back, so each stays as it is.

More of a folder than fits into one new segment is merged in groups, each by itself. A segment that holds a line that
is no event, or an event that another one of its group has with another content, is left alone: `check` names it, and a
person has to look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from promptvc.base.ids import derived_ulid
from promptvc.feedback.segments import SEGMENT_BYTES, Reading, prompt_of, read_segments, seal_folder

BELOW = 1024 * 1024
"""Smaller segments are merged, in bytes."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """The segments of one folder that are replaced, and by what.

    Attributes:
        folder: ``feedback/<prompt>/YYYY/MM``.
        removed: paths, sorted. ``written``: path -> content.
        events: lines in ``written``; each event once.
    """

    folder: str
    removed: tuple[str, ...]
    written: Mapping[str, bytes]
    events: int


def small_segments(
    sizes: Mapping[str, int], below: int = BELOW, *, limit: int = SEGMENT_BYTES
) -> list[tuple[str, ...]]:
    """Paths of the segments that are to be merged, of ``{path: bytes}``: groups of one folder, none of a single path.

    The same sizes give the same groups. Each has at most about ``limit`` bytes, which is what has to be in memory.
    """
    folders: dict[str, list[list[str]]] = {}
    filled: dict[str, int] = {}
    for path in sorted(sizes):
        if prompt_of(path) is None or sizes[path] >= below or month_of(path) is None:
            continue
        folder = path.rpartition("/")[0]
        groups = folders.setdefault(folder, [])
        if not groups or filled[folder] + sizes[path] > limit:
            groups.append([])
            filled[folder] = 0
        groups[-1].append(path)
        filled[folder] += sizes[path]
    return [tuple(paths) for groups in folders.values() for paths in groups if len(paths) > 1]


def compact(files: Mapping[str, bytes], *, limit: int = SEGMENT_BYTES) -> Compacted | None:
    """Segments of one folder as few; None where that changes nothing.

    Args:
        files: at least one, all of one folder.
        limit: the most bytes of a new one.
    """
    chosen = dict(files)
    reading = read_segments(chosen)
    while strange := _strange(reading):
        chosen = {path: data for path, data in chosen.items() if path not in strange}
        reading = read_segments(chosen)
    if len(chosen) < 2:
        return None
    folder = next(iter(chosen)).rpartition("/")[0]
    written = seal_folder(folder, reading.events, ulid=_name(folder, chosen), limit=limit)
    if len(written) >= len(chosen):
        return None
    return Compacted(folder, tuple(sorted(chosen)), written, len(reading.events))


def _strange(reading: Reading) -> set[str]:
    """Files that a person has to look at."""
    contested = {file for conflict in reading.conflicts for file, _ in conflict.places}
    return contested | {problem.file for problem in reading.problems}


def _name(folder: str, files: Mapping[str, bytes]) -> str:
    """Derived from what is merged, so that it cannot be the name of other content."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(hashlib.sha256(files[path]).digest())
    month = month_of(f"{folder}/x.jsonl")
    assert month is not None
    return derived_ulid(month, digest.digest(), 0)


def month_of(path: str) -> datetime | None:
    """The first moment of the month whose folder a segment lies in; None where the folder is of none."""
    year, month = path.split("/")[-3:-1]
    try:
        first = datetime(int(year), int(month), 1, tzinfo=UTC)
    except ValueError:
        return None
    return first if first.year >= 1970 and f"{first:%Y/%m}" == f"{year}/{month}" else None
