"""Assertions about what an answer took: latency and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates
from promptvc.models.messages import Completion


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``threshold`` of something; unknown is an error, never a pass."""

    name: str
    unit: str
    measure: Callable[[Completion], float | None]
    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """A threshold, and no value."""
        if assertion.value is not None:
            return f"takes no `value`, but a `threshold` in {self.unit}"
        return f"needs a `threshold` in {self.unit}" if assertion.threshold is None else None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        measured = self.measure(answer.completion)
        if measured is None:
            return Grade.failed(f"the {self.name} of this call is unknown")
        limit = assertion.threshold
        assert limit is not None
        return Grade.of(measured <= limit, f"{measured:g} {self.unit} is more than {limit:g}")


LATENCY = Limit("latency", "milliseconds", lambda completion: completion.latency_ms)
COST = Limit("cost", "US dollars", lambda completion: completion.cost)
