"""Assertions about the text of an answer: equals, contains and its family, starts-with.

White space around the answer and around an expected text does not count for ``equals`` and ``starts-with``: models end
their answers with a line break or do not. Everything else does. The ``i`` forms ignore case (Unicode case folding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.evaluation.assertions.assertion import (
    HOLDS,
    Answer,
    Assertion,
    Grade,
    Templates,
    no_threshold,
    shown,
)


def as_text(value: Any) -> str | None:
    """A value of YAML as an answer would spell it (true, 3, 2.5); None for a list or a mapping."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


@dataclass(frozen=True, slots=True)
class Equals:
    """The answer is ``value``; where that is a list or a mapping, the answer is JSON of the same value."""

    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A value that is there, and no threshold."""
        return no_threshold(assertion) or ("needs a `value`" if assertion.value is None else None)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        expected = as_text(assertion.value)
        if expected is not None:
            if answer.text.strip() == expected.strip():
                return HOLDS
            return Grade.of(
                holds=False, reason=f"{shown(answer.text.strip())} is not {shown(expected.strip())}"
            )
        try:
            value = parse_json(answer.text, file="the answer")
        except InvalidDocument as error:
            return Grade.of(holds=False, reason=error.message)
        return Grade.of(_same(value, assertion.value), f"{shown(answer.text.strip())} is another value")


@dataclass(frozen=True, slots=True)
class OneText:
    """An assertion with one text: ``contains``, ``icontains``, ``starts-with``."""

    holds: Callable[[str, str], bool]
    verb: str
    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A text that is not empty, and no threshold."""
        return no_threshold(assertion) or (
            None if as_text(assertion.value) else "needs a text as its `value`"
        )

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        wanted = as_text(assertion.value) or ""
        if self.holds(answer.text, wanted):
            return HOLDS
        return Grade.of(
            holds=False, reason=f"{shown(answer.text.strip())} does not {self.verb} {shown(wanted)}"
        )


@dataclass(frozen=True, slots=True)
class ManyTexts:
    """An assertion with a list of texts, or one text with commas: ``contains-all``, ``contains-any``."""

    ignore_case: bool
    every: bool
    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A list of texts that are not empty, and no threshold."""
        wanted = _texts(assertion.value)
        needs = "needs a list of texts as its `value`"
        return no_threshold(assertion) or (None if wanted and all(wanted) else needs)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0, all or nothing; the reason names what is missing."""
        text = answer.text.casefold() if self.ignore_case else answer.text
        wanted = _texts(assertion.value) or []
        missing = [part for part in wanted if (part.casefold() if self.ignore_case else part) not in text]
        if self.every:
            return Grade.of(not missing, f"does not contain {', '.join(map(shown, missing))}")
        return Grade.of(len(missing) < len(wanted), f"contains none of {', '.join(map(shown, missing))}")


def contains(text: str, wanted: str) -> bool:
    """Whether ``wanted`` is in ``text``, letter by letter."""
    return wanted in text


def icontains(text: str, wanted: str) -> bool:
    """Whether ``wanted`` is in ``text``, whatever the case."""
    return wanted.casefold() in text.casefold()


def starts_with(text: str, wanted: str) -> bool:
    """Whether ``text`` begins with ``wanted``, after white space."""
    return text.lstrip().startswith(wanted.strip())


def _texts(value: Any) -> list[str] | None:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple):
        return None
    texts = [as_text(part) for part in value]
    return [text for text in texts if text is not None] if None not in texts else None


def _same(answer: Any, value: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are one number, true and 1 are not one value."""
    return canonical_json(_plain(answer)) == canonical_json(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
