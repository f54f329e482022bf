"""`feedback compact`: many small segments become few large ones, in a commit of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import Usage
from promptvc.feedback.compaction import BELOW, Compacted, compact, small_segments
from promptvc.feedback.segments import FOLDER, SEGMENT_BYTES
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.workflows.gathering import contents_of, known_prompt
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class CompactRequest:
    """What to compact.

    Attributes:
        name: the segments of one prompt; None: of all.
        below: smaller segments are merged, in bytes.
        branch: commit there instead of the current branch.
    """

    name: str | None = None
    below: int = BELOW
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was merged: so many segments ``before``, so many ``after``; no ``commit`` when there was nothing to do."""

    before: int
    after: int
    events: int
    commit: str | None
    branch: str | None

    def to_json(self) -> dict[str, Any]:
        """As `feedback compact --json` prints it."""
        return {
            "segments": {"before": self.before, "after": self.after},
            "events": self.events,
            "commit": self.commit,
            "branch": self.branch,
        }


def compact_segments(project: Project, request: CompactRequest) -> Compaction:
    """Merge the small segments of every prompt's months; what is committed meanwhile stays beside.

    Raises:
        Usage: ``below`` is not a size of segments.
        NotFound: there is neither such a prompt nor feedback on it.
    """
    if not 1 <= request.below <= SEGMENT_BYTES:
        raise Usage(f"--below takes 1 to {SEGMENT_BYTES:,} bytes, not {request.below:,}")
    name = known_prompt(project, request.name)
    found: list[Compacted] = []

    def build(tip: str | None) -> Plan | None:
        found[:] = [] if tip is None else _compacted(project, tip, name, request.below)
        changes: dict[str, bytes | None] = {}
        for one in found:
            changes |= {project.top(path): None for path in one.removed}
            changes |= {project.top(path): data for path, data in one.written.items()}
        return Plan(changes, _message(found)) if changes else None

    options = CommitOptions(start=project.main_commit if request.branch else None)
    done = git_commit(project.repository, request.branch, build, options=options)
    if done is not None:
        maintain(project.repository)
    before, after, events = _counts(found)
    project.log.event("feedback.compacted", before=before, after=after)
    return Compaction(before, after, events, done.commit if done else None, done.branch if done else None)


def _compacted(project: Project, tip: str, name: str | None, below: int) -> list[Compacted]:
    blobs = project.tree(tip, FOLDER if name is None else f"{FOLDER}/{name}")
    sizes = dict(zip(blobs, project.objects.sizes(blobs.values()), strict=True))
    return list(_each(project, blobs, small_segments(sizes, below), name))


def _each(
    project: Project, blobs: Mapping[str, str], folders: Mapping[str, tuple[str, ...]], name: str | None
) -> Iterator[Compacted]:
    for folder, paths in folders.items():
        if name is not None and folder.rsplit("/", 2)[0] != f"{FOLDER}/{name}":
            continue  # of a prompt below it
        done = compact(dict(contents_of(project, {path: blobs[path] for path in paths})))
        if done is not None:
            yield done


def _counts(found: list[Compacted]) -> tuple[int, int, int]:
    """Segments before, segments after, events."""
    before, after = sum(len(one.removed) for one in found), sum(len(one.written) for one in found)
    return before, after, sum(one.events for one in found)


def _message(found: list[Compacted]) -> str:
    before, after, events = _counts(found)
    return f"Compact {before:,} segments of feedback into {after:,}\n\n{events:,} lines, each as it was."
