"""The assertion similar: the answer means about the same as a text, by the cosine of their embeddings.

With the built-in ``lexical`` embeddings words are compared, not meanings; the grade's measure says which were asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.evaluation.assertions.assertion import (
    Answer,
    Assertion,
    Bench,
    Grade,
    Requirement,
    Templates,
    share_threshold,
)
from promptvc.evaluation.assertions.text import as_text

THRESHOLD = 0.75


@dataclass(frozen=True, slots=True)
class Similar:
    """The similarity to ``value``, or to the nearest of a list, reaches the threshold, by default 0.75."""

    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A text or a list of texts that are not empty, and a threshold up to 1 or none."""
        if not all(text.strip() for text in _texts(assertion.value) or [""]):
            return "needs a text or a list of texts as its `value`"
        return share_threshold(assertion)

    def needs(self, assertion: Assertion) -> Requirement | None:  # noqa: ARG002 - the protocol's
        """Embeddings."""
        return "embeddings"

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """The highest cosine similarity; a negative one counts 0. An empty answer is similar to nothing."""
        measure = bench.embeddings_name(assertion.provider)
        wanted = _texts(assertion.value) or []
        found = [0.0]
        if answer.text.strip():
            found = await bench.similarities(answer.text, wanted, model=assertion.provider)
        threshold = THRESHOLD if assertion.threshold is None else assertion.threshold
        return Grade.reaching(max(found), threshold, measure=measure)


def _texts(value: Any) -> list[str]:
    parts = value if isinstance(value, list | tuple) else [value]
    return [as_text(part) or "" for part in parts]
