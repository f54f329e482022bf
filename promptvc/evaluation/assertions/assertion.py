"""One assertion as a suite writes it, a grader's word on one answer, and what a grader is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from promptvc.models.messages import Completion

NEGATION = "not-"

Templates = Literal["text", "pattern", "none"]
"""Where ``{{ name }}`` stands for a variable in an assertion's value: in its texts, escaped in a pattern, nowhere."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion of a case.

    Attributes:
        type: its name, with ``not-`` where negated.
        value, threshold: as the type takes them.
        weight: of its score in the case's; one with weight 0 is a metric only and cannot fail the case.
        metric: a name under which its score is also reported, and guarded.
    """

    type: str
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None

    @property
    def negated(self) -> bool:
        """Whether it is a ``not-`` form."""
        return self.type.startswith(NEGATION)

    @property
    def base(self) -> str:
        """The name without ``not-``."""
        return self.type.removeprefix(NEGATION)

    def to_json(self) -> dict[str, Any]:
        """What it says, as JSON; defaults left out."""
        values = {
            "type": self.type,
            "value": self.value,
            "threshold": self.threshold,
            "weight": self.weight if self.weight != 1 else None,
            "metric": self.metric,
        }
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Grade:
    """A grader's word on one answer.

    Attributes:
        score: 0..1.
        passed: whether the assertion holds.
        reason: one line for people, why it does not hold; empty when it does.
        error: why there is no grade; then score and passed mean nothing, and negation does not make it a pass.
    """

    score: float
    passed: bool
    reason: str = ""
    error: str | None = None

    @classmethod
    def of(cls, holds: bool, reason: str = "") -> Grade:  # noqa: FBT001 - the one thing it is about
        """1 where it ``holds``, else 0 with the reason."""
        return cls(score=float(holds), passed=holds, reason="" if holds else reason)

    @classmethod
    def failed(cls, error: str) -> Grade:
        """No grade, and why."""
        return cls(score=0.0, passed=False, error=error)

    def negated(self, name: str) -> Grade:
        """The opposite, for the assertion ``name``; an error stays one."""
        if self.error is not None:
            return self
        reason = f"`{name}` does not hold" if self.passed else ""
        return Grade(score=1.0 - self.score, passed=not self.passed, reason=reason)


class Grader(Protocol):
    """One assertion type."""

    @property
    def templates(self) -> Templates:
        """Where variables may stand in its value."""
        ...

    def problem(self, assertion: Assertion) -> str | None:
        """What is wrong with it as written ("needs ..."), found when the suite is loaded; else None."""
        ...

    def grade(self, completion: Completion, assertion: Assertion) -> Grade:
        """Grade one answer by an assertion without problem. Never raises: what cannot be graded is an error."""
        ...


def no_threshold(assertion: Assertion) -> str | None:
    """The problem of a type that holds or does not, when it is given a threshold."""
    return None if assertion.threshold is None else "takes no `threshold`: it holds or it does not"


def shown(text: str, limit: int = 60) -> str:
    """A text in quotes on one line, cut where it is long."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
