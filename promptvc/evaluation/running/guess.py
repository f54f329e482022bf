"""What calls would take, guessed before they are made: for an estimate, not for a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.config import Price
from promptvc.models.messages import ChatMessage

CHARACTERS_A_TOKEN = 4
ANSWER_TOKENS = 64


def answer_tokens(parameters: Mapping[str, Any]) -> float:
    """As many as the prompt allows, or :data:`ANSWER_TOKENS` where it does not say."""
    allowed = parameters.get("max_tokens") or parameters.get("max_completion_tokens")
    return float(allowed) if isinstance(allowed, int | float) else ANSWER_TOKENS


@dataclass(slots=True)
class Guess:
    """The sum of some calls.

    Attributes:
        tokens: both directions: a quarter of the characters asked, and what may be answered.
        cost: US dollars; None once a call has no price.
    """

    calls: int = 0
    tokens: float = 0.0
    cost: float | None = 0.0

    def call(
        self,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],
        price: Price | None,
        answered: float | None = None,
    ) -> None:
        """One more; ``answered`` tokens come back, by default those of :func:`answer_tokens`."""
        asked = sum(len(message.content) for message in messages) / CHARACTERS_A_TOKEN
        out = answer_tokens(parameters) if answered is None else answered
        self.calls += 1
        self.tokens += asked + out
        if price is None or self.cost is None:
            self.cost = None
        else:
            self.cost += (asked * price.input + out * price.output) / 1e6

    def to_json(self) -> dict[str, Any]:
        """Calls, whole tokens and US dollars."""
        return {"calls": self.calls, "tokens": round(self.tokens), "cost": self.cost}
