"""Texts as bags of features: word stems, pairs of neighbouring words, and four-letter pieces of words.

Pieces let a misspelt or inflected word meet its relatives; pairs keep a little order. Words that carry
grammar rather than content count little. English only where it says so: other languages still have their
words and pieces.
"""

from __future__ import annotations

import re
import unicodedata

# A longer text is judged by its beginning.
MOST_CHARACTERS = 20_000

# What a feature counts by its kind, which is its first letter.
KINDS = {"w": 1.0, "f": 0.2, "p": 0.3, "c": 0.3}

_FUNCTION_WORDS = """
a about after again all also am an and any are as at be because been before being but by can cannot cant
could did didnt do does doesnt doing done dont for from get gets getting got had has have having he hello
her here hey hi him his how i id if ill im in into is isnt it its ive just let like may me might my need
no nor not now of off ok on once only or other our out over own please same she should so some such than
thank thanks that thats the their them then there these they this those to too under until up us very want
was we were what when where which while who whom why will with without wont would yes you your yours
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019\u02bc")
_ENDINGS = ("ing", "edly", "ed", "es", "s", "ly")
# From here on scripts write words without spaces between them: two characters make a piece there.
_UNSPACED = "\u2e80"


def words_of(text: str) -> list[str]:
    """Lower-case words; `don't` is one word, `card_fraud` two."""
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).lower().translate(_APOSTROPHES)
    return _WORD.findall(plain)


def stem(word: str) -> str:
    """An English word without its usual endings: `charges`, `charged` and `charging` become `charg`."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif not word.endswith(("ss", "us", "is")):
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word = word[: -len(ending)]
                break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lse":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def features(text: str) -> dict[str, int]:
    """How often each feature occurs. Its first letter is its kind.

    ``w`` the stem of a word, ``f`` of a function word, ``p`` a pair of stems, ``c`` a piece of a word.
    """
    counts: dict[str, int] = {}
    before, before_is_function = "", True
    for word in words_of(text):
        base, is_function = stem(word), word in FUNCTION_WORDS
        found = [("f" if is_function else "w") + base]
        if before and not (is_function and before_is_function):
            found.append(f"p{before} {base}")
        if not is_function:
            found += _pieces(word)
        for feature in found:
            counts[feature] = counts.get(feature, 0) + 1
        before, before_is_function = base, is_function
    return counts


def _pieces(word: str) -> list[str]:
    size = 2 if word[0] >= _UNSPACED else 4
    framed = f"^{word}$"
    return ["c" + framed[start : start + size] for start in range(max(1, len(framed) - size + 1))]
