"""What a training works on. The hold-out is no part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from promptvc.prompts.model import Prompt
from promptvc.training.data.items import Dataset, Item, stable_share
from promptvc.training.data.quoting import Quoted
from promptvc.training.data.signals import Signal
from promptvc.training.data.split import Split, TrainingCase


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What a training works on.

    Attributes:
        prompt: the baseline.
        items: inputs with their right answers, the pool of examples.
        cases: what it is scored on; most are the items themselves.
        rejected: ids of events that an annotation rejected.
        forbidden: tells whether a text quotes the hold-out; nothing that a training writes may.
        signals: everything that is said on the training side, in order of time (:mod:`promptvc.training.data.signals`).
    """

    prompt: Prompt
    items: tuple[Item, ...]
    cases: tuple[TrainingCase, ...]
    rejected: frozenset[str] = frozenset()
    signals: tuple[Signal, ...] = ()
    forbidden: Quoted = field(default_factory=lambda: Quoted(()), compare=False)

    @classmethod
    def of(
        cls, prompt: Prompt, dataset: Dataset, split: Split, signals: Sequence[Signal] = ()
    ) -> TrainingTask:
        """The training side of ``split``; ``signals`` are those that :meth:`Split.audible` let through."""
        return cls(prompt, split.items, split.cases, dataset.rejected, tuple(signals), split.quoted)

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
        items = {event for item in self.items for event in item.because}
        return tuple(sorted(items.union(*(signal.because for signal in self.signals))))
