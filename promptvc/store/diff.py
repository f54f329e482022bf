"""What changed between two versions of a prompt: by items for people, by words inside a text, by lines for tools."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.prompts.model import Prompt
from promptvc.store.matching import Identity, exact, match
from promptvc.store.nested import Kind, Steps, nested

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_TOKENS = 4_000
"""Words a side above which a text is compared by lines, lines above which it is taken as a whole: comparing is
quadratic."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``path`` is ``rules[3]``, ``messages[0].content``, ``parameters.temperature``, ...

    Indices are those of the new version, of the old one where the item was removed. ``before`` and ``after``
    are plain values, None on the side that has nothing.
    """

    path: str
    kind: Kind
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        """What ``diff --json`` prints."""
        return {"path": self.path, "kind": self.kind, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of text: in both versions (``=``), only in the old (``-``) or only in the new one (``+``)."""

    op: Literal["=", "-", "+"]
    text: str


def diff_prompts(before: Prompt, after: Prompt) -> tuple[Change, ...]:
    """What changed from one prompt to another; keys that promptvc does not know are left to the text diff."""
    return diff_values(_whole(before), _whole(after))


def diff_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What changed between two prompts, given as plain values, in the order of the new one.

    Rules, examples, messages and tags are matched as items, so that one inserted item is one change.
    """
    keys = [*after, *(key for key in before if key not in after)]
    found: list[Change] = []
    for key in keys:
        if key not in before:
            found.append(Change(key, "added", None, after[key]))
        elif key not in after:
            found.append(Change(key, "removed", before[key], None))
        elif exact(before[key]) != exact(after[key]):
            found.extend(_section(key, before[key], after[key]))
    return tuple(found)


def _whole(prompt: Prompt) -> dict[str, Any]:
    """The prompt's values with its empty lists and mappings, so that a first item is an item added, not a list."""
    empty: dict[str, Any] = {
        "parameters": {},
        "variables": {},
        "rules": [],
        "examples": [],
        "tags": [],
        "metadata": {},
    }
    value = prompt.to_json()
    return value | {key: nothing for key, nothing in empty.items() if key not in value}


def words(before: str, after: str) -> tuple[Words, ...]:
    """Both texts as stretches. All ``=`` and ``-`` make ``before``, all ``=`` and ``+`` make ``after``."""
    one, other = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(one), len(other)) > _MOST_TOKENS:
        one, other = _LINE.findall(before), _LINE.findall(after)
    if max(len(one), len(other)) > _MOST_TOKENS:
        one, other = [before], [after]
    found: list[Words] = []
    for op, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if op == "equal":
            found.append(Words("=", "".join(one[i1:i2])))
            continue
        if i1 < i2:
            found.append(Words("-", "".join(one[i1:i2])))
        if j1 < j2:
            found.append(Words("+", "".join(other[j1:j2])))
    return tuple(found)


def unified_diff(before: bytes, after: bytes, from_name: str, to_name: str) -> str:
    """A unified diff of the files, as ``diff -u`` writes it; empty when they are equal."""
    one = _LINE.findall(before.decode("utf-8", "replace"))
    other = _LINE.findall(after.decode("utf-8", "replace"))
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(one, other, from_name, to_name)
    )


def _section(key: str, before: Any, after: Any) -> Iterator[Change]:
    if key in _ITEMS and isinstance(before, list) and isinstance(after, list):
        yield from _items(key, before, after, _ITEMS[key])
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _mapping(key, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _deep(key, before, after)
    else:
        yield Change(key, "changed", before, after)


def _items(key: str, before: list[Any], after: list[Any], identity: Identity | None) -> Iterator[Change]:
    found = match(before, after, identity)
    changes = [(i, Change(f"{key}[{i}]", "removed", before[i], None)) for i in found.removed]
    changes += [(j, Change(f"{key}[{j}]", "added", None, after[j])) for j in found.added]
    changes += [(j, Change(f"{key}[{j}]", "moved", before[i], after[j])) for i, j in found.moved]
    changes += [(j, _edited(f"{key}[{j}]", before[i], after[j])) for i, j in found.changed]
    changes.sort(key=lambda change: change[0])
    return (change for _, change in changes)


def _edited(path: str, before: Any, after: Any) -> Change:
    """An edited item; of a message whose text alone changed only the text, so that it can be shown by words."""
    if _is_message(before) and _is_message(after) and before["role"] == after["role"]:
        return Change(f"{path}.content", "changed", before["content"], after["content"])
    return Change(path, "changed", before, after)


def _mapping(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    """A mapping key by key; what is nested deeper goes to DeepDiff."""
    for key in [*after, *(key for key in before if key not in after)]:
        below = f"{path}{_step(key)}"
        if key not in before:
            yield Change(below, "added", None, after[key])
        elif key not in after:
            yield Change(below, "removed", before[key], None)
        elif exact(before[key]) != exact(after[key]):
            yield from _deep(below, before[key], after[key])


def _deep(path: str, before: Any, after: Any) -> Iterator[Change]:
    if not (isinstance(before, dict) and isinstance(after, dict)) and not (
        isinstance(before, list) and isinstance(after, list)
    ):
        yield Change(path, "changed", before, after)
        return
    found = [Change(path + _steps(steps), kind, old, new) for steps, kind, old, new in nested(before, after)]
    # DeepDiff takes some values for equal that YAML tells apart.
    yield from found or [Change(path, "changed", before, after)]


def _steps(steps: Steps) -> str:
    return "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[\w-]+", step) else f"[{step!r}]"


def _rule_identity(item: Any) -> Hashable:
    return exact(item["text"]) if isinstance(item, dict) and "text" in item else None


def _example_identity(item: Any) -> Hashable:
    return exact(item["input"]) if isinstance(item, dict) and "input" in item else None


def _no_identity(_item: Any) -> Hashable:
    return None


def _is_message(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == {"role", "content"}
        and all(isinstance(value, str) for value in item.values())
    )


_ITEMS: dict[str, Identity | None] = {
    "rules": _rule_identity,
    "examples": _example_identity,
    "messages": _no_identity,
    "tags": None,
}
