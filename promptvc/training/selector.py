"""Which approach: the one that is named, or the first that the data is enough for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points

from promptvc.base.errors import NotFound
from promptvc.training.approach import Approach
from promptvc.training.approaches.few_shot.few_shot import FewShot
from promptvc.training.task import AUTO, TrainingOptions, TrainingTask

GROUP = "promptvc.approaches"
"""Entry points of this group add approaches: each names a class that takes no arguments."""

APPROACHES: dict[str, Approach] = {approach.name: approach for approach in (FewShot(),)}


@dataclass(frozen=True, slots=True)
class Selection:
    """The approach, or None and why none can work."""

    approach: Approach | None
    reason: str


def select(task: TrainingTask, options: TrainingOptions) -> Selection:
    """Choose for ``options.approach``; ``auto`` takes the first approach that lacks nothing.

    Raises:
        NotFound: there is no approach of that name.
    """
    if options.approach != AUTO:
        approach = find(options.approach)
        lack = approach.lacks(task, options)
        return (
            Selection(None, f"{approach.name} cannot start: {lack}")
            if lack
            else Selection(approach, "as asked")
        )
    lacks = []
    for approach in APPROACHES.values():
        lack = approach.lacks(task, options)
        if lack is None:
            return Selection(approach, f"{approach.name} has all it needs")
        lacks.append(f"{approach.name}: {lack}")
    return Selection(None, "no approach can start; " + "; ".join(lacks))


def find(name: str) -> Approach:
    """The approach ``name``, built in or from an entry point."""
    if name in APPROACHES:
        return APPROACHES[name]
    for point in entry_points(group=GROUP, name=name):
        approach: Approach = point.load()()
        return approach
    raise NotFound(f"there is no approach {name}", hint=f"known: {AUTO}, {', '.join(sorted(APPROACHES))}")
