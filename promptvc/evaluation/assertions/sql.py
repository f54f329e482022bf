"""Assertions about SQL: is-sql and contains-sql. The home of sqlglot.

sqlglot is made to translate, and reads much that no database does: a lone word is a column to it, and a statement that
it does not know is taken as it stands. So what it reads must also be a statement of a known kind, with something
selected and nothing missing between commas. It knows a dialect's syntax, and no schema: whether tables exist is not
looked at.
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.base.slow_patterns import is_slow
from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold, shown
from promptvc.evaluation.assertions.fences import split_fences
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.libraries import lacks
from promptvc.evaluation.assertions.sql_access import accesses

LONGEST = 50_000  # characters; sqlglot takes about a second for as many
_KEYS = ("databaseType", "allowedTables", "allowedColumns")
_DIALECTS = {  # promptfoo's names, where sqlglot has another
    "mariadb": "mysql",
    "postgresql": "postgres",
    "transactsql": "tsql",
    "snowflake(alpha)": "snowflake",
}
_DEFAULT = "mysql"  # as in promptfoo
_CHECKED = frozenset({
    "select", "union", "except", "intersect", "subquery", "values", "insert", "update", "delete", "merge",
    "create", "drop", "alter", "truncatetable",
})  # fmt: skip
_OTHER = frozenset({
    "show", "set", "use", "describe", "grant", "revoke", "analyze", "transaction", "commit", "rollback", "copy",
    "pragma",
})  # fmt: skip
_TRAILING_COMMAS = frozenset({"bigquery", "databricks", "duckdb", "snowflake"})  # SELECT a, FROM t
_RUN_COMMENT = re.compile(r"/\*M?!")
_ENTRY_LIMIT = 300  # characters of an access that is held against a pattern


@dataclass(frozen=True, slots=True)
class Sql:
    """The answer is SQL; not ``whole``: it is, or a block of fenced code in it is.

    ``value`` may have ``databaseType`` (MySQL unless said otherwise), and the tables and columns that may be used:
    ``allowedTables`` as ``kind::database::table``, ``allowedColumns`` as ``kind::table::column``, see
    :mod:`promptvc.evaluation.assertions.sql_access`. Each is a regular expression for all of that, whatever the case,
    or, without ``::``, for the name of the table or column, whatever is done to it. With such lists only statements
    that read or change tables are allowed, for of others it is not known what they use.
    """

    whole: bool
    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value or a mapping of the three keys, no threshold, and the library."""
        value = assertion.value
        if assertion.threshold is not None:
            return no_threshold(assertion)
        missing = lacks("sqlglot")
        if value is None or missing:
            return missing
        if not isinstance(value, Mapping) or not value or set(value) - set(_KEYS):
            return f"needs {', '.join(f'`{key}`' for key in _KEYS)} in its `value`, or no `value`"
        kind = value.get("databaseType")
        if kind is not None and (
            not isinstance(kind, str) or _dialect(kind) not in _sqlglot().Dialect.classes
        ):
            return f"knows no `databaseType` {kind!r}; there are {', '.join(_dialects())}"
        for key in _KEYS[1:]:
            wrong = _list_problem(value[key]) if key in value else None
            if wrong is not None:
                return f"needs a list of regular expressions as its `{key}`{wrong}"
        return None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        unread = too_long(answer, LONGEST)
        if unread is not None:
            return unread
        value: Mapping[str, Any] = assertion.value or {}
        wrong = _wrong(answer.text, value)
        if wrong is not None and not self.whole:
            for block in split_fences(answer.text)[0]:
                inside = _wrong(block.text, value)
                if inside is None:
                    return Grade.of(holds=True)
                wrong = inside
        return Grade.of(wrong is None, wrong or "")


def _wrong(text: str, value: Mapping[str, Any]) -> str | None:
    """Why a text is not SQL that is allowed, None where it is."""
    try:
        return _fault(text, value)
    except RecursionError:
        return "it is nested too deeply"
    except Exception as error:  # noqa: BLE001 - an odd text finds faults in any parser: it is not SQL then
        return _said(error)


def _fault(text: str, value: Mapping[str, Any]) -> str | None:
    """As :func:`_wrong`; raises what sqlglot raises."""
    statements = _parsed(text, _dialect(value.get("databaseType") or _DEFAULT))
    statements = [each for each in statements if each is not None and each.key != "semicolon"]
    if not statements:
        return "there is no statement in it"
    tables, columns = value.get("allowedTables"), value.get("allowedColumns")
    if (tables is not None or columns is not None) and _RUN_COMMENT.search(text):
        return "it has a comment that MySQL would run"
    for statement in statements:
        if statement.key not in _CHECKED | _OTHER:
            return "it is no statement of SQL"
        if any(each.key == "select" and not each.expressions for each in statement.walk()):
            return "it selects nothing"
        if tables is None and columns is None:
            continue
        if statement.key not in _CHECKED:
            return f"of {statement.key.upper()} it is not known what it uses"
        used = accesses(statement)
        for what, names, allowed in (("table", used.tables, tables), ("column", used.columns, columns)):
            refused = _refused(names, allowed) if allowed is not None else None
            if refused is not None:
                return f"the {what} {shown(refused)} is not allowed"
    return None


def _parsed(text: str, dialect: str) -> list[Any]:
    """The statements of a text; raises what sqlglot raises.

    Commas with nothing between them, and before FROM, are passed over by sqlglot; here they are an error.
    """
    sqlglot = _sqlglot()
    known = sqlglot.Dialect.get_or_raise(dialect)
    tokens = known.tokenize(text)
    kinds = [token.token_type.name for token in tokens]
    gaps = {"COMMA", "SEMICOLON"} if dialect in _TRAILING_COMMAS else {"COMMA", "SEMICOLON", "FROM"}
    for here, after in itertools.pairwise([*kinds, "SEMICOLON"]):
        if here == "COMMA" and after in gaps:
            raise ValueError("a comma is followed by nothing")
    return list(known.parser().parse(tokens, text))


def _said(error: Exception) -> str:
    """The first line of what sqlglot says, without the colours of a terminal."""
    told = getattr(error, "errors", None)
    first = told[0].get("description") if told else str(error) if isinstance(error, ValueError) else None
    return f"it is not SQL: {first.splitlines()[0][:200]}" if first else "it is not SQL"


def _refused(names: set[str], allowed: Sequence[str]) -> str | None:
    """The first access that no entry allows."""
    for name in sorted(names):
        last = name.rpartition("::")[2]
        if len(name) > _ENTRY_LIMIT or not any(
            re.fullmatch(entry, name if "::" in entry else last, re.IGNORECASE) for entry in allowed
        ):
            return name
    return None


def _list_problem(entries: Any) -> str | None:
    """What is wrong with an allow-list, to be put after its name; None if nothing."""
    if not isinstance(entries, list | tuple) or not all(isinstance(each, str) and each for each in entries):
        return ""
    for entry in entries:
        try:
            re.compile(entry)
        except (re.error, RecursionError, OverflowError):
            return f": {shown(entry)} is none"
        if is_slow(entry):
            return f": {shown(entry)} repeats in a way that may never end"
    return None


def _dialect(name: str) -> str:
    lower = name.strip().lower()
    return _DIALECTS.get(lower, lower) or " "


def _dialects() -> list[str]:
    return sorted(name for name in _sqlglot().Dialect.classes if name)


@functools.cache
def _sqlglot() -> Any:
    import sqlglot

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it does not know
    return sqlglot
