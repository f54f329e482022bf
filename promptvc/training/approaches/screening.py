"""Which texts of strangers may become words of a prompt.

Feedback is hostile until it is shown to be plain. A remark that has what is refused everywhere
(:mod:`promptvc.training.approaches.refusals`), or is not made of plain words, is not cleaned but left out as a whole:
who writes one such sentence is not to be trusted with the next.
"""

from __future__ import annotations

import re
import unicodedata

from promptvc.feedback.redact import CATEGORIES
from promptvc.training.approaches.refusals import INSTRUCTIONS, refusals

LONGEST = 300
"""Characters of a remark that may become a rule: more is a story, or a prompt of its own."""

_ORDERED = (
    r"(?:all|any|every\w*|previous|prior|above|earlier|before|other|your|alle\w*|vorherig\w*|bisherig\w*|tou[st]\w*"
    rf"|précédent\w*|todas?|anterior\w*|rules?|regeln|règles|{INSTRUCTIONS}\w*)"
)
_CODE = (
    r"import\s+\w+|def\s+\w+\s*\(|function\s*\(|eval\s*\(|exec\s*\(|rm\s+-|drop\s+table|select\s+.+\sfrom\s"
    r"|curl\s|wget\s|chmod\s|os\.\w+"
)
_PATTERNS = (
    # Of strangers more is taken for an order about orders than of a model, which was asked for orders.
    (
        r"\b(?:ignor(?:e|iere?|ez|a)|disregard|forget(?! to\b)|override|bypass|vergiss|missachte|oublie[rz]?|olvida)\b"
        rf".{{0,40}}\b{_ORDERED}\b"
    ),
    r"\b(?:passwords?|passwort|credentials?|api[ _-]?keys?|access tokens?)\b",
    r"\b(?:reveal|leak|print|repeat|output|show|expose|dump)\b.{0,30}\b(?:api|keys?)\b",
    # Turns and marks of a conversation's format.
    r"(?:^|\n)\s*(?:system|assistant|user|developer|human|ai)\s*:",
    r"<\|?/?\w|\[/?inst\]|\[/?system\]|<<|>>>|#{2,}\s|={4,}|-{4,}",
    # Templates and code.
    r"\{\{|\}\}|\{%|%\}|\{#|\$\{|<%|%>|`|\\[nrtux0]",
    rf"\b(?:{_CODE})",
    r"[{}\[\]<>|\\^~]{2,}|\w\(\)|;\s*$|=>|==|&&|\|\|",
    r"\b(?:file|data|javascript)\s*:",
    # Runs that no person types.
    r"(?:\d[\s().-]?){7,}",
    r"[^\s]{40,}",
    r"\b[A-Za-z0-9+/_-]*(?:[a-z][0-9][A-Za-z0-9]|[0-9][A-Za-z][0-9])[A-Za-z0-9+/_-]{12,}",
    # Letters set apart, to be read by a model and not by a filter.
    r"(?:\b\w[\s._-]+){5,}\w\b",
    rf"\[(?:{'|'.join(CATEGORIES)})\]",
)
_HOSTILE = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\u00a0]+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2018": "'", "\u00b4": "'"})


def screened(text: str) -> str | None:
    """``text`` on one line in its plain characters (NFKC), or None where it must not become a rule."""
    if len(text) > LONGEST:
        return None
    read = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    if len(read) > LONGEST or _HOSTILE.search(read) or any(True for _ in refusals(text)):
        return None
    return _SPACE.sub(" ", read).strip() or None
