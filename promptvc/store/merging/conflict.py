"""What two sides could not agree about: values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from promptvc.base.nodes import Path
from promptvc.base.schema_messages import key_text


class Absent(Enum):
    """The one value that says that there is none: not in a document, not even null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place where both sides say different things.

    Attributes:
        path: in the merged document, or in the base where the place is gone there.
        reason: why it cannot be decided, in a few words.
        base, ours, theirs: what stood there; ``ABSENT`` where nothing did. Of a text of several lines only the
            lines in question.
    """

    path: Path
    reason: str
    base: Any
    ours: Any
    theirs: Any

    @property
    def name(self) -> str:
        """The path as a reader writes it: ``rules[2].text``; ``the file`` for the whole."""
        return key_text(self.path) or "the file"

    def below(self, path: Path) -> Conflict:
        """The same conflict, of a value that stands at ``path``."""
        return replace(self, path=(*path, *self.path))

    def to_json(self) -> dict[str, Any]:
        """``{path, reason, ours, theirs}``; null for what is not there."""
        return {
            "path": self.name,
            "reason": self.reason,
            "ours": _plain(self.ours),
            "theirs": _plain(self.theirs),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value after a merge (``ABSENT``: it is gone), and what is left to a person; paths are from the value."""

    value: Any
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """A file after a merge. With conflicts it keeps our side there, and marks each in comments."""

    data: bytes
    conflicts: tuple[Conflict, ...] = ()


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value
