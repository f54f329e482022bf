"""Which texts of strangers may become words of a prompt.

Feedback is hostile until it is shown to be plain. A remark that gives orders about instructions, or holds an
address, a template, code, a secret, a call number or hidden characters is not cleaned but left out as a whole: who
writes one such sentence is not to be trusted with the next.
"""

from __future__ import annotations

import re
import unicodedata

from promptvc.feedback.redact import CATEGORIES
from promptvc.feedback.secret_formats import find_secrets

LONGEST = 300
"""Characters of a remark that may become a rule: more is a story, or a prompt of its own."""

_INSTRUCTIONS = r"(?:instruct|direction|prompt|guideline|anweisung|vorgabe|consigne|instruccion|istruzion)"
_ORDERED = (
    r"(?:all|any|every\w*|previous|prior|above|earlier|before|other|your|alle\w*|vorherig\w*|bisherig\w*|tou[st]\w*"
    rf"|précédent\w*|todas?|anterior\w*|rules?|regeln|règles|{_INSTRUCTIONS}\w*)"
)
_SECRET = rf"(?:{_INSTRUCTIONS}\w*|api|credentials?|secrets?|tokens?|passwords?|keys?)"
_CODE = (
    r"import\s+\w+|def\s+\w+\s*\(|function\s*\(|eval\s*\(|exec\s*\(|rm\s+-|drop\s+table|select\s+.+\sfrom\s"
    r"|curl\s|wget\s|chmod\s|os\.\w+"
)
_SITES = "com|net|org|io|ru|cn|info|biz|xyz|dev|app|ai|co|de|fr|uk|eu|me|ly|tk|top|zip"
_PATTERNS = (
    # Orders about the orders, in the languages that they are most tried in.
    (
        r"\b(?:ignor(?:e|iere?|ez|a)|disregard|forget(?! to\b)|override|bypass|vergiss|missachte|oublie[rz]?|olvida)\b"
        rf".{{0,40}}\b{_ORDERED}\b"
    ),
    rf"\b(?:previous|prior|above|earlier|new|real|hidden|secret|system|initial|original|developer)\s+{_INSTRUCTIONS}",
    (
        r"\b(?:you are now|you're now|from now on you|act as|pretend (?:to|you)|role-?play|jail ?break|dan mode"
        r"|developer mode|god mode|do anything now|no restrictions?|unrestricted|sudo)\b"
    ),
    rf"\b(?:reveal|leak|print|repeat|output|show|expose|dump)\b.{{0,30}}\b{_SECRET}\b",
    r"\b(?:passwords?|passwort|credentials?|api[ _-]?keys?|access tokens?)\b",
    # Turns and marks of a conversation's format.
    r"(?:^|\n)\s*(?:system|assistant|user|developer|human|ai)\s*:",
    r"<\|?/?\w|\[/?inst\]|\[/?system\]|<<|>>>|#{2,}\s|={4,}|-{4,}",
    # Addresses.
    r"\b(?:https?|ftp|file|data|javascript|mailto)\s*:|\bwww\.|\bhxxp",
    rf"\b[\w-]+\.(?:{_SITES})\b|\S@\S",
    # Templates and code.
    r"\{\{|\}\}|\{%|%\}|\{#|\$\{|<%|%>|`|\\[nrtux0]",
    rf"\b(?:{_CODE})",
    r"[{}\[\]<>|\\^~]{2,}|\w\(\)|;\s*$|=>|==|&&|\|\|",
    # Numbers to call or to pay to, and runs that no person types.
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
_LETTERS = re.compile(r"[^\W\d_]+")


def screened(text: str) -> str | None:
    """``text`` on one line in its plain characters (NFKC), or None where it must not become a rule."""
    if len(text) > LONGEST or _hides(text):
        return None
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    if len(plain) > LONGEST or _HOSTILE.search(plain):
        return None
    if any(_mixes_scripts(word) for word in _LETTERS.findall(plain)) or any(find_secrets(plain)):
        return None
    return _SPACE.sub(" ", plain).strip() or None


def _hides(text: str) -> bool:
    """Whether it has characters that a reader does not see: control, format, private, unassigned, surrogate."""
    return any(
        unicodedata.category(character).startswith("C") and character not in "\n\r\t" for character in text
    )


def _mixes_scripts(word: str) -> bool:
    """Whether Latin letters stand among those of another alphabet: look-alikes, no word of a language."""
    if word.isascii():
        return False
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in word}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
