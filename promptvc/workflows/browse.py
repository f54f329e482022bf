"""Looking at prompts: which there are, one of them, its versions, what differs between two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import Usage
from promptvc.base.memo import Memo
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import deployments
from promptvc.evidence.records import VersionKey, index
from promptvc.git.objects import blob_id
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import render
from promptvc.store.diff import Change, diff_prompts, unified_diff
from promptvc.store.listing import working_prompts
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `list`. ``environments`` maps each that runs the prompt to the version it runs."""

    name: str
    version: int | None
    digest: str
    model: str | None
    tags: tuple[str, ...]
    environments: Mapping[str, int | None]

    def to_json(self) -> dict[str, Any]:
        """As `list --json` prints it."""
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "model": self.model,
            "tags": list(self.tags),
            "environments": dict(self.environments),
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """One version. ``messages`` are rendered when variables were given, else None."""

    version: Version
    prompt: Prompt
    messages: tuple[Mapping[str, str], ...] | None

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.version.data.decode("utf-8")

    def to_json(self) -> dict[str, Any]:
        """As `show --json` prints it."""
        return {
            "name": self.version.name,
            "version": self.version.version,
            "digest": self.version.digest,
            "commit": self.version.commit,
            "prompt": self.prompt.to_json(),
            "messages": None if self.messages is None else [dict(message) for message in self.messages],
        }


@dataclass(frozen=True, slots=True)
class Logged:
    """One version in a prompt's history; the last three are None without evidence. ``score`` is 0..1."""

    version: int
    digest: str
    commit: str
    time: str
    author: str
    subject: str
    approach: str | None
    verdict: str | None
    score: float | None

    def to_json(self) -> dict[str, Any]:
        """As `log --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class Difference:
    """What differs between two versions. ``from_`` and ``to`` name them."""

    from_: str
    to: str
    before: Version
    after: Version
    memo: Memo = field(repr=False, compare=False)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Item by item."""
        return diff_prompts(_load(self.before, self.memo), _load(self.after, self.memo))

    def unified(self) -> str:
        """Line by line."""
        return unified_diff(self.before.data, self.after.data, self.from_, self.to)

    def to_json(self) -> dict[str, Any]:
        """As `diff --json` prints it."""
        return {"from": self.from_, "to": self.to, "changes": [change.to_json() for change in self.changes]}


def list_prompts(project: Project) -> tuple[Listed, ...]:
    """The prompts of the working tree (of main in a bare repository), by name."""
    resolver = project.resolver
    if project.root is None:
        digests = {name: digest for name, (_, digest) in resolver.tip_versions().items()}
        content: dict[str, bytes] = {}
    else:
        files = {name: path.read_bytes() for name, path in working_prompts(project.root).items()}
        algorithm = project.repository.object_format
        digests = {name: blob_id(data, algorithm) for name, data in files.items()}
        content = {digests[name]: data for name, data in files.items()}
    summaries = resolver.contents.summaries(digests.values(), content.__getitem__ if content else None)
    runs = _runs(project)
    return tuple(
        Listed(
            name=name,
            version=summaries[digest].version,
            digest=digest,
            model=summaries[digest].model or project.settings.model,
            tags=summaries[digest].tags,
            environments=runs.get(name, {}),
        )
        for name, digest in digests.items()
    )


def show(project: Project, reference: str, variables: Mapping[str, str] | None = None) -> Shown:
    """The version that ``reference`` means, rendered with ``variables`` if they are given."""
    version = project.resolver.resolve(reference)
    prompt = load_prompt(version.data, file=_file(version), name=version.name, memo=project.memo)
    rendered = None
    if variables is not None:
        messages = render(prompt, variables)
        rendered = tuple({"role": message.role, "content": message.content} for message in messages)
    return Shown(version, prompt, rendered)


def log(project: Project, name: str) -> tuple[Logged, ...]:
    """The versions of ``name``, newest first, with what evidence says of each."""
    reference = parse_reference(name)
    entries = project.resolver.log(reference.name, reference.revision)
    evidence = index(project.evidence(reference.name, project.resolver.head, project.main_commit))
    logged = []
    for entry in entries:
        found = evidence.get(VersionKey(reference.name, entry.version, entry.digest))
        logged.append(
            Logged(
                version=entry.version,
                digest=entry.digest,
                commit=entry.commit,
                time=format_time(entry.time),
                author=entry.author,
                subject=entry.subject,
                approach=found.approach if found else None,
                verdict=found.verdict if found else None,
                score=found.score.candidate if found and found.score else None,
            )
        )
    return tuple(logged)


def diff(project: Project, a: str, b: str | None = None) -> Difference:
    """What differs between ``a`` and ``b``; without ``b`` the working tree's file is the later side."""
    first = parse_reference(a)
    if b is None:
        before = project.resolver.resolve(a if first.revision else f"{first.name}@HEAD")
        after = project.resolver.working(first.name)
    else:
        if b.startswith("@"):
            b = first.name + b
        before, after = project.resolver.resolve(a), project.resolver.resolve(b)
    if before.name != after.name and b is None:
        raise Usage("a diff needs two revisions of one prompt, or two prompts")
    return Difference(_label(a, before), _label(b or first.name, after), before, after, project.memo)


def readable(value: Any) -> str:
    """A value of a change, for people: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and set(value) <= {"input", "output", "because"} and "output" in value:
        given = value["input"]
        words = " | ".join(str(one) for one in given.values()) if isinstance(given, Mapping) else str(given)
        return f"{words} -> {value['output']}{_because(value)}"
    if isinstance(value, Mapping) and set(value) <= {"text", "because"} and "text" in value:
        return f"{value['text']}{_because(value)}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _because(value: Mapping[str, Any]) -> str:
    ids = value.get("because") or ()
    return f"  (because of {len(ids)} event{'s' if len(ids) > 1 else ''})" if ids else ""


def _runs(project: Project) -> dict[str, dict[str, int | None]]:
    """Prompt -> environment -> version, as main has it."""
    commit = project.main_commit
    found = deployments(project.tree(commit, DEPLOYMENTS)) if commit else []
    versions = project.resolver.contents.versions(one.digest for one in found)
    runs: dict[str, dict[str, int | None]] = {}
    for one in found:
        runs.setdefault(one.name, {})[one.environment] = versions[one.digest]
    return runs


def _load(version: Version, memo: Memo) -> Prompt:
    return load_prompt(version.data, file=_file(version), memo=memo)


def _file(version: Version) -> str:
    return version.path if version.commit is None else f"{version.commit[:12]}:{version.path}"


def _label(given: str, version: Version) -> str:
    place = given if "@" in given or version.commit is None else f"{version.name}@{version.commit[:10]}"
    return f"{place} (v{version.version})"
