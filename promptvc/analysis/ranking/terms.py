"""A text as the terms that tell what it is about."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MOST_CHARACTERS = 20_000
"""A longer text is judged by its beginning."""

_GRAMMAR = """
a about after all also am an and any are as at be because been before being but by can could did do does doing done
for from had has have having he her here him his how i if in into is it its just let like may me might must my no nor
not now of off on only or other our out over please same shall she should so some such than that the their them then
there these they this those to too under up us very was we were what when where which while who whom why will with
would yes you your
"""
_FUNCTION_WORDS = frozenset(_GRAMMAR.split())
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019\u02bc")
# From here on scripts write words without spaces between them: two neighbours make a term there.
_UNSPACED = "\u2e80"

Part = tuple[float, str]
"""A text, and how much each of its words counts."""


def terms_of(text: str) -> list[str]:
    """Lower-case words without those that carry grammar only, plurals as singulars; in the order of the text."""
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).lower().translate(_APOSTROPHES)
    found: list[str] = []
    for word in _WORD.findall(plain):
        if word[0] >= _UNSPACED:
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        elif word not in _FUNCTION_WORDS:
            found.append(_singular(word))
    return found


def bag_of(parts: Iterable[Part]) -> dict[str, float]:
    """How often each term occurs, each time for the weight of its part; sorted by term."""
    counts: Counter[str] = Counter()
    for weight, text in parts:
        for term, times in Counter(terms_of(text)).items():
            counts[term] += weight * times  # type: ignore[assignment]
    return {term: float(counts[term]) for term in sorted(counts)}


def _singular(word: str) -> str:
    if len(word) < 4 or not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
