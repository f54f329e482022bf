"""Texts of others made fit for a format: what every encoding can hold, on one line where it must be one."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile("[\ud800-\udfff\x85\u2028\u2029]")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them
REPLACED = "\ufffd"


def dumps(value: Any) -> str:
    """One JSON value on one line.

    Half a surrogate pair, which UTF-8 cannot hold, is written as an escape, and so is what some readers take for the
    end of a line.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return json.dumps(value, separators=(",", ":"), allow_nan=False) if _ESCAPED.search(text) else text


def encodable(text: str) -> str:
    """``text`` as UTF-8 can hold it."""
    return _LONE.sub(REPLACED, text)


def for_xml(text: str) -> str:
    """``text`` without the characters that XML 1.0 cannot hold (section 2.2, Char), not even escaped."""
    return _NOT_XML.sub(REPLACED, text)


def one_line(text: str, limit: int) -> str:
    """``text`` as one visible line of at most ``limit`` characters.

    Blanks are brought together. What is not seen (controls, marks that turn the direction of writing) is replaced.
    """
    flat = " ".join(text[: limit * 4].split())
    seen = "".join(REPLACED if _unseen(character) else character for character in flat[: limit + 1])
    return seen if len(seen) <= limit and len(text) <= limit * 4 else seen[: limit - 1] + "…"


def written(value: Any) -> str:
    """A value of a suite as text: texts as they are, nothing as nothing, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} and character not in _JOINERS
