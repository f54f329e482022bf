"""What a run would take, before a cent is spent: calls, tokens and US dollars, and what the cache has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.config import Price
from promptvc.evaluation.assertions.registry import AT_ONCE, leaves
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.caller import Caller
from promptvc.models.messages import ChatMessage, ImmediateModel, Model
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer


@dataclass(frozen=True, slots=True)
class Estimate:
    """One version on one model.

    Attributes:
        answers: that the run needs; ``cached`` of them are there, ``calls`` are to be made.
        tokens: about so many, both directions: a quarter of the characters asked, and of answers the mean of those in
            the cache, or what the prompt allows.
        cost: US dollars, about; None without a price.
        judgements: assertions of the answers still to come that take a judge, an embedding or a process.
    """

    version: int | None
    model: str
    answers: int
    cached: int
    calls: int
    tokens: int
    cost: float | None
    judgements: int

    def to_json(self) -> dict[str, Any]:
        """As ``evaluate --estimate --json`` prints it."""
        return {key: getattr(self, key) for key in self.__slots__}


def estimate(
    prompt: Prompt,
    cases: Sequence[Case],
    model: Model,
    *,
    repeats: int,
    cache: Cache | None,
    prices: Mapping[str, Price],
) -> Estimate:
    """Look at every request of a run without making it. A model in this process costs nothing."""
    price = prices.get(model.name)
    caller = Caller(model, budget=Budget(), cache=cache, price=price)
    renderer = Renderer(prompt)
    cached = asked = judgements = 0
    known_out: list[int] = []
    for case in cases:
        messages = tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars))
        waiting = sum(leaf.base not in AT_ONCE for each in case.assertions for leaf in leaves(each))
        for repeat in range(repeats):
            key = caller.key(messages, prompt.parameters, repeat) if caller.cached else b""
            found = caller.known(key)
            if found is not None:
                cached += 1
                if found.tokens_out is not None:
                    known_out.append(found.tokens_out)
            else:
                judgements += waiting
                asked += sum(len(message.content) for message in messages)
    calls = 0 if isinstance(model, ImmediateModel) else len(cases) * repeats - cached
    if calls == 0:
        asked = 0
    guess = prompt.parameters.get("max_tokens") or prompt.parameters.get("max_completion_tokens") or 64
    each = sum(known_out) / len(known_out) if known_out else guess
    tokens_in, tokens_out = asked / 4, calls * each
    cost = None
    if price is not None or calls == 0:
        cost = (tokens_in * price.input + tokens_out * price.output) / 1e6 if price is not None else 0.0
    return Estimate(
        version=prompt.version,
        model=model.name,
        answers=len(cases) * repeats,
        cached=cached,
        calls=calls,
        tokens=round(tokens_in + tokens_out),
        cost=cost,
        judgements=judgements,
    )
