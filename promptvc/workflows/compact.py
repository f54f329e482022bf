"""`feedback compact`: many small segments become few large ones, in a commit of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import Usage
from promptvc.feedback.compaction import BELOW, Compacted, compact, small_segments
from promptvc.feedback.segments import FOLDER, SEGMENT_BYTES, prompt_of
from promptvc.git.commits import CommitOptions, Committed, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.workflows.gathering import contents_of, known_prompt
from promptvc.workflows.project import Project

MOST_BYTES = 128 * 1024 * 1024
"""Of new segments in one commit, about: they are in memory meanwhile."""


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
    """What was merged: so many segments ``before``, so many ``after``; ``commit``: the last one, if any."""

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

    What is more than fits into memory comes in several commits, each of whole segments; killed between two of them,
    the next call does the rest.

    Raises:
        Usage: ``below`` is not a size of segments.
        NotFound: there is neither such a prompt nor feedback on it.
    """
    if not 1 <= request.below <= SEGMENT_BYTES:
        raise Usage(f"--below takes 1 to {SEGMENT_BYTES:,} bytes, not {request.below:,}")
    run = _Run(project, known_prompt(project, request.name), request)
    while run.commit():
        pass
    if run.done is not None:
        maintain(project.repository)
    project.log.event("feedback.compacted", before=run.before, after=run.after)
    done = run.done
    return Compaction(
        run.before, run.after, run.events, done.commit if done else None, done.branch if done else None
    )


class _Run:
    """As many commits as it takes, each whole; ``before``, ``after`` and ``events`` of all of them."""

    def __init__(self, project: Project, name: str | None, request: CompactRequest) -> None:
        self.project, self.name, self.request = project, name, request
        self.before = self.after = self.events = 0
        self.done: Committed | None = None
        # Groups of segments that are to stay as they are, by their first path: not read again.
        self._left: set[tuple[str, ...]] = set()

    def commit(self) -> bool:
        """One commit of as much as fits into memory; whether there is more."""
        found: list[Compacted] = []
        more = False

        def build(tip: str | None) -> Plan | None:
            nonlocal more
            found.clear()
            more = tip is not None and self._gather(tip, found)
            changes: dict[str, bytes | None] = {}
            for one in found:
                changes |= {self.project.top(path): None for path in one.removed}
                changes |= {self.project.top(path): data for path, data in one.written.items()}
            return Plan(changes, _message(found)) if changes else None

        options = CommitOptions(start=self.project.main_commit if self.request.branch else None)
        done = git_commit(self.project.repository, self.request.branch, build, options=options)
        if done is None:
            return False
        before, after, events = _counts(found)
        self.before, self.after, self.events = self.before + before, self.after + after, self.events + events
        self.done = done
        return more

    def _gather(self, tip: str, found: list[Compacted]) -> bool:
        """Fill ``found`` with what one commit takes; whether more is to be done."""
        blobs = self.project.tree(tip, FOLDER if self.name is None else f"{FOLDER}/{self.name}")
        sizes = dict(zip(blobs, self.project.objects.sizes(blobs.values()), strict=True))
        size = 0
        for paths in small_segments(sizes, self.request.below):
            if paths in self._left or (self.name is not None and prompt_of(paths[0]) != self.name):
                continue
            if size >= MOST_BYTES:
                return True
            done = compact(dict(contents_of(self.project, {path: blobs[path] for path in paths})))
            if done is None:
                self._left.add(paths)
                continue
            found.append(done)
            size += sum(map(len, done.written.values()))
        return False


def _counts(found: list[Compacted]) -> tuple[int, int, int]:
    """Segments before, segments after, events."""
    before, after = sum(len(one.removed) for one in found), sum(len(one.written) for one in found)
    return before, after, sum(one.events for one in found)


def _message(found: list[Compacted]) -> str:
    before, after, events = _counts(found)
    return f"Compact {before:,} segments of feedback into {after:,}\n\n{events:,} lines, each as it was."
