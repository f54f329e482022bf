"""Assertions about SQL, and what a statement does to which tables and columns."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from promptvc.evaluation.assertions.sql import _parsed
from promptvc.evaluation.assertions.sql_access import accesses
from tests.evaluation.assertions.grading import check, no_grade

POSTGRES = {"databaseType": "PostgreSQL"}


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [
        (None, "SELECT 1", True),
        (None, "SELECT a, b FROM `orders` WHERE c = 'it''s' LIMIT 3;", True),
        (None, "SELECT 1; SELECT 2;", True),
        (None, "WITH x AS (SELECT 1) SELECT * FROM x", True),
        (None, "(SELECT 1) UNION (SELECT 2)", True),
        (None, "INSERT INTO t (a) VALUES (1)", True),
        (None, "UPDATE t SET a = 1", True),
        (None, "DELETE FROM t", True),
        (None, "CREATE TABLE t (a INT)", True),
        (None, "DROP TABLE t", True),
        (None, "TRUNCATE TABLE t", True),
        (None, "SHOW TABLES", True),
        (None, "hello", False),
        (None, "hello world", False),
        (None, "show me the money", False),
        (None, "create a plan", False),
        (None, "Select the best option", False),
        (None, "SELECT * FORM t", False),
        (None, "SELECT FROM t", False),
        (None, "SELECT a,, b FROM t", False),
        (None, "SELECT a, FROM t", False),
        (None, "SELECT 'abc", False),
        (None, "SELECT (1", False),
        (None, "```sql\nSELECT 1\n```", False),
        (None, "", False),
        (None, ";", False),
        (None, "-- nothing", False),
        (None, "\ud800", False),
        (
            {"databaseType": "oracle", "allowedTables": ["a"], "allowedColumns": ["a"]},
            "DELETE VALUES 1e999",
            False,
        ),
        (None, "SELECT '\ud800'", True),
        (POSTGRES, 'SELECT "a"::int FROM t', True),
        (POSTGRES, "SELECT a FROM `t`", False),
        ({"databaseType": "BigQuery"}, "SELECT a, FROM `p.d.t`", True),
        ({"databaseType": "TransactSQL"}, "SELECT TOP 3 [a] FROM t", True),
        ({"databaseType": "duckdb"}, "SELECT a, FROM t", True),
    ],
)
def test_the_whole_is_sql(value: Any, text: str, *, holds: bool) -> None:
    check("is-sql", value, text, holds=holds)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("SELECT 1", True),
        ("Here you are:\n```sql\nSELECT 1;\n```\nIt gives 1.", True),
        ("```\nSELECT 1\n```", True),
        ("~~~~ SQL now\nSELECT 1\n~~~~", True),
        ("```sql\nSELECT `a` FROM `t`", True),
        ("```python\nprint(1)\n```\n```\nSELECT 1\n```", True),
        ("Use SELECT 1 for that.", False),
        ("```sql\nSELECT * FORM t\n```", False),
        ("``` not `a` fence\nSELECT 1", False),
        ("", False),
    ],
)
def test_a_block_of_code_is_sql(text: str, *, holds: bool) -> None:
    check("contains-sql", None, text, holds=holds)


ALLOWED = {
    "databaseType": "MySQL",
    "allowedTables": ["(select|update|insert|delete)::null::departments"],
    "allowedColumns": ["select::null::name", "update::null::id"],
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("SELECT name FROM departments", True),
        ("SELECT NAME FROM Departments ORDER BY name", True),
        ("UPDATE departments SET id = 1", True),
        ("SELECT id FROM departments", False),
        ("SELECT * FROM departments", False),
        ("DELETE FROM departments", False),
        ("INSERT INTO departments VALUES (1)", False),
        ("SELECT name FROM users", False),
        ("SELECT name FROM hr.departments", False),
        ("SELECT name FROM departments; SELECT name FROM users", False),
        ("SELECT name FROM departments WHERE EXISTS (SELECT 1 FROM users)", False),
        ("WITH users AS (SELECT name FROM users) SELECT name FROM users", False),
        ("SELECT name FROM departments /*! UNION SELECT password FROM users */", False),
        ("DROP TABLE departments", False),
        ("SHOW TABLES", False),
        ("SET @a = 1", False),
    ],
)
def test_what_is_not_listed_is_refused(text: str, *, holds: bool) -> None:
    check("is-sql", ALLOWED, text, holds=holds)
    check("contains-sql", ALLOWED, f"```sql\n{text}\n```", holds=holds)


def test_a_plain_name_is_allowed_whatever_is_done_and_a_pattern_is_for_the_whole() -> None:
    plain = {"allowedTables": ["orders"], "allowedColumns": ["id", r"\(\.\*\)"]}
    check("is-sql", plain, "DELETE FROM shop.orders WHERE id = 1", holds=True)
    check("is-sql", plain, "SELECT id FROM orders_archive", holds=False)
    check("is-sql", {"allowedTables": ["select::.*"]}, "SELECT a FROM b.c", holds=True)
    check("is-sql", {"allowedColumns": ["select::.*"]}, "SELECT a, b.* FROM b", holds=True)
    found = check("is-sql", {"allowedTables": []}, "SELECT 1 FROM t", holds=False)
    assert found.reason == "the table 'select::null::t' is not allowed"
    check("is-sql", {"allowedTables": []}, "SELECT 1", holds=True)
    check("is-sql", {"allowedTables": [".*"]}, f"SELECT 1 FROM {'t' * 400}", holds=False)


@pytest.mark.parametrize(
    ("text", "tables", "columns"),
    [
        ("SELECT a.b, c AS k FROM d.t AS a", "select::d::t", "select::t::b select::null::c"),
        (
            "SELECT x FROM t JOIN u USING (id)",
            "select::null::t select::null::u",
            "select::null::x select::null::id",
        ),
        ("SELECT t.*, COUNT(*) FROM t", "select::null::t", "select::t::(.*)"),
        ("SELECT a AS k FROM t ORDER BY k, z", "select::null::t", "select::null::a select::null::z"),
        ("SELECT a AS k FROM t WHERE k > 1", "select::null::t", "select::null::a select::null::k"),
        (
            "SELECT a AS k FROM t ORDER BY (SELECT k FROM u)",
            "select::null::t select::null::u",
            "select::null::a select::null::k",
        ),
        (
            "SELECT a AS k FROM t UNION SELECT b FROM u ORDER BY k",
            "select::null::t select::null::u",
            "select::null::a select::null::b",
        ),
        ("SELECT orders.a FROM secrets AS orders", "select::null::secrets", "select::secrets::a"),
        ("SELECT d.y FROM (SELECT y FROM u) AS d", "select::null::u", "select::d::y select::null::y"),
        ("WITH x AS (SELECT a FROM x) SELECT a FROM x", "select::null::x", "select::null::a"),
        ("WITH x AS (SELECT 1 AS a), y AS (SELECT a FROM x) SELECT a FROM y", "", "select::null::a"),
        (
            "WITH y AS (SELECT a FROM x), x AS (SELECT 1 AS a) SELECT a FROM y",
            "select::null::x",
            "select::null::a",
        ),
        (
            "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n FROM x) SELECT n FROM x",
            "",
            "select::null::n",
        ),
        ("WITH x AS (SELECT 1 AS a) SELECT a FROM db.x", "select::db::x", "select::null::a"),
        ("INSERT INTO t (a, b) VALUES (1, 2)", "insert::null::t", "insert::t::a insert::t::b"),
        (
            "INSERT INTO t SELECT x FROM u",
            "insert::null::t select::null::u",
            "insert::t::(.*) select::null::x",
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE b = 3",
            "insert::null::t",
            "insert::t::a update::null::b",
        ),
        (
            "UPDATE t SET a = (SELECT b FROM u) WHERE c = 1",
            "update::null::t select::null::u",
            "update::null::a select::null::b select::null::c",
        ),
        (
            "UPDATE t JOIN u ON t.id = u.id SET u.a = 1",
            "update::null::t update::null::u",
            "update::u::a select::t::id select::u::id",
        ),
        ("DELETE FROM t WHERE z = 1", "delete::null::t", "delete::t::(.*) select::null::z"),
        ("TRUNCATE TABLE t", "truncate::null::t", ""),
        ("DROP TABLE a.t", "drop::a::t", ""),
        ("ALTER TABLE t RENAME TO u", "alter::null::t alter::null::u", ""),
        ("CREATE TABLE t AS SELECT a FROM u", "create::null::t select::null::u", "select::null::a"),
    ],
)
def test_what_a_statement_uses(text: str, tables: str, columns: str) -> None:
    (statement,) = _parsed(text, "mysql")
    used = accesses(statement)
    assert used.tables == set(tables.split())
    assert used.columns == set(columns.split())


@pytest.mark.parametrize(
    ("dialect", "text", "tables"),
    [
        ("postgres", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "delete::null::t"),
        ("tsql", "SELECT a INTO n FROM t", "create::null::n select::null::t"),
        ("tsql", "SELECT a FROM s.c.d.t", "select::s.c::d.t"),
        (
            "tsql",
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
            "merge::null::t select::null::s",
        ),
        ("duckdb", "SELECT a FROM read_csv('x')", "select::null::readcsv"),
        ("duckdb", "SELECT a FROM 'x.csv'", "select::null::x.csv"),
    ],
)
def test_what_a_statement_of_another_dialect_uses(dialect: str, text: str, tables: str) -> None:
    (statement,) = _parsed(text, dialect)
    assert accesses(statement).tables == set(tables.split())


def test_each_branch_of_a_merge_has_its_own_columns() -> None:
    when = "WHEN MATCHED THEN UPDATE SET t.b = s.b WHEN NOT MATCHED THEN INSERT (c) VALUES (s.d)"
    (statement,) = _parsed(f"MERGE INTO t USING s ON t.a = s.a {when}", "tsql")
    assert accesses(statement).columns == {
        "select::t::a", "select::s::a", "update::t::b", "select::s::b", "insert::null::c", "select::s::d"
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["is-sql", "contains-sql"])
@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        ("MySQL", None, "needs `databaseType`, `allowedTables`, `allowedColumns`"),
        ({}, None, "needs `databaseType`"),
        ({"database": "MySQL"}, None, "needs `databaseType`"),
        ({"databaseType": "DB2"}, None, "knows no `databaseType` 'DB2'; there are athena, bigquery"),
        ({"databaseType": ""}, None, "knows no `databaseType`"),
        ({"databaseType": 3}, None, "knows no `databaseType`"),
        ({"allowedTables": "orders"}, None, "needs a list of regular expressions as its `allowedTables`"),
        ({"allowedColumns": [1]}, None, "needs a list of regular expressions as its `allowedColumns`"),
        ({"allowedTables": ["(a"]}, None, "'(a' is none"),
        ({"allowedTables": ["(a+)+"]}, None, "may never end"),
        (None, 0.5, "takes no `threshold`"),
    ],
)
def test_what_is_wrong_is_said(kind: str, value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion(kind, value, threshold)))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("SELECT " + "(" * 24_000 + "1" + ")" * 24_000, False),
        ("SELECT " + "(" * 49_000, False),
        ("SELECT " + "f(" * 24_000, False),
        ("SELECT * FROM (" * 3_000, False),
        ("SELECT " + "NOT " * 12_000 + "1", False),
        ("SELECT " + "a+" * 10_000 + "a", True),
        ("SELECT " + "a," * 10_000 + "a", True),
        ("SELECT 1;" * 3_000, True),
        ("SELECT 1 UNION " * 1_500 + "SELECT 1", True),
        ("'" * 49_000, False),
        ("/*" * 24_000, False),
    ],
    ids=lambda value: value[:18] if isinstance(value, str) else None,
)
def test_a_hostile_text_ends(text: str, *, holds: bool) -> None:
    check("is-sql", {"allowedTables": [".*"], "allowedColumns": [".*"]}, text, holds=holds)


def test_a_long_text_is_no_grade_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for kind in ("is-sql", "contains-sql"):
        assert "more than 50,000" in no_grade(Assertion(kind), "SELECT 1" + " " * 50_000)
    with caplog.at_level(logging.WARNING):
        check("is-sql", None, "call me whenever", holds=False)
    assert not caplog.records
