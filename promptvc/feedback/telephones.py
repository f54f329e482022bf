"""Telephone numbers in text, by shape and by the word before them.

Four shapes count: ``+`` and a country code; ``00`` and a country code, in groups; the North American 3-3-4; a
leading 0 and groups, as in most of Europe. Seven digits and more in any shape count after a word such as
"call" or "phone". After a word such as "order" or "invoice" only the first shape counts. Dates never count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_START = r"(?<![0-9A-Za-z_+#$€£])(?<![0-9A-Za-z]-)(?<![0-9][.,:])(?<![A-Za-z]/)"
_END = r"(?![0-9A-Za-z_]|[.\-:,][0-9])"
_INTERNATIONAL = re.compile(r"\+[1-9](?:[ .\-/()]{0,3}[0-9]){7,15}(?![0-9])")
_ZEROS = re.compile(rf"{_START}00 ?[1-9][0-9]{{0,2}}(?:[ .\-/]\(?[0-9]{{1,12}}\)?){{1,6}}{_END}")
_AREA = r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])"
_AMERICAN = re.compile(rf"{_START}(?:1[ .\-])?{_AREA}[0-9]{{3}}[ .\-][0-9]{{4}}{_END}")
_TRUNK = re.compile(rf"{_START}\(?0[1-9][0-9]{{0,4}}\)?(?:[ .\-/]{{1,3}}[0-9]{{2,10}}){{1,6}}{_END}")
_AFTER_WORD = re.compile(rf"{_START}\(?[0-9](?:[ .\-/]{{0,3}}[()]?[0-9]){{6,14}}{_END}")

_CALL = re.compile(
    r"(?i)\b(?:tel|phone|telephone|mobile|cell|call|calls|called|calling|ring|dial|fax|sms|text me|whatsapp|"
    r"signal|telefon|handy|mobil|rufnummer|portable|teléfono|móvil|reach me|my number)\b[^\n0-9]{0,16}\Z"
)
_REFERENCE = re.compile(
    r"(?i)\b(?:order|orders|invoice|invoices|ref|reference|ticket|case|tracking|shipment|parcel|booking|"
    r"account|customer|contract|policy|serial|sku|part|item|article|bestellung|bestellnummer|rechnung|auftrag|"
    r"kundennummer|id|isbn|version)[ .:#'\"]{0,4}(?:no|nr|number|id|is|was|ist)?[ .:#'\"]{0,4}(?:is|was)? ?\Z"
)
_DATE = re.compile(
    r"(?:0[1-9]|[12][0-9]|3[01])[./\-](?:0[1-9]|1[0-2])[./\-]"
    r"(?:(?:19|20)[0-9]{2}(?![0-9])|[0-9]{2}(?![0-9./\-]))"
    r"|(?:19|20)[0-9]{2}[./\-](?:0[1-9]|1[0-2])[./\-](?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
# "+48.8566140" is a coordinate, "+10.000.000" an amount.
_DECIMAL = re.compile(r"\+(?:[0-9]{1,16}\.[0-9]{1,16}|[0-9]{1,3}(?:\.[0-9]{3}){1,6})")
_WINDOW = 40
# What all shapes have in common: seven digits with nothing but a few signs between them. Only there they are looked
# for, with what may stand before the first digit and what is looked at behind the last.
_DIGITS = re.compile(r"[0-9](?:[ .\-/()]{0,4}+[0-9]){6,}+")
_BEFORE, _BEHIND = 2, 3


def find_phones(text: str) -> Iterator[Span]:
    """The spans that are telephone numbers, in no particular order; they may overlap."""
    for window in _DIGITS.finditer(text):
        yield from _within(text, max(0, window.start() - _BEFORE), min(len(text), window.end() + _BEHIND))


def _within(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _INTERNATIONAL.finditer(text, start, end):
        if not _DECIMAL.fullmatch(match.group()):
            yield match.span()
    for pattern, least, most in ((_ZEROS, 10, 17), (_AMERICAN, 10, 11), (_TRUNK, 9, 12)):
        for match in pattern.finditer(text, start, end):
            if least <= _digits(match.group()) <= most and not _is_other(text, match):
                yield match.span()
    for match in _AFTER_WORD.finditer(text, start, end):
        before = text[max(0, match.start() - _WINDOW) : match.start()]
        if _CALL.search(before) and not _DATE.match(text, match.start()) and not _REFERENCE.search(before):
            yield match.span()


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _is_other(text: str, match: re.Match[str]) -> bool:
    """Whether it is a date, times of day ("08.30 12.45"), or announced as an order's number and the like."""
    start, found = match.start(), match.group()
    if _DATE.match(text, start) or ("." in found and re.search(r"[ /\-]", found)):
        return True
    return bool(_REFERENCE.search(text[max(0, start - _WINDOW) : start]))
