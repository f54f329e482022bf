"""Placeholders: theirs are ``{{name}}`` without blanks, of any characters; ours are ``{{ name }}``, a word.

Where a name of theirs is no word, or means something else here (``rules``, ``examples``), it is renamed; the table of
renamed places leads back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ANY = r"\{\{([ \t]*)([^{}\n]{1,120}?)([ \t]*)\}\}"
_WORD = r"[^\W\d]\w*"
_NAME = r"[\w.-]+"  # what GitHub's action takes for a place, whoever gives it a value
_OURS = frozenset({"rules", "examples"})


def names_in(text: str, columns: Iterable[str] = ()) -> dict[str, bool]:
    """The places of ``text``: name -> whether it stands with blanks somewhere, which is no place there.

    Args:
        columns: of the test data: any of them is a place where it stands between braces.
    """
    known = frozenset(columns)
    found: dict[str, bool] = {}
    for before, name, after in re.findall(_ANY, text):
        tight = not before and not after
        if (tight and (name in known or re.fullmatch(_NAME, name))) or re.fullmatch(_WORD, name):
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
        word = word if re.fullmatch(_WORD, word) else f"_{word}"
        while word in taken or word in _OURS:
            word += "_"
        taken.add(word)
        table[name] = word
    return table


def is_word(name: str) -> bool:
    """Whether a variable can be called that here."""
    return re.fullmatch(_WORD, name) is not None and name not in _OURS


def ours(text: str, table: Mapping[str, str]) -> str:
    """``text`` with the places that are theirs renamed by ``table``; blanks around a word stay."""

    def one(match: re.Match[str]) -> str:
        before, name, after = match.groups()
        if name not in table or ((before or after) and not re.fullmatch(_WORD, name)):
            return match[0]
        return f"{{{{{before}{table[name]}{after}}}}}"

    return re.sub(_ANY, one, text) if table else text


def theirs(text: str, table: Mapping[str, str]) -> str:
    """``text`` of ours with its places as theirs: without blanks, under the names that ``table`` led from."""
    back = {word: name for name, word in table.items()}

    def one(match: re.Match[str]) -> str:
        name = match[2]
        return f"{{{{{back.get(name, name)}}}}}" if re.fullmatch(_WORD, name) else match[0]

    return re.sub(_ANY, one, text)
