"""A stable sample of inputs, where there are more than training has a use for.

An input is in the sample if a checksum of it is small enough; the bound is halved until few enough are left. So the
sample depends on nothing but the inputs. New inputs join it until there are too many; then it loses a half, and takes
in nobody whom it had not. Until then what is held out stays held out.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from json.encoder import encode_basestring

MOST_INPUTS = 6_000
"""Of more inputs a sample is taken, of 3,000 or more. A race asks some 2,000 of them.

What is held out of a sample is some 900 to 1,800 inputs: enough to see 5 points of difference. Each look asks every one
of them twice, and every repeat.
"""

_POINTS = 2**32


def stable_share(text: str, salt: str) -> float:
    """A number in [0, 1) that depends only on ``text`` and ``salt``: which part a thing belongs to."""
    # The canonical JSON of [salt, text], written without an encoder for each.
    written = f"[{encode_basestring(salt)},{encode_basestring(text)}]"
    return (
        int.from_bytes(hashlib.sha256(written.encode("utf-8", "surrogatepass")).digest()[:6], "big") / 2**48
    )


def sampled(keys: Iterable[str], most: int) -> frozenset[str] | None:
    """Those of ``keys`` that are in the sample; None: all of them, for there are no more than ``most``."""
    distinct = set(keys)
    if len(distinct) <= most:
        return None
    points = {key: _point(key) for key in distinct}
    bound = _POINTS
    while len(points) > most:
        bound //= 2
        points = {key: point for key, point in points.items() if point < bound}
    return frozenset(points)


def _point(key: str) -> int:
    # A checksum is enough to thin out by, is no part of what the split goes by, and is asked of every input and event.
    return zlib.crc32(key.encode("utf-8", "surrogatepass"))
