"""What an approach is: a way to turn feedback and a prompt into variants of it, each with its evidence.

An approach does not judge its variants. The search (:mod:`promptvc.training.search`) races them on training
cases, in rounds: in each an approach sees how the best prompt so far does and proposes what might be better.

Rules and examples cite their events themselves (``because``). What a variant changes in a message it cites in
:attr:`Variant.cites`. A change without a citation never leaves a training, unless it only takes something away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from promptvc.prompts.model import Prompt
from promptvc.training.data.split import TrainingCase
from promptvc.training.options import TrainingOptions
from promptvc.training.outcome import Tried
from promptvc.training.scoring import Scored, Tools
from promptvc.training.task import TrainingTask

Fit = Callable[[Sequence[int]], Prompt]
"""From the positions of the cases that may be learned from to a prompt."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to make a candidate. ``fit`` is pure: the same positions give the same prompt.

    What copies answers, such as examples, has to use only the cases it is given; what was drawn from many events, such
    as a rule, may be the same for all positions.

    Attributes:
        cites: by path of a message (``messages[0]``), the events that its new words rest on, sorted.
        note: why it might be better, one sentence; empty when the name says it.
    """

    name: str
    fit: Fit
    cites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the search stands when a round begins.

    Attributes:
        round: from 1.
        parent: the best so far; the baseline itself in the first round.
        prompt: what ``parent`` makes of all cases that may be learned from.
        answers: by position of a case in the task, how the parent does, each judged without having learned from it;
            only the cases that were asked.
        tried: all variants so far.
        wanted: how many variants are wanted now. More are thinned out by successive halving.
    """

    round: int
    parent: Variant
    prompt: Prompt
    answers: Mapping[int, Scored]
    tried: Sequence[Tried]
    wanted: int


class Proposer(Protocol):
    """An approach at work in one training."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader of the result has to know, such as that no provider was asked; each one sentence."""
        ...

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """Variants of ``standing.parent`` that are worth racing, the most promising first; none: it has no more."""
        ...


@runtime_checkable
class Hardening(Protocol):
    """A proposer that makes cases of its own, harder forms of the task's, for the race to judge by as well."""

    def hardened(self, standing: Standing) -> Sequence[TrainingCase]:
        """The further cases, each in the group of what it was made from; asked for once, before the first round."""
        ...

    def families(self) -> Sequence[str]:
        """The names of the ways in which cases were made harder and the prompt fails."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """What is proposed beside the prompt, by path in the repository: cases for a reviewer."""
        ...


class Approach(Protocol):
    """A way to learn; a row of :data:`promptvc.training.selector.APPROACHES`."""

    @property
    def name(self) -> str:
        """As `--approach` takes it."""
        ...

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """What is missing for it to work, as half a sentence; None when nothing is."""
        ...

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> Proposer:
        """Start a training. Nothing is asked yet."""
        ...
