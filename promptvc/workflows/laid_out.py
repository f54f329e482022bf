"""Segments as files that an engine reads by itself: those of the working tree where they are what is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from promptvc.base.files import storage_errors
from promptvc.feedback.segments import FOLDER
from promptvc.workflows.project import Project

LARGE = 1024 * 1024
"""A smaller file is not read in place: opening ten thousand costs an engine more than their content."""
TOGETHER = 32 * 1024 * 1024


def lay_out(project: Project, blobs: Mapping[str, str], folder: Path) -> list[Path]:
    """Files that hold the lines of segments (path -> blob) of HEAD.

    Args:
        folder: where files are made for those that are small, or not as committed in the working tree.
    """
    sizes = dict(zip(blobs, project.objects.sizes(blobs.values()), strict=True))
    here = {path for path in blobs if sizes[path] >= LARGE} if _is_clean(project) else set()
    found = [project.root / path for path in here if project.root is not None]
    rest = {path: blob for path, blob in blobs.items() if path not in here}
    contents = (data for _, data in project.objects.blobs(rest.values()))
    return [*sorted(found), *write_lines(contents, folder)]


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


def _is_clean(project: Project) -> bool:
    """Whether the segments of the working tree are HEAD's, which git knows without reading them."""
    if project.root is None:
        return False
    code, _, _ = project.repository.outcome(
        *("diff-index", "--quiet", "HEAD", "--", f":(top){project.prefix}{FOLDER}")
    )
    return code == 0
