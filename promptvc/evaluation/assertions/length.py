"""How long an answer may be for the assertions that look at every part of it."""

from __future__ import annotations

from promptvc.evaluation.assertions.assertion import Answer, Grade

LONGEST = (
    1_000_000  # characters; more than any model's answer, and read by each assertion within a few seconds
)


def too_long(answer: Answer, limit: int = LONGEST) -> Grade | None:
    """The error of an answer with more than ``limit`` characters, which is not looked at; else None."""
    size = len(answer.text)
    return Grade.failed(f"the answer has {size:,} characters, more than {limit:,}") if size > limit else None
