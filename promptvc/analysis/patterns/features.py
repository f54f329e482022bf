"""Features of a text as candidates: its length, its form, its script, whether it refuses or asks."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from promptvc.analysis.patterns.block import Block, Candidate, rows_of
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json

MOST_CHARACTERS = 20_000
"""Of a text; what is longer is judged by its beginning, and is not JSON."""

_LENGTHS = (0, 40, 200, 1_000)
_SIZES = (
    "empty",
    "up to 40 characters",
    "41 to 200 characters",
    "201 to 1,000 characters",
    "over 1,000 characters",
)
_LIST = re.compile(r"^[ \t]{0,8}(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_CODE = re.compile(
    r"```|^[ \t]{0,20}(?:def|class|import|from|function|const|public|#include|SELECT)\b.{0,200}[:;({]",
    re.MULTILINE,
)
_TABLE = re.compile(r"^[ \t]*\|.{1,200}\|[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"https?://\S")
_REFUSAL = re.compile(
    r"\b(?:i (?:can(?:no|')t|cannot|am (?:not able|unable)|'m (?:not able|unable)|won't|will not|must decline)"
    r"|i'm (?:sorry|afraid|not able|unable)|i am (?:sorry|afraid)|unable to (?:help|assist|answer|comply)"
    r"|as an ai\b|as a language model)"
)

_QUOTES = str.maketrans("\u2019\u02bc", "''")
_SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "HANGUL", "HIRAGANA", "KATAKANA", "CJK",
)  # fmt: skip


def features(texts: Iterable[str | None], where: str, support: int) -> Block:
    """The features that at least ``support`` of the events have in this text, as far as not all have them."""
    numbers, of = rows_of(texts)
    names: dict[str, int] = {}
    rows = [tuple(names.setdefault(name, len(names)) for name in _features(text)) for text in numbers]
    whole = Block([Candidate("feature", where, name) for name in names], rows, of)
    counts, n = whole.counts(range(len(of)))
    kept = [at for at in range(len(names)) if support <= counts[at] <= n - support]
    renamed = {at: number for number, at in enumerate(kept)}
    smaller = [tuple(renamed[at] for at in row if at in renamed) for row in rows]
    return Block([whole.candidates[at] for at in kept], smaller, of)


def _features(text: str) -> Iterator[str]:
    """The names of a text's features, each once."""
    text = text[: MOST_CHARACTERS + 1]
    size = len(text.strip())
    yield _SIZES[bisect_left(_LENGTHS, size)]
    if size == 0:
        return
    if _is_json(text):
        yield "is JSON"
    # What is quickly seen comes first: most texts have none of this.
    lines = "\n" in text
    if lines and len(_LIST.findall(text)) > 1:
        yield "has a list"
    if lines and "|" in text and _TABLE.search(text):
        yield "has a table"
    if (lines or "`" in text) and _CODE.search(text):
        yield "has code"
    if "http" in text and _LINK.search(text):
        yield "has a link"
    begins = text[:400].lower().translate(_QUOTES)
    if _may_refuse(begins) and _REFUSAL.search(begins):
        yield "refuses"
    if text.rstrip().endswith(("?", "\uff1f", "\u061f")):
        yield "ends in a question"
    if size > 20 and text.isupper():
        yield "all capitals"
    yield from sorted(_scripts(text[:400]))


def _may_refuse(text: str) -> bool:
    return "i " in text or "i'm" in text or "unable" in text or "as a" in text


def _is_json(text: str) -> bool:
    text = text.strip()
    if text[:1] + text[-1:] not in {"{}", "[]"} or len(text) > MOST_CHARACTERS:
        return False
    try:
        parse_json(text, file="text")
    except InvalidDocument:
        return False
    return True


def _scripts(text: str) -> set[str]:
    if text.isascii():
        return {"latin letters"} if any(map(str.isalpha, text)) else set()
    found = {unicodedata.name(one, "").split(" ", 1)[0] for one in set(text) if one.isalpha()}
    return {f"{script.lower()} letters" for script in _SCRIPTS if script in found}
