"""`rank`: learn a ranker from what people chose, and tell which one is in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from promptvc.analysis.ranking.averages import is_choice
from promptvc.analysis.ranking.backtest import backtest
from promptvc.analysis.ranking.evidence import newest_day
from promptvc.analysis.ranking.features import FEATURES, groups_of
from promptvc.analysis.ranking.learned import learn
from promptvc.analysis.ranking.ranker import Ranker, settings_of
from promptvc.analysis.ranking.similarity import Asked, TextIndex
from promptvc.base.errors import InputError, Usage
from promptvc.feedback.query.facts import Choice
from promptvc.feedback.query.selection import Query
from promptvc.workflows.gathering import open_facts
from promptvc.workflows.horizon import horizon
from promptvc.workflows.indexed import Committed, committed, feedback_digest, text_index, words_of
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import keep, learning, standing

FEWEST = 100
"""Fewer choices than this leave no backtest that could be won."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The ranker of this clone, as it stands.

    Attributes:
        ranker: the last training; None before any. ``in_use``: whether it puts prompts in order now.
        why: why it does, or does not.
        asks: how many comparisons of its trees ask for each feature; empty where it has none.
    """

    ranker: Ranker | None
    in_use: bool
    why: str
    asks: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As `rank train --json` and `rank show --json` print it."""
        ranker = None if self.ranker is None else self.ranker.to_json()
        return {"in_use": self.in_use, "why": self.why, "ranker": ranker, "features": dict(self.asks)}


def train(project: Project) -> Shown:
    """Learn a ranker from the committed choices of people, try it on the newest of them, and keep what came of it.

    Raises:
        Usage: learning is off, or LightGBM is not there.
        InputError: there are too few choices.
    """
    settings = learning(project)
    if not settings.enabled:
        raise Usage(
            "learning is off", hint="set learning.enabled: true, or leave PROMPTVC_LEARNING_ENABLED out"
        )
    prompts = committed(project)
    facts = open_facts(project)
    counting = Query(until=horizon(project, facts).until)
    # What a program took it took by these figures: learning from it would be learning what is done already.
    choices = [one for one in facts.choices(replace(counting, sources=("human",))) if is_choice(one)]
    _enough(choices, max(FEWEST, settings.min_samples))
    cells = facts.cells(counting)
    texts = _Texts(project, prompts, {name for one in choices for name, _ in one.options})
    groups = groups_of(cells, choices, texts.similarity, settings)
    try:
        result = backtest(groups, learn)
    except ValueError as error:
        raise InputError(
            "every newer choice is of a session that began among the older ones",
            hint="record more sessions, or choices without `session`",
        ) from error
    newest = max(choices[-1].time.date(), newest_day(cells) or choices[-1].time.date())
    before = standing(project).ranker
    ranker = Ranker(
        commit=project.resolver.head or "",
        feedback=feedback_digest(project),
        as_of=newest.isoformat(),
        choices=len(groups),
        settings=settings_of(settings, project.settings.feedback),
        backtest=result.to_json(),
        used=result.won,
        reason=result.reason,
        forest=learn(groups) if result.won else None,
        history=() if before is None else before.remembered(),
    )
    place = keep(project, ranker)
    project.log.event("ranker.trained", used=ranker.used, choices=len(groups), path=str(place))
    return show(project)


def show(project: Project) -> Shown:
    """Which ranker is in use, and why."""
    stands = standing(project)
    ranker = stands.ranker
    if ranker is None:
        why = stands.stale or "no ranker was trained here: promptvc rank train"
        return Shown(None, in_use=False, why=why, asks={})
    asks = (
        {} if ranker.forest is None else dict(zip(FEATURES, ranker.forest.uses(len(FEATURES)), strict=True))
    )
    return Shown(ranker, in_use=stands.in_use is not None, why=stands.stale or ranker.reason, asks=asks)


def _enough(choices: Sequence[Choice], wanted: int) -> None:
    if len(choices) < wanted:
        raise InputError(
            f"a ranker takes {wanted:,} choices of people among prompts, and {len(choices):,} are committed",
            hint="promptvc route TASK --record --selected NAME records them, and promptvc feedback commit commits them",
        )


class _Texts:
    """What the prompts said at the time of a choice: a text that was changed since would know too much."""

    def __init__(self, project: Project, prompts: Sequence[Committed], offered: set[str]) -> None:
        self._index: TextIndex = text_index(project, prompts)
        self._asked: dict[str, Asked] = {}
        self._found: dict[tuple[str, str], float] = {}
        wanted = [one for one in prompts if one.name in offered]
        self._history = {
            one.name: [(entry.time, entry.digest) for entry in reversed(project.resolver.log(one.name))]
            or [(datetime.min.replace(tzinfo=UTC), one.digest)]
            for one in wanted
        }
        paths = {one.name: one.path for one in wanted}
        versions = [
            (name, paths[name], digest) for name, found in self._history.items() for _, digest in found
        ]
        self._words = words_of(project, versions)

    def similarity(self, task: str, name: str, moment: datetime) -> float:
        """As :data:`promptvc.analysis.ranking.features.Similar`; 0 of a prompt that is no more."""
        history = self._history.get(name)
        if history is None:
            return 0.0
        digest = next((digest for time, digest in reversed(history) if time <= moment), history[0][1])
        key = (task, digest)
        if key not in self._found:
            asked = self._asked.get(task)
            if asked is None:
                asked = self._asked[task] = self._index.ask(task)
            self._found[key] = self._index.similarity(asked, self._words[digest])
        return self._found[key]
