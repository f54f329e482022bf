"""Writing YAML: new documents in one house style, and scalars that every reader takes for the same text.

A text is quoted wherever a YAML 1.1 reader and a YAML 1.2 reader could disagree about it (``no``, ``12:30``,
``0o7``, ``1_000``, dates). What is written here, :func:`promptvc.base.documents.load_yaml` reads back equal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from promptvc.base.errors import InputError

WIDTH = 100  # a flow collection is written on one line when the line stays below this
_KEY_LIMIT = 1000  # longer keys need the `? key` form (a parser looks 1,024 characters ahead)
_STEP = 2

# Everything else is escaped: controls, the line breaks of YAML 1.1, byte order marks, surrogates, and the
# bidirectional controls that would let a line show something else than it says.
_SAFE = r"\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", '"': '\\"', "\\": "\\\\"}
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_NUMBERLIKE = re.compile(r"[-+.0-9_:,eExXoObBa-fA-FtTzZ ]*")
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<~.+ ")


@cache
def _unsafe() -> re.Pattern[str]:
    """A character that needs an escape; compiled when first wanted, as commands that only read never do."""
    return re.compile(f"[^{_SAFE}]")


@cache
def _escaped() -> re.Pattern[str]:
    """A character that is written differently between double quotes."""
    return re.compile(f'[^{_SAFE}]|[\\\\"]')


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Whether ``text`` may stand without quotes, inside a flow collection or outside of one."""
    if not text or text[0] in _INDICATORS or text != text.strip() or _unsafe().search(text):
        return False
    if ": " in text or text[-1] == ":" or " #" in text or text.lower() in _WORDS:
        return False
    if flow and any(character in ",?[]{}" for character in text):
        return False
    return not (text[0].isdigit() and _NUMBERLIKE.fullmatch(text))


def double_quoted(text: str) -> str:
    """``text`` between double quotes, on one line, with everything unsafe escaped.

    Raises:
        InputError: a lone surrogate, which no UTF-8 file can hold.
    """
    return '"' + _escaped().sub(_escape, text) + '"'


def single_quoted(text: str) -> str | None:
    """``text`` between single quotes, or None when it needs escapes."""
    return None if _unsafe().search(text) else "'" + text.replace("'", "''") + "'"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = _SHORT_ESCAPES.get(character)
    if short:
        return short
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise InputError(f"a text with a lone surrogate (U+{code:04X}) cannot be written as UTF-8")
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def scalar_text(value: Any, *, flow: bool = False) -> str:
    """One scalar on one line: plain where that is safe, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, str):
        return value if is_plain(value, flow=flow) else double_quoted(value)
    raise InputError(f"a {type(value).__name__} cannot be written as YAML")


def _float_text(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    return text if not mark or "." in mantissa else f"{mantissa}.0e{exponent}"


def flow_text(value: Any) -> str:
    """``value`` on one line: ``[a, b]``, ``{a: 1}``, or a scalar that is safe inside them."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(_flow_pair(key, item) for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return scalar_text(value, flow=True)


def _flow_pair(key: Any, value: Any) -> str:
    name = _key_text(key, flow=True)
    mark = "? " if len(name) > _KEY_LIMIT else ""
    return f"{mark}{name}: {flow_text(value)}"


def _key_text(key: Any, *, flow: bool = False) -> str:
    if not isinstance(key, str):
        raise InputError(f"a key must be text, not {key!r}")
    return scalar_text(key, flow=flow)


def literal_lines(text: str) -> tuple[str, list[str]] | None:
    """The header (``|``, ``|-``, ``|2``) and the lines of a literal scalar that means exactly ``text``.

    None where a literal scalar cannot say it, or only fragilely: one line, control characters, carriage
    returns, white space alone on the first or last line, more than one line break at the end. The lines are
    not indented yet; they must be, by two more spaces than what holds the scalar.
    """
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if (
        "\n" not in text
        or not lines[-1].strip()
        or any(_unsafe().search(line.replace("\t", "")) for line in lines)
    ):
        return None
    first = next(line for line in lines if line)
    if not first.strip():
        return None
    indicator = str(_STEP) if first[0] in " \t" else ""
    return f"|{indicator}{'' if body != text else '-'}", lines


def dump_yaml(value: Any) -> str:
    """A whole document, ending in a line break: block style, short flow collections, literal scalars.

    ``value`` is plain data: mappings with text keys, sequences, text, numbers, booleans, None. Keys keep
    their order.

    Raises:
        InputError: a value that YAML's core types cannot hold.
    """
    if _is_collection(value) and value:
        return "\n".join(block_lines(value)) + "\n"
    return (flow_text(value) if _is_collection(value) else scalar_text(value)) + "\n"


def block_lines(value: Any) -> list[str]:
    """A collection that is not empty, in block style, as lines without indentation of their own."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            lines.extend(_entry(key, item))
        return lines
    for item in value:
        inner = _item(item)
        lines.append(f"- {inner[0]}")
        lines.extend(_indented(inner[1:]))
    return lines


def _entry(key: Any, value: Any) -> list[str]:
    name = _key_text(key)
    if len(name) > _KEY_LIMIT:
        inner = _item(value)
        return [f"? {name}", f": {inner[0]}", *_indented(inner[1:])]
    if not _is_collection(value):
        first, *rest = _scalar_lines(value)
        return [f"{name}: {first}", *_indented(rest)]
    line = _short(value, len(name) + 2)
    if line is not None:
        return [f"{name}: {line}"]
    return [f"{name}:", *_indented(block_lines(value))]


def _item(value: Any) -> list[str]:
    if not _is_collection(value):
        return _scalar_lines(value)
    if not value:
        return [flow_text(value)]
    line = None if isinstance(value, Mapping) else _short(value, _STEP)
    return block_lines(value) if line is None else [line]


def _scalar_lines(value: Any) -> list[str]:
    literal = literal_lines(value) if isinstance(value, str) else None
    return [scalar_text(value)] if literal is None else [literal[0], *literal[1]]


def _short(value: Any, used: int) -> str | None:
    items = value.values() if isinstance(value, Mapping) else value
    if any((_is_collection(item) and item) or (isinstance(item, str) and "\n" in item) for item in items):
        return None
    line = flow_text(value)
    return line if not value or len(line) + used < WIDTH else None


def _indented(lines: list[str]) -> list[str]:
    return [" " * _STEP + line if line else line for line in lines]


def _is_collection(value: Any) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, (str, bytes))
