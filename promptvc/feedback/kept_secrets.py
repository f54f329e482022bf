"""Secrets in files that git is to keep: where they stand, and never what they are.

Stricter than redaction, which may replace a word too many: here a finding stops a person. Looked for are the formats
of issuers, private keys, and what is assigned to a name such as ``password`` or ``api_key`` and looks random. Left
out is what says of itself that it is none: placeholders, and the examples of documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from promptvc.base.findings import Problem
from promptvc.feedback.secret_formats import find_tokens

_SIGN = re.compile("[:=]")
_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "api-key", "api key"),
    *("access_key", "access-key", "private_key", "secret_key", "client_secret", "credential", "pwd"),
)
_BEFORE = 24
_VALUE = re.compile(r"[=>]?[ \t]{0,3}[\"']?([A-Za-z0-9+/_.~!@#$%^&*-]{12,200})(?=[\"'\s,;)}\]]|\Z)")
_PLAYED = re.compile(
    r"(?i)example|sample|placeholder|dummy|redacted|change.?me|your[_-]|my[_-]|insert|replace|xxx|\.\.\.|\*\*\*"
    r"|123456|abcdef|foobar|[{}<>$]"
)
_MOST = 20


def secret_problems(path: str, data: bytes) -> Iterator[Problem]:
    """What looks like a secret in the text of a file; nothing of it is repeated."""
    text = data.decode("utf-8", "replace")
    return _told(path, text, _apart(text, (*find_tokens(text), *_assigned(text))))


def token_problems(path: str, data: bytes) -> Iterator[Problem]:
    """The same, of what has the format of an issuer or is a private key, whatever it is assigned to."""
    text = data.decode("utf-8", "replace")
    return _told(path, text, _apart(text, find_tokens(text)))


def _told(path: str, text: str, spans: list[tuple[int, int]]) -> Iterator[Problem]:
    for start, end in spans[:_MOST]:
        line = text.count("\n", 0, start) + 1
        column = start - text.rfind("\n", 0, start)
        message = f"what looks like a secret of {end - start} characters"
        hint = "take it out and have it withdrawn: git keeps it; keys come from the environment"
        yield Problem("secret", "error", path, line, message, hint, column)


def _apart(text: str, found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    spans = sorted((start, end) for start, end in found if not _PLAYED.search(text[start:end]))
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    """Values behind ``password: `` and its like; looked for from the sign backwards, which signs are few."""
    for match in _SIGN.finditer(text):
        at = match.start()
        name = text[max(0, at - _BEFORE) : at].lower().rstrip(" \t\"'")
        value = _VALUE.match(text, match.end()) if name.endswith(_NAMES) else None
        if value is not None and _is_random(value[1]):
            yield value.span(1)


def _is_random(value: str) -> bool:
    """Letters of both cases or signs, digits among them: no word, no name, no number, no path."""
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    mixed = value != value.lower() and value != value.upper()
    strange = any(character in "+/~!@#$%^&*" for character in value)
    return digits >= 2 and letters >= 4 and (mixed or strange or digits * 4 >= len(value))
