"""`feedback retain`: take the texts out of events that are older than some days, in a commit of its own.

It goes by the clock, since a term runs whether or not anything was said meanwhile; which line comes out does not. Every
other line of a segment stays byte for byte, and what is committed meanwhile stays beside. Killed at any moment, the
next call does the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import Usage
from promptvc.feedback.retention import Term, expired_in, renamed, rewrite
from promptvc.feedback.segments import FOLDER, prompt_of
from promptvc.feedback.spool import Spool
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.workflows.gathering import contents_of
from promptvc.workflows.project import Project

MOST_DAYS = 36_500
MOST_BYTES = 256 * 1024 * 1024
"""Of new segments in one commit, about: they are in memory meanwhile. What is more comes in further commits."""

ARCHIVE = f"{FOLDER}/archive.yaml"


@dataclass(frozen=True, slots=True)
class RetainRequest:
    """What to do.

    Attributes:
        days: texts older than that go; None: as the settings say.
        dry_run: only count.
        branch: commit there instead of the current branch.
    """

    days: int | None = None
    dry_run: bool = False
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """What was taken out.

    Attributes:
        events: committed ones that lost their texts; ``spooled``: of the spool.
        segments: from the path of each segment that was replaced to that of the new one.
        before: texts of what was said before this time are gone; ``days``: the term.
        unreadable: committed lines that are no events, and stay as they are.
        commit: the last one; None where there was nothing to do, or in a dry run.
    """

    events: int
    spooled: int
    segments: Mapping[str, str]
    before: str
    days: int
    unreadable: int
    dry_run: bool
    commit: str | None = None
    branch: str | None = None
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `feedback retain --json` prints it."""
        return {
            "events": self.events,
            "spooled": self.spooled,
            "segments": dict(self.segments),
            "before": self.before,
            "days": self.days,
            "unreadable": self.unreadable,
            "dry_run": self.dry_run,
            "commit": self.commit,
            "branch": self.branch,
        }


def retain(project: Project, request: RetainRequest) -> Retained:
    """Take out what is older than the term, of committed segments and of the spool.

    Raises:
        Usage: ``days`` is no number of days.
        GitError, Busy, StorageError: as any commit; nothing was half written.
    """
    days = project.settings.feedback.retain_days if request.days is None else request.days
    if not 1 <= days <= MOST_DAYS:
        raise Usage(f"--days takes 1 to {MOST_DAYS:,}, not {days:,}")
    run = _Run(project, Term.ending(project.clock(), days), request)
    spooled = run.spool()
    while run.commit():
        pass
    project.log.event("feedback.retained", events=run.events, spooled=spooled, dry_run=request.dry_run)
    return Retained(
        events=run.events,
        spooled=spooled,
        segments=dict(sorted(run.segments.items())),
        before=format_time(run.term.before),
        days=days,
        unreadable=run.unreadable,
        dry_run=request.dry_run,
        commit=run.done,
        branch=run.branch,
        remarks=run.remarks(),
    )


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of a segment; without the content where it is what was there, or where only its numbers count."""

    data: bytes
    digest: bytes
    expired: int
    unreadable: int


class _Run:
    def __init__(self, project: Project, term: Term, request: RetainRequest) -> None:
        self.project = project
        self.term = term
        self.request = request
        self.events = 0
        self.unreadable = 0
        self.segments: dict[str, str] = {}
        self.done: str | None = None
        self.branch: str | None = None
        # By blob: looked at before the lock, and not again within it.
        self._known: dict[str, _Left] = {}
        self._expired: dict[str, dict[str, str]] = {}
        self._gone: dict[str, str] = {}
        self._archived = False

    def spool(self) -> int:
        """The events of the spool that lost their texts: these are not committed with them any more."""
        spool = Spool.of(self.project.repository.common_dir, self.project.environ)
        count = 0

        def change(data: bytes) -> bytes:
            nonlocal count
            new = rewrite(data, self.term)
            count += new.expired
            return new.data

        if self.request.dry_run:
            return rewrite(b"".join(event.line() for event in spool.read().events), self.term).expired
        spool.rewrite(change, now=self.project.clock())
        return count

    def commit(self) -> bool:
        """One commit of as much as fits into memory; whether there is more."""
        project, branch = self.project, self.request.branch
        start = project.main_commit if branch else None
        here = (
            project.repository.resolve(f"refs/heads/{branch}") if branch else project.repository.head().commit
        )
        found, more = self._due(here or start)
        if self.request.dry_run:
            self._count(found)
            return False

        def build(tip: str | None) -> Plan | None:
            nonlocal found, more
            found, more = self._due(tip)
            changes: dict[str, bytes | None] = {project.top(path): None for path in found}
            changes |= {project.top(renamed(path, left.digest)): left.data for path, left in found.items()}
            return Plan(changes, self._message(found)) if changes else None

        done = git_commit(project.repository, branch, build, options=CommitOptions(start=start))
        if done is None:
            return False
        maintain(project.repository)
        self._count(found)
        self.done, self.branch = done.commit, done.branch
        return more

    def remarks(self) -> tuple[str, ...]:
        """What the caller should know besides."""
        remarks = []
        if self.events:
            remarks.append(
                "git's history still holds the texts: `promptvc feedback forget --user USER --history` rewrites it"
            )
        if self.unreadable:
            noun = "line that is no event was" if self.unreadable == 1 else "lines that are no events were"
            remarks.append(f"{self.unreadable:,} {noun} left alone: `promptvc check` names them")
        if self._archived:
            remarks.append(
                f"the files that {ARCHIVE} lists keep their texts: `promptvc feedback archive --restore MONTH`, "
                "retain, and archive again takes them out"
            )
        return tuple(remarks)

    def _due(self, tip: str | None) -> tuple[dict[str, _Left], bool]:
        """By path, segments of ``tip`` that are due, as many as one commit takes; and whether there are more."""
        if tip is None:
            return {}, False
        tree = self.project.tree(tip, FOLDER)
        self._archived = ARCHIVE in tree
        segments = {path: blob for path, blob in sorted(tree.items()) if prompt_of(path)}
        gone = self._gone_in(segments)
        if gone != self._gone:
            self._gone, self._known = gone, {}
        there = set(segments.values())
        self._known = {blob: left for blob, left in self._known.items() if blob in there}
        more = self._look(segments)
        found = {path: self._known[blob] for path, blob in segments.items() if blob in self._known}
        self.unreadable = sum(left.unreadable for left in found.values())
        return {path: left for path, left in found.items() if left.expired}, more

    def _look(self, segments: Mapping[str, str]) -> bool:
        """Read segments until what is to be committed is as much as fits; whether it ended before the last."""
        held = sum(len(left.data) for left in self._known.values())
        fresh = {path: blob for path, blob in segments.items() if blob not in self._known}
        for path, data in contents_of(self.project, fresh):
            new = rewrite(data, self.term, self._gone)
            # A dry run commits nothing, and counts everything.
            kept = new.data if new.expired and not self.request.dry_run else b""
            if kept and held and held + len(kept) > MOST_BYTES:
                return True
            held += len(kept)
            digest = hashlib.sha256(new.data).digest() if new.expired else b""
            self._known[fresh[path]] = _Left(kept, digest, new.expired, new.unreadable)
        return False

    def _gone_in(self, segments: Mapping[str, str]) -> dict[str, str]:
        """Events that lost their texts already, and when these were due: where they came back, by a merge, they go."""
        fresh = {path: blob for path, blob in segments.items() if blob not in self._expired}
        for path, data in contents_of(self.project, fresh):
            self._expired[fresh[path]] = expired_in(data)
        gone: dict[str, str] = {}
        for blob in set(segments.values()):
            for event, due in self._expired[blob].items():
                gone[event] = min(due, gone.get(event, due))
        return gone

    def _count(self, found: Mapping[str, _Left]) -> None:
        self.events += sum(left.expired for left in found.values())
        self.segments |= {path: renamed(path, left.digest) for path, left in found.items()}

    def _message(self, found: Mapping[str, _Left]) -> str:
        events = sum(left.expired for left in found.values())
        noun = "event" if events == 1 else "events"
        return (
            f"Take the texts out of {events:,} {noun} from before {self.term.before:%Y-%m-%d}\n\n"
            f"They were kept for {self.term.days} days. Numbers, tags and labels stay. "
            "The texts are still in the history before this commit."
        )
