"""What a pull request for a candidate is asked to be, and what became of it. Shared by the stories that propose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is asked for.

    Attributes:
        reference: ``NAME``, the newest candidate that waits, or ``NAME@vN``.
        branch: a branch of one's own that has a new version of the prompt, instead of a candidate's.
        deploy: the environment whose deployment goes along; None: what `review.deploy` says.
        draft: None: unless the verdict is an improvement.
        labels, reviewers: besides those of the settings.
    """

    reference: str
    branch: str | None = None
    deploy: str | None = None
    draft: bool | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The pull request as it stands now.

    Attributes:
        created: it was not there before.
        state: ``open``; ``closed`` where a person has closed it: it is left so.
        deploys: the environments that run the version once this is merged.
        refused: reviewers who could not be asked, each with the reason.
    """

    name: str
    version: int
    branch: str
    base: str
    number: int
    url: str
    created: bool
    state: str
    draft: bool
    deploys: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    comment: str | None = None
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `pr --json` prints it."""
        keys = ("name", "version", "branch", "base", "number", "url", "created", "state", "draft")
        return {key: getattr(self, key) for key in keys} | {
            "deploys": list(self.deploys),
            "labels": list(self.labels),
            "reviewers": list(self.reviewers),
            "refused": [{"reviewer": who, "reason": why} for who, why in self.refused],
            "comment": self.comment,
            "remarks": list(self.remarks),
        }
