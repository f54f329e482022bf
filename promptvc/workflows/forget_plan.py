"""What forgetting a person changes: found before anything is written, and anew on the tip that is committed to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import deployments
from promptvc.evidence.ledger import BRANCH as LEDGER_BRANCH
from promptvc.feedback.archive import MANIFEST as ARCHIVE
from promptvc.feedback.forgetting import Traces, gather, without
from promptvc.feedback.pseudonyms import find_keys, is_pseudonym, pseudonyms_of
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of
from promptvc.feedback.spool import Spool
from promptvc.git.refs import branches
from promptvc.prompts.edit import with_version
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import name_of, path_of
from promptvc.store.candidates import candidate_branch, candidates
from promptvc.store.commits import next_version
from promptvc.training.exporting.curation import FOLDER as DATASETS
from promptvc.workflows.archived import Archived
from promptvc.workflows.forget_archive import archive_of, is_ours
from promptvc.workflows.forget_archive import theirs as parts_with
from promptvc.workflows.forget_files import LEDGER, REPORTS, Clean, cleaned, is_cases, is_suite
from promptvc.workflows.project import Project

FOLDERS = (PROMPTS, "evaluation", DEPLOYMENTS, DATASETS, REPORTS.rstrip("/"))
"""Where texts of events get to; feedback is looked at by itself."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that changes: how many things go, how many only lose a citation; ``version``: its new number."""

    path: str
    removed: int
    uncited: int
    version: int | None = None
    deleted: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it."""
        return {
            "path": self.path,
            "removed": self.removed,
            "uncited": self.uncited,
            "version": self.version,
            "deleted": self.deleted,
        }


@dataclass(frozen=True, slots=True)
class Left:
    """What stays although it holds something of theirs; ``command``: what takes it out, where one does."""

    place: str
    reason: str
    command: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it."""
        return {"place": self.place, "reason": self.reason, "command": self.command}


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a person in one commit and in the spool.

    Attributes:
        events: that name them; ``about``: that only say something about those; ``spooled``: of both, not committed.
        rollups: with a unit of theirs.
        changes: path from the prompt root -> new content, None where the file goes.
    """

    traces: Traces
    events: int
    about: int
    spooled: int
    rollups: int
    changes: Mapping[str, bytes | None]
    touched: tuple[Touched, ...]
    left: tuple[Left, ...]


def names_of(project: Project, user: str) -> frozenset[str]:
    """How events may call a person: as the program did, and by a pseudonym under every key that is here."""
    folder = project.repository.common_dir / "promptvc" / "keys"
    ring = find_keys(folder, project.environ)
    user = user.strip()
    return frozenset({user, *pseudonyms_of(user, ring.keys if ring is not None else ())})


def unknown_keys(project: Project, commit: str | None) -> tuple[str, ...]:
    """Ids of keys under which committed events name people, and that are not here: nobody is found under those."""
    folder = project.repository.common_dir / "promptvc" / "keys"
    ring = find_keys(folder, project.environ)
    known = {key.id for key in ring.keys} if ring is not None else set()
    found: set[str] = set()
    for _, data in _segments(project, commit):
        for piece in data.split(b'"u-')[1:]:
            name = "u-" + piece[:41].decode("ascii", "replace")
            if is_pseudonym(name):
                found.add(name[2:10])
    return tuple(sorted(found - known))


def find(project: Project, commit: str | None, names: Collection[str], known: Traces | None = None) -> Found:
    """What there is of a person in ``commit`` and in the spool.

    Args:
        known: traces that were found before, such as events that are gone from there and cited still.
    """
    spool = _spooled(project)
    archived = archive_of(project, commit)
    theirs = gather(lambda: chain(_segments(project, commit), archived.contents(), spool), names)
    traces = theirs.traces
    if known is not None:
        texts = type(traces.texts)({*traces.texts, *known.texts})
        traces = Traces(traces.names | known.names, traces.ids | known.ids, texts)
    waiting = sum(without(data, traces).dropped for _, data in spool)
    look = _Look(project, commit, traces)
    look.segments()
    look.files()
    look.archive(archived)
    return Found(
        traces=look.traces,
        events=theirs.own,
        about=theirs.about,
        spooled=waiting,
        rollups=theirs.rollups,
        changes=look.changes,
        touched=tuple(sorted(look.touched, key=lambda one: one.path)),
        left=tuple(look.left),
    )


class _Look:
    """One look at a commit; what cases are gone is known after those were looked at."""

    def __init__(self, project: Project, commit: str | None, traces: Traces) -> None:
        self.project = project
        self.commit = commit
        self.traces = traces
        self.changes: dict[str, bytes | None] = {}
        self.touched: list[Touched] = []
        self.left: list[Left] = []

    def segments(self) -> None:
        for path, data in _segments(self.project, self.commit):
            clean = cleaned(path, data, self.traces)
            if clean.data != data:
                self._keep(path, clean)

    def archive(self, archived: Archived) -> None:
        """Which parts would be written anew; that is done before the commit, so that it can name them."""
        for part, place, lines in parts_with(archived, self.traces):
            name = f"{ARCHIVE}: {part.name}"
            if is_ours(self.project, part, place):
                self.touched.append(Touched(name, lines, 0))
            else:
                reason = f"{lines:,} archived events are theirs, and the part is at {part.location}"
                self.left.append(Left(name, reason, f"promptvc feedback archive --restore {part.month}"))
        for part, reason in archived.absent:
            what = f"{part.events:,} archived events were not looked at: {reason}"
            self.left.append(Left(f"{ARCHIVE}: {part.name or part.location}", what, "then run this again"))

    def files(self) -> None:
        if self.commit is None:
            return
        tree = {
            path: oid for folder in FOLDERS for path, oid in self.project.tree(self.commit, folder).items()
        }
        first = sorted((path for path in tree if is_cases(path)), key=is_suite)
        gone: set[str] = set()
        for path, data in self._contents(tree, first):
            clean = cleaned(path, data, self.traces, gone)
            if clean.data is None:
                gone.add(path)
            self.traces = replace(self.traces, cases=self.traces.cases | clean.cases)
            self._take(path, data, clean)
        deployed = {one.path: one for one in deployments(tree)}
        prompts: dict[str, str] = {}
        rest = sorted(tree.keys() - set(first), key=lambda path: (path.startswith(f"{DEPLOYMENTS}/"), path))
        for path, data in self._contents(tree, rest):
            clean = cleaned(path, data, self.traces)
            name = name_of(path)
            if name is not None and clean.data not in {data, None}:
                prompts[name] = tree[path]
                self._version(path, name, clean)
            elif path.startswith(f"{DEPLOYMENTS}/") and (clean.data != data or clean.left):
                copy = deployed.get(path)
                new = self.changes.get(path_of(copy.name)) if copy is not None else None
                if copy is not None and new is not None and prompts.get(copy.name) == copy.digest:
                    self._keep(path, replace(clean, data=new))
                elif clean.data != data:
                    self.left.append(_not_deployed(path, copy.name if copy is not None else None))
                self._tell(path, clean)
            else:
                self._take(path, data, clean)

    def _contents(self, tree: Mapping[str, str], paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(paths)
        blobs = self.project.objects.blobs(tree[path] for path in wanted)
        for path, (_, data) in zip(wanted, blobs, strict=True):
            yield path, data

    def _version(self, path: str, name: str, clean: Clean) -> None:
        assert clean.data is not None
        project = self.project
        number = next_version(project.repository, project.resolver, name, self.commit)
        data = with_version(clean.data, number, file=path)
        self._keep(path, replace(clean, data=data), number)
        self._tell(path, clean)

    def _take(self, path: str, data: bytes, clean: Clean) -> None:
        if clean.data != data:
            self._keep(path, clean)
        self._tell(path, clean)

    def _keep(self, path: str, clean: Clean, version: int | None = None) -> None:
        self.changes[path] = clean.data
        gone = clean.data is None
        self.touched.append(Touched(path, clean.removed, clean.uncited, version, deleted=gone))

    def _tell(self, path: str, clean: Clean) -> None:
        self.left += [Left(path, reason) for reason in clean.left]


def _not_deployed(path: str, name: str | None) -> Left:
    environment = path.split("/")[1]
    if name is None:
        return Left(path, "a rollout under way holds what they said", "end the rollout, and run this again")
    return Left(
        path,
        "runs a version that rests on what they said, and not the latest one",
        f"promptvc deploy {name} --env {environment}",
    )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is on other branches: candidates to delete, ledger records to change, and what is only told."""

    candidates: Mapping[str, str]
    ledger: Mapping[str, bytes]
    told: tuple[Left, ...]
    branches: tuple[str, ...]


def find_elsewhere(project: Project, traces: Traces, current: str | None) -> Elsewhere:
    """What other branches of this clone hold.

    ``candidates`` are {branch: commit}; ``ledger`` {path from the ledger's top: new content}; ``branches`` are others
    with files or events of theirs.
    """
    judge = _Judge(project, traces)
    ledger, told = _ledger(project, traces)
    doomed: dict[str, str] = {}
    others: list[str] = []
    names = {name for path in judge.paths if (name := name_of(path)) is not None}
    made = {
        candidate_branch(name, one.number) for name in names for one in candidates(project.repository, name)
    }
    for branch, commit in branches(project.repository).items():
        if branch in {current, LEDGER_BRANCH}:
            continue
        if branch in made:
            if judge.holds(commit, FOLDERS):
                doomed[branch] = commit
        elif judge.holds(commit, (*FOLDERS, FEEDBACK)):
            others.append(branch)
    return Elsewhere(doomed, ledger, told, tuple(sorted(others)))


class _Judge:
    """Whether commits hold something of theirs; each content is read once."""

    def __init__(self, project: Project, traces: Traces) -> None:
        self._project = project
        self._traces = traces
        self._known: dict[tuple[str, str], bool] = {}
        head = project.resolver.head
        self.paths = set(project.tree(head, PROMPTS)) if head is not None else set()
        for commit in branches(project.repository, "promptvc/").values():
            self.paths |= set(project.tree(commit, PROMPTS))

    def holds(self, commit: str, folders: Iterable[str]) -> bool:
        """Whether a file of ``commit`` would be another without them."""
        tree = {path: oid for folder in folders for path, oid in self._project.tree(commit, folder).items()}
        unread = [(path, oid) for path, oid in tree.items() if (path, oid) not in self._known]
        blobs = self._project.objects.blobs(oid for _, oid in unread)
        for (path, oid), (_, data) in zip(unread, blobs, strict=True):
            clean = cleaned(path, data, self._traces)
            self._known[path, oid] = clean.data != data or bool(clean.left)
        return any(self._known[pair] for pair in tree.items())


def _ledger(project: Project, traces: Traces) -> tuple[dict[str, bytes], tuple[Left, ...]]:
    tip = project.repository.resolve(f"refs/heads/{LEDGER_BRANCH}")
    changes: dict[str, bytes] = {}
    left: list[Left] = []
    for folder in LEDGER if tip is not None else ():
        assert tip is not None
        tree = project.tree(tip, folder.rstrip("/"))
        for path, (_, data) in zip(tree, project.objects.blobs(tree.values()), strict=True):
            clean = cleaned(path, data, traces)
            if clean.data is not None and clean.data != data:
                changes[path] = clean.data
            left += [Left(f"{LEDGER_BRANCH}:{path}", reason) for reason in clean.left]
    return changes, tuple(left)


def _segments(project: Project, commit: str | None) -> Iterator[tuple[str, bytes]]:
    if commit is None:
        return
    tree = {path: oid for path, oid in project.tree(commit, FEEDBACK).items() if prompt_of(path) is not None}
    for path, (_, data) in zip(tree, project.objects.blobs(tree.values()), strict=True):
        yield path, data


def _spooled(project: Project) -> tuple[tuple[str, bytes], ...]:
    reading = Spool.of(project.repository.common_dir, project.environ).read()
    lines = b"".join(event.line() for event in reading.events)
    torn = b"".join(problem.raw + b"\n" for problem in reading.problems)
    return (("spool", lines + torn),) if lines or torn else ()
