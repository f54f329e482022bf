"""The questions in SQL: one statement each, with parameters, for the tables of :mod:`promptvc.feedback.query.tables`.

Written in DuckDB's dialect, in the part of SQL that other engines have too; what differs is transpiled. Nothing that
a user, an event or a setting says is ever part of a statement: all of it goes in as parameters. The names of tables
are: they are the settings' and checked by their schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import Usage
from promptvc.feedback.query.facts import Label
from promptvc.feedback.query.selection import Query
from promptvc.feedback.query.tables import TABLES, table_name


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with ``?`` for each of ``parameters``, in order. ``tables``: those that it reads."""

    sql: str
    parameters: tuple[Any, ...]
    tables: tuple[str, ...]


_AMOUNTS = ", ".join(f"SUM(COALESCE(a.{name}, 0))" for name in list(TABLES["amounts"])[1:])


def _scores(score: str) -> str:
    """The first columns of a tally. Two parameters: the positive and the negative threshold.

    ``FLOOR(x + 0.5)`` is the same everywhere; ``ROUND`` is not.
    """
    thousandths = f"CAST(FLOOR({score} * 1000 + 0.5) AS BIGINT)"
    return (
        f"SUM(e.n), COUNT({score}), "
        f"SUM(CASE WHEN {score} >= ? THEN 1 ELSE 0 END), SUM(CASE WHEN {score} <= ? THEN 1 ELSE 0 END), "
        f"SUM(CAST(FLOOR({score} * 1000000 + 0.5) AS BIGINT)), SUM({thousandths} * {thousandths})"
    )


class Statements:
    """Makes statements for tables behind ``prefix``, with the thresholds of the settings; of one prompt, or of all."""

    def __init__(self, prefix: str, thresholds: FeedbackSettings, prompt: str | None = None) -> None:
        self._prefix = prefix
        self._prompt = prompt
        self._bars = (thresholds.positive, thresholds.negative)

    def counts(self, query: Query) -> Statement:
        """Rows: version, kind, source, then what a tally tells of scores."""
        keys = "e.version, e.kind, e.source"
        where, parameters, tables = self._where(query)
        sql = f"SELECT {keys}, {_scores('e.score')} FROM {self._table('events')} AS e{where} GROUP BY {keys}"
        return Statement(sql, (*self._bars, *parameters), ("events", *tables))

    def cells(self, query: Query) -> Statement:
        """Rows: day, prompt, version, kind, source, model, framework, technique, then a tally."""
        keys = (
            "CAST(e.time AS DATE), e.prompt, e.version, e.kind, e.source, e.model, e.framework, e.technique"
        )
        where, parameters, tables = self._where(query)
        source = self._with_amounts()
        sql = f"SELECT {keys}, {_scores('e.score')}, {_AMOUNTS} FROM {source}{where} GROUP BY {keys}"
        return Statement(sql, (*self._bars, *parameters), ("events", "amounts", *tables))

    def labelled(self, what: Label, query: Query) -> Statement:
        """Rows: day, prompt, version, label, then a tally."""
        keys = "CAST(e.time AS DATE), e.prompt, e.version, l.label"
        score = "l.score" if what == "dimension" else "e.score"
        where, parameters, _ = self._where(query, "l.what = ?")
        source = f"{self._with_amounts()} INNER JOIN {self._table('labels')} AS l ON l.id = e.id"
        sql = f"SELECT {keys}, {_scores(score)}, {_AMOUNTS} FROM {source}{where} GROUP BY {keys}"
        return Statement(sql, (*self._bars, what, *parameters), ("events", "amounts", "labels"))

    def latencies(self, query: Query) -> Statement:
        """Rows: day, prompt, version, model, the bucket's lowest microsecond, how many."""
        keys = "CAST(e.time AS DATE), e.prompt, e.version, e.model, b.lowest"
        where, parameters, tables = self._where(query)
        source = f"{self._table('events')} AS e INNER JOIN {self._table('latencies')} AS b ON b.id = e.id"
        sql = f"SELECT {keys}, SUM(b.n) FROM {source}{where} GROUP BY {keys}"
        return Statement(sql, parameters, ("events", "latencies", *tables))

    def said(self, query: Query, limit: int) -> Statement:
        """Rows: the columns of ``Said``, with input, tags and issues as JSON; newest first."""
        speaking = "(e.score IS NOT NULL OR e.kind IN ('correction', 'suggestion'))"
        where, parameters, tables = self._where(query, speaking)
        columns = (
            "e.id, e.time, e.prompt, e.version, e.kind, e.source, e.score, e.model, e.framework, e.technique"
        )
        newest = f"SELECT {columns} FROM {self._table('events')} AS e{where} ORDER BY e.time DESC, e.id DESC LIMIT ?"
        texts = "t.input, t.output, t.corrected, t.comment, t.tags, t.issues"
        sql = f"SELECT {columns}, {texts} FROM ({newest}) AS e LEFT JOIN {self._table('texts')} AS t ON t.id = e.id"
        return Statement(sql, (*parameters, limit), ("events", "texts", *tables))

    def choices(self, query: Query) -> Statement:
        """Rows: id, time, prompt, session, input, options (JSON), selected."""
        where, parameters, tables = self._where(query)
        source = f"{self._table('events')} AS e INNER JOIN {self._table('choices')} AS c ON c.id = e.id"
        columns = "e.id, e.time, e.prompt, c.session, c.input, c.options, c.selected"
        return Statement(f"SELECT {columns} FROM {source}{where}", parameters, ("events", "choices", *tables))

    def count(self, query: Query) -> Statement:
        """One row: how many events."""
        where, parameters, tables = self._where(query)
        return Statement(
            f"SELECT SUM(e.n) FROM {self._table('events')} AS e{where}", parameters, ("events", *tables)
        )

    def newest(self, query: Query, limit: int) -> Statement:
        """Rows: id and time of the newest events."""
        where, parameters, tables = self._where(query)
        sql = f"SELECT e.id, e.time FROM {self._table('events')} AS e{where} ORDER BY e.time DESC, e.id DESC LIMIT ?"
        return Statement(sql, (*parameters, limit), ("events", *tables))

    def _with_amounts(self) -> str:
        return f"{self._table('events')} AS e LEFT JOIN {self._table('amounts')} AS a ON a.id = e.id"

    def _table(self, table: str) -> str:
        return table_name(self._prefix, table)

    def _where(self, query: Query, also: str = "") -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
        """The condition, its parameters, and the tables that it reads besides ``events``."""
        if query.text is not None:
            raise Usage("texts are searched by plain Python alone", hint="set `analytics: {backend: python}`")
        parts = list(self._conditions(query))
        conditions = [also] * bool(also) + [sql for sql, _ in parts]
        parameters = tuple(value for _, values in parts for value in values)
        labels = ("labels",) if query.tags or query.issue is not None or query.error is not None else ()
        return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), parameters, labels

    def _conditions(self, query: Query) -> Iterator[tuple[str, tuple[Any, ...]]]:
        equal = {
            "prompt": query.prompt,
            "model": query.model,
            "framework": query.framework,
            "technique": query.technique,
            "person": query.user,
        }
        if self._prompt is not None:
            yield "e.prompt = ?", (self._prompt,)
        for column, value in equal.items():
            if value is not None:
                yield f"e.{column} = ?", (value,)
        for column, among in (("kind", query.kinds), ("source", query.sources), ("version", query.versions)):
            if among:
                yield f"e.{column} IN ({', '.join('?' for _ in among)})", tuple(among)
        if query.since is not None:
            yield "e.time >= ?", (_naive(query.since),)
        if query.until is not None:
            yield "e.time < ?", (_naive(query.until),)
        labels = [("tag", tag) for tag in query.tags]
        labels += [("issue", query.issue)] if query.issue is not None else []
        labels += [("error", query.error)] if query.error is not None else []
        for what, label in labels:
            there = f"SELECT w.id FROM {self._table('labels')} AS w WHERE w.what = ? AND w.label = ?"
            yield f"e.id IN ({there})", (what, label)
        if query.outcome == "rated":
            yield "e.score IS NOT NULL", ()
        elif query.outcome is not None:
            good = query.outcome == "good"
            yield f"e.score {'>=' if good else '<='} ?", (self._bars[0 if good else 1],)


def _naive(moment: datetime) -> datetime:
    """Tables hold times in UTC without a zone."""
    return moment.replace(tzinfo=None)
