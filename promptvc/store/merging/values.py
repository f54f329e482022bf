"""Three-way merge of a prompt's document as plain values: what it says, not how it is written."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any

from promptvc.base.nodes import Path
from promptvc.store.matching import exact
from promptvc.store.merging.conflict import ABSENT, Conflict, Outcome
from promptvc.store.merging.lines import lines_of, merge_lines
from promptvc.store.merging.sequences import Kind, merge_items, merge_set, merged, woven

_SETS = {("tags",), ("rules", "because"), ("examples", "because")}
_LANGUAGE = "template"
_READ = (_LANGUAGE, "messages")
_UNIT = frozenset({"input", "output"})
"""An example's input and output belong together: the output of one side for the input of the other was never right."""


def merge_documents(base: Any, ours: dict[str, Any], theirs: dict[str, Any]) -> Outcome:
    """Two prompts' documents brought together; ``base`` is what both began from, or ABSENT.

    The keys are in our order, those that only they have behind the ones that they follow there.
    """
    found = _merge(base, ours, theirs, ())
    return _read_otherwise(found, base, ours, theirs) if isinstance(found.value, dict) else found


def _read_otherwise(found: Outcome, base: Any, ours: dict[str, Any], theirs: dict[str, Any]) -> Outcome:
    """A conflict where the messages of one side would be read in the template language of the other."""
    sides = [side if isinstance(side, dict) else {} for side in (base, ours, theirs)]
    language = [side.get(_LANGUAGE, ABSENT) for side in sides]
    messages = [side.get("messages", ABSENT) for side in sides]
    if _is_plain(language[1]) == _is_plain(language[2]) or exact(messages[1]) == exact(messages[2]):
        return found
    changed = _is_plain(language[1]) != _is_plain(language[0])  # whether it was us
    if isinstance(base, dict) and exact(messages[2 if changed else 1]) == exact(messages[0]):
        return found
    reason = "one side changed the template language, the other the messages that are read in it"
    order = woven(list(ours), list(found.value))
    value = {
        key: (ours if key in _READ else found.value)[key]
        for key in order
        if key in (ours if key in _READ else found.value)
    }
    rest = [one for one in found.conflicts if one.path[:1] not in {(key,) for key in _READ}]
    told = [Conflict((_LANGUAGE,), reason, *language), Conflict(("messages",), reason, *messages)]
    return Outcome(value, (*rest, *told))


def _is_plain(language: Any) -> bool:
    """Whether a template is read in the language that needs no word."""
    return language in (ABSENT, None, "simple")


def _merge(base: Any, ours: Any, theirs: Any, path: Path) -> Outcome:
    """What both sides changed, differently."""
    lists = all(map(_may_be_list, (base, ours, theirs)))
    kind = _KINDS.get(path[0]) if len(path) == 1 and isinstance(path[0], str) else None
    if lists and kind is not None:
        found = merge_items(_items(base), _items(ours), _items(theirs), kind)
        if kind.placed and not found.value:
            reason = "each side removed what the other kept: nothing would be left"
            return Outcome(ours, (Conflict((), reason, base, ours, theirs),))
        return _or_absent(found, ours, theirs)
    if lists and tuple(step for step in path if isinstance(step, str)) in _SETS:
        return _or_absent(Outcome(merge_set(_items(base), _items(ours), _items(theirs))), ours, theirs)
    if (
        isinstance(ours, dict)
        and isinstance(theirs, dict)
        and (isinstance(base, dict) or base in (ABSENT, None))
    ):
        found = _merge_mapping(base if isinstance(base, dict) else {}, ours, theirs, path)
        return (
            _coherent(found, base, ours, theirs) if path[:1] == ("variables",) and len(path) == 2 else found
        )
    if path == ("messages", 0, "content") and all(isinstance(side, str) for side in (base, ours, theirs)):
        return _merge_text(base, ours, theirs)
    return _undecided(base, ours, theirs)


def _merge_mapping(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], path: Path) -> Outcome:
    value: dict[str, Any] = {}
    conflicts: list[Conflict] = []
    for key in woven(list(ours), list(theirs)):
        below: Path = (*path, key)
        b, o, t = (side.get(key, ABSENT) for side in (base, ours, theirs))
        found = merged(b, o, t, partial(_merge, path=below))
        conflicts += [one.below((key,)) for one in found.conflicts]
        if found.value is not ABSENT:
            value[key] = found.value
    return Outcome(value, tuple(conflicts))


def _coherent(found: Outcome, base: Any, ours: dict[str, Any], theirs: dict[str, Any]) -> Outcome:
    """One variable: a side made it optional, the other took its default away."""
    value = found.value
    if value.get("required") is False and value.get("default") is None:
        return Outcome(
            ours, (Conflict((), "together it would be optional without a default", base, ours, theirs),)
        )
    return found


def _merge_rule(base: Any, ours: Any, theirs: Any) -> Outcome:
    """A rule: key by key; what it cites as a set."""
    if not _are_items(base, ours, theirs):
        return _undecided(base, ours, theirs)
    return _merge(base, ours, theirs, ("rules", 0))


def _merge_example(base: Any, ours: Any, theirs: Any) -> Outcome:
    """An example: input and output as one, the rest key by key."""
    if not _are_items(base, ours, theirs):
        return _undecided(base, ours, theirs)
    b, o, t = (_some(side, of_unit=True) for side in (base, ours, theirs))
    together = merged(ABSENT if base is ABSENT else b, o, t, _undecided)
    if together.conflicts:
        return Outcome(ours, together.conflicts)
    b, o, t = (_some(side, of_unit=False) for side in (base, ours, theirs))
    found = _merge_mapping(b, o, t, ("examples", 0))
    value = together.value | found.value
    order = woven(list(ours), list(theirs))
    return Outcome({key: value[key] for key in order if key in value}, found.conflicts)


def _some(example: Any, *, of_unit: bool) -> dict[str, Any]:
    if example is ABSENT:
        return {}
    return {key: value for key, value in example.items() if (key in _UNIT) == of_unit}


def _merge_message(base: Any, ours: Any, theirs: Any) -> Outcome:
    """A message: key by key; its text by lines."""
    if base is ABSENT or not _are_items(base, ours, theirs):
        return _undecided(base, ours, theirs)
    return _merge(base, ours, theirs, ("messages", 0))


def _merge_text(base: str, ours: str, theirs: str) -> Outcome:
    stretches = merge_lines(*map(lines_of, (base, ours, theirs)))
    text = "".join("".join(one.lines) for one in stretches)
    conflicts = tuple(
        Conflict(
            (),
            "both sides changed these lines",
            *("".join(side) or ABSENT for side in (one.base, one.lines, one.theirs)),
        )
        for one in stretches
        if one.clash
    )
    return Outcome(text, conflicts)


def _are_items(base: Any, *sides: Any) -> bool:
    return all(isinstance(side, dict) for side in sides) and (base is ABSENT or isinstance(base, dict))


def _undecided(base: Any, ours: Any, theirs: Any) -> Outcome:
    return Outcome(ours, (Conflict((), _reason(base, ours, theirs), base, ours, theirs),))


def _reason(base: Any, ours: Any, theirs: Any) -> str:
    if ours is ABSENT or theirs is ABSENT:
        side, other = ("we", "they") if theirs is ABSENT else ("they", "we")
        return f"{side} changed what {other} removed"
    return "both sides added it, differently" if base is ABSENT else "both sides changed it"


def _or_absent(found: Outcome, ours: Any, theirs: Any) -> Outcome:
    """A list that is empty goes with its key, where a side took the key away."""
    return Outcome(ABSENT, found.conflicts) if not found.value and ABSENT in (ours, theirs) else found


def _may_be_list(value: Any) -> bool:
    """A list, or nothing, which means the same as an empty one."""
    return isinstance(value, list) or value is None or value is ABSENT


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _rule_identity(item: Any) -> Hashable:
    return exact(item["text"]) if isinstance(item, dict) and "text" in item else None


def _example_identity(item: Any) -> Hashable:
    return exact(item["input"]) if isinstance(item, dict) and "input" in item else None


def _no_identity(_item: Any) -> Hashable:
    return None


_KINDS = {
    "rules": Kind(_rule_identity, _merge_rule),
    "examples": Kind(_example_identity, _merge_example),
    "messages": Kind(_no_identity, _merge_message, placed=True),
}
