"""How much work a regular expression can make at most, so that cheap ones are tried without a process of their own.

A backtracking matcher walks a tree of attempts. Of each part of a pattern two numbers are bounded: *ways*, how often
what follows it can be entered from one place of the text, and *work*, the steps spent in the part itself. For a text
of n characters:

- a character, a class, an anchor: one way, and the work of comparing it;
- parts in a row: the product of their ways; each part's work is done once for every way through the parts before it;
- alternatives: the sums;
- ``X{a,b}``: the sum over k = a..min(b, n) of ways(X)^k, with the work of every repetition on the way there. So one
  repeated character makes n ways, two in a row n^2, and a repetition inside an endless one a power of n;
- a look-around: its work, and one way.

A search begins at every place, so n + 1 times that, unless the pattern is tied to the beginning. What is not bounded
so (back-references, conditions, atomic groups, unknown parts) is never tried here. The bound is far above what most
matches take; it only has to hold.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_STEPS = 20_000_000
"""In-process at most so many steps: some tenths of a second in the worst case, and mostly no time at all."""

LONGEST = 100_000  # characters; also the steps of the simplest pattern have to be taken
_PLAIN = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "AT", "CATEGORY"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})
_TOO_MUCH = MOST_STEPS + 1


@dataclass(frozen=True, slots=True)
class Cheap:
    """A pattern as far as it is cheap: searching it in ``longest`` characters takes at most :data:`MOST_STEPS` steps.

    ``longest`` is -1 where it is not known to be cheap in any text, or does not compile.
    """

    compiled: re.Pattern[str] | None
    longest: int


@functools.lru_cache(maxsize=4096)
def cheap(pattern: str) -> Cheap:
    """Up to which length of text ``pattern`` is cheap."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
            parts, tied = _parsed(pattern)
        low, high = -1, LONGEST
        while low < high:
            middle = (low + high + 1) // 2
            if _steps(parts, middle, tied=tied) <= MOST_STEPS:
                low = middle
            else:
                high = middle - 1
    except (re.error, RecursionError, OverflowError):
        return Cheap(None, -1)
    return Cheap(compiled, low)


def most_steps(pattern: str, size: int) -> int | None:
    """The bound for a text of ``size`` characters, of a pattern that compiles; None above :data:`MOST_STEPS`."""
    parts, tied = _parsed(pattern)
    found = _steps(parts, size, tied=tied)
    return found if found <= MOST_STEPS else None


def _parsed(pattern: str) -> tuple[list[Any], bool]:
    """The parts of a pattern, and whether it is tied to the beginning of the text."""
    parser = getattr(re, "_parser")  # noqa: B009 - typeshed does not list it
    tree = parser.parse(pattern)
    parts = list(tree)
    return parts, bool(parts) and _ties(parts[0], tree.state.flags)


def _steps(parts: Sequence[Any], size: int, *, tied: bool) -> int:
    ways, work = _row(parts, size)
    once = ways + work
    return once + size + 1 if tied else once * (size + 1)


def _ties(part: Any, flags: int) -> bool:
    name, where = str(part[0]), str(part[1])
    return name == "AT" and (
        where == "AT_BEGINNING_STRING" or (where == "AT_BEGINNING" and not flags & re.MULTILINE)
    )


def _row(parts: Sequence[Any], size: int) -> tuple[int, int]:
    """Ways through parts in a row, and their work; never above :data:`_TOO_MUCH`."""
    ways, work = 1, 0
    for operation, argument in parts:
        own_ways, own_work = _part(str(operation), argument, size)
        work = min(_TOO_MUCH, work + ways * own_work)
        ways = min(_TOO_MUCH, ways * own_ways)
    return ways, work


def _part(name: str, argument: Any, size: int) -> tuple[int, int]:
    if name in _PLAIN:
        return 1, 1
    if name == "IN":
        return 1, len(argument)
    if name == "SUBPATTERN":
        return _row(list(argument[3]), size)
    if name in {"ASSERT", "ASSERT_NOT"}:
        return 1, sum(_row(list(argument[1]), size))
    if name == "BRANCH":
        each = [_row(list(branch), size) for branch in argument[1]]
        return sum(ways for ways, _ in each), len(each) + sum(work for _, work in each)
    if name in _REPEATS:
        return _repeated(int(argument[0]), int(argument[1]), _row(list(argument[2]), size), size)
    return _TOO_MUCH, _TOO_MUCH


def _repeated(least: int, most: int, body: tuple[int, int], size: int) -> tuple[int, int]:
    ways, work = body
    most = min(most, max(least, size + 1))  # a body that matches nothing ends a repetition, too
    if ways == 1:
        return min(_TOO_MUCH, most - least + 1), min(_TOO_MUCH, (most + 1) * (work + 1))
    total_ways, total_work, reached = 0, 0, 1  # reached: in how many ways the k-th repetition begins
    for count in range(most + 1):
        if count >= least:
            total_ways += reached
        total_work += reached * (work + 1)
        reached *= ways
        if total_work > MOST_STEPS:
            return _TOO_MUCH, _TOO_MUCH
    return min(_TOO_MUCH, total_ways), total_work
