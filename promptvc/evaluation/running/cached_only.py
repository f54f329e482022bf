"""A budget for nothing: the cache answers, and models in this process."""

from __future__ import annotations

from promptvc.evaluation.running.budget import Budget, Ticket


class CachedOnly(Budget):
    """Refuses every call that would leave this process.

    Attributes:
        refused: how many calls were asked for in vain.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def charge(self, tokens: float = 0.0, cost: float = 0.0, *, at_once: bool = False) -> Ticket | None:
        """Leave for a model in this process only."""
        if at_once:
            return super().charge(tokens, cost, at_once=True)
        self.refused += 1
        self.exhausted = "an answer is not in the cache, and no call is allowed"
        return None
