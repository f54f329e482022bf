"""The resolver: from ``NAME@REVISION`` to the bytes of one version. Every surface uses this one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.base.files import storage_errors
from promptvc.git.objects import Objects, blob_id
from promptvc.git.repo import Repository
from promptvc.prompts.names import is_foreign, nearest, path_of
from promptvc.store.candidates import candidates
from promptvc.store.contents import Contents, read_version
from promptvc.store.foreign import Foreign, Where
from promptvc.store.history import History
from promptvc.store.listing import committed_prompts, refuse_outside, working_prompts
from promptvc.store.numbering import Owned, counted_versions, owned_versions, owning
from promptvc.store.references import Reference, parse_reference

_DIGITS = re.compile(r"[0-9]{7,}")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a prompt, resolved.

    Attributes:
        version: the number that the content names; counted for a file of GitHub's format, which names none.
        digest: git blob id of ``data``.
        commit: for a version number the commit that first brought these bytes; for ``latest``, an environment
            or a git revision the commit they were read from; None for the working tree.
        path: of the file, from the prompt root: the deployed copy for an environment.
    """

    name: str
    version: int
    digest: str
    commit: str | None
    data: bytes
    path: str

    @property
    def source(self) -> str:
        """How errors name its file: with the commit in front, if it is from one."""
        return self.path if self.commit is None else f"{self.commit[:12]}:{self.path}"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A version in the history of a prompt. ``on_main`` is False for what only the current branch has."""

    version: int
    digest: str
    commit: str
    time: datetime
    author: str
    subject: str
    on_main: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where prompts live.

    Attributes:
        main: branch or ref that owns version numbers; None before there is one.
        prefix: the prompt root from the top of the repository, ``""`` or ``sub/folder``.
        root: the prompt root in the working tree; None in a bare repository.
        remote: where main is fetched from.
        anywhere: a file of GitHub's format lies outside of ``prompts/``.
    """

    main: str | None
    prefix: str = ""
    root: Path | None = None
    remote: str = "origin"
    anywhere: bool = False

    @property
    def folder(self) -> str:
        """``prefix`` as paths need it: empty, or with a final slash."""
        return f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""


class Resolver:
    """Versions of prompts. Where main and HEAD stand is read once: make a new one after a commit."""

    def __init__(self, repository: Repository, objects: Objects, history: History, place: Place) -> None:
        self.repository = repository
        self.objects = objects
        self.history = history
        self.place = place
        self.contents = Contents(objects, history)
        where = Where(place.folder, place.root, place.anywhere)
        self.foreign = Foreign(repository, objects, history, where, lambda: self._tips)

    @cached_property
    def main(self) -> str | None:
        """The commit that main stands at; None before the first commit."""
        if self.place.main is None:
            return None
        head = self.repository.head()
        if head.branch == self.place.main:
            return head.commit
        branch = self.repository.resolve(f"refs/heads/{self.place.main}")
        return branch or self.repository.resolve(self.place.main)

    @cached_property
    def fetched_main(self) -> str | None:
        """The commit that the remote's main stood at when it was last fetched; None where it never was."""
        if self.place.main is None:
            return None
        return self.repository.resolve(f"refs/remotes/{self.place.remote}/{self.place.main}")

    @cached_property
    def head(self) -> str | None:
        """The commit that HEAD stands at; None before the first commit."""
        return self.repository.head().commit

    def resolve(self, reference: str | Reference, *, trusted: bool = True) -> Version:
        """The version that ``reference`` means.

        A version number is looked for on main, then in the current branch's history, then on the candidate
        branch ``promptvc/<name>/v<N>``.

        Args:
            trusted: False accepts only versions, ``latest`` and environments, no other git revision.

        Raises:
            NotFound: no such prompt or revision, or a shallow clone that cannot know.
            InvalidDocument: what was found is no prompt with a version.
        """
        wanted = parse_reference(reference) if isinstance(reference, str) else reference
        if wanted.revision is None:
            return self.working(wanted.name)
        if wanted.version is not None:
            found = self.numbered(wanted.name, wanted.version)
            if found is None and trusted and _DIGITS.fullmatch(wanted.revision):
                found = self._revision(wanted)
        elif wanted.revision == "latest":
            found = self.latest(wanted.name)
        else:
            found = self._deployed(wanted)
            if found is None and trusted:
                found = self._revision(wanted)
        if found is None:
            raise self._unknown(wanted, trusted=trusted)
        return found

    def working(self, name: str) -> Version:
        """The working tree's file; main's in a bare repository."""
        path = path_of(name)
        if self.place.root is None:
            found = self.latest(name)
            if found is None:
                raise self._unknown(Reference(name), trusted=True)
            return found
        file = self.place.root / path
        refuse_outside(self.place.root, file)
        data = _content(file)
        if data is None:
            path = self.foreign.path(name) or path
            refuse_outside(self.place.root, self.place.root / path)
            data = _content(self.place.root / path)
        if data is None:
            raise self._unknown(Reference(name), trusted=True)
        digest = blob_id(data, self.repository.object_format)
        return Version(name, self._version(path, digest, data, path), digest, None, data, path)

    def latest(self, name: str) -> Version | None:
        """The version in main's newest commit; None when main has not got the prompt."""
        return self.at(name, self.main) if self.main is not None else None

    def at(self, name: str, commit: str) -> Version | None:
        """The version in ``commit``; None when that has not got the prompt."""
        found = self._read(name, commit, path_of(name))
        if found is None and name in self.foreign.committed(commit):
            found = self._read(name, commit, self.foreign.committed(commit)[name][0])
        return found

    def lying(self, name: str) -> str | None:
        """The file of GitHub's format that ``name`` stands for; None where a file of ours has that name, or none.

        Raises:
            InputError: two such files have that name.
        """
        own = path_of(name)
        if self.place.root is not None and (self.place.root / own).is_file():
            return None
        if any(self.objects.at(tip, self.place.folder + own) is not None for tip in self._tips):
            return None
        return self.foreign.path(name)

    def deployed(self, name: str, environment: str) -> Version | None:
        """The copy that ``environment`` runs, as main has it; None when it runs none."""
        path = f"deployments/{environment}/{name}.yaml"
        return self._read(name, self.main, path) if self.main is not None else None

    def numbered(self, name: str, number: int) -> Version | None:
        """Version ``number``; None when there is none.

        Raises:
            NotFound: a shallow clone that cannot know.
        """
        for tip in self._tips:
            self.history.require_whole(tip, f"which content is {name}@v{number}")
            owner = owned_versions(self.history, self.contents, path_of(name), tip).get(number)
            if owner is not None:
                return self._owned(name, owner)
        for candidate in candidates(self.repository, name):
            found = self.at(name, candidate.commit) if candidate.number == number else None
            if found is not None and found.version == number:
                return found
        path = self.lying(name)
        owners = self.foreign.versions(path).values() if path is not None else ()
        return next((self._owned(name, one, path) for one in owners if one.version == number), None)

    def is_on_main(self, name: str, digest: str) -> bool:
        """Whether ``digest`` was ever the content of ``name`` on main, owner of its number or not.

        Raises:
            NotFound: a shallow clone that cannot know.
        """
        if self.main is None:
            return False
        if self.is_known(name, digest):
            return True
        self.history.require_whole(self.main, f"whether this version of {name} was ever on main")
        return False

    def is_known(self, name: str, digest: str) -> bool:
        """The same, as far as this clone's history goes."""
        path = self.lying(name) or path_of(name)
        return self.main is not None and bool(self.history.held([(path, digest)], self.main))

    def owns_number(self, name: str, digest: str) -> bool:
        """Whether ``digest`` is the content of ``name`` that its version number stands for on main."""
        file = (path_of(name), digest)
        return self.main is not None and file in owning(self.history, self.contents, [file], self.main)

    def log(self, name: str, revision: str | None = None) -> list[LogEntry]:
        """The versions of a prompt, highest number first, each once, with the commit that brought it.

        Args:
            revision: a git revision; by default main and, after it, what only the current branch has.

        Raises:
            NotFound: no such prompt or revision, or a shallow clone, which cannot know.
        """
        tips = self._tips
        if revision is not None:
            commit = self.repository.resolve(revision)
            if commit is None:
                raise self._unknown(Reference(name, revision), trusted=True)
            tips = (commit,)
        found: dict[int, LogEntry] = {}
        for tip in tips:
            self.history.require_whole(tip, f"the history of {name}")
            for owner in owned_versions(self.history, self.contents, path_of(name), tip).values():
                found.setdefault(owner.version, _entry(owner, on_main=tip == self.main))
        path = self.lying(name) if not found else None
        if path is not None:
            main = {one.blob for one in counted_versions(self.history, path, self._tips[:1])}
            for owner in counted_versions(self.history, path, tips):
                numbered = replace(owner, version=self.foreign.number(path, owner.blob))
                found.setdefault(numbered.version, _entry(numbered, on_main=owner.blob in main))
        elif not found and name not in self.names():
            raise self._unknown(Reference(name), trusted=True)
        return [found[version] for version in sorted(found, reverse=True)]

    def names(self, commit: str | None = None) -> list[str]:
        """Names of prompts, sorted: in ``commit``, else in the working tree (main in a bare repository)."""
        if commit is None and self.place.root is not None:
            return list(working_prompts(self.place.root))
        tree = commit or self.main
        return sorted(committed_prompts(self.objects, tree, self.place.folder)) if tree else []

    def tip_versions(self, commit: str | None = None) -> dict[str, tuple[int | None, str]]:
        """Name -> (version, digest) of every prompt in ``commit`` (main); the version of no prompt is None."""
        tree = commit or self.main
        blobs = committed_prompts(self.objects, tree, self.place.folder) if tree else {}
        versions = self.contents.versions(blobs.values())
        return {name: (versions[blob], blob) for name, blob in blobs.items()}

    @cached_property
    def _tips(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(tip for tip in (self.main, self.head) if tip is not None))

    def _owned(self, name: str, owner: Owned, path: str | None = None) -> Version:
        data = self.objects.blob(owner.blob)
        return Version(name, owner.version, owner.blob, owner.change.commit, data, path or path_of(name))

    def _version(self, path: str, digest: str, data: bytes, file: str) -> int:
        """The version that a content names, or that is counted."""
        return self.foreign.number(path, digest) if is_foreign(path) else read_version(data, file=file)

    def _read(self, name: str, commit: str, path: str) -> Version | None:
        found = self.objects.at(commit, self.place.folder + path)
        if found is None:
            return None
        digest, data = found
        try:
            version = self._version(path, digest, data, f"{commit[:12]}:{path}")
        except InvalidDocument:
            self.objects.refuse_link(commit, self.place.folder + path)
            raise
        return Version(name, version, digest, commit, data, path)

    def _deployed(self, wanted: Reference) -> Version | None:
        environment = wanted.environment
        if environment is None or self.main is None:
            return None
        found = self.deployed(wanted.name, environment)
        if found is None and environment in self.environments():
            raise NotFound(
                f"{wanted.name} is not deployed to {environment}",
                hint=f"promptvc deploy {wanted.name} --env {environment}",
            )
        return found

    def environments(self) -> list[str]:
        """Names of the environments that main knows, sorted."""
        if self.main is None:
            return []
        folder = f"{self.place.folder}deployments/"
        below = (path[len(folder) :] for path in self.objects.tree(self.main, folder))
        return sorted({path.split("/", 1)[0] for path in below if "/" in path})

    def _revision(self, wanted: Reference) -> Version | None:
        assert wanted.revision is not None
        commit = self.repository.resolve(wanted.revision)
        if commit is None:
            return None
        found = self.at(wanted.name, commit)
        if found is None:
            known = self.names(commit)
            near = nearest(wanted.name, known)
            raise NotFound(
                f"there is no prompt {wanted.name} in {wanted.revision}",
                hint=f"did you mean {near}@{wanted.revision}?" if near else None,
            )
        return found

    def _unknown(self, wanted: Reference, *, trusted: bool) -> NotFound:
        """The error for what was not found, with what there is instead."""
        known = {*self.names(), *self.foreign.names()}
        if self.main is not None:
            known |= {*self.names(self.main), *self.foreign.committed(self.main)}
        if wanted.name not in known:
            near = nearest(wanted.name, known)
            hint = f"did you mean {near}?" if near else "promptvc list shows the prompts there are"
            if not known:
                hint = f"promptvc new {wanted.name} makes the first one"
            return NotFound(f"there is no prompt {wanted.name}", hint=hint)
        if wanted.revision is None:
            return NotFound(
                f"there is no prompt {wanted.name} in the working tree",
                hint=f"main has it: {wanted.name}@latest",
            )
        return NotFound(
            f"{wanted.name} has no revision {wanted.revision}", hint=self._there_is(wanted, trusted=trusted)
        )

    def _there_is(self, wanted: Reference, *, trusted: bool) -> str:
        if self.repository.is_shallow:
            return "this clone is shallow; fetch the whole history: git fetch --unshallow"
        try:
            numbers = [f"v{entry.version}" for entry in self.log(wanted.name)]
        except (NotFound, InvalidDocument):
            numbers = []
        shown = numbers if len(numbers) <= 6 else [*numbers[:5], "...", numbers[-1]]
        environments = [name for name in self.environments() if self._runs(wanted.name, name)]
        kinds = [*shown, *(["latest"] if numbers else []), *environments]
        there_is = f"there is {', '.join(kinds)}" if kinds else "nothing of it is committed yet"
        return f"{there_is}{', or any git revision' if trusted else ''}"

    def _runs(self, name: str, environment: str) -> bool:
        assert self.main is not None
        path = f"{self.place.folder}deployments/{environment}/{name}.yaml"
        return self.objects.at(self.main, path) is not None


def _content(file: Path) -> bytes | None:
    with storage_errors(file):
        try:
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def _entry(owner: Owned, *, on_main: bool) -> LogEntry:
    change = owner.change
    return LogEntry(
        owner.version, owner.blob, change.commit, change.time, change.author, change.subject, on_main
    )
