"""The same statements where events live already: on Spark, and through a module of the DB-API."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from pathlib import Path

import duckdb
import pytest
import sqlglot
from hypothesis import Phase, given, settings

from promptvc.base.errors import ProviderError, Usage
from promptvc.base.feedback_settings import AnalyticsSettings, FeedbackSettings
from promptvc.feedback.events import THRESHOLDS, Event
from promptvc.feedback.query.dialects import transpiled
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.elsewhere import open_elsewhere
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.query.spark import refuse_absent
from promptvc.feedback.query.statements import Statements
from promptvc.feedback.query.warehouse import DRIVERS, marked
from tests.feedback.query.strange_events import events
from tests.feedback.query.test_engines_agree import everything

SPARK = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
ASKED = [
    Query(),
    Query(prompt="desk", outcome="good"),
    Query(tags=("refund",), kinds=("rating", "success")),
    Query(error="Timeout"),
    Query(issue="refund", outcome="bad", model="gpt"),
]


@pytest.fixture(scope="module")
def some() -> list[Event]:
    """A few hundred events of every kind."""
    found: dict[str, Event] = {}

    @settings(max_examples=60, database=None, phases=[Phase.generate], derandomize=True)
    @given(batch=events())
    def collect(batch: list[Event]) -> None:
        for event in batch:
            found.setdefault(event.id, event)

    collect()
    return [found[key] for key in sorted(found)]


@pytest.fixture(scope="module")
def tables(some: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events as tables of Parquet."""
    folder = tmp_path_factory.mktemp("tables")
    lines = folder / "lines.jsonl"
    lines.write_bytes(b"".join(event.line() for event in some))
    with DuckFacts([lines]) as facts:
        facts.write_tables(folder)
    return folder


@pytest.fixture(scope="module")
def warehouse(tables: Path) -> Facts:
    """A database file with the tables, asked through DuckDB's own module of the DB-API."""
    place = tables / "warehouse.db"
    with duckdb.connect(str(place)) as made:
        for file in tables.glob("*.parquet"):
            made.execute(f"CREATE TABLE {file.stem} AS SELECT * FROM read_parquet(?)", [str(file)])
    asked = AnalyticsSettings(backend="warehouse", dialect="duckdb")
    return open_elsewhere(asked, THRESHOLDS, {"PROMPTVC_WAREHOUSE": str(place)})


@pytest.mark.parametrize("query", ASKED)
def test_a_warehouse_answers_as_plain_python(warehouse: Facts, some: list[Event], query: Query) -> None:
    assert everything(warehouse, query) == everything(PlainFacts(some), query)


@pytest.mark.skipif(not SPARK, reason="needs promptvc[spark] and Java 17")
def test_spark_answers_as_plain_python(tables: Path, some: list[Event]) -> None:
    environ = {**os.environ, "PROMPTVC_TABLES": str(tables)}
    facts = open_elsewhere(AnalyticsSettings(backend="spark"), THRESHOLDS, environ)
    for query in (ASKED[0], ASKED[2]):
        assert everything(facts, query) == everything(PlainFacts(some), query)


@pytest.mark.parametrize("query", [ASKED[0], *ASKED[2:]])
def test_every_dialect_keeps_the_parameters(query: Query) -> None:
    made = Statements("prompts.events", FeedbackSettings())
    for statement in (
        made.cells(query),
        made.said(query, 9),
        made.labelled("tag", query),
        made.choices(query),
    ):
        assert statement.sql.count("?") == len(statement.parameters)
        for dialect in DRIVERS:
            text = transpiled(statement.sql, dialect)
            assert text.count("?") == len(statement.parameters)
            assert "%" not in text
            sqlglot.parse_one(text, read=dialect)


@pytest.mark.parametrize(
    ("style", "text", "values"),
    [
        ("qmark", "a = ? AND b IN (?)", [1, 2]),
        ("format", "a = %s AND b IN (%s)", [1, 2]),
        ("pyformat", "a = %s AND b IN (%s)", [1, 2]),
        ("numeric", "a = :1 AND b IN (:2)", [1, 2]),
        ("named", "a = :p1 AND b IN (:p2)", {"p1": 1, "p2": 2}),
    ],
)
def test_parameters_are_marked_as_the_module_wants(style: str, text: str, values: object) -> None:
    assert marked("a = ? AND b IN (?)", (1, 2), style) == (text, values)


@pytest.mark.parametrize(
    ("asked", "environ", "said"),
    [
        (AnalyticsSettings(backend="warehouse"), {}, "dialect"),
        (AnalyticsSettings(backend="warehouse", dialect="postgres"), {}, "PROMPTVC_WAREHOUSE"),
        (AnalyticsSettings(backend="warehouse", dialect="hive"), {"PROMPTVC_WAREHOUSE": "x"}, "hive"),
        (
            AnalyticsSettings(backend="warehouse", dialect="hive"),
            {"PROMPTVC_WAREHOUSE": "x", "PROMPTVC_WAREHOUSE_DRIVER": "no.such"},
            "no.such",
        ),
    ],
)
def test_what_is_missing_is_named(asked: AnalyticsSettings, environ: dict[str, str], said: str) -> None:
    with pytest.raises(Usage) as caught:
        open_elsewhere(asked, THRESHOLDS, environ)
    assert said in f"{caught.value} {caught.value.hint}"


def test_a_warehouse_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    asked = AnalyticsSettings(backend="warehouse", dialect="duckdb")
    facts = open_elsewhere(asked, THRESHOLDS, {"PROMPTVC_WAREHOUSE": str(tmp_path / "empty.db")})
    with pytest.raises(ProviderError, match="refused"):
        facts.cells()


def test_a_spark_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for master in (f"spark://127.0.0.1:{port}", f"sc://127.0.0.1:{port}/;token=x"):
        with pytest.raises(ProviderError, match="nobody answers") as caught:
            refuse_absent(master)
        assert "token" not in str(caught.value)
    with socket.create_server(("127.0.0.1", 0)) as there:
        refuse_absent(f"spark://127.0.0.1:{port},127.0.0.1:{there.getsockname()[1]}")
    refuse_absent("local[2]")
