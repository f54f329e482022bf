"""The facts by statements of SQL, whoever runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from promptvc.feedback.query import rows
from promptvc.feedback.query.facts import Cell, Choice, Count, Label, Labelled, Latency, Said, Witnesses
from promptvc.feedback.query.selection import Query
from promptvc.feedback.query.statements import Statement, Statements

EVERYTHING = Query()


class Answering(ABC):
    """Answers by ``statements``; how one is run is for the engine to say."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def counts(self, query: Query = EVERYTHING) -> list[Count]:
        """As :meth:`Facts.counts`."""
        return rows.counts(self._ask(self._statements.counts(query)))

    def cells(self, query: Query = EVERYTHING) -> list[Cell]:
        """As :meth:`Facts.cells`."""
        return rows.cells(self._ask(self._statements.cells(query)))

    def labelled(self, what: Label, query: Query = EVERYTHING) -> list[Labelled]:
        """As :meth:`Facts.labelled`."""
        return rows.labelled(self._ask(self._statements.labelled(what, query)))

    def latencies(self, query: Query = EVERYTHING) -> list[Latency]:
        """As :meth:`Facts.latencies`."""
        return rows.latencies(self._ask(self._statements.latencies(query)))

    def said(self, query: Query = EVERYTHING, *, limit: int = 100_000) -> list[Said]:
        """As :meth:`Facts.said`."""
        return rows.said(self._ask(self._statements.said(query, limit)))

    def choices(self, query: Query = EVERYTHING) -> list[Choice]:
        """As :meth:`Facts.choices`."""
        return rows.choices(self._ask(self._statements.choices(query)))

    def witnesses(self, query: Query = EVERYTHING, *, limit: int = 20) -> Witnesses:
        """As :meth:`Facts.witnesses`."""
        counted = self._ask(self._statements.count(query))[0][0]
        found = self._ask(self._statements.newest(query, limit))
        return rows.witnesses(counted, found)

    @abstractmethod
    def _ask(self, statement: Statement) -> list[tuple[Any, ...]]:
        """All rows that a statement answers."""
