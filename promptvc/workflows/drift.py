"""`drift`: what environments run against what main says, and copies elsewhere against both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.deployment.drift import Behind, Drift, Drifts
from promptvc.deployment.environments import FOLDER, deployed_path
from promptvc.deployment.holds import Hold, hold_paths, load_hold
from promptvc.git.objects import blob_id
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import check_name, path_of
from promptvc.store.candidates import Candidate, candidates
from promptvc.store.contents import read_version
from promptvc.store.copies import Copy, copies, read_copy
from promptvc.store.diff import Change, diff_prompts
from promptvc.store.history import Change as Commit
from promptvc.store.listing import leads_out
from promptvc.store.versions import LogEntry
from promptvc.workflows.project import Project
from promptvc.workflows.sides import LATEST, Sides

__all__ = ["Behind", "Drift", "Drifts", "drift"]

_DAY_S = 86_400
_MOST_COMPARED = 100
"""Versions of a prompt that an edited copy is held against, the newest; it was hardly made from an older one."""


def drift(project: Project, environment: str | None = None, against: Path | None = None) -> Drifts:
    """What drifts.

    Without ``against``: what every environment, or one, runs from the latest on main. With it: the files of a folder,
    or one file, from what ``environment`` runs, or from the latest on main.

    Raises:
        NotFound: no such environment, folder or file; a shallow clone, which cannot know.
        InputError: the folder has more files than prompts ever are; the file is no prompt.
    """
    project.need_main()
    sides = Sides(project)
    if environment is not None:
        sides.require(environment)
    looking = _Looking(project, sides)
    if against is None:
        places = [environment] if environment is not None else sides.environments
        rows = [row for place in places for row in looking.environment(place)]
        return Drifts("main", tuple(rows))
    expected = environment or LATEST
    found = looking.folder(against, expected) if against.is_dir() else looking.file(against, expected)
    return Drifts(expected, tuple(sorted(found, key=lambda row: row.name)))


class _Looking:
    """What main knows of every prompt, asked once each."""

    def __init__(self, project: Project, sides: Sides) -> None:
        self.project = project
        self.sides = sides
        self.main = project.need_main()
        tree = project.tree(self.main, FOLDER)
        self.holds = [
            load_hold(path, project.objects.blob(tree[path]), memo=project.memo) for path in hold_paths(tree)
        ]
        self.texts: dict[str, Counter[str]] = {}

    def environment(self, environment: str) -> Iterator[Drift]:
        """What one environment runs, against the latest on main."""
        for name, digest in sorted(self.sides.of(environment).items()):
            expected = self.sides.of(LATEST).get(name)
            data = self.project.objects.blob(digest) if digest != expected else b""
            file = deployed_path(environment, name)
            held = self._held(name, digest, environment)
            yield self._told(Copy(name, data), environment, digest, expected, held, file)

    def folder(self, folder: Path, expected: str) -> Iterator[Drift]:
        """The files of a folder elsewhere, each as it is read."""
        place = _holding(folder, expected)
        wanted = dict(self.sides.of(expected))
        for copy in copies(place):
            if copy.name in wanted or _is_prompt(copy):
                yield self._copy(copy, str(folder), expected, wanted.pop(copy.name, None))
        for name, digest in wanted.items():
            number = self.project.resolver.contents.version(digest)
            yield Drift(name, str(folder), ("missing",), None, None, number, digest)

    def file(self, file: Path, expected: str) -> Iterator[Drift]:
        """One file elsewhere; its ``name`` says which prompt it is."""
        data = read_copy(file)
        value = load_yaml(data, file=str(file)).value
        name = value.get("name") if isinstance(value, dict) else None
        if not isinstance(name, str):
            raise InputError("has no `name`", hint="only prompts can be compared", file=str(file))
        copy = Copy(check_name(name), data)
        yield self._copy(copy, str(file), expected, self.sides.of(expected).get(copy.name))

    def _copy(self, copy: Copy, place: str, expected: str, wanted: str | None) -> Drift:
        environment = expected if expected != LATEST else None
        if copy.data is None:
            number = self.project.resolver.contents.version(wanted) if wanted is not None else None
            states = ("unreadable",) if wanted is not None else ("extra", "unreadable")
            return Drift(copy.name, place, states, None, None, number, wanted, problem=copy.problem)
        digest = blob_id(copy.data, self.project.repository.object_format)
        held = self._held(copy.name, digest, environment)
        return self._told(copy, place, digest, wanted, held, f"{place}: {copy.name}", elsewhere=True)

    def _told(
        self,
        copy: Copy,
        place: str,
        digest: str,
        expected: str | None,
        held: Sequence[Hold],
        file: str,
        *,
        elsewhere: bool = False,
    ) -> Drift:
        contents = self.project.resolver.contents
        wanted = contents.version(expected) if expected is not None else None
        reasons = tuple(hold.reason for hold in held)
        mark = ("held",) if held else ()
        if digest == expected:
            return Drift(copy.name, place, mark, wanted, digest, wanted, expected, holds=reasons)
        assert copy.data is not None
        absent = ("extra" if elsewhere else "gone",) if expected is None else ()
        self.project.history.require_whole(self.main, f"which version of {copy.name} {place} has")
        known = self._known(copy.name)
        waiting = {self._at(copy.name, one.commit) for one in self._candidates(copy.name, digest, known)}
        if digest not in known and digest not in waiting:
            nearest, changes = self._nearest(copy, known, file)
            states = (*absent, "edited", *mark)
            version = _named(copy.data)
            return Drift(
                copy.name, place, states, version, digest, wanted, expected, None, nearest, changes, reasons
            )
        version = contents.version(digest)
        owned = self.project.resolver.owns_number(copy.name, digest)
        behind = self._behind(copy.name, version) if wanted is not None else None
        state = ("behind",) if behind is not None and owned and not elsewhere else ("different",)
        states = (*absent, *(() if absent else state), *mark)
        problem = None if owned else f"is not the v{version} that main has"
        return Drift(
            copy.name,
            place,
            states,
            version,
            digest,
            wanted,
            expected,
            behind,
            holds=reasons,
            problem=problem,
        )

    def _held(self, name: str, digest: str, environment: str | None) -> list[Hold]:
        return [
            hold
            for hold in self.holds
            if hold.name == name and hold.digest == digest and environment in {None, hold.environment}
        ]

    def _known(self, name: str) -> dict[str, Commit]:
        """Every content that the prompt ever had, on main or on the current branch."""
        tips = {tip for tip in (self.main, self.project.resolver.head) if tip is not None}
        return {
            change.blob: change
            for tip in sorted(tips)
            for change in self.project.history.changes(path_of(name), tip)
            if change.blob is not None
        }

    def _candidates(self, name: str, digest: str, known: dict[str, Commit]) -> list[Candidate]:
        """The candidates that wait on branches; asked only for what main never had."""
        return [] if digest in known else candidates(self.project.repository, name)

    def _at(self, name: str, commit: str) -> str | None:
        found = self.project.objects.at(commit, self.project.top(path_of(name)))
        return found[0] if found is not None else None

    def _behind(self, name: str, version: int | None) -> Behind | None:
        """How far ``version`` is behind; None where main has no higher number."""
        newer = [
            one for one in self._log(name) if version is not None and one.on_main and one.version > version
        ]
        if not newer:
            return None
        chain = self.project.history.changes(path_of(name), self.main, first_parent=True)
        arrived = {change.blob: change.time for change in chain if change.blob is not None}
        since = min(arrived.get(one.digest, one.time) for one in newer)
        seconds = (self.project.clock() - since).total_seconds()
        return Behind(len(newer), max(0, int(seconds // _DAY_S)))

    def _log(self, name: str) -> list[LogEntry]:
        return self.project.resolver.log(name)

    def _nearest(
        self, copy: Copy, known: dict[str, Commit], file: str
    ) -> tuple[int | None, tuple[Change, ...] | None]:
        """The version that an edited copy is most like, by its lines, and what is changed from there."""
        assert copy.data is not None
        newest = sorted(known.values(), key=lambda change: change.order, reverse=True)[:_MOST_COMPARED]
        if not newest:
            return None, None
        lines = _lines(copy.data)
        best = max(newest, key=lambda change: (self._likeness(lines, change.blob or ""), change.order))
        assert best.blob is not None
        number = self.project.resolver.contents.version(best.blob)
        now, then = _prompt(copy.data, file), self.sides.prompt(copy.name, best.blob)
        if now is None or not isinstance(then, Prompt):
            return number, None
        return number, diff_prompts(then, now)

    def _likeness(self, lines: Counter[str], blob: str) -> float:
        """Dice's coefficient of the lines: 1 for the same lines, 0 for none in common."""
        if blob not in self.texts:
            self.texts[blob] = _lines(self.project.objects.blob(blob))
        other = self.texts[blob]
        return 2 * (lines & other).total() / max(1, lines.total() + other.total())


def _holding(folder: Path, expected: str) -> Path:
    """The part of a folder that holds the prompts: a whole checkout has them below, an export right there."""
    places = [folder / PROMPTS]
    if expected != LATEST:
        places.insert(0, folder / FOLDER / expected)
    return next((one for one in places if one.is_dir() and not leads_out(folder, one)), folder)


def _is_prompt(copy: Copy) -> bool:
    """Whether a file that nobody expects is a prompt: an application has other YAML files beside them."""
    if copy.data is None:
        return False
    try:
        value = load_yaml(copy.data, file=copy.name).value
    except InvalidDocument:
        return False
    return isinstance(value, dict) and isinstance(value.get("messages"), list) and "version" in value


def _lines(data: bytes) -> Counter[str]:
    return Counter(" ".join(line.split()) for line in data.decode("utf-8", "replace").split("\n"))


def _named(data: bytes) -> int | None:
    try:
        return read_version(data, file="")
    except InvalidDocument:
        return None


def _prompt(data: bytes, file: str) -> Prompt | None:
    try:
        return load_prompt(data, file=file)
    except InvalidDocument:
        return None
