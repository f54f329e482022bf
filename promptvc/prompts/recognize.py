"""From a finished text back to the prompt that gave it, and the values it was given.

A version is rendered once with a mark in place of each value; between the marks stands what every rendering of it
says, rules and examples among it. A text that holds these pieces in their order, from its beginning to its end, is
what the version gives for the values between them. A version that says less than :data:`LEAST` characters of its own is
not recognised: a bare ``{{ question }}`` gives any text. Of several that give it, those count that say most of it
themselves: a version without rules gives the text of one with rules, too, if a question may be that long.

Line endings, and blanks at the ends of messages, do not count: exports drop them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer, placeholders

LEAST = 8
_MARK = "\0"
_HEAD = 16

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A version that gives a text. ``values`` is None where several values would give the same."""

    prompt: str
    version: int
    digest: str
    values: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A message, or several as one text: what it says between its variables."""

    role: str | None
    literals: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def head(self) -> str:
        return self.literals[0][:_HEAD]


@dataclass(frozen=True, slots=True)
class _Shape:
    prompt: Prompt
    digest: str
    messages: tuple[_Piece, ...]
    wholes: tuple[_Piece, ...]


class Recogniser:
    """Many versions to recognise texts by. Jinja templates are left out: they can say anything."""

    def __init__(self, versions: Iterable[tuple[Prompt, str]]) -> None:
        self._shapes: list[_Shape] = []
        self._heads: dict[str, list[int]] = {}
        for prompt, digest in versions:
            shape = _shape(prompt, digest)
            if shape is not None:
                self._shapes.append(shape)
                for head in {piece.head for piece in (*shape.messages[:1], *shape.wholes)}:
                    self._heads.setdefault(head, []).append(len(self._shapes) - 1)

    def find(self, rendered: str | Parts, name: str | None = None) -> list[Recognised]:
        """The versions that give ``rendered``: one text, or (role, text) of each message; by name and version."""
        parts: Parts | None = None
        if isinstance(rendered, str):
            text = _plain(rendered)
        else:
            parts = tuple((role, _plain(content)) for role, content in rendered)
            # What follows the last question is the answer, and no part of the prompt.
            while parts and parts[-1][0] == "assistant":
                parts = parts[:-1]
            text = parts[0][1] if parts else ""
        found: list[tuple[int, Recognised]] = []
        for index in self._near(text):
            shape = self._shapes[index]
            if name in {None, shape.prompt.name}:
                found += _recognised(shape, text) if parts is None else _of_messages(shape, parts)
        most = max((weight for weight, _ in found), default=0)
        best = [one for weight, one in found if weight == most]
        return sorted(best, key=lambda one: (one.prompt, one.version))

    def _near(self, text: str) -> Iterator[int]:
        seen = set()
        for size in range(_HEAD + 1):
            for index in self._heads.get(text[:size], ()) if size <= len(text) else ():
                if index not in seen:
                    seen.add(index)
                    yield index


def _shape(prompt: Prompt, digest: str) -> _Shape | None:
    if prompt.template != "simple":
        return None
    try:
        names = placeholders(prompt) | {variable.name for variable in prompt.variables}
        messages = Renderer(prompt).render({name: f"{_MARK}{name}{_MARK}" for name in names})
    except InputError:
        return None
    pieces = tuple(_piece(message.role, message.content) for message in messages)
    texts = [message.content for message in messages]
    wholes = [_piece(None, joint.join(_plain(text) for text in texts)) for joint in ("\n\n", "\n")]
    wholes += pieces if len(pieces) > 1 else []
    return _Shape(
        prompt,
        digest,
        pieces if _says(pieces) >= LEAST else (),
        tuple(dict.fromkeys(piece for piece in wholes if _says((piece,)) >= LEAST)),
    )


def _piece(role: str | None, content: str) -> _Piece:
    parts = _plain(content).split(_MARK)
    return _Piece(role, tuple(parts[0::2]), tuple(parts[1::2]))


def _says(pieces: Iterable[_Piece]) -> int:
    return sum(len("".join(literal.split())) for piece in pieces for literal in piece.literals)


def _recognised(shape: _Shape, text: str) -> list[tuple[int, Recognised]]:
    """At most one: the way to read a text that explains most of it comes first."""
    for piece in shape.wholes:
        values = _values(piece, text)
        if values is not None:
            return [_result(shape, [(piece, text)], values)]
    return []


def _of_messages(shape: _Shape, parts: Parts) -> list[tuple[int, Recognised]]:
    if len(parts) != len(shape.messages):
        return []
    values: dict[str, str] = {}
    pairs = []
    for piece, (role, text) in zip(shape.messages, parts, strict=True):
        found = _values(piece, text) if role == piece.role else None
        if found is None or any(values.get(name, value) != value for name, value in found.items()):
            return []
        values |= found
        pairs.append((piece, text))
    return [_result(shape, pairs, values)]


def _result(
    shape: _Shape, pairs: list[tuple[_Piece, str]], values: Mapping[str, str]
) -> tuple[int, Recognised]:
    """With how much of the text the version says itself."""
    clear = all(_values(piece, text, last=True) == _values(piece, text) for piece, text in pairs)
    found = Recognised(shape.prompt.name, shape.prompt.version, shape.digest, values if clear else None)
    return sum(len(literal) for piece, _ in pairs for literal in piece.literals), found


def _values(piece: _Piece, text: str, *, last: bool = False) -> dict[str, str] | None:
    """The values between the literals: each literal where it comes first, or where it comes last.

    Linear in the text. One name twice must have one value.
    """
    literals = piece.literals
    if len(literals) == 1:
        return {} if text == literals[0] else None
    first, end = literals[0], literals[-1]
    if len(text) < len(first) + len(end) or not (text.startswith(first) and text.endswith(end)):
        return None
    inner = text[len(first) : len(text) - len(end)]
    found: list[str] = []
    if last:
        for literal in reversed(literals[1:-1]):
            inner, there, value = inner.rpartition(literal) if literal else (inner, True, "")
            if not there:
                return None
            found.append(value)
        found.append(inner)
        found.reverse()
    else:
        for literal in literals[1:-1]:
            value, there, inner = inner.partition(literal) if literal else ("", True, inner)
            if not there:
                return None
            found.append(value)
        found.append(inner)
    values: dict[str, str] = {}
    for name, value in zip(piece.names, found, strict=True):
        if values.setdefault(name, value) != value:
            return None
    return values


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
