"""The tables that events are to an engine of SQL: plain columns, so that one set of statements serves all of them.

An engine that reads events itself makes the tables from lines (:mod:`promptvc.feedback.query.duck`); one where events
live already (Spark, a warehouse) has them under these names, behind the prefix of ``analytics.table``. Times are in
UTC without a zone. Every event has one row in ``events``; the others have rows only where there is something.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLES: Mapping[str, Mapping[str, str]] = {
    "events": {
        "id": "VARCHAR",
        "time": "TIMESTAMP",
        "prompt": "VARCHAR",
        "version": "INTEGER",
        "kind": "VARCHAR",
        "source": "VARCHAR",
        "model": "VARCHAR",
        "framework": "VARCHAR",
        "technique": "VARCHAR",
        "person": "VARCHAR",
        "score": "DOUBLE",
        "n": "BIGINT",
    },
    "amounts": {
        "id": "VARCHAR",
        "timed": "BIGINT",
        "latency": "BIGINT",
        "metered": "BIGINT",
        "tokens_in": "BIGINT",
        "tokens_out": "BIGINT",
        "priced": "BIGINT",
        "cost": "BIGINT",
    },
    "labels": {"id": "VARCHAR", "what": "VARCHAR", "label": "VARCHAR", "score": "DOUBLE"},
    "latencies": {"id": "VARCHAR", "lowest": "BIGINT", "n": "BIGINT"},
    "texts": {
        "id": "VARCHAR",
        "input": "VARCHAR",
        "output": "VARCHAR",
        "corrected": "VARCHAR",
        "comment": "VARCHAR",
        "tags": "VARCHAR",
        "issues": "VARCHAR",
    },
    "choices": {
        "id": "VARCHAR",
        "session": "VARCHAR",
        "input": "VARCHAR",
        "options": "VARCHAR",
        "selected": "VARCHAR",
    },
}
"""Table -> column -> type.

``events``
    ``n`` is how many events one line stands for; ``person`` is the pseudonym.
``amounts``
    The measures of :class:`promptvc.feedback.query.facts.Tally`, in whole microseconds, tokens and millionths of a
    dollar.
``labels``
    ``what`` is tag, issue, error or dimension; ``score`` is a dimension's own, NULL otherwise.
``latencies``
    How many calls of an event (of a rollup: many) fell into the bucket that begins at ``lowest`` microseconds.
``texts``, ``choices``
    ``input``, ``tags``, ``issues``, ``options`` are JSON.
"""


def table_name(prefix: str, table: str) -> str:
    """The name of ``table`` in an engine whose events are in the table ``prefix``: ``prefix`` or ``prefix_table``."""
    return prefix if table == "events" else f"{prefix}_{table}"
