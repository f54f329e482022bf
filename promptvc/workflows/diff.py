"""`diff`: what differs between two versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from promptvc.base.errors import NotFound, Usage
from promptvc.base.memo import Memo
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import is_foreign
from promptvc.store.diff import Change, diff_prompts, unified_diff
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


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


def diff(project: Project, a: str, b: str | None = None) -> Difference:
    """What differs between ``a`` and ``b``; without ``b`` the working tree's file is the later side."""
    if a.startswith("@"):
        raise Usage(f"{a} names no prompt", hint=f"name it once: promptvc diff NAME{a} {b or ''}".rstrip())
    first = parse_reference(a)
    if b is None:
        after = project.resolver.working(first.name)
        before = project.resolver.resolve(a) if first.revision else _committed(project, first.name)
    else:
        if b.startswith("@"):
            b = first.name + b
        before, after = project.resolver.resolve(a), project.resolver.resolve(b)
    if before.name != after.name and b is None:
        raise Usage("a diff needs two revisions of one prompt, or two prompts")
    return Difference(_label(a, before), _label(b or first.name, after), before, after, project.memo)


def _committed(project: Project, name: str) -> Version:
    head = project.resolver.head
    found = project.resolver.at(name, head) if head is not None else None
    if found is None:
        raise NotFound(f"{name} is not committed yet", hint=f"promptvc commit {name} -m TEXT does it")
    return found


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
    more = f" +{len(ids) - 1}" if len(ids) > 1 else ""
    return f"  [{ids[0]}{more}]" if ids else ""


def _load(version: Version, memo: Memo) -> Prompt:
    # A file of GitHub's format says neither name nor version: both are of its path and its history.
    name = version.name if is_foreign(version.path) else None
    return load_prompt(version.data, file=version.source, name=name, memo=memo, version=version.version)


def _label(given: str, version: Version) -> str:
    place = given if "@" in given or version.commit is None else f"{version.name}@{version.commit[:10]}"
    return f"{place} (v{version.version})"
