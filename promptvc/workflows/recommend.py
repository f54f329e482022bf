"""`recommend`: the prompts that serve a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.ranking.recommend import Recommended, Recommender
from promptvc.base.errors import Usage
from promptvc.feedback.query.facts import Said
from promptvc.feedback.query.selection import Query
from promptvc.workflows.indexed import committed, feedback_digest, input_index, text_index
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import USERS, Known, Lazily, known, standing

LEARNED, RELEVANCE, SIMILARITY = "learned", "similarity x relevance", "similarity"
MOST_SAID = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The prompts for a task, best first, what put them in order, and what else the reader should know."""

    task: str
    as_of: str | None
    ranker: str
    adapted: bool
    reason: str | None
    found: tuple[Recommended, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `recommend --json` prints it."""
        return {
            "task": self.task,
            "as_of": self.as_of,
            "ranker": self.ranker,
            "adapted": self.adapted,
            "reason": self.reason,
            "recommendations": [one.to_json() for one in self.found],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class Ready:
    """A recommender of the present commit: it stays as it is while the commit moves on."""

    recommender: Recommender
    known: Known
    remarks: tuple[str, ...]

    def ask(self, task: str, limit: int = 5) -> Answer:
        """The ``limit`` best prompts for ``task``.

        Raises:
            Usage: the task says nothing, or ``limit`` is below 1.
        """
        if not task.strip():
            raise Usage(
                "the task is empty", hint='say what is to be done: promptvc recommend "sort invoices"'
            )
        if limit < 1:
            raise Usage(f"a limit of {limit} asks for nothing")
        learned = self.recommender.is_learned
        return Answer(
            task=task,
            as_of=self.known.as_of,
            ranker=LEARNED if learned else RELEVANCE if self.known.adapted else SIMILARITY,
            adapted=self.known.adapted,
            reason=self.known.reason,
            found=self.recommender.recommend(task, limit),
            remarks=self.remarks,
        )


def recommender(project: Project, as_of: str | None = None) -> Ready:
    """What recommends the prompts of HEAD, ready for many tasks.

    Args:
        as_of: events from then on do not count; a learned ranker, which knows them, is not used then.

    Raises:
        NotFound: nothing is committed.
    """
    prompts = committed(project)
    facts = Lazily(project)
    found = known(project, prompts, as_of, facts)
    until = found.until

    def said() -> Sequence[Said]:
        return facts().said(Query(outcome="good", sources=USERS, until=until), limit=MOST_SAID)

    key = [
        feedback_digest(project),
        project.settings.feedback.positive,
        None if until is None else until.isoformat(),
    ]
    indexes = text_index(project, prompts), input_index(project, prompts, key, said)
    stands = standing(project)
    ranker = stands.in_use if as_of is None else None
    remarks = list(found.remarks)
    if found.reason is not None:
        remarks.append(f"by similarity alone: {found.reason}")
    if stands.stale is not None:
        remarks.append(f"the learned ranker is not used: {stands.stale}")
    elif as_of is not None and stands.in_use is not None:
        remarks.append("the learned ranker is not used: with --as-of it would know what came later")
    names = [one.name for one in prompts]
    made = Recommender(
        [found.prompts[name] for name in names],
        indexes,
        forest=None if ranker is None else ranker.forest,
        rows=[found.rows[name] for name in names],
    )
    return Ready(made, found, tuple(remarks))


def recommend(project: Project, task: str, limit: int = 5, as_of: str | None = None) -> Answer:
    """The ``limit`` best prompts of HEAD for ``task``."""
    return recommender(project, as_of).ask(task, limit)
