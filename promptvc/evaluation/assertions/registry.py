"""The assertion types by promptfoo's names, and what is done with one: check it, fill it in, grade by it.

Every type has a ``not-`` form, which flips pass and makes the score 1 - score; an errored grader stays an error. A new
type is a :class:`~promptvc.evaluation.assertions.assertion.Grader` and an entry in :data:`ASSERTIONS`.

``{{ name }}`` in a value stands for the case's variable of that name, ``{{ expected }}`` for what the case expects:
inserted literally, once (and escaped in a pattern), and nothing else is template syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from promptvc.evaluation.assertions.assertion import Assertion, Grade, Grader
from promptvc.evaluation.assertions.limits import COST, LATENCY
from promptvc.evaluation.assertions.pattern import Regex
from promptvc.evaluation.assertions.structure import IsJson
from promptvc.evaluation.assertions.text import (
    Equals,
    ManyTexts,
    OneText,
    as_text,
    contains,
    icontains,
    starts_with,
)
from promptvc.models.messages import Completion

ASSERTIONS: dict[str, Grader] = {
    "equals": Equals(),
    "contains": OneText(contains, "contain"),
    "icontains": OneText(icontains, "contain"),
    "contains-all": ManyTexts(ignore_case=False, every=True),
    "contains-any": ManyTexts(ignore_case=False, every=False),
    "icontains-all": ManyTexts(ignore_case=True, every=True),
    "icontains-any": ManyTexts(ignore_case=True, every=False),
    "starts-with": OneText(starts_with, "start with"),
    "regex": Regex(),
    "is-json": IsJson(),
    "latency": LATENCY,
    "cost": COST,
}

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def problem(assertion: Assertion) -> str | None:
    """What is wrong with an assertion as written, in a sentence; None if nothing."""
    grader = ASSERTIONS.get(assertion.base)
    if grader is None:
        return f"there is no assertion `{assertion.type}`"
    found = grader.problem(assertion)
    return f"`{assertion.type}` {found}" if found else None


def placeholders(assertion: Assertion) -> set[str]:
    """The names of the variables in its value."""
    if ASSERTIONS[assertion.base].templates == "none":
        return set()
    names: set[str] = set()

    def note(text: str) -> str:
        names.update(_PLACEHOLDER.findall(text))
        return text

    _each_text(assertion.value, note)
    return names


def filled(assertion: Assertion, variables: Mapping[str, Any]) -> Assertion:
    """The same with its variables filled in.

    Raises:
        KeyError: a variable that is not among ``variables``, or is a list or a mapping.
    """
    if not placeholders(assertion):
        return assertion
    escape = ASSERTIONS[assertion.base].templates == "pattern"

    def one(match: re.Match[str]) -> str:
        plain = as_text(variables[match[1]])
        if plain is None:
            raise KeyError(match[1])
        return re.escape(plain) if escape else plain

    return replace(assertion, value=_each_text(assertion.value, lambda text: _PLACEHOLDER.sub(one, text)))


def grade(assertion: Assertion, completion: Completion) -> Grade:
    """Grade one answer."""
    found = ASSERTIONS[assertion.base].grade(completion, assertion)
    return found.negated(assertion.type) if assertion.negated else found


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_each_text(part, change) for part in value]
    if isinstance(value, Mapping):
        return {key: _each_text(part, change) for key, part in value.items()}
    return value
