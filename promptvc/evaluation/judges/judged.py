"""What graders that ask a judge have in common: what they need, texts as their value, the judge's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from promptvc.evaluation.assertions.assertion import Assertion, Requirement, Templates, share_threshold
from promptvc.evaluation.assertions.text import as_text

_LONGEST_REASON = 500


class Judged:
    """A grader that cannot do without a judge; ``{{ name }}`` may stand in the texts of its value."""

    __slots__ = ()
    templates: ClassVar[Templates] = "text"

    def needs(self, assertion: Assertion) -> Requirement | None:  # noqa: ARG002 - the protocol's
        """A judge."""
        return "judge"


class JudgedByText(Judged):
    """One whose value is one text: a rubric, a criterion, a reference. Its threshold is a share."""

    __slots__ = ()

    def problem(self, assertion: Assertion) -> str | None:
        """A text that is not empty, and a threshold up to 1 or none."""
        return text_problem(assertion) or share_threshold(assertion)


def text_problem(assertion: Assertion) -> str | None:
    """The problem of a value that is no text with something in it."""
    return None if (as_text(assertion.value) or "").strip() else "needs a text as its `value`"


def text_of(assertion: Assertion) -> str:
    """The value of an assertion without problem that takes one text."""
    return as_text(assertion.value) or ""


def texts_of(value: Any) -> list[str] | None:
    """A text or a list of texts as a list; None where it is neither, or a text is empty."""
    parts = list(value) if isinstance(value, list | tuple) else [value]
    texts = [(as_text(part) or "").strip() for part in parts]
    return texts if texts and all(texts) else None


def reason_of(verdict: Mapping[str, Any]) -> str:
    """A judge's ``reason`` as one line of printable characters, cut where it is long."""
    return one_line(str(verdict.get("reason", "")))


def one_line(text: str) -> str:
    """``text`` on one line: a judge repeats what it has read, and that may hold control characters."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return plain if len(plain) <= _LONGEST_REASON else plain[: _LONGEST_REASON - 1] + "…"


def share(part: int, whole: int) -> float:
    """``part / whole``; 1 of nothing."""
    return part / whole if whole else 1.0
