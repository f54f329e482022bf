"""What was spent: calls, answers, tokens and US dollars."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.evidence.values import Tokens
from promptvc.models.messages import Completion


@dataclass(slots=True)
class Spent:
    """An account; what the cache answers is counted and costs nothing now.

    Attributes:
        calls: made, attempts of a retried call included.
        cached: answers that came from the cache.
        answered: answers, from the cache or not.
        tokens_in, tokens_out, cost: of the calls; None once one answer's are unknown. Cost in US dollars.
    """

    calls: int = 0
    cached: int = 0
    answered: int = 0
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost: float | None = 0.0

    def answer(self, completion: Completion) -> None:
        """Account for one answer."""
        self.answered += 1
        if completion.cached:
            self.cached += 1
            return
        self.tokens_in = _plus(self.tokens_in, completion.tokens_in)
        self.tokens_out = _plus(self.tokens_out, completion.tokens_out)
        self.cost = None if self.cost is None or completion.cost is None else self.cost + completion.cost

    def add(self, other: Spent) -> None:
        """Account for another account."""
        self.calls += other.calls
        self.cached += other.cached
        self.answered += other.answered
        self.tokens_in = _plus(self.tokens_in, other.tokens_in)
        self.tokens_out = _plus(self.tokens_out, other.tokens_out)
        self.cost = None if self.cost is None or other.cost is None else self.cost + other.cost

    @property
    def tokens(self) -> Tokens:
        """As evidence keeps them."""
        return Tokens(self.tokens_in, self.tokens_out)


def _plus(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
