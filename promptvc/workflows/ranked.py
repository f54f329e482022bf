"""What prompts are ranked by: the evidence of the committed events, and the learned ranker that was kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from promptvc.analysis.ranking.averages import days_of
from promptvc.analysis.ranking.evidence import (
    Evidence,
    Question,
    evidence,
    newest_day,
    read_evidence,
    rounded,
    success_json,
)
from promptvc.analysis.ranking.features import Past, Row
from promptvc.analysis.ranking.learning import learning_of
from promptvc.analysis.ranking.ranker import MOST_BYTES, Ranker, read_ranker, settings_of
from promptvc.base.clock import format_time, parse_time
from promptvc.base.feedback_settings import LearningSettings
from promptvc.base.files import write_atomic
from promptvc.base.memo import Memo
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.selection import Query
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import moment_of, open_facts, uncounted
from promptvc.workflows.horizon import Horizon, horizon
from promptvc.workflows.indexed import FOLDER, Committed, feedback_digest, is_elsewhere
from promptvc.workflows.project import Project

FILE = "ranker.json"
EDITION = 2
USERS = ("human", "code")
"""Whose ratings count: a judge's are no user's."""


@dataclass(frozen=True, slots=True)
class Known:
    """What feedback says of all prompts, as of a day.

    Attributes:
        as_of: until when events count: what was asked for, else the end of the newest one's day; None without any.
        adapted: whether ratings change anything; ``reason``: why not.
        whole: the success of everything, as an object. ``concentrations``: between prompts, between versions.
        prompts: by name. ``rows``: the features of each for a learned ranker, but for the similarity.
        until: no event from then on counts; None: all do. ``remarks``: what does not count, for people.
    """

    as_of: str | None
    adapted: bool
    reason: str | None
    whole: Mapping[str, Any]
    concentrations: tuple[float, float]
    prompts: Mapping[str, Evidence]
    rows: Mapping[str, Row]
    until: datetime | None = None
    remarks: tuple[str, ...] = ()


class Lazily:
    """Facts that are opened when somebody asks: a kept answer needs none."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._facts: Facts | None = None

    def __call__(self) -> Facts:
        if self._facts is None:
            self._facts = open_facts(self._project)
        return self._facts


def learning(project: Project) -> LearningSettings:
    """The settings of learning, with what the environment says of them."""
    return learning_of(project.settings.learning, project.environ)


def known(project: Project, prompts: Sequence[Committed], as_of: str | None, facts: Lazily) -> Known:
    """The evidence of every prompt.

    Args:
        as_of: a time as a user writes it; events from then on do not count. None: all but those from the future.
    """
    present = {one.name: one.version for one in prompts}
    until = moment_of(as_of)
    question = {
        "of": "ranking evidence",
        "edition": EDITION,
        "as_of": None if until is None else format_time(until),
        "present": hashlib.sha256(json.dumps(present).encode()).hexdigest(),
        "learning": asdict(learning(project)),
    }

    def told() -> dict[str, Any]:
        found = horizon(project, facts()) if until is None else Horizon(None, until)
        remarks = (*uncounted(project, None, facts()), *found.remarks)
        return {
            **_told(facts(), present, (until, found.until), learning(project)),
            "until": None if found.until is None else format_time(found.until),
            "remarks": remarks,
        }

    answer = answered(project, question, told)
    found = [read_evidence(one) for one in answer["prompts"]]
    return Known(
        as_of=answer["as_of"],
        adapted=answer["adapted"],
        reason=answer["reason"],
        whole=answer["whole"],
        concentrations=(answer["between_prompts"], answer["between_versions"]),
        prompts={one.name: one for one in found},
        rows={one.name: tuple(row) for one, row in zip(found, answer["rows"], strict=True)},
        until=None if answer["until"] is None else parse_time(answer["until"]),
        remarks=tuple(answer["remarks"]),
    )


def _told(
    facts: Facts,
    present: Mapping[str, int | None],
    ends: tuple[datetime | None, datetime | None],
    settings: LearningSettings,
) -> dict[str, Any]:
    """``ends``: what was asked for, and until when events count."""
    until, last = ends
    cells = facts.cells(Query(until=last))
    choices = facts.choices(Query(until=last))
    # A time counts to the day before it began: the midnight after a day is that day's end.
    newest = newest_day(cells) if until is None else (until - timedelta(microseconds=1)).date()
    day = newest or date.min
    rates, found = evidence(cells, choices, Question(present, day, settings))
    past = Past(days_of(cells, choices, day), settings)
    past.before(date.max)
    after = day + timedelta(1)
    return {
        "as_of": format_time(until)
        if until
        else None
        if newest is None
        else f"{after.isoformat()}T00:00:00Z",
        "adapted": rates.adapted,
        "reason": rates.reason,
        "whole": success_json(rates.all()),
        "between_prompts": rounded(rates.between_prompts),
        "between_versions": rounded(rates.between_versions),
        "prompts": [one.to_json() for one in found],
        "rows": [past.row(one.name, after, 0.0) for one in found],
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """The learned ranker of this clone.

    Attributes:
        ranker: as it was kept; None where there is none to trust.
        stale: why a ranker that won is not used now; None where it is, or there is none.
    """

    ranker: Ranker | None
    stale: str | None

    @property
    def in_use(self) -> Ranker | None:
        """The ranker that puts prompts in order; None: similarity and relevance do."""
        return self.ranker if self.ranker is not None and self.ranker.used and self.stale is None else None


def standing(project: Project) -> Standing:
    """The ranker that `rank train` kept here, and whether it may be used.

    Only a file that this clone wrote itself counts: its digest is noted in the git directory, where no commit, archive
    or copied folder reaches.
    """
    place = _place(project)
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if not place.is_symlink() and place.stat().st_size <= MOST_BYTES:
            data = place.read_bytes()
            if not _trusted(project).knows(hashlib.sha256(data).hexdigest()):
                project.log.event("ranker.not_trusted", path=str(place))
                return Standing(
                    None, f"{place.name} was not made by this clone: promptvc rank train makes one"
                )
            ranker = read_ranker(data)
            return Standing(ranker, _stale(project, ranker))
    return Standing(None, None)


def keep(project: Project, ranker: Ranker) -> Path:
    """Write the ranker where :func:`standing` finds it."""
    place, data = _place(project), ranker.to_bytes()
    _trusted(project).remember(hashlib.sha256(data).hexdigest())
    write_atomic(place, data)
    return place


def _stale(project: Project, ranker: Ranker) -> str | None:
    if not ranker.used:
        return None
    settings = learning(project)
    if not settings.enabled:
        return "learning is off"
    again = "promptvc rank train makes a new one"
    if is_elsewhere(project):
        return "the events are not in this repository, where a change of them would show"
    if ranker.feedback != feedback_digest(project):
        return f"the feedback has changed since it was trained: {again}"
    if dict(ranker.settings) != settings_of(settings, project.settings.feedback):
        return f"the settings have changed since it was trained: {again}"
    return None


def _place(project: Project) -> Path:
    return project.state / FOLDER / FILE


def _trusted(project: Project) -> Memo:
    return Memo(project.repository.git_dir / "promptvc" / "rankers")
