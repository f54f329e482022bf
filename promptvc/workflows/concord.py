"""`annotate --agreement`: how far reviewers agree, where they differ, and what settled it."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, cast

from promptvc.analysis.annotations.concord import Concord, concords
from promptvc.analysis.annotations.disputes import Dispute, disputes
from promptvc.analysis.annotations.reviews import Reviews
from promptvc.analysis.annotations.scales import scales_of
from promptvc.workflows.gathering import keys_of, known_prompt
from promptvc.workflows.heeding import panel_of
from promptvc.workflows.project import Project
from promptvc.workflows.sifting import Sieve


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement by question, and every disagreement, unsettled ones first.

    Attributes:
        reviewed: how many answers have a review that counts; ``twice``: those with several reviewers.
        reviewers: how many answers each reviewed, by pseudonym.
        uncounted: annotations of people who are no experts.
    """

    name: str | None
    resolve: str
    reviewed: int
    twice: int
    reviewers: dict[str, int]
    uncounted: int
    concords: tuple[Concord, ...]
    disputes: tuple[Dispute, ...]
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `annotate --agreement --json` prints it."""
        kind = ("--kind", "annotation", "--source", "human")
        name = () if self.name is None else (self.name,)
        return {
            "name": self.name,
            "resolve": self.resolve,
            "reviewed": self.reviewed,
            "twice": self.twice,
            "reviewers": self.reviewers,
            "uncounted": self.uncounted,
            "agreement": [one.to_json() for one in self.concords],
            "disagreements": [one.to_json() for one in self.disputes],
            "list": shlex.join(("promptvc", "feedback", "list", *name, *kind, "--spooled")),
            "remarks": list(self.remarks),
        }


def agreement(project: Project, name: str | None = None) -> Agreement:
    """Over committed and spooled annotations of people, of one prompt or of all.

    Alpha and kappa are of what reviewers said independently of each other: an adjudicator's word, where adjudication
    resolves, settles disputes and is no part of them.

    Raises:
        NotFound: no such prompt, and no feedback on it.
        Usage: the settings name people, and there is no key to know their reviews by.
    """
    wanted = known_prompt(project, name)
    sieve = Sieve(project, wanted)
    notes, keys, panel = sieve.notes(), keys_of(project), panel_of(project)
    persons = [*notes, *sieve.among(Reviews.of(notes).notes)]
    counting = panel.without_adjudication.heeded(persons, keys)
    reviews, decided = Reviews.of(counting), Reviews.of(panel.heeded(persons, keys))
    questions = reviews.questions(scales_of(project.settings.annotation.scores))
    independent = Reviews.of(panel.unadjudicated(counting, keys))
    resolve = cast("Literal['majority', 'adjudication']", project.settings.annotation.resolve)
    by = Counter(person for target in reviews.notes for person in reviews.reviewers(target))
    return Agreement(
        name=wanted,
        resolve=resolve,
        reviewed=len(reviews.notes),
        twice=sum(len(reviews.reviewers(target)) > 1 for target in reviews.notes),
        reviewers=dict(sorted(by.items())),
        uncounted=len(persons) - len(counting),
        concords=concords(independent, questions),
        disputes=disputes(independent, decided, questions, resolve),
        remarks=sieve.remarks(),
    )
