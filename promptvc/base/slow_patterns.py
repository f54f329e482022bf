"""Regular expressions that can take exponential time: found by their shape, before they are tried.

Inside a repetition without end, a part whose length may vary is suspect when what comes after it (round the
loop, too) can begin with the same character: the same text can then be cut up in exponentially many ways.
So ``(a+)+``, ``(aa?)*``, ``(\\w+\\s*)*`` and ``(\\d\\w|\\w)*`` are suspect; ``([a-z]+-)*`` and ``(.|\\n)*`` are not.
Several repetitions in a row that can match the same character cut a text up in polynomially many ways: from three on
they are named too, as ``a*a*a*b``; ``\\s*\\s*`` is quadratic, and is not looked for. What has an end counts by its
choices: ``(a{0,9}){9}`` is a loop, and twenty times ``a?`` in a row are as bad as three times ``a*``.
The check errs on the side of naming a pattern that would do no harm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

_MANY = 16  # a repetition of more than this counts as one without end
_MOST_WAYS = 10_000  # a repetition that can be gone through in more ways than this does, too
_UNENDING = 256  # so many choices a repetition without end counts as
_IN_A_ROW = (
    20.0  # bits of choices that can share one run of a character: three repetitions without end have 24
)
_CEILING = 10**9
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_CATEGORIES = {
    "DIGIT": r"\d",
    "NOT_DIGIT": r"\D",
    "SPACE": r"\s",
    "NOT_SPACE": r"\S",
    "WORD": r"\w",
    "NOT_WORD": r"\W",
}
_BRANCHES = frozenset({"BRANCH", "GROUPREF_EXISTS"})
_Characters = frozenset[str]


def slow_patterns(schema: Any) -> list[str]:
    """The patterns in a JSON Schema (``pattern``, ``patternProperties``) that may take exponential time."""
    return [pattern for pattern in _patterns(schema) if is_slow(pattern)]


def is_slow(pattern: str) -> bool:
    """Whether ``pattern`` has a shape that can take exponential time; False for one that does not compile."""
    parser = getattr(re, "_parser")  # noqa: B009 - typeshed does not list it
    try:
        tree = parser.parse(pattern)
        parsed, flags = list(tree), tree.state.flags | _flags_in(list(tree))
        sample = (
            frozenset(map(chr, range(128))) | frozenset("\x85\xa0éΩ字\u2028📬") | frozenset(_named(parsed))
        )
        shape = _Shape(sample | _cases(sample) if flags & re.IGNORECASE else sample, flags)
        return shape.suspect(parsed, frozenset(), looping=False) or shape.in_a_row(parsed) >= _IN_A_ROW
    except (re.error, RecursionError, OverflowError):
        return False


def pattern_problem(pattern: str) -> str | None:
    """Why ``pattern`` is not to be searched for in anybody's text, to be read after "it"; None where it is fine."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error.msg}"
    except (RecursionError, OverflowError):
        return "is too large for a regular expression"
    if is_slow(pattern):
        return "repeats in a way that may never end"
    return "matches even an empty text" if compiled.search("") is not None else None


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


class _Shape:
    """Walks the tree of a parsed pattern; sets of characters are taken from a sample.

    A flag that any part has counts for all of it.
    """

    def __init__(self, sample: _Characters, flags: int) -> None:
        self._sample = sample
        self._flags = flags

    def suspect(self, sequence: Sequence[Any], after: _Characters, *, looping: bool) -> bool:
        """Whether the parts of ``sequence``, followed by one of ``after``, hold a suspect repetition."""
        for index, (operation, argument) in enumerate(sequence):
            name = str(operation)
            rest = sequence[index + 1 :]
            follow = self._first(rest) | (after if self._empty(rest) else frozenset())
            if looping and self._varies(name, argument) and self._first([(operation, argument)]) & follow:
                return True
            loops = name in _REPEATS and self._is_loop(argument)
            for body in _bodies(name, argument):
                inner = follow | self._first(body) if loops else follow
                if self.suspect(body, inner, looping=looping or loops):
                    return True
            if (loops or looping) and name in _BRANCHES and self._overlap(_bodies(name, argument)):
                return True
        return False

    def _is_loop(self, argument: Any) -> bool:
        """Whether a repetition comes back without end, or so often that its ways are too many to be tried."""
        most = int(argument[1])
        return most > _MANY or (most > 1 and _ways(list(argument[2])) ** most > _MOST_WAYS)

    def in_a_row(self, sequence: Sequence[Any]) -> float:
        """The choices of all repetitions and alternatives that can share a run of one character, at most; in bits."""
        most, counts = 0.0, dict.fromkeys(self._sample, 0.0)
        for operation, argument in _flat(sequence):
            name, part = str(operation), [(operation, argument)]
            first = self._first(part)
            if not self._empty(part):
                counts = {each: count if each in first else 0 for each, count in counts.items()}
            if (bits := self._bits(name, argument)) > 0:
                counts |= {each: counts[each] + bits for each in first if each in counts}
            most = max(most, *counts.values(), *map(self.in_a_row, _bodies(name, argument)))
        return most

    def _bits(self, name: str, argument: Any) -> float:
        if name in _REPEATS and name != "POSSESSIVE_REPEAT":
            return math.log2(_choices(argument))
        branches = _bodies(name, argument) if name in _BRANCHES else []
        return math.log2(len(branches)) if branches and self._ambiguous(branches) else 0.0

    def _ambiguous(self, branches: Sequence[Any]) -> bool:
        return self._overlap(branches) or any(self._empty(list(branch)) for branch in branches)

    def _overlap(self, branches: Sequence[Any]) -> bool:
        # The parser takes out what branches begin with: `(a|a)` becomes an `a`, and nothing or nothing.
        if sum(self._empty(list(branch)) for branch in branches) > 1:
            return True
        seen: _Characters = frozenset()
        for branch in branches:
            first = self._first(list(branch))
            if first & seen:
                return True
            seen |= first
        return False

    def _varies(self, name: str, argument: Any) -> bool:
        if name in _REPEATS:
            return name != "POSSESSIVE_REPEAT" and int(argument[0]) != int(argument[1])
        return name in _BRANCHES and any(map(self._empty, _bodies(name, argument)))

    def _empty(self, sequence: Sequence[Any]) -> bool:
        for operation, argument in sequence:
            name = str(operation)
            if name in _REPEATS and int(argument[0]) == 0:
                continue
            bodies = _bodies(name, argument)
            if name in {"AT", "ASSERT", "ASSERT_NOT"} or any(self._empty(body) for body in bodies):
                continue
            return False
        return True

    def _first(self, sequence: Sequence[Any]) -> _Characters:
        found: _Characters = frozenset()
        for operation, argument in sequence:
            name = str(operation)
            if name not in {"ASSERT", "ASSERT_NOT"}:
                found |= self._characters(name, argument)
                for body in _bodies(name, argument):
                    found |= self._first(body)
            if not self._empty([(operation, argument)]):
                break
        return found

    def _characters(self, name: str, argument: Any) -> _Characters:
        found = self._plainly(name, argument)
        return found | (_cases(found) & self._sample) if self._flags & re.IGNORECASE else found

    def _plainly(self, name: str, argument: Any) -> _Characters:
        if name == "LITERAL":
            return frozenset(chr(argument))
        if name == "NOT_LITERAL":
            return self._sample - {chr(argument)}
        if name == "ANY":
            return self._sample if self._flags & re.DOTALL else self._sample - {"\n"}
        if name == "CATEGORY":
            pattern = _CATEGORIES.get(str(argument).removeprefix("CATEGORY_"), ".")
            kinds = (re.NOFLAG, re.ASCII) if self._flags & re.ASCII else (re.NOFLAG,)
            return frozenset(
                each for each in self._sample if any(re.match(pattern, each, kind) for kind in kinds)
            )
        if name == "RANGE":
            low, high = argument
            return frozenset(each for each in self._sample if low <= ord(each) <= high)
        if name == "IN":
            negated = str(argument[0][0]) == "NEGATE"
            inner = argument[1:] if negated else argument
            found = frozenset[str]().union(*(self._plainly(str(each), value) for each, value in inner))
            return self._sample - found if negated else found
        return self._sample if name == "GROUPREF" else frozenset()


def _choices(argument: Any) -> int:
    """How many lengths a repetition has to choose from."""
    least, most = int(argument[0]), int(argument[1])
    return min(_UNENDING, most - least + 1) if most <= _MANY * _MANY else _UNENDING


def _ways(sequence: Sequence[Any]) -> int:
    """In how many ways a sequence can be gone through, at most and about."""
    found = 1
    for operation, argument in sequence:
        name = str(operation)
        bodies = [_ways(body) for body in _bodies(name, argument)]
        if name in _REPEATS:
            ways = _choices(argument) * bodies[0] ** min(int(argument[1]), _MANY + 1)
        else:
            ways = max(1, sum(bodies)) if name in _BRANCHES else max([1, *bodies])
        found = min(_CEILING, found * ways)
    return found


def _cases(characters: _Characters) -> _Characters:
    """The other cases of ``characters``."""
    return frozenset(
        other
        for each in characters
        for other in (each.lower(), each.upper(), each.swapcase())
        if len(other) == 1
    )


def _named(sequence: Sequence[Any]) -> Iterator[str]:
    """The characters that a pattern names, and the ends of its ranges; none is too rare to matter."""
    for operation, argument in sequence:
        name = str(operation)
        if name in {"LITERAL", "NOT_LITERAL"}:
            yield chr(argument)
        elif name == "RANGE":
            yield from map(chr, argument)
        elif name == "IN":
            yield from _named(argument)
        for body in _bodies(name, argument):
            yield from _named(body)


def _flags_in(sequence: Sequence[Any]) -> int:
    """The flags that groups turn on for themselves."""
    found = 0
    for operation, argument in sequence:
        name = str(operation)
        found |= int(argument[1]) if name == "SUBPATTERN" else 0
        for body in _bodies(name, argument):
            found |= _flags_in(body)
    return found


def _flat(sequence: Sequence[Any]) -> Iterator[Any]:
    """The parts of a sequence, groups opened."""
    for operation, argument in sequence:
        if str(operation) == "SUBPATTERN":
            yield from _flat(list(argument[3]))
        else:
            yield operation, argument


def _bodies(name: str, argument: Any) -> list[list[Any]]:
    """The sequences inside a part of the tree."""
    if name in _REPEATS:
        return [list(argument[2])]
    if name == "SUBPATTERN":
        return [list(argument[3])]
    if name == "BRANCH":
        return [list(branch) for branch in argument[1]]
    if name == "GROUPREF_EXISTS":
        return [list(argument[1]), list(argument[2] or ())]
    if name in {"ASSERT", "ASSERT_NOT"}:
        return [list(argument[1])]
    return [list(argument)] if name == "ATOMIC_GROUP" else []
