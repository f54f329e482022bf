"""What a training asks of models: answers that are scored, proposals, and how alike texts are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.model import Prompt


@dataclass(frozen=True, slots=True)
class Scored:
    """How a prompt did on one case, over all repeats and models.

    Attributes:
        score: the mean, 0..1; None where it could not be had.
        outputs: the answers, in order of repeats.
        reasons: why assertions do not hold, each once.
        tokens: in and out, of all answers; None when unknown.
        cost: US dollars, of all answers, whether paid now or earlier; None when unknown.
        latency_ms: mean of an answer; None when unknown. It differs from run to run: never decide by it.
    """

    score: float | None
    outputs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    tokens: int | None = None
    cost: float | None = None
    latency_ms: float | None = None


class Scorer(Protocol):
    """Runs a prompt on cases."""

    @property
    def calls_per_case(self) -> int:
        """How many answers one case takes: repeats times models."""
        ...

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> Sequence[Scored]:
        """How the prompt does on each case, in their order.

        Raises:
            ProviderError, OverBudget, Interrupted: as the run does.
        """
        ...


class Optimizer(Protocol):
    """A model that proposes, asked through the cache: the same question and ``sample`` get the same answer again."""

    @property
    def name(self) -> str:
        """``provider:model``."""
        ...

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        """The answer to a system and a user message.

        Args:
            sample: which of several answers to the same question, from 0.

        Raises:
            ProviderError, OverBudget, Interrupted: as the run does.
        """
        ...


class Embed(Protocol):
    """Vectors of texts."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, of one length and of length 1 (Euclidean)."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What an approach may ask. All of it is counted by the search, and raises when the bounds are reached.

    Attributes:
        scorer: answers on training cases.
        optimizer: None: there is none, and an approach has to do without.
        embed: None: texts are compared by their words (:mod:`promptvc.models.similarity`).
    """

    scorer: Scorer
    optimizer: Optimizer | None = None
    embed: Embed | None = None
