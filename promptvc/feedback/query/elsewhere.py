"""The facts where the events live already: in the tables of a cluster or a warehouse, by the same statements.

The tables are those of :mod:`promptvc.feedback.query.tables`; `promptvc feedback export --format tables` writes them as
Parquet. Each answer is the same as that of the other engines, but for what the engine itself does to floating point:
scores are compared and rounded to whole numbers there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import Usage
from promptvc.base.feedback_settings import AnalyticsSettings
from promptvc.feedback.query.answering import Answering
from promptvc.feedback.query.dialects import transpiled
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.spark import open_spark
from promptvc.feedback.query.statements import Statement, Statements
from promptvc.feedback.query.warehouse import open_warehouse

Ask = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""Runs a statement with its parameters, and gives all rows."""


class TableFacts(Answering):
    """Answers by statements in ``dialect``, which ``ask`` runs.

    Attributes:
        unread: always 0: what is in tables has been read.
    """

    unread = 0

    def __init__(self, engine: str, dialect: str, ask: Ask, statements: Statements) -> None:
        super().__init__(statements)
        self.engine = engine
        self._dialect = dialect
        self._run = ask

    def _ask(self, statement: Statement) -> list[tuple[Any, ...]]:
        return self._run(transpiled(statement.sql, self._dialect), statement.parameters)


def _spark(settings: AnalyticsSettings, environ: Mapping[str, str], statements: Statements) -> Facts:
    return TableFacts("spark", "spark", open_spark(environ, settings.table), statements)


def _warehouse(settings: AnalyticsSettings, environ: Mapping[str, str], statements: Statements) -> Facts:
    if settings.dialect is None:
        raise Usage(
            "`analytics: {backend: warehouse}` needs the warehouse's dialect",
            hint="such as `analytics: {backend: warehouse, dialect: postgres}`",
        )
    ask = open_warehouse(settings.dialect, environ)
    return TableFacts(settings.dialect, settings.dialect, ask, statements)


ELSEWHERE: Mapping[str, Callable[[AnalyticsSettings, Mapping[str, str], Statements], Facts]] = {
    "spark": _spark,
    "warehouse": _warehouse,
}


def open_elsewhere(
    settings: AnalyticsSettings,
    thresholds: FeedbackSettings,
    environ: Mapping[str, str],
    prompt: str | None = None,
) -> Facts:
    """The engine that the settings name, asked of one prompt or of all.

    Raises:
        Usage: it is not installed, or nothing says where it is.
    """
    statements = Statements(settings.table, thresholds, prompt)
    return ELSEWHERE[settings.backend](settings, environ, statements)
