"""Phrases of one to three words as candidates: each is counted only if its parts are frequent (Agrawal 1994, Apriori).

Words are compared in lower case and without apostrophes; of scripts that put no spaces between words each character
is one. A phrase never reaches across the end of a line or a sentence's mark: those are words that nothing contains.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import add

from promptvc.analysis.patterns.block import Block, Candidate, rows_of

MOST_CHARACTERS = 2_000
"""Of a text; the rest is not looked at."""

LONGEST = 3
_EMPTY: array[int] = array("Q")
_BREAK = "."
_ASCII = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)} | {
    ord("'"): "",
    **{ord(mark): f" {_BREAK} " for mark in ".!?;:\n()"},
}
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+|[.!?;:\n()\u3002]")
_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019\u02bc")
_MARKS = frozenset(".!?;:\n()\u3002")


def words(text: str) -> list[str]:
    """The words of a text, with a full stop where a phrase ends."""
    text = text[:MOST_CHARACTERS]
    if text.isascii():
        return text.translate(_ASCII).split()
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    return [_BREAK if word in _MARKS else word for word in _WORD.findall(plain)]


def phrases(texts: Iterable[str | None], where: str, support: int) -> Block:
    """The phrases that at least ``support`` of the events have in this text.

    Candidate 0 stands for the end of a phrase; no event has it.
    """
    numbers, of = rows_of(texts)
    weights = Counter(of)
    sizes = [weights[row] for row in range(len(numbers))]
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    end = vocabulary[_BREAK]
    rows = [array("I", map(vocabulary.__getitem__, words(text))) for text in numbers]
    often = [one for one in _frequent(rows, sizes, support) if one != end]
    candidates = [Candidate("phrase", where, "")]
    renamed = [0] * len(vocabulary)
    spelt = list(vocabulary)
    for word in sorted(often):
        renamed[word] = len(candidates)
        candidates.append(Candidate("phrase", where, spelt[word]))
    # From here on a word is its candidate, and 0 is a word that is rare.
    rows = [array("I", map(renamed.__getitem__, row)) for row in rows]
    levels = [rows]
    for length in range(1, LONGEST):
        scale = len(candidates)
        pairs = _pairs(levels[-1], rows, length, scale)
        often = [one for one in _frequent(pairs, sizes, support) if one >= scale and one % scale]
        if not often:
            break
        levels.append(_added(pairs, often, candidates))
    having = []
    for parts in zip(*levels, strict=True):
        mine = set(chain.from_iterable(parts))
        mine.discard(0)
        having.append(array("I", mine))
    return Block(candidates, having, of)


def _pairs(
    chains: Sequence[array[int]], rows: Sequence[array[int]], length: int, scale: int
) -> list[array[int]]:
    """By row and position, a phrase of ``length`` words and the word after it as one number.

    That is below ``scale`` where the phrase is rare, and a multiple of it where the word is.
    """
    scaled = range(0, scale * scale, scale).__getitem__
    return [
        array("Q", map(add, map(scaled, starts), row[length:])) if any(starts) else _EMPTY
        for starts, row in zip(chains, rows, strict=True)
    ]


def _added(
    pairs: Sequence[array[int]], often: Iterable[int], candidates: list[Candidate]
) -> list[array[int]]:
    """``pairs`` by the numbers of their candidates, which are added; 0 where one is rare."""
    scale, numbers = len(candidates), dict[int, int]()
    for pair in sorted(often):
        first, last = divmod(pair, scale)
        text = f"{candidates[first].text} {candidates[last].text}"
        numbers[pair] = len(candidates)
        candidates.append(Candidate("phrase", candidates[0].where, text))
    return [array("I", map(numbers.get, row, repeat(0))) for row in pairs]


def _frequent(rows: Sequence[Iterable[int]], sizes: Sequence[int], support: int) -> list[int]:
    """What at least ``support`` events have; each row stands for ``sizes`` of them."""
    single = (set(row) for row, size in zip(rows, sizes, strict=True) if size == 1)
    counts = Counter(chain.from_iterable(single))
    for row, size in zip(rows, sizes, strict=True):
        if size > 1:
            for one in set(row):
                counts[one] += size
    return [one for one, count in counts.items() if count >= support]
