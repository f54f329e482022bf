"""One finding about a prompt: a rule, a place, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.base.findings import Severity
from promptvc.base.nodes import Path


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding.

    Attributes:
        rule: one of :data:`promptvc.base.rules.RULES`.
        path: keys of the document.
        severity: where it is not the rule's own.
        at: characters into the text at ``path``, for a text of several lines.
        line, column: both from 1, of what is found in the file's bytes; ``path`` is then empty.
    """

    rule: str
    path: Path
    message: str
    hint: str | None = None
    severity: Severity | None = None
    at: int | None = None
    line: int | None = None
    column: int | None = None
    fixable: bool = False

    @property
    def error(self) -> bool:
        """Whether rendering would fail."""
        return self.severity == "error"
