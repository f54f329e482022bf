"""What `drift` finds: one prompt in one place, against what should be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from promptvc.store.diff import Change


@dataclass(frozen=True, slots=True)
class Behind:
    """How far behind the latest version something is: versions, and whole days since main had the first of them."""

    versions: int
    days: int

    def to_json(self) -> dict[str, int]:
        """As `drift --json` prints it."""
        return {"versions": self.versions, "days": self.days}


@dataclass(frozen=True, slots=True)
class Drift:
    """One prompt in one place.

    Attributes:
        place: the environment, or the folder or file elsewhere.
        states: what is wrong: ``missing``, ``extra``, ``unreadable``, ``gone`` (main has the prompt no more),
            ``edited`` (bytes that no version ever had), ``different`` (another version than expected), ``behind``,
            ``held``. Empty where nothing is.
        version: what it is there; None where it is not there, or its bytes name none.
        expected: the version that should be there: the latest on main, or what the environment runs.
        nearest: of what was edited, the version that it is most like; ``changes`` are from that one to it.
        holds: the reasons of the holds on it.
        problem: why it cannot be read, or that its number stands for another content.
    """

    name: str
    place: str
    states: tuple[str, ...]
    version: int | None
    digest: str | None
    expected: int | None
    expected_digest: str | None
    behind: Behind | None = None
    nearest: int | None = None
    changes: tuple[Change, ...] | None = None
    holds: tuple[str, ...] = ()
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `drift --json` prints it."""
        plain = ("name", "place", "version", "digest", "expected", "expected_digest", "nearest", "problem")
        return {name: getattr(self, name) for name in plain} | {
            "states": list(self.states),
            "behind": self.behind.to_json() if self.behind else None,
            "changes": None if self.changes is None else [change.to_json() for change in self.changes],
            "holds": list(self.holds),
        }


@dataclass(frozen=True, slots=True)
class Drifts:
    """What was compared with what, prompt by prompt."""

    against: str
    prompts: tuple[Drift, ...] = field(repr=False)

    @property
    def any(self) -> bool:
        """Whether anything drifts."""
        return any(one.states for one in self.prompts)

    def to_json(self) -> dict[str, Any]:
        """As `drift --json` prints it."""
        return {
            "drift": self.any,
            "against": self.against,
            "prompts": [one.to_json() for one in self.prompts],
        }
