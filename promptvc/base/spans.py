"""Foreign text in Markdown, so that nothing in it is active: no link, image, mention, reference, HTML or table cell.

A forge works on a comment twice: its Markdown becomes HTML, then mentions (``@user``), references (``#12``, commit
digests) and addresses in the *text* of that HTML become links. A backslash stops only the first. Both leave code alone,
so every foreign text is a code span. A code span ends at a backtick and a table cell at a bar, however they are escaped
(parsers disagree about a bar after a backslash); both signs are therefore shown by look-alikes.
"""

from __future__ import annotations

import re

from promptvc.base.plain import one_line

_LOOK_ALIKES = str.maketrans({"`": "\u02cb", "|": "\u2502"})

# A word or a number by itself; not seven hexadecimal digits, which a forge takes for a commit.
_NUMBERED = re.compile(r"\d+[.)]?$|\d+[.)]\s")
_WORD = re.compile(r"(?![a-fA-F0-9]{7})[A-Za-z]{1,30}[,.:;]?|[+-]?[0-9]{1,6}(\.[0-9]{1,4})?[,:;%]?|%")


def code(text: str, limit: int = 100) -> str:
    """A text of others as a code span on one line; ``limit`` is in characters."""
    shown = one_line(text, limit).translate(_LOOK_ALIKES)
    return f"`{shown}`" if shown else "(empty)"


def words(text: str, limit: int = 300) -> str:
    """A sentence of promptvc's own, which may name something foreign: as it is if it is plain words and numbers."""
    # A number that begins a line and ends in a full stop would begin a list.
    plain = all(_WORD.fullmatch(word) for word in text.split(" ")) and not _NUMBERED.match(text)
    return text if plain and len(text) <= limit else code(text, limit)


def table_row(cells: list[str]) -> str:
    """One row; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def table_head(cells: list[str]) -> str:
    """The first row and the line below it."""
    return table_row(cells) + f"|{' --- |' * len(cells)}\n"
