"""Characters that stand for plain ASCII: full-width and other digits, exotic spaces, dashes, dots, invisible ones.

``name＠example．org`` and a card number with invisible characters between its digits are read as what people
see. The text itself is never changed: the plain copy comes with the offsets back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]"
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_DOTS = "\u2024\u3002\ufe52\uff0e\uff61"


class _Plain(dict[int, int]):
    """The plain character for each code point, worked out when first met."""

    def __missing__(self, code: int) -> int:
        plain = code
        character = chr(code)
        if character in _SPACES:
            plain = ord(" ")
        elif character in _DASHES:
            plain = ord("-")
        elif character in _DOTS:
            plain = ord(".")
        elif 0xFF01 <= code <= 0xFF5E:
            plain = code - 0xFEE0
        elif code in {0xFE6B, 0xFE62}:
            plain = ord("@") if code == 0xFE6B else ord("+")
        elif code > 127 and (digit := unicodedata.decimal(character, None)) is not None:
            plain = ord("0") + int(digit)
        self[code] = plain
        return plain


_PLAIN = _Plain()


def plain(text: str) -> tuple[str, Sequence[int]]:
    """``text`` with look-alikes made plain and invisible characters left out, and where each of its characters was.

    The offsets have one more entry, the length of ``text``, so that ends can be mapped too.
    """
    if text.isascii():
        return text, range(len(text) + 1)
    copy = text.translate(_PLAIN)
    if not _INVISIBLE.search(copy):
        return copy, range(len(text) + 1)
    kept = [at for at, character in enumerate(copy) if not _INVISIBLE.match(character)]
    return "".join(copy[at] for at in kept), [*kept, len(text)]
