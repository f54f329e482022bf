"""Personal data in text: e-mail addresses, telephone and card numbers, IBANs, IP addresses.

Where a number carries check digits they decide (cards: ISO/IEC 7812-1, Luhn; IBANs: ISO 13616, mod 97). Telephone
numbers carry none: their shape decides, and the word before them. Each finder reads its text once; every window
that it tries has a bounded length.

Finders take text whose look-alike characters are plain ASCII already (see :mod:`promptvc.feedback.lookalikes`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

Span = tuple[int, int]

# -- e-mail --------------------------------------------------------------------------------------------------

_DOMAIN = re.compile(r"(?:@|%(?:25){0,3}40)(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")
_LOCAL = frozenset(".!#$%&'*+^`{|}~-_")
_LONGEST_LOCAL = 128
_LONGEST_QUOTED = 66
_AT = r" ?[\[({] ?(?:at|@) ?[\])}] ?"
_DOT = r"(?: ?[\[({] ?(?:dot|punkt) ?[\])}] ?|\.)"
_SPELLED = re.compile(
    rf"(?i)(?<![\w.+\-])[\w.+\-]{{1,64}}+{_AT}(?:[\w\-]{{1,63}}+{_DOT}){{1,6}}[^\W\d_]{{2,24}}(?!\w)"
)


def find_emails(text: str) -> Iterator[Span]:
    """``name@example.org``, also with letters beyond ASCII, as ``name%40example.org``, as ``"any words"@example.org``,
    and ``name (at) example (dot) org``.
    """
    for match in _DOMAIN.finditer(text) if "@" in text or "%" in text else ():
        start = match.start()
        limit = max(0, start - _LONGEST_LOCAL)
        while start > limit and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        while start < match.start() and text[start] in ".'":
            start += 1
        if start == match.start():
            start = _quoted_start(text, start)
        if start < match.start():
            yield start, match.end()
    if any(bracket in text for bracket in "([{"):
        for match in _SPELLED.finditer(text):
            yield match.span()


def _quoted_start(text: str, end: int) -> int:
    """Where the quoted local part (RFC 5321, 4.1.2) that ends at ``end`` begins; ``end`` when there is none."""
    if text[end - 1 : end] != '"':
        return end
    limit = max(0, end - _LONGEST_QUOTED)
    start = text.rfind('"', limit, end - 1)
    while start > limit and text[start - 1] == "\\":
        start = text.rfind('"', limit, start)
    return end if start < 0 or "\n" in text[start:end] else start


# -- cards ---------------------------------------------------------------------------------------------------

_DIGIT_RUN = re.compile(r"(?<![A-Za-z0-9+])[0-9]++(?:[ .\-]{1,2}[0-9]++)*+")
_GROUP = re.compile("[0-9]++")


def find_cards(text: str) -> Iterator[Span]:
    """Numbers of 13 to 19 digits, whole or in groups of four and more, with an issuer's prefix and a Luhn digit."""
    if sum(map(text.count, "0123456789")) < 13:
        return
    for run in _DIGIT_RUN.finditer(text):
        if run.end() - run.start() < 13:
            continue
        groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
        after = run.start()
        for first, (start, _) in enumerate(groups):
            end = _card_end(text, groups, first) if start >= after else None
            if end is not None:
                yield start, end
                after = end


def _card_end(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits = ""
    for start, end in groups[first : first + 5]:
        if digits and end - start < 3:
            return None
        digits += text[start:end][:20]
        if len(digits) > 19:
            return None
        if len(digits) >= 13 and is_card(digits) and not text[end : end + 1].isalpha():
            return end
        if end - start < 4:
            return None
    return None


def is_card(digits: str) -> bool:
    """Whether ``digits`` begin as an issuer's cards do, have its length, and end in the right Luhn digit."""
    size = len(digits)
    two, three, four = int(digits[:2]), int(digits[:3]), int(digits[:4])
    known = (
        (digits[0] == "4" and size in {13, 16, 19})
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))
        or (size == 15 and two in {34, 37})
        or (size in {14, 16} and (300 <= three <= 305 or two in {36, 38, 39}))
        or (size in {16, 19} and (four == 6011 or two == 65 or 644 <= three <= 649))
        or (16 <= size <= 19 and (two == 62 or 3528 <= four <= 3589))
        or (size >= 16 and two in {50, 56, 57, 58, 63, 67})
    )
    return known and luhn(digits)


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# -- IBAN ----------------------------------------------------------------------------------------------------

_IBAN_START = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[0-9]{2}(?=[ \-]?[A-Za-z0-9])")
# Countries by length: SWIFT's IBAN registry.
_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {country: length for length, codes in _IBAN_COUNTRIES.items() for country in codes.split()}


def find_ibans(text: str) -> Iterator[Span]:
    """IBANs of the registry's countries and lengths, written together or in groups, whose check digits are right."""
    for match in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(match.group(1).upper(), 0)
        end = _iban_end(text, match.start(), length) if length else None
        if end is not None:
            yield match.start(), end


def _iban_end(text: str, start: int, length: int) -> int | None:
    code, at, stop = "", start, min(len(text), start + 2 * length)
    while at < stop and len(code) < length:
        character = text[at]
        if character.isascii() and character.isalnum():
            code += character.upper()
        elif character not in " -" or not text[at - 1].isalnum():
            return None
        at += 1
    if len(code) < length or (at < len(text) and text[at].isascii() and text[at].isalnum()):
        return None
    number = int("".join(str(int(character, 36)) for character in code[4:] + code[:4]))
    return at if number % 97 == 1 else None


# -- IP addresses --------------------------------------------------------------------------------------------

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![0-9A-Za-z.])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z]|\.[0-9])")
_VERSION_WORD = re.compile(
    r"(?i)(?:\b(?:v|ver|version|versions|release|build|firmware|section)[ .:=]{0,3}|[a-z]/)\Z"
)
_COLON_RUN = re.compile(r"(?<![0-9A-Za-z_:.])[0-9A-Fa-f:][0-9A-Fa-f:.]++(?![G-Zg-z_])")
_FIRST_GROUP = re.compile(r"[0-9A-Fa-f]{3,4}:|::ffff:|::1\Z", re.IGNORECASE)


def find_ips(text: str) -> Iterator[Span]:
    """IPv4 (not four-part versions after a product's name or the word "version") and IPv6 addresses."""
    for match in _IPV4.finditer(text) if text.count(".") >= 3 else ():
        if not _VERSION_WORD.search(text[max(0, match.start() - 12) : match.start()]):
            yield match.span()
    if text.count(":") >= 2:
        for match in _COLON_RUN.finditer(text):
            address = match.group().rstrip(".")
            address = address[:-1] if address.endswith(":") and not address.endswith("::") else address
            if 3 <= len(address) <= 45 and is_ipv6(address):
                yield match.start(), match.start() + len(address)


def is_ipv6(text: str) -> bool:
    """Whether ``text`` is an IPv6 address, and not a time of day or a name such as ``face::add``."""
    if text.count(":") < 2 or not _FIRST_GROUP.match(text) or not any(map(str.isdigit, text)):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
