"""Three-way merge of lines, as ``diff3`` does it: what only one side changed is taken, the rest is a clash.

Changes of both sides that touch, with no common line between them, are a clash too, as in git. The method is that of
S. Khanna, K. Kunal and B. C. Pierce, "A Formal Investigation of Diff3" (FSTTCS 2007).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LINES = 5_000
"""Differing lines a side above which a text is not merged by lines: comparing is quadratic."""

Lines = tuple[str, ...]
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines of the result. In a clash ``lines`` are ours; ``base`` and ``theirs`` stand against them."""

    lines: Lines
    clash: bool = False
    base: Lines = ()
    theirs: Lines = ()


def merge_lines(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> tuple[Stretch, ...]:
    """The merged lines, in stretches. Lines are compared as they are, their ends included."""
    to_ours, to_theirs = _matches(base, ours), _matches(base, theirs)
    if to_ours is None or to_theirs is None:
        return (Stretch(tuple(ours), clash=True, base=tuple(base), theirs=tuple(theirs)),)
    found: list[Stretch] = []
    i = j = k = 0
    for at in range(len(base) + 1):
        # A line that both sides kept ends what differs before it; so does the end.
        whole = at == len(base)
        if not whole and (at not in to_ours or at not in to_theirs):
            continue
        j2, k2 = (len(ours), len(theirs)) if whole else (to_ours[at], to_theirs[at])
        if (at, j2, k2) != (i, j, k):
            found.append(_stretch(tuple(base[i:at]), tuple(ours[j:j2]), tuple(theirs[k:k2])))
        if not whole:
            found.append(Stretch((base[at],)))
        i, j, k = at + 1, j2 + 1, k2 + 1
    return tuple(found)


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends; only a line feed ends one."""
    return _LINE.findall(text)


def clean(stretches: Sequence[Stretch]) -> bool:
    """Whether there is no clash."""
    return not any(one.clash for one in stretches)


def _stretch(base: Lines, ours: Lines, theirs: Lines) -> Stretch:
    if ours in {theirs, base}:
        return Stretch(theirs)
    if theirs == base:
        return Stretch(ours)
    return Stretch(ours, clash=True, base=base, theirs=theirs)


def _matches(base: Sequence[str], side: Sequence[str]) -> dict[int, int] | None:
    """Index in the base -> index in the side, increasing, of lines that are the same; None: too much differs."""
    start = 0
    while start < min(len(base), len(side)) and base[start] == side[start]:
        start += 1
    end = 0
    while end < min(len(base), len(side)) - start and base[-1 - end] == side[-1 - end]:
        end += 1
    inner = base[start : len(base) - end], side[start : len(side) - end]
    if max(map(len, inner)) > MOST_LINES:
        return None
    found = {i: i for i in range(start)}
    for i, j, size in difflib.SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks():
        found |= {start + i + n: start + j + n for n in range(size)}
    return found | {len(base) - n: len(side) - n for n in range(end, 0, -1)}
