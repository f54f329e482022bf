"""What an approach is: a way to turn a task into variants of its prompt, each with its evidence.

An approach does not judge its variants. The search (:mod:`promptvc.training.search`) races them on training
cases, each judged only on cases that it did not learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from promptvc.prompts.model import Prompt
from promptvc.training.task import TrainingOptions, TrainingTask

Fit = Callable[[Sequence[int]], Prompt]
"""From the positions of the cases that may be learned from to a prompt."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to make a candidate. ``fit`` is pure: the same positions give the same prompt."""

    name: str
    fit: Fit


class Approach(Protocol):
    """A way to learn; a row of :data:`promptvc.training.selector.APPROACHES`."""

    @property
    def name(self) -> str:
        """As `--approach` takes it."""
        ...

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """What is missing for it to work, as half a sentence; None when nothing is."""
        ...

    def variants(
        self, task: TrainingTask, answered_right: Sequence[bool | None], options: TrainingOptions
    ) -> Sequence[Variant]:
        """The variants worth racing, the most promising first.

        Args:
            answered_right: by case of the task, whether the model is right with the baseline; None where it
                was not asked.
        """
        ...
