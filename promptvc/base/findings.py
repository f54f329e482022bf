"""What `check` reports: one finding, and how an error becomes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.errors import InputError, InvalidDocument

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    Attributes:
        rule: a stable name, one of :data:`promptvc.base.rules.RULES`.
        file: from the prompt root.
        line: from 1; None where there is none. ``column``: from 1, in characters, where a rule knows it.
        fixable: whether `check --fix` mends it.
    """

    rule: str
    severity: Severity
    file: str
    line: int | None
    message: str
    hint: str | None = None
    column: int | None = None
    fixable: bool = False

    @property
    def is_error(self) -> bool:
        """Whether it fails the check."""
        return self.severity == "error"

    def to_json(self) -> dict[str, Any]:
        """As `check --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def problems_of(rule: str, path: str, act: Callable[..., Any], *arguments: Any) -> Iterator[Problem]:
    """What ``act`` has against the file at ``path``, as findings."""
    try:
        act(*arguments)
    except InvalidDocument as error:
        yield Problem(rule, "error", error.file or path, error.line, error.message, error.hint)
    except InputError as error:
        yield Problem(rule, "error", path, None, error.message, error.hint)
