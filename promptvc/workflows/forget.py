"""`feedback forget`: take a person out of the spool, of feedback, and of everything that rests on what they said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound, Refused, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.base.jsonl import canonical_json
from promptvc.evidence.ledger import BRANCH as LEDGER_BRANCH
from promptvc.feedback.archive import MANIFEST as ARCHIVE
from promptvc.feedback.forgetting import Traces, without
from promptvc.feedback.quarantine import Quarantine
from promptvc.feedback.spool import Spool
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.refs import delete_branch
from promptvc.git.trailers import with_trailers
from promptvc.prompts.names import name_of
from promptvc.workflows.forget_archive import Rewritten as Parts
from promptvc.workflows.forget_archive import written_anew
from promptvc.workflows.forget_files import cleaned
from promptvc.workflows.forget_history import Rewriting, Rewritten, may_rewrite, rewrite, rewriting_of
from promptvc.workflows.forget_plan import (
    FOLDERS,
    Elsewhere,
    Found,
    Left,
    Touched,
    find,
    find_elsewhere,
    names_of,
    unknown_keys,
)
from promptvc.workflows.project import STATE, Project

__all__ = ["Forgetting", "Forgotten", "Left", "Touched", "forget", "plan"]


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What would be forgotten; nothing is written yet.

    Attributes:
        drafts: {path from the prompt root: new content} of untracked files that can be cleaned by themselves.
        rows: rows of the quarantine, and of imports under way, that name them: {file: how many}.
        history: what of git's history would be rewritten; None where that was not asked for.
    """

    found: Found
    elsewhere: Elsewhere
    drafts: Mapping[str, bytes | None]
    rows: Mapping[Path, int]
    left: tuple[Left, ...]
    remarks: tuple[str, ...]
    history: Rewriting | None = None

    @property
    def nothing(self) -> bool:
        """Whether there is nothing of theirs."""
        found = self.found
        here = found.events or found.about or found.spooled or found.touched or self.drafts or self.rows
        there = self.elsewhere.candidates or self.elsewhere.ledger
        return not (here or there or self.left or (self.history is not None and self.history.blobs))

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it; ``commit``, ``branch`` and ``done`` are added once it is done."""
        found = self.found
        return {
            "events": found.events,
            "about": found.about,
            "spooled": found.spooled,
            "rollups": found.rollups,
            "quarantined": sum(self.rows.values()),
            "files": [one.to_json() for one in found.touched],
            "drafts": sorted(self.drafts),
            "candidates": sorted(self.elsewhere.candidates),
            "ledger": len(self.elsewhere.ledger),
            "branches": list(self.elsewhere.branches),
            "left": [one.to_json() for one in self.left],
            "remarks": list(self.remarks),
            "history": None if self.history is None else self.history.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        commit: None where nothing that is committed changed; ``branch`` as well for a detached HEAD.
        left: what holds something of theirs still; the answer is no while there is any.
        next: what to do, and to tell others, in order.
    """

    plan: Forgetting
    commit: str | None
    branch: str | None
    left: tuple[Left, ...]
    next: tuple[str, ...]
    history: Rewritten | None = None

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it."""
        return {
            **self.plan.to_json(),
            "done": True,
            "commit": self.commit,
            "branch": self.branch,
            "left": [one.to_json() for one in self.left],
            "history": None if self.history is None else self.history.to_json(),
            "next": list(self.next),
        }


def plan(project: Project, user: str, *, history: bool = False) -> Forgetting:
    """What is there of ``user``: a person as the program called them, or one of their pseudonyms.

    Raises:
        Usage: nobody is named, or there is no working tree.
        Refused: ``history`` cannot be rewritten here; the message says what stands in the way.
    """
    if not user.strip():
        raise Usage("nobody is named", hint="--user U: as the program called them, or u-...")
    if project.root is None:
        raise Usage("a bare repository has no files to clean", hint="run it in a clone, then push")
    if history:
        may_rewrite(project)
    head = project.resolver.head
    names = names_of(project, user)
    found = find(project, head, names)
    rewriting = None
    if history:
        rewriting = rewriting_of(project, found.traces)
        # Items may cite events that an earlier run took out of the tip.
        found = find(project, head, rewriting.traces.names, rewriting.traces)
    elsewhere = find_elsewhere(project, found.traces, project.repository.head().branch)
    drafts, unclean = _drafts(project, found.traces)
    return Forgetting(
        found=found,
        elsewhere=elsewhere,
        drafts=drafts,
        rows=dict(_rows(project, found.traces)),
        left=(*found.left, *elsewhere.told, *unclean),
        remarks=tuple(_remarks(project, head, found)),
        history=rewriting,
    )


def forget(project: Project, planned: Forgetting) -> Forgotten:
    """Do what was planned. What is committed is found anew, on the tip that the commit is made on.

    The commit comes last: killed before it, the next run finds the same events and goes on. Caches of answers and of
    history are deleted whole.

    Raises:
        GitError, Busy, StorageError: as for any commit; what is done so far stays done.
    """
    left = list(planned.left)
    traces = planned.found.traces
    spool = Spool.of(project.repository.common_dir, project.environ)
    spool.rewrite(lambda data: without(data, traces).data, now=project.clock())
    _drop_rows(project, planned)
    assert project.root is not None
    for path, data in planned.drafts.items():
        place = project.root / path
        if data is None:
            with storage_errors(place):
                place.unlink(missing_ok=True)
        else:
            write_atomic(place, data)
    _write_ledger(project, planned)
    for candidate, tip in planned.elsewhere.candidates.items():
        try:
            delete_branch(project.repository, candidate, tip)
        except (Refused, NotFound) as error:
            left.append(Left(candidate, f"a candidate that rests on them: {error.message}", error.hint))
    parts = written_anew(project, project.resolver.head, traces)
    made, branch = _commit(project, planned, parts, left)
    parts.finish()
    _drop_state(project)
    rewritten = None
    if planned.history is not None:
        project.refresh()
        traces = replace(planned.history.traces, cases=planned.found.traces.cases)
        rewritten = rewrite(project, replace(planned.history, traces=traces))
        # What had to be edited by hand is replaced by now; what is there still was found anew.
        there = {one.place for one in planned.found.left}
        left = [one for one in left if one.place not in there] + list(rewritten.left)
        made = project.repository.head().commit if made is not None else None
    # The resolver and the checks before the commit may have made it anew.
    _drop_state(project)
    project.refresh()
    project.log.event("feedback.forgotten", events=planned.found.events, files=len(planned.found.touched))
    steps = rewritten.next if rewritten is not None else tuple(_next(project, planned))
    return Forgotten(planned, made, branch, tuple(left), steps, rewritten)


def _commit(
    project: Project, planned: Forgetting, parts: Parts, left: list[Left]
) -> tuple[str | None, str | None]:
    """One commit on the current branch: events and what rests on them go together."""
    if not planned.found.changes and not parts.parts:
        return None, project.repository.head().branch

    def build(tip: str | None) -> Plan:
        found = find(project, tip, planned.found.traces.names, planned.found.traces)
        changes = {project.top(path): data for path, data in found.changes.items()}
        if parts.parts:
            changes[project.top(ARCHIVE)] = parts.manifest(
                project.at(tip, ARCHIVE) if tip is not None else None
            )
        return Plan(changes, _message(found))

    done = git_commit(project.repository, None, build, options=CommitOptions())
    maintain(project.repository)
    for path in done.kept:
        reason = "has edits that are not committed, and holds what they said"
        left.append(Left(path, reason, "commit or undo the edits, and run this again"))
    return (done.commit if done.changed else None), done.branch


def _message(found: Found) -> str:
    """It names nobody: neither the person nor a pseudonym nor an event."""
    count = found.events + found.about
    subject = f"Forget a person: {count:,} event{'s' * (count != 1)}"
    versions = [(name_of(one.path), one.version) for one in found.touched if one.version is not None]
    if versions:
        subject += ", " + ", ".join(f"{name} v{version}" for name, version in versions[:3])
        subject += f" and {len(versions) - 3} more" if len(versions) > 3 else ""
    lines = [
        f"- {one.path}: "
        + ("deleted" if one.deleted else f"{one.removed:,} removed, {one.uncited:,} changed")
        for one in found.touched
    ]
    body = "What rests on their events alone is removed; other items lose a citation.\n\n" + "\n".join(lines)
    trailers = [("Promptvc-Prompt", str(name)) for name, _ in versions]
    trailers += [("Promptvc-Version", str(version)) for _, version in versions]
    return with_trailers(subject, body, trailers)


def _write_ledger(project: Project, planned: Forgetting) -> None:
    records = {project.top(path): data for path, data in planned.elsewhere.ledger.items()}
    if records:
        message = with_trailers("Forget a person in records of trainings", "", [])
        options = CommitOptions(no_verify=True)
        git_commit(project.repository, LEDGER_BRANCH, lambda _: Plan(records, message), options=options)


def _drafts(project: Project, traces: Traces) -> tuple[dict[str, bytes | None], list[Left]]:
    """Untracked files with something of theirs: those that can be cleaned, and the others."""
    assert project.root is not None
    listed = project.repository.run(
        "ls-files", "-z", "--others", "--", *(project.top(folder) for folder in (*FOLDERS, "feedback"))
    )
    clean: dict[str, bytes | None] = {}
    left = []
    for name in filter(None, listed.decode("utf-8", "surrogateescape").split("\0")):
        path = name.removeprefix(project.prefix)
        with suppress(InvalidDocument):
            data = project.read(path)
            if data is None:
                continue
            found = cleaned(path, data, traces)
            if found.data != data:
                clean[path] = found.data
            left += [Left(path, reason) for reason in found.left]
    return clean, left


def _rows(project: Project, traces: Traces) -> Iterator[tuple[Path, int]]:
    """Refused rows and rows of imports under way, by file, that name them."""
    folder = project.repository.common_dir / "promptvc"
    spool = Spool.of(project.repository.common_dir, project.environ).directory
    for path in sorted(folder.rglob("*.jsonl")):
        if path.is_symlink() or path.is_relative_to(spool):
            continue
        with storage_errors(path):
            data = path.read_bytes()
        count = sum(_names(line, traces) for line in data.split(b"\n"))
        if count:
            yield path, count


def _drop_rows(project: Project, planned: Forgetting) -> None:
    if not planned.rows:
        return
    traces = planned.found.traces
    with Quarantine.of(project.repository.common_dir).lock():
        for path in planned.rows:
            with storage_errors(path):
                lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
            write_atomic(path, b"".join(line for line in lines if not _names(line, traces)))


def _names(line: bytes, traces: Traces) -> bool:
    return any(canonical_json(name) in line for name in traces.names)


def _drop_state(project: Project) -> None:
    """Delete what is derived, in every working tree: answers to their inputs among it."""
    if "history" in project.__dict__:
        project.history.close()
        project.__dict__.pop("history")
    listing = project.repository.run("worktree", "list", "--porcelain", "-z").split(b"\0")
    tops = [
        Path(line[9:].decode("utf-8", "surrogateescape")) for line in listing if line.startswith(b"worktree ")
    ]
    places = {project.state, *(top / project.prefix / STATE for top in tops)}
    for place in places:
        if place.is_symlink() or not place.is_dir():
            continue
        with storage_errors(place):
            for entry in place.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != ".gitignore":
                    entry.unlink(missing_ok=True)


def _remarks(project: Project, head: str | None, found: Found) -> Iterator[str]:
    for key in unknown_keys(project, head):
        yield (
            f"events name people under the key {key}, which is not here: whoever is meant is found there only by "
            "the pseudonym itself"
        )
    if any(one.path.startswith("datasets/") for one in found.touched):
        yield "rows that were exported from datasets are files of yours: delete them, and create the datasets anew"
    branch = project.repository.head().branch
    if branch != project.main:
        yield f"this is {branch or 'a detached HEAD'}, not main: main has it until this is merged"


def _next(project: Project, planned: Forgetting) -> Iterator[str]:
    """What remains, and what to tell other clones."""
    for branch in planned.elsewhere.branches:
        yield f"the branch {branch} has it still: merge this into it, or delete it"
    remote = project.settings.remote
    if project.repository.remote_url(remote) is not None:
        pushed = project.repository.refs(f"refs/remotes/{remote}/promptvc/")
        names = {ref.removeprefix(f"refs/remotes/{remote}/") for ref in pushed}
        yield f"git push {remote} {project.repository.head().branch or 'HEAD'}"
        if planned.elsewhere.ledger:
            yield f"git push {remote} {LEDGER_BRANCH}"
        for branch in sorted(names & planned.elsewhere.candidates.keys()):
            yield f"git push {remote} --delete {branch}"
    yield (
        "git's history has what was committed, in this clone and in every other: promptvc feedback forget --history "
        "rewrites it"
    )
