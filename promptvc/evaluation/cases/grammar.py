"""Assertions as a suite writes them, checked and frozen; each complaint with the line that caused it.

::

    {type: icontains, value: refund, weight: 2, metric: tone}
    {type: llm-rubric, value: is polite, provider: "openai:gpt-4.1"}
    {type: assert-set, threshold: 0.5, assert: [{type: contains, value: a}, {type: contains, value: b}]}
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from promptvc.base.documents import Document
from promptvc.base.errors import InvalidDocument
from promptvc.base.nodes import Path
from promptvc.base.schema_messages import nearest_word
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion
from promptvc.evaluation.assertions.registry import ASSERT_SET, ASSERTIONS, COMPARING, NAMES, needs, problem

MEMBERS = "assert"


class Place(Protocol):
    """Where something is written, for messages."""

    @property
    def dataset(self) -> str | None:
        """The file, where it is not the suite itself."""
        ...

    def line(self, *path: str | int) -> int:
        """The line of what is at ``path`` below, or the nearest to it that is known."""
        ...

    def error(self, message: str, *path: str | int, hint: str | None = None) -> InvalidDocument:
        """The complaint about what is at ``path``."""
        ...


class InDocument:
    """A place in a YAML document; ``dataset`` is its name where it is not the suite itself."""

    def __init__(self, document: Document, *path: str | int, dataset: str | None = None) -> None:
        self.dataset = dataset
        self._document = document
        self._path: Path = path

    def line(self, *path: str | int) -> int:
        """The line where ``path`` is written."""
        return self._document.line(*self._path, *path)

    def error(self, message: str, *path: str | int, hint: str | None = None) -> InvalidDocument:
        """The complaint about what is at ``path``."""
        return InvalidDocument(message, hint=hint, file=self._document.file, line=self.line(*path))


class OnLine:
    """A row of a dataset: all of it on one line."""

    __slots__ = ("_line", "dataset")

    def __init__(self, file: str, line: int) -> None:
        self.dataset = file
        self._line = line

    def line(self, *path: str | int) -> int:  # noqa: ARG002 - a row is one place
        """The row's."""
        return self._line

    def error(self, message: str, *path: str | int, hint: str | None = None) -> InvalidDocument:  # noqa: ARG002
        """The complaint about the row."""
        return InvalidDocument(message, hint=hint, file=self.dataset, line=self._line)


def frozen(value: Mapping[str, Any]) -> Assertion:
    """An assertion as written, unchecked."""
    if MEMBERS not in value:
        return _once(**value)[0] if isinstance(value.get("value"), str) else Assertion(**value)
    plain = {key: part for key, part in value.items() if key != MEMBERS}
    return Assertion(**plain, members=tuple(map(frozen, value[MEMBERS])))


@functools.lru_cache(maxsize=1024, typed=True)
def _once(**value: Any) -> tuple[Assertion, str | None]:
    """An assertion with one text, and what is wrong with it: a dataset repeats a few of them in every row."""
    assertion = Assertion(**value)
    return assertion, problem(assertion)


def read_assertions(
    values: Iterable[Mapping[str, Any]], place: Place, *path: str | int
) -> tuple[Assertion, ...]:
    """The assertions of the list that is written at ``path``.

    Raises:
        InvalidDocument: there is no such type, or it is given what it does not take; a misspelt one is suggested.
    """
    found = []
    for index, value in enumerate(values):
        here = (*path, index)
        if MEMBERS in value:
            read_assertions(value[MEMBERS], place, *here, MEMBERS)
        if isinstance(value.get("value"), str) and MEMBERS not in value:
            assertion, wrong = _once(**value)
        else:
            assertion = frozen(value)
            wrong = problem(assertion)
        if wrong:
            raise place.error(wrong, *here, hint=_meant(assertion))
        found.append(assertion)
    return tuple(found)


def match_problem(name: str) -> str | None:
    """Why ``name`` cannot be a suite's ``match``: an assertion that is made of one text, the one that is expected.

    A clause to follow the name; None where it can.
    """
    if name.removeprefix(NEGATION) not in NAMES:
        return "is no assertion"
    if name.startswith(NEGATION):
        return "negates: `match` says what a right answer is"
    if name == ASSERT_SET or name in COMPARING or problem(Assertion(name, "text")):
        return "does not take one text as its value"
    return "takes code, not a text" if "code" in needs(Assertion(name, "text")) else None


def meant(name: str) -> str | None:
    """The hint for a type that does not exist."""
    prefix, base = (NEGATION, name.removeprefix(NEGATION)) if name.startswith(NEGATION) else ("", name)
    near = None if base in NAMES else nearest_word(base, NAMES)
    return f"did you mean `{prefix}{near}`?" if near else None


def _meant(assertion: Assertion) -> str | None:
    return None if assertion.base in ASSERTIONS else meant(assertion.type)
