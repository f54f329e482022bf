"""What a merge of two branches did: values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from promptvc.store.merging.conflict import Conflict

Result = Literal["ours", "theirs", "merged", "renumbered", "removed"]


@dataclass(frozen=True, slots=True)
class MergedPrompt:
    """What became of one prompt. ``version`` is None where it was removed, or says no number."""

    name: str
    result: Result
    version: int | None

    def to_json(self) -> dict[str, Any]:
        """``{name, result, version}``."""
        return {"name": self.name, "result": self.result, "version": self.version}


@dataclass(frozen=True, slots=True)
class FileConflict:
    """A conflict and the file it is in, from the top of the repository."""

    file: str
    conflict: Conflict

    def to_json(self) -> dict[str, Any]:
        """``{file, path, reason, ours, theirs}``."""
        return {"file": self.file, **self.conflict.to_json()}


@dataclass(frozen=True, slots=True)
class Brought:
    """What a merge did. ``commit`` is None with conflicts; ``begun`` says that they are in the working tree.

    ``changed`` is False when the branch had nothing new.
    """

    branch: str
    into: str
    commit: str | None
    prompts: tuple[MergedPrompt, ...] = ()
    conflicts: tuple[FileConflict, ...] = ()
    remarks: tuple[str, ...] = ()
    changed: bool = True
    begun: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `merge --json` prints it."""
        return {
            "branch": self.branch,
            "into": self.into,
            "commit": self.commit,
            "prompts": [one.to_json() for one in self.prompts],
            "conflicts": [one.to_json() for one in self.conflicts],
            "remarks": list(self.remarks),
        }
