"""What a training is given, what it may spend, and what comes out. The hold-out is in none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.edit import Edit
from promptvc.prompts.model import Example, Prompt
from promptvc.training.datasets import Dataset, Item, stable_share
from promptvc.training.holdout import Split, TrainingCase

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What a training works on.

    Attributes:
        prompt: the baseline.
        items: inputs with their right answers, the pool of examples.
        cases: what it is scored on; most are the items themselves.
        rejected: ids of events that an annotation rejected.
    """

    prompt: Prompt
    items: tuple[Item, ...]
    cases: tuple[TrainingCase, ...]
    rejected: frozenset[str] = frozenset()

    @classmethod
    def of(cls, prompt: Prompt, dataset: Dataset, split: Split) -> TrainingTask:
        """The training side of ``split``."""
        return cls(prompt, split.items, split.cases, dataset.rejected)

    def sampled(self, most: int, salt: str) -> TrainingTask:
        """The task with at most ``most`` items, chosen by a stable hash of their inputs; suite cases stay."""
        if len(self.items) <= most:
            return self
        ranked = sorted(range(len(self.items)), key=lambda at: stable_share(self.items[at].key, salt))
        kept = sorted(ranked[:most])
        place = {at: position for position, at in enumerate(kept)}
        cases = tuple(
            replace(case, item=None if case.item is None else place[case.item])
            for case in self.cases
            if case.item is None or case.item in place
        )
        return replace(self, items=tuple(self.items[at] for at in kept), cases=cases)

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of the events that the training rests on, sorted."""
        return tuple(sorted({event for item in self.items for event in item.because}))


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    Attributes:
        approach: a name, or ``auto``.
        seed: of the folds and of every draw; the same task, seed and answers give the same edits.
        max_examples: how many examples the prompt may have in the end, those it has included.
        max_tokens: what all its examples may weigh together, counted as four characters a token.
        max_calls: how many answers of the model the training may ask for, cached ones included, so that a plan
            does not depend on a cache. The comparison on the hold-out is not part of it.
        min_gain: what a candidate has to gain on training cases to leave.
    """

    approach: str = AUTO
    seed: int = 0
    max_examples: int = 32
    max_tokens: int = 4000
    max_calls: int = 20000
    min_gain: float = 0.02


class Scorer(Protocol):
    """Runs a prompt on cases."""

    @property
    def calls_per_case(self) -> int:
        """How many answers one case takes: repeats times models."""
        ...

    def scores(self, prompt: Prompt, cases: Sequence[Case]) -> Sequence[float | None]:
        """The score of each case, 0..1, in their order; None where it could not be had.

        Raises:
            ProviderError, OverBudget, Interrupted: as the run does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """One variant of a race.

    Attributes:
        score, baseline: means over the ``cases`` that it was scored on.
        examples: how many examples its prompt has in the mean.
        folds: after how many folds the race was over for it.
    """

    name: str
    score: float
    baseline: float
    cases: int
    examples: float
    folds: int


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a training ended.

    Attributes:
        approach: the one that was used; ``auto`` when none could be.
        reason: why it ended this way, one sentence.
        edits: what turns the baseline into the candidate; None when nothing better was found.
        added, removed: the same as examples.
        baseline, candidate: mean scores on training cases; the candidate's is cross-fitted: every case was
            judged with examples chosen without it. None where not measured.
        cases: how many cases these are means of.
        calls: answers asked of the model (cached ones included).
        events: ids of the events that the training rests on.
        tried: the variants in the race.
    """

    approach: str
    reason: str
    edits: tuple[Edit, ...] | None = None
    added: tuple[Example, ...] = ()
    removed: tuple[Example, ...] = ()
    baseline: float | None = None
    candidate: float | None = None
    cases: int = 0
    calls: int = 0
    events: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()

    @property
    def gain(self) -> float | None:
        """Candidate minus baseline on training cases."""
        return None if self.baseline is None or self.candidate is None else self.candidate - self.baseline
