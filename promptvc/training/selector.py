"""Which approach: the one that is named, the one that the feedback calls for, or all of them.

`auto` looks at the feedback first: many errors call for `adversarial`, low ratings for `reinforcement`, suggestions for
`meta_prompt`. Where none of these is so, what made the training due decides, or what would have; by volume alone it is
`few_shot`. An approach that lacks data gives way to the next one, and the reason is told; one that finds nothing worth
a look at the hold-out is followed by the next one, within the same bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from promptvc.base.config import FILE, TriggerSettings
from promptvc.base.errors import NotFound
from promptvc.training.approach import Approach
from promptvc.training.approaches.adversarial.adversarial import Adversarial
from promptvc.training.approaches.few_shot.few_shot import FewShot
from promptvc.training.approaches.meta_prompt.meta_prompt import MetaPrompt
from promptvc.training.approaches.reinforcement.reinforcement import Reinforcement
from promptvc.training.measures import Counts, Said
from promptvc.training.options import ALL, AUTO, TrainingOptions
from promptvc.training.task import TrainingTask

GROUP = "promptvc.approaches"
"""Entry points of this group add approaches: each names a class that takes no arguments."""

APPROACHES: dict[str, Approach] = {
    approach.name: approach for approach in (FewShot(), Reinforcement(), MetaPrompt(), Adversarial())
}

TRIGGERS = {
    "errors": "adversarial",
    "ratings": "reinforcement",
    "suggestions": "meta_prompt",
    "volume": "few_shot",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """The approaches by stages, or none and why none can work.

    Attributes:
        stages: approaches that race together; a later stage is for when nothing better was found before.
        reason: half a sentence.
    """

    stages: tuple[tuple[Approach, ...], ...]
    reason: str


def select(task: TrainingTask, options: TrainingOptions) -> Selection:
    """Choose for ``options.approach``.

    Raises:
        NotFound: there is no approach of that name.
    """
    if options.approach == ALL:
        return _all(task, options)
    if options.approach == AUTO:
        return _auto(task, options)
    approach = find(options.approach)
    lack = approach.lacks(task, options)
    return (
        Selection((), f"{approach.name} cannot start: {lack}")
        if lack
        else Selection(((approach,),), "as asked")
    )


def check_names(approach: str, enabled: Sequence[str]) -> None:
    """What is asked for and what the settings enable exists.

    Raises:
        NotFound: there is no approach of that name.
    """
    if approach not in {AUTO, ALL}:
        find(approach)
    for name in enabled:
        try:
            find(name)
        except NotFound as error:
            known = f"known: {', '.join(sorted(APPROACHES))}"
            raise NotFound(f"training.approaches: {error.message}", hint=known, file=FILE) from None


def find(name: str) -> Approach:
    """The approach ``name``, built in or from an entry point.

    Raises:
        NotFound: there is none.
    """
    if name in APPROACHES:
        return APPROACHES[name]
    for point in entry_points(group=GROUP, name=name):
        approach: Approach = point.load()()
        return approach
    known = ", ".join((AUTO, ALL, *sorted(APPROACHES)))
    raise NotFound(f"there is no approach {name}", hint=f"known: {known}")


def wanted(task: TrainingTask, options: TrainingOptions) -> tuple[str, str]:
    """What the feedback calls for, and why, as half a sentence."""
    counts = Counts.of(
        Said(one.kind, None if one.judged else one.score, one.run, one.count) for one in task.signals
    )
    bars = options.selection
    rate, rating = counts.error_rate, counts.rating
    if rate is not None and rate > bars.error_rate:
        return "adversarial", f"{rate:.0%} of {counts.runs} calls failed"
    if rating is not None and rating < bars.rating:
        return "reinforcement", f"the mean of {counts.rated} rating{'s' * (counts.rated > 1)} is {rating:.2f}"
    if counts.suggestions >= bars.suggestions:
        return "meta_prompt", f"there are {counts.suggestions} suggestions"
    if options.trigger in TRIGGERS:
        return TRIGGERS[options.trigger], f"it is due by {options.trigger}"
    return _fired(counts, options.triggers)


def _fired(counts: Counts, bars: TriggerSettings) -> tuple[str, str]:
    """By the bars at which a training becomes due, for one that was asked for."""
    rate, rating = counts.error_rate, counts.rating
    if rate is not None and rate > bars.error_rate:
        return TRIGGERS["errors"], f"{rate:.0%} of {counts.runs} calls failed"
    if rating is not None and rating < bars.rating:
        return TRIGGERS[
            "ratings"
        ], f"the mean of {counts.rated} rating{'s' * (counts.rated > 1)} is {rating:.2f}"
    if counts.suggestions >= bars.suggestions:
        return TRIGGERS["suggestions"], f"there are {counts.suggestions} suggestions"
    return TRIGGERS["volume"], "nothing calls for another one"


def _auto(task: TrainingTask, options: TrainingOptions) -> Selection:
    name, why = wanted(task, options)
    able: list[Approach] = []
    lacks: dict[str, str] = {}
    for other in dict.fromkeys((name, *options.enabled)):
        approach = find(other)
        lack = "it is not enabled" if other not in options.enabled else approach.lacks(task, options)
        if lack is None:
            able.append(approach)
        else:
            lacks[other] = lack
    if not able:
        return Selection(
            (), "no approach can start; " + "; ".join(f"{each}: {why}" for each, why in lacks.items())
        )
    # What the feedback calls for has to say why it is not taken; the others only stand by.
    told = why if able[0].name == name else f"{name} was wanted, as {why}, but {lacks[name]}"
    return Selection(tuple((approach,) for approach in able), told)


def _all(task: TrainingTask, options: TrainingOptions) -> Selection:
    able: list[Approach] = []
    lacks: list[str] = []
    for name in options.enabled:
        approach = find(name)
        lack = approach.lacks(task, options)
        if lack is None:
            able.append(approach)
        else:
            lacks.append(f"{name}: {lack}")
    if not able:
        return Selection((), "no approach can start; " + "; ".join(lacks))
    names = _listed([approach.name for approach in able])
    return Selection((tuple(able),), "; ".join((f"{names} raced", *lacks)))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
