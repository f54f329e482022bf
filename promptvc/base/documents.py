"""YAML and JSON documents: bytes in, values with line numbers out. The home of PyYAML.

What is read is YAML 1.2 with its core schema. The tree is composed from the parser's events
(:mod:`promptvc.base.compose`), so that hostile input (anchor bombs, deep nesting, duplicate keys) ends in one
clear error after little work. :mod:`promptvc.base.emit` writes new documents.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from promptvc.base.compose import Composer
from promptvc.base.emit import dump_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.nodes import Document, Node

__all__ = ["MAX_BYTES", "Document", "Node", "dump_yaml", "load_json_document", "load_yaml"]

MAX_BYTES = 16 * 1024 * 1024

_CONTROLS = bytes(set(range(32)) - {9, 10, 13}) + b"\x7f"
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_DIRECTIVE = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*+%")
_AFTER_THE_END = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n|\.\.\.(?=\s|\Z))*+(?:[ \t]*(?:#[^\n]*)?\Z)?")
_OLD_BREAKS = "\x85\u2028\u2029"  # line breaks for the parser (YAML 1.1), plain characters in YAML 1.2
_PRIVATE_USE = range(0xE000, 0xF900)


def load_yaml(data: bytes, *, file: str) -> Document:
    """Read the one YAML document of a file. An empty one has the value None.

    Raises:
        InvalidDocument: with ``file`` and ``line``: not UTF-8, not YAML, a key twice, a key that is not
            text, a merge key, a tag outside the core, a second document, or more than 16 MiB, 100 levels,
            250,000 values and 64 Mi characters with the aliases written out.
    """
    _check_size(data, file)
    text = _decode(data, file)
    marked = text.startswith("\ufeff")
    if marked:
        text = text[1:]
    _check_characters(data, text, file)
    root = _compose(text, file) or Node("scalar", None, 0, 0, 1, 0)
    return Document(file, text, root, root.data, marked)


def load_json_document(data: bytes, *, file: str) -> Any:
    """Read the one JSON value of a file of at most 16 MiB.

    Raises:
        InvalidDocument: not UTF-8, not JSON, a key twice, NaN, or too large.
    """
    _check_size(data, file)
    return parse_json(data, file=file)


def _check_size(data: bytes, file: str) -> None:
    if len(data) > MAX_BYTES:
        raise InvalidDocument(
            f"{len(data) / 2**20:.1f} MiB is more than the {MAX_BYTES // 2**20} MiB that a document may have",
            hint="keep data sets in files of their own",
            file=file,
        )


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
        reason = "it looks like UTF-16" if wide else f"byte 0x{data[error.start]:02x} at offset {error.start}"
        line = 1 if wide else data.count(b"\n", 0, error.start) + 1
        raise InvalidDocument(
            f"not UTF-8: {reason}", hint="save the file as UTF-8", file=file, line=line
        ) from error


def _check_characters(data: bytes, text: str, file: str) -> None:
    """Refuse what the parser would refuse with less to say, and what costs it more than it is worth."""
    plain = data.isascii() and len(data.translate(None, _CONTROLS)) == len(data)
    bad = None if plain else _FORBIDDEN.search(text)
    if bad:
        _refuse(
            f"the character U+{ord(bad[0]):04X} cannot stand in YAML as it is",
            file,
            _line_of(text, bad.start()),
            hint=f'write it as an escape inside double quotes: "\\u{ord(bad[0]):04x}"',
        )
    lone = _LONE_RETURN.search(text) if b"\r" in data else None
    if lone:
        line = _line_of(text, lone.start())
        _refuse("a carriage return without a line feed", file, line, hint="end lines with LF or CRLF")
    directive = _DIRECTIVE.match(text)
    if directive:
        line = _line_of(text, directive.end())
        _refuse("a YAML directive (%): documents here have none", file, line, hint="remove the line")


def _compose(text: str, file: str) -> Node | None:
    import yaml

    shielded, shields = _shielded(text)
    composer = Composer(text, file, shields)
    handlers: dict[type, Any] = {
        yaml.ScalarEvent: composer.scalar,
        yaml.AliasEvent: composer.alias,
        yaml.MappingStartEvent: composer.open_mapping,
        yaml.MappingEndEvent: composer.close,
        yaml.SequenceStartEvent: composer.open_sequence,
        yaml.SequenceEndEvent: composer.close,
    }
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(shielded)
    try:
        while True:
            event = loader.get_event()
            kind = type(event)
            handler = handlers.get(kind)
            if handler is not None:
                handler(event)
            elif kind is yaml.DocumentEndEvent:
                _check_rest(text, event.end_mark.index, file)
                return composer.root
            elif kind is yaml.StreamEndEvent:
                return None
    except yaml.MarkedYAMLError as error:
        _explain(error, text, file)
    except yaml.YAMLError as error:
        _refuse(f"not YAML: {error}", file, 1)
    finally:
        loader.dispose()


def _shielded(text: str) -> tuple[str, dict[int, str]]:
    """``text`` with 1.1's extra line breaks replaced by characters that it does not use, and the way back."""
    present = [character for character in _OLD_BREAKS if character in text]
    if not present:
        return text, {}
    unused = (code for code in _PRIVATE_USE if chr(code) not in text)
    shields = {next(unused): character for character in present}
    return text.translate({ord(character): code for code, character in shields.items()}), shields


def _check_rest(text: str, end: int, file: str) -> None:
    rest = _AFTER_THE_END.match(text, end)
    stop = rest.end() if rest else end
    if stop < len(text):
        line = _line_of(text, stop)
        _refuse("a second YAML document: a file holds one", file, line, hint="remove it, or its `---` line")


def _explain(error: Any, text: str, file: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or "the text cannot be parsed"
    offset = mark.index if mark else 0
    if "cannot start any token" in problem and text[offset : offset + 1] == "\t":
        _refuse("a tab cannot indent YAML", file, line, hint="indent with spaces")
    began = error.context_mark.line + 1 if error.context and error.context_mark else line
    where = f" ({error.context} that begins on line {began})" if began != line else ""
    hint = (
        'quote a text that holds ": " or begins with a special character'
        if "mapping values" in problem
        else None
    )
    _refuse(f"not YAML: {problem}{where}", file, line, hint=hint)


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _refuse(message: str, file: str, line: int, *, hint: str | None = None) -> NoReturn:
    raise InvalidDocument(message, file=file, line=line, hint=hint)
