"""The template languages that need little: f-strings, ``{{ name }}`` alone, Jinja, Mustache.

What has no equal stands as it was written, and is a loss.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.pieces import Code, Names, Piece, Pieces, Place, merged
from promptvc.prompts.jinja import JinjaMissing
from promptvc.prompts.render import SPECIAL
from promptvc.prompts.templates import PLACE, compile_template

_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_RAW = re.compile(r"\s*[\w.-]+\s*")
_OWN_LITERAL = re.compile(r"\{\{\s*'(\{+|\\r)'\s*\}\}")
NEEDS_JINJA = "it has more than {{ name }}, which becomes Jinja here, and Jinja2 is not installed"
"""What is said of a file whose prompt would be `template: jinja2`; the file itself says no such thing."""
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
    parts, at = [], 0
    for start, end in _tags(text):
        parts += [text[at:start], _renamed(text[start:end], path, losses)]
        at = end
    source = "".join([*parts, text[at:]])
    try:
        compile_template(source, jinja=True)
    except JinjaMissing as error:
        raise InputError(f"`{path}`: {NEEDS_JINJA}", hint=error.hint) from None
    except InputError as error:
        raise InputError(f"`{path}`: {error.message}", hint=error.hint) from None
    return (Code(source),)


def mustache(text: str, path: str, names: Names, losses: Losses) -> Pieces:
    """Mustache: variables, and ``{{#x}}`` sections and partials as they stand.

    A comment is left out. What ``{{name}}`` inserts is escaped for HTML there and never here.
    """
    found: list[Piece] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = text.find("}}", start + 2)
        if end < 0:
            break
        triple = text.startswith("{{{", start) and text.startswith("}}}", end)
        triple = triple and bool(_RAW.fullmatch(text, start + 3, end))
        name = text[start + 2 + triple : end].strip()
        found.append(text[at:start])
        at = end + 2 + triple
        if name.startswith("!"):
            losses.add(path, text[start:at], "a comment is left out")
            continue
        raw = triple or name.startswith("&")
        name = name.removeprefix("&").strip()
        if not re.fullmatch(r"[\w-]+", name):
            losses.add(path, text[start:at], _STANDS)
            found.append(text[start:at])
            continue
        if not raw:
            losses.add(path, "{{name}}", "values were escaped for HTML; here they are inserted as they are")
        found.append(Place(names.of(name, path)))
    return merged([*found, text[at:]])


def _tags(text: str) -> Iterator[tuple[int, int]]:
    """Where the tags of Jinja stand, each up to the next end of its kind. What is never closed costs one look."""
    unclosed: set[str] = set()
    at = 0
    while (match := _OPENING.search(text, at)) is not None:
        end = -1 if match[0] in unclosed else text.find(_CLOSING[match[0]], match.end())
        if end < 0:
            unclosed.add(match[0])
            at = match.start() + 1
        else:
            at = end + 2
            yield match.start(), at


def plain_jinja(text: str) -> Pieces | None:
    """Jinja that has only places and quoted braces, taken apart; None where it has more."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as Jinja reads it
    found: list[Piece] = []
    at = 0
    for start, end in _tags(text):
        tag = text[start:end]
        place, quoted = PLACE.fullmatch(tag), _OWN_LITERAL.fullmatch(tag)
        if place is None and quoted is None:
            return None
        found.append(text[at:start])
        found.append(Place(place[1]) if place else quoted[1].replace("\\r", "\r") if quoted else "")
        at = end
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
