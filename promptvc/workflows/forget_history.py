"""`feedback forget --history`: the same in every commit, so that the words are gone from this clone's object store.

Contents are cleaned as at the tip (:mod:`promptvc.workflows.forget_files`); what there is left for a person is
replaced by ``[forgotten]`` here, because nobody edits a hundred old versions by hand. The digest of a version is the id
of its content, so records that cite one of those get the new id: `check` passes as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, Refused
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.evidence.ledger import Look
from promptvc.evidence.ledger import parse as parse_ledger
from promptvc.feedback.forgetting import FORGOTTEN, Traces, gather
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of
from promptvc.git.objects import blob_id
from promptvc.git.refs import branches
from promptvc.git.rewriting import Rewrite, messages, reachable, refuse_unfit, store
from promptvc.git.rewriting import rewrite as rewrite_all
from promptvc.prompts.edit import SetScalar, edit
from promptvc.prompts.names import name_of
from promptvc.workflows.forget_files import LEDGER, cleaned, is_cases, is_suite
from promptvc.workflows.forget_plan import FOLDERS, Left, find
from promptvc.workflows.project import Project

_HEX = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])")
_TOGETHER = 500
OTHERS = (
    "everybody else clones anew: who pulls into an old clone and pushes brings everything back",
    "forks and pull requests of a forge keep old commits: ask its support to remove them and to collect garbage",
    "backups, mirrors, CI caches and packages that were built are not in git: look through them yourself",
    "signatures of the commits and tags that were rewritten are gone; ids of commits that somebody noted are others",
)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What would be rewritten: contents by path, commits' messages, and what is known of the person from history."""

    traces: Traces
    blobs: int
    paths: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it."""
        return {"contents": self.blobs, "paths": list(self.paths)}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was rewritten; ``next``: what to push, and to tell others, in order."""

    contents: int
    messages: int
    left: tuple[Left, ...]
    next: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `feedback forget --json` prints it."""
        return {"contents": self.contents, "messages": self.messages, "rewritten": True}


def may_rewrite(project: Project) -> None:
    """
    Raises:
        Refused: this clone is not fit for it, or the remote has commits that would be lost.
        InputError: git-filter-repo is not installed.
    """
    repository, remote = project.repository, project.settings.remote
    refuse_unfit(repository)
    theirs = repository.refs(f"refs/remotes/{remote}/")
    for branch, commit in branches(repository).items():
        known = theirs.get(f"refs/remotes/{remote}/{branch}")
        if known is not None and not repository.is_ancestor(known, commit):
            raise Refused(
                f"history is not rewritten: {remote} has commits of {branch} that are not here",
                hint=f"git switch {branch} && git pull, or push what is right",
            )


def rewriting_of(project: Project, traces: Traces) -> Rewriting:
    """Look for the person in all of history: their events first, then what would be another content without them."""
    history = _History(project)
    theirs = gather(lambda: history.read(history.segments), traces.names)
    texts = type(traces.texts)({*traces.texts, *theirs.traces.texts})
    known = Traces(theirs.traces.names, theirs.traces.ids | traces.ids, texts)
    paths: set[str] = set()
    count = 0
    for path, data, new in history.clean(known):
        if new != data:
            count += 1
            paths.add(path)
    return Rewriting(known, count, tuple(sorted(paths)))


def rewrite(project: Project, planned: Rewriting) -> Rewritten:
    """Rewrite all refs of this clone. Whatever is at the tip by now is rewritten with the rest.

    Raises:
        GitError: git-filter-repo failed, or old contents are there still.
    """
    repository = project.repository
    remote = project.settings.remote
    before = repository.refs(f"refs/remotes/{remote}/")
    tags = repository.refs("refs/tags")
    history = _History(project)
    plan = _plan(project, history, planned.traces)
    project.close()  # git removes the packs that are open here
    if plan.blobs or plan.messages:
        scratch = repository.git_dir / "promptvc" / "rewriting.json"
        rewrite_all(repository, plan, scratch)
    project.refresh()
    left = find(project, project.resolver.head, planned.traces.names, planned.traces).left
    steps = [*_pushes(project, before, tags), *OTHERS]
    changed = sum(new != old for old, new in plan.blobs.items())
    return Rewritten(changed, len(plan.messages), left, tuple(steps))


class _History:
    """Every content of ours that a ref reaches: paths from the prompt root, ids, and the contents in order."""

    def __init__(self, project: Project) -> None:
        self._project = project
        ours = tuple(f"{folder}/" for folder in (*FOLDERS, FEEDBACK)) + LEDGER
        self.files: dict[str, str] = {}
        for oid, path in reachable(project.repository):
            place = path.removeprefix(project.prefix)
            if path.startswith(project.prefix) and place.startswith(ours) and "." in place.rpartition("/")[2]:
                self.files[oid] = place
        self.segments = [oid for oid, path in self.files.items() if prompt_of(path) is not None]

    def read(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """(path, content) of blobs."""
        for oid, data in self._project.objects.blobs(oids):
            yield self.files[oid], data

    def clean(
        self, traces: Traces, *, prompts: bool | None = None
    ) -> Iterator[tuple[str, bytes, bytes | None]]:
        """(path, content, content without them); files of cases first.

        Args:
            prompts: only prompts and their deployed copies, or only everything else.
        """
        wanted = [oid for oid, path in self.files.items() if prompts in {None, _is_version(path)}]
        wanted.sort(key=self._order)
        for path, data in self.read(wanted):
            found = cleaned(path, data, traces)
            if found.cases:
                traces = replace(traces, cases=traces.cases | found.cases)
            yield path, data, _forced(path, found.data, traces)

    def _order(self, oid: str) -> tuple[bool, bool, str, str]:
        path = self.files[oid]
        return not is_cases(path), is_suite(path), path, oid


def _is_version(path: str) -> bool:
    return name_of(path) is not None or path.startswith(f"{DEPLOYMENTS}/")


def _forced(path: str, data: bytes | None, traces: Traces) -> bytes | None:
    """A content in which what cleaning left to a person is replaced."""
    if data is None or prompt_of(path) is not None:
        return data
    if path.endswith((".yaml", ".yml")):
        data = _replaced(path, data, traces)
    text = data.decode("utf-8", "surrogateescape")
    if traces.are_in(text):
        # In brackets it could be a list in YAML.
        word = FORGOTTEN if not path.endswith((".yaml", ".yml")) else FORGOTTEN.strip("[]")
        data = traces.scrubbed(text).replace(FORGOTTEN, word).encode("utf-8", "surrogateescape")
    return data


def _replaced(path: str, data: bytes, traces: Traces) -> bytes:
    try:
        value = load_yaml(data, file=path).value
        places = [(where, text) for where, text in _leaves(value) if traces.are_in(text)]
        return edit(data, [SetScalar(where, traces.scrubbed(text)) for where, text in places], file=path)
    except InputError:
        return data


def _leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield at, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from _leaves(item, (*at, key))


def _plan(project: Project, history: _History, traces: Traces) -> Rewrite:
    """Which content becomes which, and the new ones stored: prompts and their copies first, then what cites them."""
    algorithm = project.repository.object_format
    blobs: dict[str, str | None] = {}

    def changed(pairs: Iterable[tuple[bytes, bytes | None]]) -> Iterator[bytes]:
        for data, new in pairs:
            if new != data:
                blobs[blob_id(data, algorithm)] = None if new is None else blob_id(new, algorithm)
                if new is not None:
                    yield new

    store(project.repository, changed((data, new) for _, data, new in history.clean(traces, prompts=True)))
    cites = {old.encode(): new.encode() for old, new in blobs.items() if new is not None}
    paths, looks = _looks(project, history, cites)
    cites |= looks

    def anew(data: bytes | None) -> bytes | None:
        return _HEX.sub(lambda found: cites.get(found[0], found[0]), data) if cites and data else data

    store(
        project.repository,
        changed((data, anew(new)) for _, data, new in history.clean(traces, prompts=False)),
    )
    words = {oid: traces.scrubbed(text) for oid, text in messages(project.repository) if traces.are_in(text)}
    return Rewrite(blobs, paths, words)


def _looks(
    project: Project, history: _History, cites: Mapping[bytes, bytes]
) -> tuple[dict[str, str], dict[bytes, bytes]]:
    """Looks are named by the digests that they cite: {old path: new} from the top, and {old name: new}."""
    paths: dict[str, str] = {}
    keys: dict[bytes, bytes] = {}
    known = {old.decode(): new.decode() for old, new in cites.items()}
    for path, data in history.read(oid for oid, path in history.files.items() if path.startswith(LEDGER[0])):
        try:
            look = parse_ledger(data, file=path)
        except InputError:
            continue
        if isinstance(look, Look) and not known.keys().isdisjoint((look.candidate, look.baseline)):
            candidate = known.get(look.candidate, look.candidate)
            moved = replace(look, candidate=candidate, baseline=known.get(look.baseline, look.baseline))
            paths[project.top(look.path)] = project.top(moved.path)
            keys[look.key.encode()] = moved.key.encode()
    return paths, keys


def _pushes(project: Project, before: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[str]:
    """The exact commands that bring it to the remote, each only if it is where it was when this clone last looked."""
    repository, remote = project.repository, project.settings.remote
    if repository.remote_url(remote) is None:
        return
    here = branches(repository)
    after = repository.refs(f"refs/remotes/{remote}/")
    leases, names, gone = [], [], []
    for ref, old in sorted(before.items()):
        branch = ref.removeprefix(f"refs/remotes/{remote}/")
        if branch == "HEAD":
            continue
        if branch not in here and branch.startswith("promptvc/"):
            gone.append(branch)
        elif here.get(branch, after.get(ref)) != old:
            leases.append(f"--force-with-lease={branch}:{old}")
            names.append(branch if branch in here else f"{ref}:refs/heads/{branch}")
    if names:
        yield f"git push {' '.join(leases)} {remote} {' '.join(names)}"
    if gone:
        yield f"git push {remote} --delete {' '.join(gone)}"
    now = repository.refs("refs/tags")
    moved = [tag.removeprefix("refs/tags/") for tag, old in sorted(tags.items()) if now.get(tag) != old]
    if moved:
        yield f"git push --force {remote} {' '.join(f'refs/tags/{tag}' for tag in moved)}"
    if names or gone or moved:
        yield f"only then: git fetch --prune {remote}; before that it would bring the old commits back"
