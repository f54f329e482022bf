"""The assertion about how many words an answer has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold

_NEEDS = "needs a whole number of words as its `value`, or `min` and `max`"


@dataclass(frozen=True, slots=True)
class WordCount:
    """As many words as ``value`` says: a number, or ``min`` and ``max``, one of them or both.

    Words are what white space separates, as in promptfoo: a text in a script without spaces counts as few.
    """

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """A number from 0, or a range that is not empty, and no threshold."""
        if assertion.threshold is not None:
            return no_threshold(assertion)
        value = assertion.value
        if isinstance(value, Mapping):
            strange = sorted(str(key) for key in value if key not in {"min", "max"})
            if strange:
                return f"takes `min` and `max` in its `value`, not `{strange[0]}`"
            if not value:
                return _NEEDS
            ends = [_whole(value[key]) for key in ("min", "max") if key in value]
        else:
            ends = [_whole(value)]
        if any(end is None or end < 0 for end in ends):
            return _NEEDS
        low, high = _range(value)
        return "has a `min` above its `max`" if high is not None and low > high else None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        low, high = _range(assertion.value)
        count = len(answer.text.split())
        if count < low:
            return Grade.of(holds=False, reason=f"{_words(count)}, fewer than {low}")
        if high is not None and count > high:
            return Grade.of(holds=False, reason=f"{_words(count)}, more than {high}")
        return Grade.of(holds=True)


def _range(value: Any) -> tuple[int, int | None]:
    if isinstance(value, Mapping):
        return _whole(value.get("min")) or 0, _whole(value.get("max"))
    number = _whole(value)
    return number or 0, number


def _whole(value: Any) -> int | None:
    """A whole number, also as text: a table of cases has only texts."""
    if isinstance(value, str) and len(value) < 20 and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(count: int) -> str:
    return f"{count} word{'' if count == 1 else 's'}"
