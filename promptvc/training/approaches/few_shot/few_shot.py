"""few_shot: examples out of feedback, chosen to raise the score.

The pool are the task's items: corrections, demonstrations and well-rated outputs, merged and settled. Variants
differ in how examples are chosen (:mod:`promptvc.training.approaches.few_shot.neighbours`) and in how many there are.
They need no call to a model, but for vectors where those are wanted. Once a choice has won, its examples are refined
(:mod:`promptvc.training.approaches.few_shot.refining`).

Examples that people wrote stay. Examples that cite events stay as well, except in variants that choose them
anew; one whose events were all rejected by annotations goes in every variant. An answer in free text is nobody
else's answer, so there examples are chosen to cover the inputs; with recurring answers, to correct mistakes.

Rules and messages are the parent's, whoever made them.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.models.providers import OFFLINE
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.few_shot.refining import Refiner
from promptvc.training.approaches.few_shot.workshop import (
    BY_ANSWER,
    FREE,
    Base,
    Chosen,
    Workshop,
    bases,
    shown,
)
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask

FEWEST_ITEMS = 10


class FewShot:
    """See the module."""

    @property
    def name(self) -> str:
        """``few_shot``."""
        return "few_shot"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """Too few items, or no room for examples."""
        if len(task.items) < FEWEST_ITEMS:
            return (
                f"it needs {FEWEST_ITEMS} inputs with a right answer, and the feedback has {len(task.items)}"
            )
        if not any(base.room(options).examples for base in bases(task)):
            return (
                f"the prompt has {len(task.prompt.examples)} examples, and {options.max_examples} are allowed"
            )
        return None

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> ExampleProposer:
        """See :class:`~promptvc.training.approach.Approach`."""
        return ExampleProposer(task, options, tools)


class ExampleProposer:
    """Chooses examples, and refines those that are there once a choice has won."""

    def __init__(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> None:
        self._task, self._options, self._tools = task, options, tools
        self._made: Workshop | None = None
        self._last: Variant | None = None

    @property
    def remarks(self) -> Sequence[str]:
        """None."""
        return ()

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """Ways to choose while the parent has the baseline's examples; from then on what refines the parent's."""
        if standing.parent is self._last:
            return ()
        self._last = standing.parent
        if standing.prompt.examples == self._task.prompt.examples:
            return self._choices(standing)
        return self._refined(standing)

    @property
    def _workshop(self) -> Workshop:
        if self._made is None:
            self._made = Workshop(self._task, self._options, self._tools.embed)
        return self._made

    def _choices(self, standing: Standing) -> list[Variant]:
        """To correct mistakes, narrowly and looking ahead, all and half the room; to cover; for free text diversely."""
        workshop = self._workshop
        found: list[Variant] = []
        for base in bases(self._task):
            room = base.room(self._options)
            if room.examples < 1:
                continue
            known = self._known(standing, base)
            told = shown(standing.prompt, base.kept)
            for measure, place in workshop.places.items():
                ground = place.ground(told, known)
                ways = BY_ANSWER if workshop.by_answer else FREE
                if place is not workshop.place:
                    # Where meaning is known one choice by words is enough, should the model follow those.
                    ways = dict([next(iter(ways.items()))])
                chosen = {name: Chosen(workshop, place, ground, way, room) for name, way in ways.items()}
                # Of variants that do equally well the one with fewer examples is taken: so one such is offered.
                first = next(iter(ways))
                plans = [(name, room.examples) for name in ways]
                if place is workshop.place:
                    plans.append((first, room.examples // 2))
                how = f" by {measure}" if len(workshop.places) > 1 else ""
                found += [
                    Variant(
                        f"{base.name}, {name}{how}, {size} at most",
                        chosen[name].fit(standing.parent.fit, base.kept, size),
                        standing.parent.cites,
                    )
                    for name, size in plans
                    if size
                ]
        return found

    def _refined(self, standing: Standing) -> list[Variant]:
        refiner = Refiner(self._workshop, self._options, standing.parent)
        found = [refiner.exchanged(), refiner.lean(), refiner.halved()]
        # The offline responder takes examples as a set: another order would be asked about for nothing.
        return found if self._task.prompt.model == OFFLINE else [*found, refiner.ordered()]

    def _known(self, standing: Standing, base: Base) -> list[bool | None]:
        """By case whether the model was right with what ``base`` shows; None where that was not asked."""
        count = len(self._task.cases)
        if base.kept != standing.prompt.examples:
            return [None] * count
        scores = [standing.answers[at].score if at in standing.answers else None for at in range(count)]
        return [None if score is None else score >= 0.5 for score in scores]
