"""few_shot: examples out of feedback, chosen to raise the score.

The pool are the task's items: corrections, demonstrations and well-rated outputs, merged and settled. Variants
differ in how examples are chosen (:mod:`promptvc.training.approaches.few_shot.neighbours`) and in how many there are.
They need no call to a model.

Examples that people wrote stay. Examples that cite events stay as well, except in variants that choose them
anew; one whose events were all rejected by annotations goes in every variant. An answer in free text is nobody
else's answer, so there examples are chosen to cover the inputs; with recurring answers, to correct mistakes.

Rules and messages are the parent's, whoever made them.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.few_shot.choosing import Correct, Cover
from promptvc.training.approaches.few_shot.neighbours import ONE
from promptvc.training.approaches.few_shot.workshop import Base, Chosen, Way, Workshop, bases, shown
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask

FEWEST_ITEMS = 10

NARROW, WIDE = ONE // 50, ONE // 20
"""Leads, as closeness: about what one word of ten makes, and a few."""


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
        del tools
        return ExampleProposer(task, options)


class ExampleProposer:
    """Chooses examples in the first round."""

    def __init__(self, task: TrainingTask, options: TrainingOptions) -> None:
        self._task, self._options = task, options

    @property
    def remarks(self) -> Sequence[str]:
        """None."""
        return ()

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """Choosing to correct mistakes, narrowly and looking ahead, all and half the room; and to cover."""
        if standing.round > 1:
            return ()
        workshop = Workshop(self._task, self._options)
        neighbourhood = workshop.neighbourhood(standing.prompt)
        found: list[Variant] = []
        for base in bases(self._task):
            room = base.room(self._options)
            if room.examples < 1:
                continue
            ground = neighbourhood.ground(shown(standing.prompt, base.kept), self._known(standing, base))
            ways = {name: Chosen(workshop, ground, way, room) for name, way in _ways(self._task)}
            # Of variants that do equally well the one with fewer examples is taken: so one such is offered.
            first = next(iter(ways))
            plans = [(name, room.examples) for name in ways] + [(first, room.examples // 2)]
            found += [
                Variant(
                    f"{base.name}, {name}, {size} at most",
                    ways[name].fit(standing.parent.fit, base.kept, size),
                    standing.parent.cites,
                )
                for name, size in plans
                if size
            ]
        return found

    def _known(self, standing: Standing, base: Base) -> list[bool | None]:
        """By case whether the model was right with what ``base`` shows; None where that was not asked."""
        if base.kept != standing.prompt.examples:
            return [None] * len(self._task.cases)
        scores = [standing.answers[at].score if at in standing.answers else None for at in self._positions]
        return [None if score is None else score >= 0.5 for score in scores]

    @property
    def _positions(self) -> range:
        return range(len(self._task.cases))


def _ways(task: TrainingTask) -> list[tuple[str, Way]]:
    distinct = len({item.output for item in task.items})
    if distinct * 2 > len(task.items):
        return [("cover", lambda ground: Cover(ground, by_answer=False))]
    return [
        ("correct", lambda ground: Correct(ground, 0, NARROW)),
        ("look ahead", lambda ground: Correct(ground, -WIDE, WIDE)),
        ("cover", lambda ground: Cover(ground, by_answer=True)),
    ]
