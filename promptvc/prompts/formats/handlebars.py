"""Handlebars as dotprompt has it: places, conditions and loops as Jinja, roles as marks between messages.

``{{#if}}``, ``{{#unless}}``, ``{{#each}}`` (with ``this``, ``@index``, ``@first``, ``@last``, ``../``),
``{{#ifEquals}}`` and ``{{json}}`` have an equal; values are not escaped there either. Lines that hold nothing but a
block's tag vanish, as they do there. What has no equal stands as it was written. Source:
https://handlebarsjs.com/guide and https://google.github.io/dotprompt/reference/template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.pieces import Code, Names, Piece, Pieces, Place, merged

HELPERS = frozenset({
    "if", "unless", "each", "with", "lookup", "log", "role", "history", "media", "section", "json", "ifEquals",
    "unlessEquals", "this", "else", "true", "false", "null", "undefined",
})  # fmt: skip
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s=\"']+=(?:\"[^\"]*\"|'[^']*'|\S+)|[^\s\"']+")
_PART = re.compile(r"[^\W\d]\w*")
_STANDS = "there is no equal: it stands as it was written"
_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a message begins, ``role``; or where a conversation stood, ``history``."""

    kind: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag: its words without the braces, and the text as it was written."""

    inside: str
    written: str
    line: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """An open block: its helper, and what ``this`` is called inside of it, None where nothing changes."""

    helper: str
    item: str | None = None


class _Unequal(Exception):
    """A tag that has no equal."""


def parsed(text: str, path: str, names: Names, losses: Losses) -> list[Piece | Mark]:
    """The text as pieces and marks.

    Raises:
        InputError: a block is not closed, or closed and never opened.
    """
    return _Reader(path, names, losses).read(text)


def handlebars_text(pieces: Pieces) -> str:
    """The pieces as Handlebars.

    Raises:
        InputError: there is Jinja code, or a brace stands where Handlebars cannot have one.
    """
    parts: list[str] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, Code):
            raise InputError(
                "Jinja has no equal in Handlebars", hint="export it as prompty, langchain or promptfoo"
            )
        if isinstance(piece, str):
            parts.append(_escaped(piece, before_place=index + 1 < len(pieces)))
            continue
        name = f"this.{piece.name}" if piece.name in HELPERS else piece.name
        after = pieces[index + 1] if index + 1 < len(pieces) else ""
        # `{{x}}}` would be read as the end of a `{{{`.
        parts.append(
            f"{{{{{{{name}}}}}}}" if isinstance(after, str) and after.startswith("}") else f"{{{{{name}}}}}"
        )
    return "".join(parts)


def _escaped(text: str, *, before_place: bool) -> str:
    if "\\{{" in text or (before_place and text.endswith("{")):
        raise InputError(
            "braces stand where Handlebars cannot have them",
            hint="export it as prompty, langchain or promptfoo",
        )
    escaped = text.replace("{{", "\\{{")
    # A backslash before a tag escapes it; two are one backslash.
    return escaped + "\\" if before_place and escaped.endswith("\\") else escaped


class _Reader:
    def __init__(self, path: str, names: Names, losses: Losses) -> None:
        self._path = path
        self._names = names
        self._losses = losses
        self._found: list[Piece | Mark] = []
        self._open: list[_Block] = []

    def read(self, text: str) -> list[Piece | Mark]:
        for token in _tokens(text):
            if isinstance(token, str):
                self._found.append(token)
            else:
                self._tag(token)
        if self._open:
            raise InputError(
                f"`{{{{#{self._open[-1].helper}}}}}` is not closed", hint="mend it in their file"
            )
        return self._found

    def _tag(self, tag: _Tag) -> None:
        inside = tag.inside.strip()
        if inside.startswith("!"):
            self._losses.add(self._path, tag.written, "a comment is left out")
            return
        kind = inside[:1] if inside[:1] in {"#", "/", "^", ">", "&"} else ""
        words = _WORD.findall(inside[len(kind) :])
        try:
            if kind == "#":
                self._begin(words)
            elif kind == "/":
                self._end(words)
            elif inside == "else" or inside.startswith("else "):
                self._otherwise(words[1:])
            elif kind in {"^", ">"} or not words:
                raise _Unequal
            else:
                self._value(words)
        except _Unequal:
            if kind == "#":
                # Its end must find it, and stand as it was written too.
                self._open.append(_Block(""))
            self._losses.add(self._path, tag.written, _STANDS)
            self._found.append(tag.written)

    def _begin(self, words: list[str]) -> None:
        helper, *arguments = words or [""]
        if len(self._open) >= _DEPTH:
            raise InputError("blocks are nested too deeply")
        if helper in {"if", "unless"} and len(arguments) == 1:
            negated = "not " if helper == "unless" else ""
            self._code(f"{{% if {negated}{self._expression(arguments[0])} %}}")
            self._open.append(_Block(helper))
        elif helper in {"ifEquals", "unlessEquals"} and len(arguments) == 2:
            sign = "==" if helper == "ifEquals" else "!="
            left, right = map(self._expression, arguments)
            self._code(f"{{% if {left} {sign} {right} %}}")
            self._open.append(_Block(helper))
        elif helper == "each" and len(arguments) == 1:
            # A name that no variable has: what stands inside is of the item, as `this` is there.
            item = f"item{sum(block.item is not None for block in self._open) + 1}_"
            self._code(f"{{% for {item} in {self._expression(arguments[0])} %}}")
            self._open.append(_Block(helper, item))
        else:
            raise _Unequal

    def _otherwise(self, words: list[str]) -> None:
        if not self._open or not self._open[-1].helper:
            raise _Unequal
        if words:
            if len(words) != 2 or words[0] != "if":
                raise _Unequal
            self._code(f"{{% elif {self._expression(words[1])} %}}")
        else:
            self._code("{% else %}")

    def _end(self, words: list[str]) -> None:
        if not self._open:
            raise InputError(f"`{{{{/{' '.join(words)}}}}}` closes nothing", hint="mend it in their file")
        block = self._open.pop()
        if not block.helper:
            raise _Unequal
        if words != [block.helper]:
            raise InputError(f"`{{{{#{block.helper}}}}}` is closed by `{{{{/{' '.join(words)}}}}}`")
        self._code("{% endfor %}" if block.item is not None else "{% endif %}")

    def _value(self, words: list[str]) -> None:
        helper, *arguments = words
        if helper == "role" and arguments:
            if self._open:
                raise InputError(
                    "a message begins inside of a block, which has no equal here",
                    hint="close the block before it",
                )
            if len(arguments) > 1:
                self._losses.add(self._path, " ".join(arguments[1:]), "a role has no attributes here")
            self._found.append(Mark("role", arguments[0].strip("\"'")))
        elif helper == "history" and not arguments:
            self._found.append(Mark("history"))
        elif helper == "json" and len(arguments) == 1:
            self._code(f"{{{{ {self._expression(arguments[0])} | tojson }}}}")
        elif arguments or helper in HELPERS - {"this"} or helper[:1] in {'"', "'"}:
            raise _Unequal
        else:
            expression = self._expression(helper)
            items = {block.item for block in self._open}
            if _PART.fullmatch(expression) and expression not in items:
                self._found.append(Place(expression))
            else:
                self._code(f"{{{{ {expression} }}}}")

    def _expression(self, word: str) -> str:
        """A path, a text or a number as Jinja has it."""
        if word[:1] in {'"', "'"}:
            return "'" + word[1:-1].replace("\\", "\\\\").replace("'", "\\'") + "'"
        if re.fullmatch(r"-?\d+(\.\d+)?|true|false", word):
            return word
        items = [block.item for block in self._open if block.item is not None]
        if word.startswith("@root."):
            items, word = [], word.removeprefix("@root.")
        elif word in {"@index", "@first", "@last"} and items:
            return {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}[word]
        while word.startswith("../") and items:
            items, word = items[:-1], word[3:]
        scope = items[-1] if items else None
        if word in {"this", "."}:
            if scope is None:
                raise _Unequal
            return scope
        parts = word.removeprefix("this.").split(".")
        if scope is not None:
            if not all(map(_PART.fullmatch, parts)):
                raise _Unequal
            return ".".join([scope, *parts])
        if any(not _PART.fullmatch(part) for part in parts[1:]) or not re.fullmatch(r"[\w-]+", parts[0]):
            raise _Unequal
        return ".".join([self._names.of(parts[0], self._path), *parts[1:]])

    def _code(self, source: str) -> None:
        self._found.append(Code(source))


def _tokens(text: str) -> Iterator[str | _Tag]:
    """Texts and tags, with the white space taken away that Handlebars takes away.

    As its lexer has it: a backslash before a tag makes all up to the next tag a text, two are one backslash.
    """
    found: list[str | _Tag] = []
    at = 0
    trim = False
    while True:
        start = text.find("{{", at)
        before = text[at:] if start < 0 else text[at:start]
        if trim:
            before = before.lstrip()
        if start < 0:
            found.append(before)
            break
        if before.endswith("\\") and not before.endswith("\\\\"):
            at = _end_of_quoted(text, start)
            found += (before[:-1] + text[start:at],)
            trim = False
            continue
        tag, at, left, trim = _tag_at(text, start)
        before = before[:-1] if before.endswith("\\\\") else before
        found += (before.rstrip() if left else before, tag)
    yield from _without_lines(_joined(found))


def _end_of_quoted(text: str, start: int) -> int:
    """Where a text that a backslash made of a tag ends: before the next tag and the backslashes that are its own."""
    end = text.find("{{", start + 2)
    if end < 0:
        return len(text)
    own = len(text[start + 2 : end]) - len(text[start + 2 : end].rstrip("\\"))
    return end - min(own, 2)


def _tag_at(text: str, start: int) -> tuple[_Tag, int, bool, bool]:
    """The tag at ``start``, where it ends, and whether it takes the white space before and after it away."""
    opening = next(each for each in ("{{!--", "{{~!--", "{{{{", "{{{", "{{") if text.startswith(each, start))
    closing = {"{{!--": "--", "{{~!--": "--", "{{{{": "}}}}", "{{{": "}}}"}.get(opening, "}}")
    end = text.find(closing, start + len(opening))
    if end >= 0 and closing == "--":
        ending = re.compile(r"--~?\}\}").search(text, end)
        end, stop = (ending.start(), ending.end()) if ending else (-1, -1)
    else:
        stop = end + len(closing)
    if end < 0:
        shown = text[start : start + 20].replace("\n", " ")
        raise InputError(f"the tag `{shown}` is not closed", hint="write \\{{ for braces that are text")
    written = text[start:stop]
    inside = text[start + len(opening) : end]
    left, right = inside.startswith("~") or "~!" in opening, inside.endswith("~") or written.endswith("~}}")
    inside = (
        f"!{inside}"
        if closing == "--"
        else ">raw"
        if opening == "{{{{"
        else inside.removeprefix("~").removesuffix("~")
    )
    word = inside.strip()
    return _Tag(inside, written, line=word[:1] in {"#", "/", "^", "!"} or word == "else"), stop, left, right


def _joined(tokens: list[str | _Tag]) -> list[str | _Tag]:
    """The same with a text between any two tags, and never two texts in a row."""
    found: list[str | _Tag] = []
    for token in tokens:
        if isinstance(token, str) and found and isinstance(found[-1], str):
            found[-1] += token
        else:
            found.append(token)
    return found


def _without_lines(tokens: list[str | _Tag]) -> Iterator[str | _Tag]:
    """A block's tag or a comment that is alone on its line takes the line with it."""
    texts = list(tokens)
    alone = []
    for index, token in enumerate(texts):
        if not isinstance(token, _Tag) or not token.line:
            continue
        before = texts[index - 1] if index else ""
        after = texts[index + 1] if index + 1 < len(texts) else ""
        if isinstance(before, str) and isinstance(after, str):
            starts = re.search(r"(?:\A|\n)[ \t]*\Z", before) and (index < 2 or "\n" in before)
            ends = re.match(r"[ \t]*(?:\n|\Z)", after) and (index + 2 >= len(texts) or "\n" in after)
            if starts and ends:
                alone.append(index)
    for index in alone:
        before, after = texts[index - 1] if index else "", texts[index + 1] if index + 1 < len(texts) else ""
        if index and isinstance(before, str):
            texts[index - 1] = before.rstrip(" \t")
        if index + 1 < len(texts) and isinstance(after, str):
            texts[index + 1] = re.sub(r"\A[ \t]*\n?", "", after, count=1)
    yield from texts


def split(found: list[Piece | Mark]) -> Iterator[tuple[Mark | None, Pieces]]:
    """The pieces of each message with the mark that begins it; the first may have none."""
    mark: Mark | None = None
    pieces: list[Piece] = []
    for each in found:
        if isinstance(each, Mark):
            yield mark, merged(pieces)
            mark, pieces = each, []
        else:
            pieces.append(each)
    yield mark, merged(pieces)
