"""One variant in the search: its prompt for each fold, and its answers so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.model import Prompt
from promptvc.training.approach import Variant
from promptvc.training.scoring import Scored
from promptvc.training.search.blocks import Block
from promptvc.training.sizes import length

Ask = Callable[[Prompt, Sequence[Case]], Sequence[Scored]]


class Contender:
    """What is known of a variant.

    Attributes:
        approach: what proposed it.
        answers: by position of a case; those without a score are left out.
        blocks: how many were asked of it in the present race.
        calls: that the training had asked for when the race was over for it.
    """

    def __init__(self, variant: Variant, approach: str) -> None:
        self.variant = variant
        self.approach = approach
        self.answers: dict[int, Scored] = {}
        self.blocks = 0
        self.calls = 0
        self._seen: set[int] = set()
        self._prompts: dict[int, Prompt] = {}

    def prompt(self, block: Block) -> Prompt:
        """Fitted on what may be learned from for this block."""
        found = self._prompts.get(block.fold)
        if found is None:
            found = self._prompts[block.fold] = self.variant.fit(block.learn)
        return found

    def missing(self, block: Block) -> list[int]:
        """Positions of the block that it was not asked yet."""
        return [at for at in block.asked if at not in self._seen]

    def take(self, positions: Sequence[int], scored: Sequence[Scored]) -> None:
        """Note answers."""
        self._seen.update(positions)
        for at, one in zip(positions, scored, strict=True):
            if one.score is not None:
                self.answers[at] = one

    def copy(self, other: Contender, positions: Sequence[int]) -> None:
        """Another contender has the same prompt there: its answers are this one's."""
        self._seen.update(positions)
        for at in positions:
            if at in other.answers:
                self.answers[at] = other.answers[at]

    def forget(self, positions: Sequence[int]) -> None:
        """As if it had not been asked: a block that did not get to its end says nothing."""
        self._seen.difference_update(positions)
        for at in positions:
            self.answers.pop(at, None)

    def score(self, at: int) -> float:
        """Of one case that it has answered."""
        score = self.answers[at].score
        assert score is not None
        return score

    def mean(self, positions: Sequence[int]) -> float:
        """Over cases that it has answered; 0 without any."""
        return math.fsum(self.score(at) for at in positions) / len(positions) if positions else 0.0

    def common(self, other: Contender) -> list[int]:
        """Positions that both have answered, in order."""
        return sorted(self.answers.keys() & other.answers.keys())

    @property
    def examples(self) -> float:
        """How many its prompts have, the mean over folds."""
        return self._average(lambda prompt: len(prompt.examples))

    @property
    def rules(self) -> float:
        """How many its prompts have, the mean over folds."""
        return self._average(lambda prompt: len(prompt.rules))

    @property
    def length(self) -> float:
        """Characters of its prompts, the mean over folds."""
        return self._average(length)

    def _average(self, count: Callable[[Prompt], int]) -> float:
        return sum(map(count, self._prompts.values())) / len(self._prompts) if self._prompts else 0.0
