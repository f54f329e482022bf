"""The template languages that need little: f-strings, ``{{ name }}`` alone, Jinja, Mustache.

What has no equal stands as it was written, and is a loss.
"""

from __future__ import annotations

import re
import string

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.pieces import Code, Names, Piece, Pieces, Place, merged
from promptvc.prompts.render import SPECIAL
from promptvc.prompts.templates import PLACE, compile_template

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_MUSTACHE = re.compile(r"\{\{\{\s*([\w.-]+)\s*\}\}\}|\{\{(.*?)\}\}", re.DOTALL)
_OWN_LITERAL = re.compile(r"\{\{\s*'(\{+|\\r)'\s*\}\}")
_STANDS = "there is no equal: it stands as it was written"


def braces(text: str, path: str, names: Names) -> Pieces:
    """``{{ name }}``, with blanks or without; all else is text."""
    parts = PLACE.split(text)
    found: list[Piece] = [parts[0]]
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        found += (Place(names.of(name, path)), after)
    return merged(found)


def fstring(text: str, path: str, names: Names, losses: Losses) -> Pieces:
    """``{name}``, and ``{{`` for a brace: the language of :class:`string.Formatter`.

    Raises:
        InputError: a brace stands alone.
    """
    found: list[Piece] = []
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise InputError(f"`{path}` is no f-string: {error}", hint="a brace is written twice there") from None
    for before, field, spec, conversion in parts:
        found.append(before)
        if field is None:
            continue
        written = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        if spec or conversion or not re.fullmatch(r"\w+", field):
            losses.add(path, f"{{{written}}}", _STANDS)
            found.append(f"{{{written}}}")
        else:
            found.append(Place(names.of(field, path)))
    return merged(found)


def fstring_text(pieces: Pieces) -> str | None:
    """The pieces as an f-string; None where there is code."""
    if any(isinstance(piece, Code) for piece in pieces):
        return None
    return "".join(
        piece.replace("{", "{{").replace("}", "}}") if isinstance(piece, str) else f"{{{piece.name}}}"  # type: ignore[union-attr]
        for piece in pieces
    )


def jinja(text: str, path: str, losses: Losses) -> Pieces:
    """Jinja: as places where it has nothing else, else as code.

    Raises:
        InputError: it is no Jinja, or asks for what is refused here: includes, macros, imports.
    """
    found = plain_jinja(text)
    if found is not None:
        return merged(
            Place(_ours(piece.name, path, losses)) if isinstance(piece, Place) else piece for piece in found
        )
    source = _TAG.sub(lambda match: _renamed(match[0], path, losses), text)
    try:
        compile_template(source, jinja=True)
    except InputError as error:
        raise InputError(f"`{path}`: {error.message}", hint=error.hint) from None
    return (Code(source),)


def mustache(text: str, path: str, names: Names, losses: Losses) -> Pieces:
    """Mustache: variables, and ``{{#x}}`` sections and partials as they stand.

    A comment is left out. What ``{{name}}`` inserts is escaped for HTML there and never here.
    """
    found: list[Piece] = []
    at = 0
    for match in _MUSTACHE.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        name = match[1] or match[2].strip()
        if not match[1] and name.startswith("!"):
            losses.add(path, match[0], "a comment is left out")
            continue
        raw = bool(match[1]) or name.startswith("&")
        name = name.removeprefix("&").strip()
        if not re.fullmatch(r"[\w-]+", name):
            losses.add(path, match[0], _STANDS)
            found.append(match[0])
            continue
        if not raw:
            losses.add(path, "{{name}}", "values were escaped for HTML; here they are inserted as they are")
        found.append(Place(names.of(name, path)))
    return merged([*found, text[at:]])


def plain_jinja(text: str) -> Pieces | None:
    """Jinja that has only places and quoted braces, taken apart; None where it has more."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as Jinja reads it
    found: list[Piece] = []
    at = 0
    for match in _TAG.finditer(text):
        place, quoted = PLACE.fullmatch(match[0]), _OWN_LITERAL.fullmatch(match[0])
        if place is None and quoted is None:
            return None
        found.append(text[at : match.start()])
        found.append(Place(place[1]) if place else quoted[1].replace("\\r", "\r") if quoted else "")
        at = match.end()
    return merged([*found, text[at:]])


def _ours(name: str, path: str, losses: Losses) -> str:
    if name in SPECIAL:
        losses.add(path, name, f"the variable is called `{name}_` here")
        return f"{name}_"
    return name


def _renamed(tag: str, path: str, losses: Losses) -> str:
    """A tag with the names that mean something here called otherwise, outside of its texts."""
    if tag.startswith("{#"):
        return tag
    parts, at = [], 0
    for quoted in [*_QUOTED.finditer(tag), None]:
        end = quoted.start() if quoted else len(tag)
        part = tag[at:end]
        for name in sorted(SPECIAL):
            changed = re.sub(rf"(?<![\w.]){name}(?!\w)", f"{name}_", part)
            if changed != part:
                losses.add(path, name, f"the variable is called `{name}_` here")
            part = changed
        parts.append(part)
        if quoted:
            parts.append(quoted[0])
            at = quoted.end()
    return "".join(parts)
