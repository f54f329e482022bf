"""A template between two languages: literal text, places for variables, and what only Jinja can say.

Every reader takes its language apart into these pieces, every writer puts them together in its own. So a brace that is
text in one language never becomes a place in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.base.losses import Losses
from promptvc.prompts.model import Message, Role, Template
from promptvc.prompts.render import SPECIAL
from promptvc.prompts.templates import PLACE

_NAME = re.compile(r"[^\W\d]\w*")
_BRACES = re.compile(r"\{{2,}|\{(?=[%#])|\{\Z|\r")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value of a variable goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Code:
    """A part that is written in Jinja, as it stands in the source: a tag, or a whole text."""

    source: str


Piece = str | Place | Code
Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, taken apart."""

    role: Role
    pieces: Pieces


class Names:
    """What variables are called here; one that cannot keep its name is a loss, and two never become one."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._ours: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, theirs: str, path: str) -> str:
        """Our name of a variable."""
        if theirs not in self._ours:
            made = re.sub(r"\W+", "_", theirs).strip("_") if not _NAME.fullmatch(theirs) else theirs
            made = made if _NAME.fullmatch(made) else f"var_{made}".rstrip("_")
            while made in SPECIAL or made in self._taken:
                made += "_"
            if made != theirs:
                self._losses.add(path, theirs, f"the variable is called `{made}` here")
            self._ours[theirs] = made
            self._taken.add(made)
        return self._ours[theirs]


def literal(pieces: Iterable[Piece]) -> str | None:
    """The text, where the pieces are nothing else."""
    parts = tuple(pieces)
    return "".join(part for part in parts if isinstance(part, str)) if _all_text(parts) else None


def merged(pieces: Iterable[Piece]) -> Pieces:
    """The same with neighbouring texts as one, and no empty ones."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            if not piece:
                continue
            if found and isinstance(found[-1], str):
                found[-1] += piece
                continue
        found.append(piece)
    return tuple(found)


def simple_text(pieces: Sequence[Piece]) -> str | None:
    """The pieces with ``{{ name }}`` for places; None where a text of theirs would be read as one, or there is code."""
    if any(isinstance(piece, Code) for piece in pieces):
        return None
    text = "".join(piece if isinstance(piece, str) else f"{{{{ {piece.name} }}}}" for piece in pieces)  # type: ignore[union-attr]
    return text if simple_pieces(text) == merged(pieces) else None


def simple_pieces(text: str) -> Pieces:
    """A text of ours without Jinja, taken apart."""
    parts = PLACE.split(text)
    found: list[Piece] = [parts[0]]
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        found += (Place(name), after)
    return merged(found)


def jinja_text(pieces: Sequence[Piece]) -> str:
    """The pieces as Jinja source; what Jinja would read as a tag, and a carriage return, is quoted."""
    parts = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(_BRACES.sub(_quoted, piece))
        else:
            parts.append(f"{{{{ {piece.name} }}}}" if isinstance(piece, Place) else piece.source)
    return "".join(parts)


def messages_of(turns: Sequence[Turn]) -> tuple[tuple[Message, ...], Template]:
    """The messages of a prompt, and the template language that all of them need."""
    simple = [simple_text(turn.pieces) for turn in turns]
    texts = [text for text in simple if text is not None]
    if len(texts) == len(turns):
        return tuple(Message(turn.role, text) for turn, text in zip(turns, texts, strict=True)), "simple"
    return tuple(Message(turn.role, jinja_text(turn.pieces)) for turn in turns), "jinja2"


def _quoted(match: re.Match[str]) -> str:
    return "{{ '\\r' }}" if match[0] == "\r" else f"{{{{ '{match[0]}' }}}}"


def _all_text(parts: Sequence[Piece]) -> bool:
    return all(isinstance(part, str) for part in parts)
