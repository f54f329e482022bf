"""Secrets in text, by the formats their issuers publish: keys, tokens, private key blocks, passwords assigned.

Every pattern is linear in the text: repeats are bounded or possessive, and an open-ended run is either the
end of its pattern or cannot be entered twice. A pattern only runs where its marker occurs, a plain piece of
text that each of its matches holds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

Span = tuple[int, int]

PLACEHOLDER = r"\[(?:email|phone|card|iban|ip|secret)\]"
_START = r"(?<![A-Za-z0-9_])"
_END = r"(?![A-Za-z0-9_])"
_KEPT = rf"(?!{PLACEHOLDER})"


@dataclass(frozen=True, slots=True)
class Secret:
    """One format. ``markers`` are lower case; ``group`` is what is replaced; ``digit``: it must hold one."""

    markers: tuple[str, ...]
    pattern: re.Pattern[str]
    group: int = 0
    digit: bool = False


def _fixed(prefix: str, body: str) -> Secret:
    """A token of a fixed length after its prefix."""
    return Secret((prefix.lower(),), re.compile(_START + re.escape(prefix) + body + _END))


def _open(prefix: str, characters: str, least: int, *, digit: bool = False) -> Secret:
    """A token of at least ``least`` characters after its prefix; the run is taken whole."""
    pattern = rf"{_START}{re.escape(prefix)}[{characters}]{{{least},}}+"
    return Secret((prefix.lower(),), re.compile(pattern), digit=digit)


_ALNUM = "A-Za-z0-9"
_URL64 = r"A-Za-z0-9_\-"

FORMATS: tuple[Secret, ...] = (
    # Cloud providers
    *(
        _fixed(prefix, "[A-Z0-9]{16}")
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "ANPA", "AIPA", "ANVA")
    ),
    _open("AIza", _URL64, 35),
    _open("GOCSPX-", _URL64, 20),
    _open("ya29.", _URL64, 20),
    _fixed("dop_v1_", "[a-f0-9]{64}"),
    # Forges and registries
    *(_open(f"gh{letter}_", _ALNUM, 30) for letter in "pousr"),
    _open("github_pat_", "A-Za-z0-9_", 22),
    _open("glpat-", _URL64, 16),
    _fixed("npm_", "[A-Za-z0-9]{36}"),
    _open("pypi-", _URL64, 50),
    _open("hf_", _ALNUM, 30),
    # Model providers
    _open("sk-", _URL64, 20, digit=True),
    _open("gsk_", _ALNUM, 20),
    _open("xai-", _ALNUM, 20),
    _open("pplx-", _ALNUM, 20),
    # Payment, mail, chat, shops
    *(_open(f"{kind}_{mode}_", _ALNUM, 10) for kind in ("sk", "rk", "pk") for mode in ("live", "test")),
    _open("whsec_", "A-Za-z0-9+/", 20),
    Secret(("sg.",), re.compile(_START + r"SG\.[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,}+")),
    *(_open(f"xox{letter}-", r"A-Za-z0-9\-", 10) for letter in "abeoprs"),
    _open("xapp-", r"A-Za-z0-9\-", 10),
    _open("https://hooks.slack.com/", r"A-Za-z0-9/_\-", 20),
    _fixed("shpat_", "[a-fA-F0-9]{32}"),
    _open("hvs.", _URL64, 20),
    _fixed("dapi", "[a-f0-9]{32}"),
    Secret((":aa",), re.compile(_START + r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,}+")),
    # A JSON web token, whole or cut off after its header
    Secret(
        ("eyj",),
        re.compile(
            r"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{6,}+\.[A-Za-z0-9_\-]{4,}+(?:\.[A-Za-z0-9_\-]*+){0,3}"
        ),
    ),
    # What follows the scheme in an Authorization header
    Secret(
        ("bearer", "basic"),
        re.compile(rf"(?i)(?<![a-z])(?:bearer|basic)\s{{1,4}}{_KEPT}([a-z0-9._~+/\-]{{16,}}+={{0,2}})"),
        group=1,
        digit=True,
    ),
    # The password in a URL
    Secret(("://",), re.compile(rf"://[^\s:/@?#]{{0,64}}:{_KEPT}([^\s/@?#]{{1,200}})@"), group=1),
)

_NAMES = (
    *("password", "passwd", "passwort", "kennwort", "contraseña", "mot de passe", "passphrase", "pwd"),
    *("secret", "token", "credential", "credentials", "accountkey"),
    *("apikey", "api key", "api_key", "api-key", "access_key", "access-key", "private_key"),
)
_SPOKEN_NAMES = ("password", "passwort", "kennwort", "passphrase", "pin code")
_QUOTED = rf"\\?\"{_KEPT}([^\"\n]{{3,}}+)\"|\\?'{_KEPT}([^'\n]{{3,}}+)'"
# An ampersand ends a value only where the next parameter of a URL begins.
_BARE = rf"{_KEPT}((?:[^\s\"'<>,;&]|&(?![A-Za-z0-9_.%\-]{{1,40}}=)){{3,}}+)"
_ASSIGNED = re.compile(
    rf"(?i:{'|'.join(map(re.escape, _NAMES))})(?:\\?[\"'])?[ \t]{{0,3}}(=>|:=|=|:)[ \t]{{0,3}}"
    rf"(?:{_QUOTED}|[\"']?{_BARE})"
)
_SPOKEN = re.compile(
    rf"(?i:{'|'.join(_SPOKEN_NAMES)})\s{{1,3}}(?i:is|was|ist|lautet)[\s:]{{1,3}}[\"']?{_BARE}"
)
_VERB = re.compile(r"\s(?:is|was|ist|lautet)[\s:]")
_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----")
_BLOCK_END = re.compile(r"-----END [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----")
_DIGIT = re.compile("[0-9]")
_TRAILING = ".!?:)]}"


# Flat, since most texts hold no marker at all and this loop is what they cost.
_BY_MARKER = tuple((marker, secret) for secret in FORMATS for marker in secret.markers)
_KEY_NAME = re.compile(
    r"(?i)(?:password|passwd|passwort|passphrase|pwd|secret|credentials?|(?:api|access|private|account)[_\- ]?key|"
    r"(?:auth|access|refresh|bearer|session|api|id)[_\- ]?token)\Z"
)
_WHOLE_PLACEHOLDER = re.compile(PLACEHOLDER)
# Every token but the password of a URL has this many characters without a blank; most sentences have not.
_LONG = 14


def find_secrets(text: str) -> Iterator[Span]:
    """The spans of ``text`` that hold secrets, in no particular order; they may overlap."""
    lowered = text.lower()
    yield from _tokens(text, lowered)
    if (":" in text or "=" in text) and any(name in lowered for name in _NAMES):
        yield from _assigned(text)
    if any(name in lowered for name in _SPOKEN_NAMES) and _VERB.search(lowered) and _DIGIT.search(text):
        yield from _spoken(text)


def find_tokens(text: str) -> Iterator[Span]:
    """Only what has a format of its own, or is a private key: what is no secret hardly ever looks like it."""
    return _tokens(text, text.lower())


def is_secret_member(key: str, value: str) -> bool:
    """Whether a text that an object holds under ``key`` is a secret by that name: ``{"api_key": "x1"}``."""
    return len(value) >= 3 and _names_secret(key) and not _WHOLE_PLACEHOLDER.fullmatch(value)


@functools.lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _KEY_NAME.search(key) is not None


def _tokens(text: str, lowered: str) -> Iterator[Span]:
    for marker, secret in _BY_MARKER if _has_long(text) else ():
        if marker in lowered:
            for match in secret.pattern.finditer(text):
                if not secret.digit or _DIGIT.search(match.group(secret.group)):
                    yield match.span(secret.group)
    if "private key" in lowered:
        yield from _blocks(text)


def _has_long(text: str) -> bool:
    return "://" in text or max(map(len, text.split()), default=0) >= _LONG


def _blocks(text: str) -> Iterator[Span]:
    """Private key blocks; one without an end reaches to the end of the text."""
    at = 0
    while start := _BLOCK.search(text, at):
        end = _BLOCK_END.search(text, start.end())
        at = end.end() if end else len(text)
        yield start.start(), at


def _assigned(text: str) -> Iterator[Span]:
    """The value in ``password = x``, ``"api_key": "x"`` and their like."""
    for match in _ASSIGNED.finditer(text):
        sign, double, single, bare = match.groups()
        if double or single:
            yield match.span(2) if double else match.span(3)
        elif _is_value(value := bare.rstrip(_TRAILING), sign):
            yield match.start(4), match.start(4) + len(value)


def _spoken(text: str) -> Iterator[Span]:
    """The value in ``my password is x1``; only with a digit, since ``my password is wrong`` is no secret."""
    for match in _SPOKEN.finditer(text):
        value = match.group(1).rstrip(_TRAILING)
        if _DIGIT.search(value):
            yield match.start(1), match.start(1) + len(value)


def _is_value(value: str, sign: str) -> bool:
    """Not a count such as ``token: 42``; and after a bare colon no ordinary word: ``password: forgotten``."""
    if len(value) < 3 or (value.isdigit() and len(value) < 6):
        return False
    return sign != ":" or not value.isalpha()
