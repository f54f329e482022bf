"""What the library tells from feedback: analysis, reports, rankings, routes."""

from __future__ import annotations

from typing import Any

from promptvc.library.opened import Opened
from promptvc.workflows import analyze as analyzing
from promptvc.workflows import issues as issue_ranking
from promptvc.workflows import rank as ranking
from promptvc.workflows import recommend as recommending
from promptvc.workflows import stats as statistics
from promptvc.workflows import tags as tag_counting
from promptvc.workflows.span import Asked


class Insight(Opened):
    """The methods that fold events into answers."""

    def recommend(self, task: str, limit: int = 5, as_of: str | None = None) -> recommending.Answer:
        """The ``limit`` best committed prompts for ``task``, each with its reasons."""
        return recommending.recommend(self._fresh(), task, limit, as_of)

    def recommender(self, as_of: str | None = None) -> recommending.Ready:
        """What answers many tasks in milliseconds, of the commit that HEAD stands at now."""
        return recommending.recommender(self._fresh(), as_of)

    def stats(
        self, name: str | None = None, as_of: str | None = None, *, patterns: bool = False
    ) -> statistics.Statistics:
        """What each prompt did: use, success, moving averages, relevance, latency, satisfaction."""
        return statistics.stats(self._fresh(), name, as_of, patterns=patterns)

    def train_ranker(self) -> ranking.Shown:
        """Learn a ranker from committed choices; it is used if it wins its backtest."""
        return ranking.train(self._fresh())

    def show_ranker(self) -> ranking.Shown:
        """Which ranker is in use, and why."""
        return ranking.show(self._fresh())

    def analyze(
        self, name: str | None = None, *, days: int = 7, min_samples: int = 5, **window: str | None
    ) -> dict[str, Any]:
        """Figures and patterns, as `analyze --json` prints them; ``window``: ``since``, ``until``, ``as_of``."""
        request = analyzing.AnalyzeRequest(name, Asked(days, **window), min_samples)
        return analyzing.analyze(self._fresh(), request)

    def issues(self, name: str, *, days: int = 30, **window: str | None) -> dict[str, Any]:
        """The reported issues of a prompt, ranked, as `issues --json` prints them."""
        return issue_ranking.issues(self._fresh(), issue_ranking.IssuesRequest(name, Asked(days, **window)))

    def tags(self, name: str | None = None) -> dict[str, Any]:
        """The tags of events by dimension, as `feedback tags --json` prints them."""
        return tag_counting.tags(self._fresh(), name)
