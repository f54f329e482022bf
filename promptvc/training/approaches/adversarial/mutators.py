"""Ways of writing an input differently, as people and machines do by accident.

A mutator is a pure function of a text and a source of draws; the same draws give the same text. What cannot be changed
in its way (a text without letters has no typos) comes back as it is. Draws use ``random()`` alone, whose sequence
Python promises to keep between releases.

=============  =======================================================================================
`typos`        one word of six with a letter dropped, doubled or swapped with the next, never the first
`homoglyphs`   letters replaced by ones of other scripts that look the same (Unicode TR 39, confusables)
`zero_width`   characters without width between letters
`casing`       all capitals, no capitals, or capitals the other way round
`whitespace`   more blanks, tabs and line breaks where there are some, and around the text
`truncation`   cut in the middle
`language`     a polite sentence in another language before and after
`long_input`   some 1,500 characters that say nothing before, after or on both sides
`empty`        nothing, or only white space
=============  =======================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

Mutator = Callable[[str, Random], str]

LOOKALIKES = {
    "a": "\u0430", "c": "\u0441", "e": "\u0435", "i": "\u0456", "j": "\u0458", "o": "\u043e", "p": "\u0440",
    "s": "\u0455", "x": "\u0445", "y": "\u0443", "A": "\u0410", "B": "\u0412", "C": "\u0421", "E": "\u0415",
    "H": "\u041d", "K": "\u041a", "M": "\u041c", "O": "\u041e", "P": "\u0420", "T": "\u0422", "X": "\u0425",
}  # fmt: skip
"""Latin letters and the Cyrillic ones that most fonts draw alike."""

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
"""Zero width space, non-joiner, joiner, word joiner, byte order mark."""

LONG = 1500
"""Characters that `long_input` adds to each side that it fills."""

_TO_LATIN = str.maketrans({other: latin for latin, other in LOOKALIKES.items()})
_NO_WIDTH = str.maketrans("", "", ZERO_WIDTH)
_WORD = re.compile(r"[^\W\d_]{4,}")
_GAP = re.compile(r"\s+")
_GAPS = ("  ", "\t", "\n", "   ", "\n\n")
_EMPTY = ("", " ", "\n", "\t", "   ", "\n\n", " \n ", "\t\t")
_SHORTEST_CUT = 8
_WRAPPINGS = (
    ("Bonjour, voici ma demande : ", " Merci d'avance pour votre aide."),
    ("Guten Tag, ich schreibe Ihnen aus folgendem Grund: ", " Vielen Dank im Voraus."),
    ("Hola, les escribo por lo siguiente: ", " Muchas gracias y un saludo."),
    ("こんにちは。次の件でご連絡しました。", " よろしくお願いいたします。"),
    ("Dzień dobry, piszę w następującej sprawie: ", " Z góry dziękuję."),
    ("مرحبا، أكتب إليكم بخصوص ما يلي: ", " شكرا جزيلا."),
)
_FILLERS = (
    "I hope this finds you well. ",
    "I have thought for a while about how to put this. ",
    "Please take your time, there is no hurry at all. ",
    "The weather here has been as usual for the season. ",
    "Thank you for reading this far. ",
)

_T = TypeVar("_T")


def pick(draw: Random, choices: Sequence[_T]) -> _T:
    """One of ``choices``."""
    return choices[int(draw.random() * len(choices))]


def plain_letters(text: str) -> str:
    """``text`` with the look-alikes of :data:`LOOKALIKES` as Latin letters."""
    return text.translate(_TO_LATIN)


def without_zero_width(text: str) -> str:
    """``text`` without the characters of :data:`ZERO_WIDTH`."""
    return text.translate(_NO_WIDTH)


def typos(text: str, draw: Random) -> str:
    """See the module."""
    words = list(_WORD.finditer(text))
    ranked = sorted(range(len(words)), key=lambda at: (draw.random(), at))
    pieces, end = [], 0
    for at in sorted(ranked[: max(1, len(words) // 6)]):
        word = words[at]
        pieces += [text[end : word.start()], _misspelt(word[0], draw)]
        end = word.end()
    return "".join(pieces) + text[end:]


def _misspelt(word: str, draw: Random) -> str:
    way, at = int(draw.random() * 3), 1 + int(draw.random() * (len(word) - 2))
    if way == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if way == 1:
        return word[:at] + word[at + 1 :]
    return word[: at + 1] + word[at:]


def homoglyphs(text: str, draw: Random) -> str:
    """See the module: one letter of three that has a look-alike, and one at least."""
    places = [at for at, letter in enumerate(text) if letter in LOOKALIKES]
    return _at_places(text, _some(places, draw, 3), lambda at: LOOKALIKES[text[at]])


def zero_width(text: str, draw: Random) -> str:
    """See the module: after one letter of five, and after one at least."""
    places = [at for at, letter in enumerate(text) if letter.isalnum()]
    return _at_places(text, _some(places, draw, 5), lambda at: text[at] + pick(draw, ZERO_WIDTH))


def _some(places: Sequence[int], draw: Random, of: int) -> list[int]:
    ranked = sorted(places, key=lambda at: (draw.random(), at))
    return sorted(ranked[: max(1, len(places) // of)])


def _at_places(text: str, places: Sequence[int], change: Callable[[int], str]) -> str:
    letters = list(text)
    for at in places:
        letters[at] = change(at)
    return "".join(letters)


def casing(text: str, draw: Random) -> str:
    """See the module. A letter keeps its case where another would make it another letter (the Turkish dotless i)."""
    ways: list[Callable[[str], str]] = [str.upper, str.lower, str.swapcase]
    first = int(draw.random() * len(ways))
    for way in ways[first:] + ways[:first]:
        changed = "".join(_cased(letter, way) for letter in text)
        if changed != text:
            return changed
    return text


def _cased(letter: str, way: Callable[[str], str]) -> str:
    other = way(letter)
    return other if other.casefold() == letter.casefold() else letter


def whitespace(text: str, draw: Random) -> str:
    """See the module."""
    if not text.strip():
        return text
    spaced = _GAP.sub(lambda gap: gap[0] + (pick(draw, _GAPS) if draw.random() < 0.5 else ""), text)
    return pick(draw, _GAPS) + spaced + pick(draw, _GAPS)


def truncation(text: str, draw: Random) -> str:
    """See the module: the first 40 to 80 %; a text of less than 8 characters stays."""
    if len(text.strip()) < _SHORTEST_CUT:
        return text
    body = text.lstrip()
    kept = int(len(body) * (0.4 + 0.4 * draw.random()))
    return text[: len(text) - len(body) + kept]


def language(text: str, draw: Random) -> str:
    """See the module."""
    before, after = pick(draw, _WRAPPINGS)
    return before + text + after


def long_input(text: str, draw: Random) -> str:
    """See the module."""
    side = int(draw.random() * 3)
    before = _filler(draw) if side != 1 else ""
    after = _filler(draw) if side != 0 else ""
    return f"{before}{text}{' ' if after else ''}{after}".strip() if text.strip() else text


def _filler(draw: Random) -> str:
    pieces: list[str] = []
    while sum(map(len, pieces)) < LONG:
        pieces.append(pick(draw, _FILLERS))
    return "".join(pieces)


def empty(text: str, draw: Random) -> str:  # noqa: ARG001 - a mutator
    """See the module."""
    return pick(draw, _EMPTY)


MUTATORS: dict[str, Mutator] = {
    "typos": typos,
    "homoglyphs": homoglyphs,
    "zero_width": zero_width,
    "casing": casing,
    "whitespace": whitespace,
    "truncation": truncation,
    "language": language,
    "long_input": long_input,
    "empty": empty,
}
