"""Regular expressions that can take exponential time: found by their shape, before they are tried.

A repetition is suspect when what it repeats is, apart from things that may be empty, a single further
repetition: ``(a+)+``, ``(a*b?)*``, ``(\\w+\\s*)*``. The same text can then be cut up in exponentially many
ways. Alternatives inside a repetition are suspect when two of them can begin with the same character:
``(a|a)*``, ``(a|ab)*``. The check is conservative: it may name a pattern that would do no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MANY = 16  # a repetition of more than this counts as unbounded


def slow_patterns(schema: Any) -> list[str]:
    """The patterns in a JSON Schema (``pattern``, ``patternProperties``) that may take exponential time."""
    return [pattern for pattern in _patterns(schema) if is_slow(pattern)]


def is_slow(pattern: str) -> bool:
    """Whether ``pattern`` has a shape that can take exponential time; False for one that does not compile."""
    parser = getattr(re, "_parser")  # noqa: B009 - typeshed does not list it
    try:
        return _suspect(parser.parse(pattern))
    except (re.error, RecursionError, OverflowError):
        return False


def _patterns(schema: Any) -> Iterator[str]:
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str):
                yield part["pattern"]
            if isinstance(part.get("patternProperties"), dict):
                yield from part["patternProperties"]
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _suspect(tree: Any) -> bool:
    for operation, argument in tree:
        name = str(operation)
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            _, most, body = argument
            if int(most) > _MANY and (_repeats_a_repetition(body) or _alternatives_overlap(body)):
                return True
        if any(_suspect(inner) for inner in _inner(name, argument)):
            return True
    return False


def _inner(name: str, argument: Any) -> list[Any]:
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return [argument[2]]
    if name == "SUBPATTERN":
        return [argument[3]]
    if name == "BRANCH":
        return list(argument[1])
    if name in {"ASSERT", "ASSERT_NOT"}:
        return [argument[1]]
    if name == "ATOMIC_GROUP":
        return [argument]
    return []


def _repeats_a_repetition(body: Any) -> bool:
    items = list(_flattened(body))
    for position, (name, argument) in enumerate(items):
        if name == "BRANCH" and any(_repeats_a_repetition(branch) for branch in argument[1]):
            return True
        if name in {"MAX_REPEAT", "MIN_REPEAT"} and int(argument[1]) > _MANY:
            others = items[:position] + items[position + 1 :]
            if all(_may_be_empty(*other) for other in others):
                return True
    return False


def _alternatives_overlap(body: Any) -> bool:
    for name, argument in _flattened(body):
        if name == "BRANCH":
            starts = [next(iter(_flattened(branch)), None) for branch in argument[1]]
            literal = [str(start) for start in starts if start is not None]
            if len(set(literal)) < len(literal):
                return True
            wide = [start for start in starts if start is not None and start[0] in {"IN", "ANY"}]
            if wide and len(starts) > 1:
                return True
    return False


def _flattened(tree: Any) -> Iterator[tuple[str, Any]]:
    for operation, argument in tree:
        name = str(operation)
        if name == "SUBPATTERN":
            yield from _flattened(argument[3])
        else:
            yield name, argument


def _may_be_empty(name: str, argument: Any) -> bool:
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return int(argument[0]) == 0
    return name in {"AT", "ASSERT", "ASSERT_NOT"}
