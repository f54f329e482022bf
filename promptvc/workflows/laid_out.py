"""Segments as files that an engine reads by itself: those of the working tree where they are what is committed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from promptvc.base.files import storage_errors
from promptvc.feedback.segments import FOLDER
from promptvc.git.objects import blob_id
from promptvc.workflows.project import Project

LARGE = 1024 * 1024
"""A smaller file is not read in place: opening ten thousand costs an engine more than their content."""
TOGETHER = 32 * 1024 * 1024
MISSES = 60
"""So many files of the working tree that are not as committed say that it is of another commit, or sparse."""


def lay_out(project: Project, blobs: Mapping[str, str], sizes: Mapping[str, int], folder: Path) -> list[Path]:
    """Files that hold the lines of segments (path -> blob) of HEAD.

    Args:
        sizes: path -> bytes.
        folder: where files are made for those that are small, or not as committed in the working tree.
    """
    large = {path for path in blobs if sizes[path] >= LARGE}
    here = large if large and _is_clean(project) else set()
    found = [project.root / path for path in here if project.root is not None]
    rest = {path: blob for path, blob in blobs.items() if path not in here}
    contents = (data for _, data in read_contents(project, rest))
    return [*sorted(found), *write_lines(contents, folder)]


def read_contents(project: Project, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of segments (path -> blob), one at a time, of many small ones as fast as of a few large ones.

    A file of the working tree is read where its content has the blob's id, which costs a third of asking git; where
    that is not so for some dozens, git is asked for the rest.
    """
    pending = dict(blobs)
    missed = MISSES if project.root is None else 0
    for path, blob in blobs.items():
        if missed >= MISSES:
            break
        data = _file(f"{project.root}/{path}")
        if data is None or blob_id(data, project.repository.object_format) != blob:
            missed += 1
            data = project.objects.blob(blob)
        yield path, data
        del pending[path]
    yield from zip(pending, (data for _, data in project.objects.blobs(pending.values())), strict=True)


def write_lines(contents: Iterable[bytes], folder: Path) -> Iterator[Path]:
    """Write contents of JSON Lines one behind the other, into files of some size in ``folder``."""
    number, size = 0, 0
    place = folder / f"lines-{number}.jsonl"
    stream = None
    with storage_errors(folder):
        for data in contents:
            if stream is None:
                stream = place.open("wb")
            stream.write(data)
            size += len(data)
            if data and not data.endswith(b"\n"):
                stream.write(b"\n")
            if size >= TOGETHER:
                stream.close()
                yield place
                number, size, stream = number + 1, 0, None
                place = folder / f"lines-{number}.jsonl"
        if stream is not None:
            stream.close()
            yield place


def _file(path: str) -> bytes | None:
    """The content of a regular file that is no link; None where it is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        return os.read(descriptor, found.st_size + 1) if stat.S_ISREG(found.st_mode) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _is_clean(project: Project) -> bool:
    """Whether the segments of the working tree are HEAD's, which git knows without reading them."""
    if project.root is None:
        return False
    code, _, _ = project.repository.outcome(
        *("diff-index", "--quiet", "HEAD", "--", f":(top){project.prefix}{FOLDER}")
    )
    return code == 0
