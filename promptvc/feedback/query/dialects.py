"""One statement in the dialects of many engines: the home of SQLGlot, for statements that promptvc makes."""

from __future__ import annotations

import functools

from promptvc.base.errors import Usage

_MARK = "promptvc_parameter"
"""Stands for a parameter while a statement is translated: dialects write ``?`` in ways of their own."""
_HINT = "pip install 'promptvc[spark]', or 'promptvc[warehouse]'"


@functools.lru_cache(maxsize=256)
def transpiled(sql: str, dialect: str) -> str:
    """``sql``, which is DuckDB's, in ``dialect``; every ``?`` stays where it is.

    Raises:
        Usage: SQLGlot is not installed, or knows no such dialect.
    """
    try:
        import sqlglot
    except ImportError as error:
        raise Usage("SQLGlot, which translates statements, is not installed", hint=_HINT) from error
    try:
        return sqlglot.transpile(sql.replace("?", _MARK), read="duckdb", write=dialect)[0].replace(_MARK, "?")
    except ValueError as error:
        raise Usage(
            f"there is no dialect {dialect!r}: {error}", hint="such as postgres, snowflake, bigquery"
        ) from error
