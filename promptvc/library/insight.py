"""What the library tells from feedback: analysis, reports, rankings, routes."""

from __future__ import annotations

from typing import Any

from promptvc.analysis.reporting.report import Report
from promptvc.library.opened import Opened
from promptvc.workflows import analyze as analyzing
from promptvc.workflows import concord
from promptvc.workflows import issues as issue_ranking
from promptvc.workflows import rank as ranking
from promptvc.workflows import recommend as recommending
from promptvc.workflows import report as reporting
from promptvc.workflows import route as routing
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

    def route(self, task: str, **asked: Any) -> routing.Routed | None:
        """The way that ``task`` takes; ``asked``: as :class:`promptvc.workflows.route.RouteRequest` has it.

        None where no prompt shares a word with the task and no ways are configured.
        """
        return routing.route(self._fresh(), routing.RouteRequest(task, **asked))

    def stats(
        self, name: str | None = None, as_of: str | None = None, *, patterns: bool = False
    ) -> statistics.Statistics:
        """What each prompt did: use, success, moving averages, relevance, latency, satisfaction."""
        return statistics.stats(self._fresh(), name, as_of, patterns=patterns)

    def reviewer_agreement(self, name: str | None = None) -> concord.Agreement:
        """How far reviewers agree, and where they differ."""
        return concord.agreement(self._fresh(), name)

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

    def report(self, **request: Any) -> Report:
        """The report on the last complete week or month; ``request``: the fields of
        :class:`promptvc.workflows.report.ReportRequest`."""
        return reporting.report(self._fresh(), reporting.ReportRequest(**request))

    def tags(self, name: str | None = None) -> dict[str, Any]:
        """The tags of events by dimension, as `feedback tags --json` prints them."""
        return tag_counting.tags(self._fresh(), name)
