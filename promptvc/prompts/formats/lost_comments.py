"""Comments of a file that is read, as losses: a prompt that is written anew has none of them."""

from __future__ import annotations

import re

from promptvc.base.comments import comments_of
from promptvc.base.documents import Document
from promptvc.base.losses import Losses
from promptvc.prompts.formats.fields import shown

WHY = "comments do not come over"
_ASSIGNED = re.compile(r"(?i)(?:key|token|secret|passw\w*|pwd|credential\w*|authorization)[\"']?\s*[:=]")


def lose_comments(document: Document, losses: Losses, *, above: int = 0) -> None:
    """List each comment of ``document`` with its line; what could hold a key is not shown.

    Args:
        above: lines of the file above the document.
    """
    for one in comments_of(document):
        text = "(not shown)" if _ASSIGNED.search(one.text) else shown(one.text)
        losses.add(f"line {above + one.line}", text, WHY)
