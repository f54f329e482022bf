"""Scores for a training from a session with models (:mod:`promptvc.evaluation.sessions.session`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.sessions.session import Session
from promptvc.prompts.model import Prompt


@dataclass(frozen=True, slots=True)
class SessionScorer:
    """A :class:`~promptvc.training.task.Scorer` that asks ``session``, which keeps the account.

    Attributes:
        progress: called with (done, total) within each round of questions.
    """

    session: Session
    progress: Callable[[int, int], None] | None = None

    @property
    def calls_per_case(self) -> int:
        """Repeats times models."""
        return self.session.calls_per_case

    def scores(self, prompt: Prompt, cases: Sequence[Case]) -> list[float | None]:
        """See :class:`~promptvc.training.task.Scorer`."""
        found = {
            score.case: score.score for score in self.session.scores(prompt, cases, progress=self.progress)
        }
        return [found.get(case.id) for case in cases]
