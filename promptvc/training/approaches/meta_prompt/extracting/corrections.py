"""What people change in answers again and again: an opening they take out, a word they replace, the case, the length.

A change is a rule when at least :data:`FEWEST` corrections of at least :data:`PEOPLE` people make it, and at least
:data:`SHARE` of the corrections that could have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from promptvc.training.approaches.meta_prompt.extracting.finding import Finding, voice_of
from promptvc.training.approaches.screening import screened
from promptvc.training.data.signals import Signal

FEWEST = 3
PEOPLE = 2
SHARE = 0.6

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_LONGEST_PART = 80
_SHORTER, _LONGER = 0.67, 1.5

Change = Callable[[str, str], "bool | None"]
"""From an output and its correction: whether it was made; None where it could not be."""


def corrected_ways(signals: Sequence[Signal]) -> list[Finding]:
    """The changes that corrections have in common, as rules."""
    pairs = [
        (signal, signal.output.strip(), signal.corrected.strip())
        for signal in signals
        if signal.output and signal.corrected and signal.output.strip() != signal.corrected.strip()
    ]
    long = [pair for pair in pairs if len(pair[2].split()) >= 4]
    found = [_common(text, pairs, change) for text, change in _SHAPES]
    found += [_common(text, long, change) for text, change in _changes(long)]
    found.append(_length(long))
    return [finding for finding in found if finding is not None]


Pair = tuple[Signal, str, str]


def _common(text: str, pairs: Sequence[Pair], change: Change) -> Finding | None:
    could = [(signal, made) for signal, output, right in pairs if (made := change(output, right)) is not None]
    did = tuple(signal for signal, made in could if made)
    voices = len({voice_of(signal, signal.corrected or "") for signal in did})
    if len(did) < FEWEST or voices < PEOPLE or len(did) < SHARE * len(could):
        return None
    return Finding(text, did, voices, "correct")


def _when(could: object, did: object) -> bool | None:
    return bool(did) if could else None


_SHAPES: tuple[tuple[str, Change], ...] = (
    ("Write the answer in lower case.", lambda a, b: _when(a != a.lower(), b == a.lower())),
    ("Write the answer in capitals.", lambda a, b: _when(a != a.upper(), b == a.upper())),
    ("End the answer without a full stop.", lambda a, b: _when(a.endswith("."), b == a.rstrip(". "))),
    ("Write the answer without quotation marks.", lambda a, b: _when(
        a[:1] in "\"'" and a[-1:] in "\"'", b == a.strip("\"'"))),
    ("End the answer with a question.", lambda a, b: _when(
        not a.endswith("?"), len(b.split()) > 3 and b.endswith("?"))),
    ("Write no exclamation marks.", lambda a, b: _when("!" in a, "!" not in b)),
    ("Write the answer as a list with a dash before each point.", lambda a, b: _when(
        not _listed(a), _listed(b))),
)  # fmt: skip


def _listed(text: str) -> bool:
    return len(re.findall(r"(?m)^\s*[-*\u2022] ", text)) >= 2


def _changes(pairs: Sequence[Pair]) -> Iterator[tuple[str, Change]]:
    """The parts and words that some pair takes out, adds or replaces: each might be what they have in common."""
    for part in _frequent(_openings(output) - _openings(right) for _, output, right in pairs):
        yield f'Do not begin with "{part}".', partial(_gone, _begins, part)
    for part in _frequent(_openings(right) - _openings(output) for _, output, right in pairs):
        yield f'Begin with "{part}".', partial(_come, _begins, part)
    for part in _frequent(_endings(output) - _endings(right) for _, output, right in pairs):
        yield f'Do not end with "{part}"', partial(_gone, str.endswith, part)
    for part in _frequent(_endings(right) - _endings(output) for _, output, right in pairs):
        yield f'End with "{part}"', partial(_come, str.endswith, part)
    replaced = [_replaced(output, right) for _, output, right in pairs]
    for old, new in sorted({swap for swaps in replaced for swap in swaps}):
        if sum((old, new) in swaps for swaps in replaced) >= FEWEST:
            yield f'Write "{new}", not "{old}".', partial(_swapped, old, new)


def _gone(has: Callable[[str, str], bool], part: str, before: str, after: str) -> bool | None:
    return _when(has(before, part), not has(after, part))


def _come(has: Callable[[str, str], bool], part: str, before: str, after: str) -> bool | None:
    return _when(not has(before, part), has(after, part))


def _swapped(old: str, new: str, before: str, after: str) -> bool | None:
    return _when(old in _WORD.findall(before), (old, new) in _replaced(before, after))


def _frequent(sets: Iterator[set[str]]) -> list[str]:
    """What occurs in enough of the sets; of two that one contains, the longer where it is as frequent."""
    counts: dict[str, int] = {}
    for found in sets:
        for part in found:
            counts[part] = counts.get(part, 0) + 1
    kept = sorted(part for part, count in counts.items() if count >= FEWEST and screened(part) == part)
    return [
        part
        for part in kept
        if not any(part != other and part in other and counts[other] == counts[part] for other in kept)
    ]


def _openings(text: str) -> set[str]:
    """The first one to three words, and the first sentence."""
    words = text.split()
    starts = {" ".join(words[:count]).rstrip(",.!:") for count in (1, 2, 3) if count < len(words)}
    first = _SENTENCE.split(text)[0].strip().rstrip(",.!:")
    return {part for part in starts | {first} if 2 <= len(part) <= _LONGEST_PART and '"' not in part}


def _begins(text: str, part: str) -> bool:
    return text.startswith(part) and not text[len(part) : len(part) + 1].isalnum()


def _endings(text: str) -> set[str]:
    """The last sentence."""
    parts = [part for part in _SENTENCE.split(text) if part.strip()]
    last = parts[-1].strip() if len(parts) > 1 else ""
    return {last} if 2 <= len(last) <= _LONGEST_PART and '"' not in last else set()


def _replaced(output: str, right: str) -> set[tuple[str, str]]:
    """The one word that was put in another's place; empty where more was changed."""
    old, new = _WORD.findall(output), _WORD.findall(right)
    if len(old) != len(new):
        return set()
    swaps = {(a, b) for a, b in zip(old, new, strict=True) if a != b}
    return swaps if len(swaps) == 1 and all(a.casefold() != b.casefold() for a, b in swaps) else set()


def _length(pairs: Sequence[Pair]) -> Finding | None:
    words = [(signal, len(output.split()), len(right.split())) for signal, output, right in pairs]
    number = _tens(median(right for *_, right in words)) if words else 0
    shorter = _common(
        f"Keep the answer short: about {number} words.",
        pairs,
        lambda a, b: _when(len(a.split()) >= 12, len(b.split()) <= _SHORTER * len(a.split())),
    )
    longer = _common(
        f"Answer at more length: about {number} words.",
        pairs,
        lambda a, b: _when(b, len(b.split()) >= max(12, _LONGER * len(a.split()))),
    )
    return shorter or longer


def _tens(count: float) -> int:
    return max(10, 10 * round(count / 10))
