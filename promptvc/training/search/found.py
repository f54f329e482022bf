"""How a search ended, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from promptvc.training.outcome import Tried
from promptvc.training.search.contender import Contender
from promptvc.training.search.pair import Pair
from promptvc.training.task import TrainingTask


@dataclass(frozen=True, slots=True)
class Found:
    """How a search ended.

    Attributes:
        best: the last winner; the baseline itself when there was none.
        task: the task with the cases that were made harder, if any.
        asked: how many cases took part.
        blocks: how many were raced over.
        cut: whether a bound ended it.
        families, files: as :class:`~promptvc.training.outcome.TrainingOutcome` has them.
    """

    best: Contender
    baseline: Contender
    task: TrainingTask
    asked: int
    tried: tuple[Tried, ...]
    blocks: int
    cut: bool = False
    families: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def pair(self) -> Pair:
        """The best and the baseline."""
        return Pair(self.task, self.best, self.baseline)
