"""Placeholders: theirs are ``{{name}}`` without blanks, of any characters; ours are ``{{ name }}``, a word.

Where a name of theirs is no word, or means something else here (``rules``, ``examples``), it is renamed; the table of
renamed places leads back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ANY = re.compile(r"\{\{([ \t]*)([^{}\n]{1,120}?)([ \t]*)\}\}")
_WORD = re.compile(r"[^\W\d]\w*")
_NAME = re.compile(r"[\w.-]+")  # what GitHub's action takes for a place, whoever gives it a value
_OURS = frozenset({"rules", "examples"})


def names_in(text: str, columns: Iterable[str] = ()) -> dict[str, bool]:
    """The places of ``text``: name -> whether it stands with blanks somewhere, which is no place there.

    Args:
        columns: of the test data: any of them is a place where it stands between braces.
    """
    known = frozenset(columns)
    found: dict[str, bool] = {}
    for before, name, after in _ANY.findall(text):
        tight = not before and not after
        if (tight and (name in known or _NAME.fullmatch(name))) or _WORD.fullmatch(name):
            found[name] = found.get(name, False) or not tight
    return found


def renamed(names: Iterable[str]) -> dict[str, str]:
    """Their name -> ours, of those that cannot stay as they are, no two alike."""
    every = list(dict.fromkeys(names))
    taken = {name for name in every if is_word(name)}
    table = {}
    for name in every:
        if is_word(name):
            continue
        word = re.sub(r"\W", "_", name)
        word = word if _WORD.fullmatch(word) else f"_{word}"
        while word in taken or word in _OURS:
            word += "_"
        taken.add(word)
        table[name] = word
    return table


def is_word(name: str) -> bool:
    """Whether a variable can be called that here."""
    return _WORD.fullmatch(name) is not None and name not in _OURS


def ours(text: str, table: Mapping[str, str]) -> str:
    """``text`` with the places that are theirs renamed by ``table``; blanks around a word stay."""

    def one(match: re.Match[str]) -> str:
        before, name, after = match.groups()
        if name not in table or ((before or after) and not _WORD.fullmatch(name)):
            return match[0]
        return f"{{{{{before}{table[name]}{after}}}}}"

    return _ANY.sub(one, text) if table else text


def theirs(text: str, table: Mapping[str, str]) -> str:
    """``text`` of ours with its places as theirs: without blanks, under the names that ``table`` led from."""
    back = {word: name for name, word in table.items()}

    def one(match: re.Match[str]) -> str:
        name = match[2]
        return f"{{{{{back.get(name, name)}}}}}" if _WORD.fullmatch(name) else match[0]

    return _ANY.sub(one, text)
