"""The assertion about how many edits lie between an answer and a text. The home of rapidfuzz."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.libraries import lacks
from promptvc.evaluation.assertions.text import as_text

MOST_EDITS = 5
"""promptfoo's default. Its threshold of 0 means 5, too; here it means none."""


@dataclass(frozen=True, slots=True)
class Levenshtein:
    """At most ``threshold`` edits turn the answer into ``value``: letters inserted, deleted or replaced.

    White space around both does not count, as for ``equals``. Source: V. I. Levenshtein, Binary codes capable of
    correcting deletions, insertions, and reversals, 1966. Counted only up to the threshold, so that an answer of
    another length altogether costs nothing.
    """

    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A text, and the library."""
        if as_text(assertion.value) is None:
            return "needs a text as its `value`"
        return lacks("rapidfuzz")

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        most = MOST_EDITS if assertion.threshold is None else int(assertion.threshold)
        text, wanted = answer.text.strip(), (as_text(assertion.value) or "").strip()
        edits = _distance()(text, wanted, score_cutoff=most)
        return Grade.of(edits <= most, f"more than {most} edit{'' if most == 1 else 's'} away")


@functools.cache
def _distance() -> Callable[..., int]:
    from rapidfuzz.distance import Levenshtein as Edits

    return Edits.distance
