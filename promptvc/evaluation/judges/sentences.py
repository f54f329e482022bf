"""A text cut into sentences, by punctuation and lines."""

from __future__ import annotations

import re

# Full stops of other scripts end a sentence without white space after them.
_END = re.compile(r"(?<=[.!?…])[\"')\]»”’]*\s+|(?<=[。！？])|[\r\n]+")


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of ``text``, in order, without empty ones.

    A list's items are sentences. Abbreviations end one too early ("Dr. Who"): who counts sentences bears that.
    """
    return [part for part in (each.strip() for each in _END.split(text)) if any(map(str.isalnum, part))]
