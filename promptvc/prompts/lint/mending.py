"""What `check --fix` changes: only what leaves every rendered message as it is, but for what was said twice.

Edits are surgical (:mod:`promptvc.prompts.edit`); what cannot be changed without touching something else stays and
stays a finding. The first of two rules or examples that are equal character for character is kept, with the events of
both. The number stays too: `promptvc commit` gives the mended text its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError
from promptvc.base.findings import Problem
from promptvc.prompts.edit import AddItem, Edit, RemoveItem, edit
from promptvc.prompts.lint.raw import BYTE_ORDER_MARK
from promptvc.prompts.lint.repeats import example_key, rule_key
from promptvc.prompts.model import Example, Rule, read_prompt

FIXED_RULES = ("byte-order-mark", "line-ends", "duplicate-rule", "duplicate-example")
_Item = Rule | Example


@dataclass(frozen=True, slots=True)
class Mended:
    """A file's new content, and the findings that are gone with it."""

    data: bytes
    fixed: tuple[Problem, ...]


def mended(data: bytes, problems: Sequence[Problem], *, file: str) -> Mended:
    """``data`` without those of ``problems``, findings of this prompt, that can be mended.

    Raises:
        InvalidDocument: it is no prompt.
    """
    fixed: list[Problem] = []
    for rule, change in _BYTES.items():
        found = [one for one in problems if one.rule == rule and one.fixable]
        if found:
            better = change(data)
            if load_yaml(better, file=file).value == load_yaml(data, file=file).value:
                data = better
                fixed += found
    document = load_yaml(data, file=file)
    for rule in _LISTS:
        wanted = [one for one in problems if one.rule == rule and one.fixable]
        if wanted:
            data, gone = _without_repeats(data, document, rule, {one.line for one in wanted})
            fixed += [one for one in wanted if one.line in gone]
    return Mended(data, tuple(fixed))


_LISTS = {"duplicate-rule": ("rules", "text"), "duplicate-example": ("examples", "input")}
_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "byte-order-mark": lambda data: data.removeprefix(BYTE_ORDER_MARK),
    "line-ends": lambda data: data.replace(b"\r\n", b"\n"),
}


def _without_repeats(
    data: bytes, document: Document, rule: str, lines: set[int | None]
) -> tuple[bytes, set[int]]:
    """``data`` without the repeats on ``lines``, and the lines of those that went. The last goes first.

    Lines are those of ``document``, which was read before anything went.
    """
    prompt = read_prompt(document)
    items: Sequence[_Item] = prompt.rules if rule == "duplicate-rule" else prompt.examples
    key, part = _LISTS[rule]
    file = document.file
    gone: set[int] = set()
    for first, index in reversed(_repeats(items)):
        line = document.line(key, index, part)
        if line not in lines:
            continue
        try:
            data = edit(data, _removal(load_yaml(data, file=file), key, first, index), file=file)
        except InputError:
            continue  # inside an alias, say: for a person
        gone.add(line)
    return data, gone


def _repeats(items: Sequence[_Item]) -> list[tuple[int, int]]:
    first: dict[object, int] = {}
    keys = [rule_key(item.text) if isinstance(item, Rule) else example_key(item) for item in items]
    return [(first[key], at) for at, key in enumerate(keys) if first.setdefault(key, at) != at]


def _removal(document: Document, key: str, first: int, index: int) -> list[Edit]:
    value = document.value[key]
    kept = value[first].get("because") or []
    added = [event for event in dict.fromkeys(value[index].get("because") or []) if event not in kept]
    edits: list[Edit] = [AddItem((key, first, "because"), event) for event in added]
    return [*edits, RemoveItem((key,), index)]
