"""Marks: the HTML comment that ends what promptvc writes on a forge, and tells whether it is still promptvc's.

A *marker* is a word of promptvc's own, such as ``report/support/triage/v4``. By it, and by who wrote it, a comment or
an issue is found again, so that there is one and it is updated: it "sticks". A body with somebody else's marker is
nobody's: anybody can write one. Beside it stand digests of the text, and of the title, as they were written::

    <!-- promptvc:report/support/triage/v4 sha256:… title:… -->

A text that has another digest was changed by a person, and is theirs from then on.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

MOST_MARKER = 200
"""Characters."""

MOST_MARK = 536
"""Bytes that a mark takes at most: the longest marker, the hyphens in it kept apart, and its digests."""

_MARK = re.compile(
    r"<!-- promptvc:(?P<marker>[a-z0-9][a-z0-9/_.:~-]{0,511})"
    r"(?: sha256:(?P<body>[0-9a-f]{64}))?(?: title:(?P<title>[0-9a-f]{16}))? -->\s*\Z"
)


@dataclass(frozen=True, slots=True)
class _Mark:
    marker: str
    text: str
    """What stands above it."""
    body: str | None
    title: str | None


def marker_for(*parts: str) -> str:
    """A marker of names, joined by ``/``; its end is a digest where it would be too long."""
    marker = "/".join(parts)
    if len(marker) <= MOST_MARKER:
        return marker
    return f"{marker[: MOST_MARKER - 33]}:{hashlib.sha256(marker.encode()).hexdigest()[:32]}"


def marked(body: str, marker: str, title: str | None = None) -> str:
    """``body`` with its mark, which no reader sees, at the end. ``title`` is what stands above it, if anything does."""
    text = body.rstrip()
    # Two hyphens in a row may end an HTML comment; no marker has a tilde.
    parts = [f"promptvc:{re.sub('-(?=-)', '-~', marker)}", f"sha256:{_digest(text)}"]
    if title is not None:
        parts.append(f"title:{_digest(title)[:16]}")
    return f"{text}\n\n<!-- {' '.join(parts)} -->\n"


def marker_of(body: str | None) -> str | None:
    """The marker that ends ``body``; None without one. A marker elsewhere in it was quoted."""
    found = _read(body)
    return found.marker if found is not None else None


def is_untouched(body: str | None, marker: str) -> bool:
    """Whether ``body`` is what was written with ``marker``, but for blanks and line ends, which forges rewrite."""
    found = _read(body)
    return found is not None and found.marker == marker and found.body == _digest(found.text)


def is_title_untouched(title: str, body: str | None) -> bool:
    """Whether ``title`` is the one that was written together with ``body``."""
    found = _read(body)
    return found is not None and found.title == _digest(title)[:16]


def was_written(text: str, body: str | None) -> bool:
    """Whether the mark that ends ``body`` is that of ``text``, whatever people have made of the rest since."""
    found = _read(body)
    return found is not None and found.body == _digest(text)


def _read(body: str | None) -> _Mark | None:
    found = _MARK.search(body or "")
    if found is None:
        return None
    marker = found["marker"].replace("~", "")
    return _Mark(marker, found.string[: found.start()], found["body"], found["title"])


def _digest(text: str) -> str:
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
