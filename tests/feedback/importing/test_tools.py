"""Exports of other tools, as their documents and sources describe them, become rows with the keys of events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.feedback.importing.formats import FORMATS, How, format_of, is_tool, open_rows
from promptvc.feedback.importing.messages import Rendered
from promptvc.feedback.importing.staging import Stage
from promptvc.feedback.ingest import Converter, Found, ImportOptions, default_time, report_of, stage_rows
from promptvc.feedback.pseudonyms import Key
from promptvc.feedback.redact import Redactor

MESSAGES = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Where is it?"}]


class Nothing:
    """A repository without prompts."""

    def knows(self, name: str) -> bool:
        return name == "desk/route"

    def find(self, rendered: Rendered, name: str | None, meant: str | None) -> Found | None:
        return None


def events(path: Path, how: How) -> list[dict[str, Any]]:
    """The events of a file, all of which are good."""
    columns: Mapping[str, str] = {} if is_tool(how.format) else how.columns
    options = ImportOptions("desk/route", columns, finder=Nothing())
    stage = Stage()
    stage_rows(
        stage, open_rows(path, how), Converter(options, Redactor(Key(b"k" * 16))), default_time(path, options)
    )
    assert report_of(stage, skip_bad=True).rejected == ()
    found = [json.loads(line) for part in stage.new_lines(100) for line in part]
    stage.close()
    return found


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, indent=1))
    return path


def pick(event: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: event[key] for key in keys if key in event}


SCORES: list[dict[str, Any]] = [
    {"id": "s1", "traceId": "t1", "observationId": "o1", "timestamp": "2026-03-01T10:00:00.000Z", "name": "quality",
     "source": "ANNOTATION", "dataType": "NUMERIC", "value": 0.25, "stringValue": None, "comment": "too slow",
     "userId": "bob@example.org", "traceTags": ["eu"], "environment": "production", "authorUserName": "Ann"},
    {"id": "s2", "traceId": "t1", "timestamp": "2026-03-01T10:01:00Z", "source": "API", "name": "user_feedback",
     "dataType": "BOOLEAN", "value": 1, "stringValue": "True"},
    {"id": "s3", "traceId": "t1", "timestamp": "2026-03-01T10:02:00Z", "source": "EVAL", "name": "toxicity",
     "dataType": "NUMERIC", "value": 0.9},
    {"id": "s4", "traceId": "t1", "timestamp": "2026-03-01T10:03:00Z", "source": "API", "name": "latency_class",
     "dataType": "NUMERIC", "value": 17},
    {"id": "s5", "traceId": "t1", "timestamp": "2026-03-01T10:04:00Z", "source": "ANNOTATION", "name": "stars",
     "dataType": "NUMERIC", "value": 4},
    {"id": "s6", "traceId": "t1", "timestamp": "2026-03-01T10:05:00Z", "source": "ANNOTATION", "name": "topic",
     "dataType": "CATEGORICAL", "value": 2, "stringValue": "refund"},
    {"id": "s7", "traceId": "t1", "timestamp": "2026-03-01T10:06:00Z", "source": "ANNOTATION", "name": "output",
     "dataType": "CORRECTION", "stringValue": "alpha"},
]  # fmt: skip
TRACES = [
    {
        "id": "t1",
        "input": {"messages": MESSAGES},
        "output": {"content": "beta"},
        "sessionId": "c-1",
        "latency": 1.5,
    },
    {"id": "o1", "promptName": "desk/route", "model": "gpt-x", "output": None},
]


def test_langfuse(tmp_path: Path) -> None:
    scores, traces = write(tmp_path / "scores.json", SCORES), tmp_path / "traces.jsonl"
    traces.write_text("".join(json.dumps(one) + "\n" for one in TRACES))
    how = How("langfuse", beside=traces, columns={"stars": "stars"})
    found = events(scores, how)
    first = found[0]
    assert pick(first, "kind", "source", "rating", "scores", "comment", "external_id", "time") == {
        "kind": "rating", "source": "human", "rating": 0.25, "scores": {"quality": 0.25}, "comment": "too slow",
        "external_id": "s1", "time": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    assert pick(first, "input", "output", "session", "execution", "tags", "context", "latency_ms") == {
        "input": "Where is it?", "output": "beta", "session": "c-1", "execution": "o1", "tags": ["eu"],
        "context": {"model": "gpt-x", "environment": "production"}, "latency_ms": 1500.0,
    }  # fmt: skip
    assert first["user"].startswith("u-")
    assert first["reviewer"].startswith("u-")
    said = [
        pick(one, "kind", "source", "thumbs", "scores", "name", "value", "stars", "comment", "corrected")
        for one in found
    ]
    assert said[1:] == [
        {"kind": "rating", "source": "human", "thumbs": "up", "scores": {"user_feedback": 1.0}},
        {"kind": "rating", "source": "llm_judge", "scores": {"toxicity": 0.9}},
        {"kind": "metric", "source": "code", "name": "latency_class", "value": 17},
        {"kind": "rating", "source": "human", "stars": 4},
        {"kind": "suggestion", "source": "human", "comment": "topic: refund"},
        {"kind": "correction", "source": "human", "corrected": "alpha"},
    ]


def test_langfuse_in_its_other_forms(tmp_path: Path) -> None:
    """The API's pages, the export to blob storage, CSV, and traces that hold their scores."""
    page = {"data": [SCORES[1] | {"trace": {"userId": "eve"}}], "meta": {"page": 1}}
    blob = tmp_path / "blob.jsonl"
    snake = {"id": "s2", "trace_id": "t1", "timestamp": "2026-03-01 10:01:00.000000", "source": "API",
             "name": "user_feedback", "data_type": "BOOLEAN", "value": 1, "string_value": "True"}  # fmt: skip
    blob.write_text(json.dumps(snake))
    table = tmp_path / "scores.csv"
    table.write_text(
        "id,traceId,timestamp,source,name,dataType,value\ns2,t1,2026-03-01T10:01:00Z,API,user_feedback,BOOLEAN,1\n"
    )
    inside = {"id": "t1", "timestamp": "2026-03-01T10:01:00Z", "scores": [SCORES[1]]}
    for path in (write(tmp_path / "page.json", page), blob, table, write(tmp_path / "traces.json", [inside])):
        (event,) = events(path, How("langfuse"))
        assert pick(event, "thumbs", "external_id", "time") == {
            "thumbs": "up", "external_id": "s2", "time": "2026-03-01T10:01:00Z"
        }, path  # fmt: skip


def test_a_trace_inside_a_score_adds_to_the_trace_beside_it(tmp_path: Path) -> None:
    score = SCORES[0] | {
        "observationId": None,
        "traceTags": None,
        "trace": {"userId": "eve", "tags": ["inner"]},
    }
    traces = write(tmp_path / "traces.json", [{"id": "t1", "input": "Where is it?", "output": "beta"}])
    path = write(tmp_path / "page.json", {"data": [score]})
    (event,) = events(path, How("langfuse", beside=traces))
    assert pick(event, "input", "output", "tags") == {
        "input": "Where is it?", "output": "beta", "tags": ["inner"]
    }  # fmt: skip
    assert event["user"].startswith("u-")


RUN = {
    "id": "r1", "name": "chain", "run_type": "llm", "start_time": "2026-03-01T10:00:00",
    "end_time": "2026-03-01T10:00:02",
    "inputs": {"messages": [[{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "HumanMessage"],
                              "kwargs": {"content": "Where is it?"}}]]},
    "outputs": {"generations": [[{"text": "beta"}]]}, "extra": {"metadata": {"ls_model_name": "gpt-x"}}, "tags": ["eu"],
    "prompt_tokens": 5, "completion_tokens": 2,
}  # fmt: skip
FEEDBACK = [
    {"id": "f1", "run_id": "r1", "key": "user_score", "score": 0, "value": None, "comment": "wrong team",
     "correction": {"output": "alpha"}, "created_at": "2026-03-01T11:00:00+00:00", "feedback_source": {"type": "api"}},
    {"id": "f2", "run_id": "r1", "key": "correctness", "score": 1.0, "created_at": "2026-03-01T11:01:00Z",
     "feedback_source": {"type": "model"}},
]  # fmt: skip


def test_langsmith(tmp_path: Path) -> None:
    runs = write(tmp_path / "runs.json", [RUN])
    found = events(write(tmp_path / "feedback.json", FEEDBACK), How("langsmith", beside=runs))
    assert pick(found[0], "kind", "rating", "corrected", "comment", "input", "output", "tokens", "latency_ms") == {
        "kind": "correction", "rating": 0, "corrected": "alpha", "comment": "wrong team", "input": "Where is it?",
        "output": "beta", "tokens": {"input": 5, "output": 2}, "latency_ms": 2000.0,
    }  # fmt: skip
    assert pick(found[1], "kind", "source", "scores", "execution", "context") == {
        "kind": "rating", "source": "llm_judge", "scores": {"correctness": 1.0}, "execution": "r1",
        "context": {"model": "gpt-x", "run": "chain"},
    }  # fmt: skip


def test_langsmith_runs_as_parquet_with_the_mean_of_their_feedback(tmp_path: Path) -> None:
    stats = {"user_score": {"n": 2, "avg": 0.5, "comments": ["fine"]}}
    path = tmp_path / "runs.parquet"
    row = {**RUN, "feedback_stats": stats, "tags": ["eu"]}
    flat = {key: json.dumps(one) if isinstance(one, dict) else one for key, one in row.items()}
    with duckdb.connect() as connection:
        columns = ", ".join(f"? AS {key}" for key in flat)
        connection.execute(f"CREATE TABLE t AS SELECT {columns}", list(flat.values()))
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    (event,) = events(path, How("langsmith"))
    assert pick(event, "rating", "comment", "external_id", "input", "output") == {
        "rating": 0.5, "comment": "fine", "external_id": "r1:user_score", "input": "Where is it?", "output": "beta"
    }  # fmt: skip


def test_openai_evals_logs(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    common = {"run_id": "run1", "created_by": "", "created_at": "2026-03-01 10:00:00.000000+00:00"}
    lines: list[dict[str, Any]] = [
        {"spec": {"completion_fns": ["gpt-x"], "eval_name": "route.dev.v0", "run_id": "run1"}},
        {**common, "event_id": 0, "sample_id": "a.0", "type": "sampling",
         "data": {"prompt": MESSAGES, "sampled": ["beta"]}},
        {**common, "event_id": 1, "sample_id": "a.0", "type": "match",
         "data": {"correct": False, "expected": "alpha", "picked": "beta"}},
        {"final_report": {"accuracy": 0.0}},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    (event,) = events(path, How("openai-evals"))
    assert pick(event, "kind", "source", "rating", "scores", "input", "output", "external_id", "context") == {
        "kind": "rating", "source": "code", "rating": 0.0, "scores": {"correct": 0.0}, "input": "Where is it?",
        "output": "beta", "external_id": "run1:1",
        "context": {"model": "gpt-x", "eval": "route.dev.v0", "sample": "a.0", "expected": "alpha"},
    }  # fmt: skip


def test_openai_evals_output_items(tmp_path: Path) -> None:
    item = {
        "object": "eval.run.output_item", "id": "oi1", "run_id": "er1", "eval_id": "e1", "created_at": 1772359200,
        "status": "pass", "datasource_item_id": 0, "datasource_item": {"question": "Where is it?"},
        "results": [{"name": "exact", "type": "string_check", "score": 1.0, "passed": True},
                    {"name": "tone", "type": "score_model", "score": 0.5, "passed": False}],
        "sample": {"input": MESSAGES, "output": [{"role": "assistant", "content": "alpha"}], "model": "gpt-x",
                   "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
    }  # fmt: skip
    (event,) = events(write(tmp_path / "items.json", {"object": "list", "data": [item]}), How("openai-evals"))
    assert pick(event, "source", "rating", "scores", "input", "output", "tokens", "time") == {
        "source": "llm_judge", "rating": 0.75, "scores": {"exact": 1.0, "tone": 0.5},
        "input": {"question": "Where is it?"}, "output": "alpha", "tokens": {"input": 9, "output": 1},
        "time": "2026-03-01T10:00:00Z",
    }  # fmt: skip


def test_promptfoo(tmp_path: Path) -> None:
    human = {"pass": False, "score": 0, "reason": "Manual result", "assertion": {"type": "human"}}
    machine = {"pass": True, "score": 1, "reason": "ok", "assertion": {"type": "equals"}}
    base = {"prompt": {"raw": json.dumps(MESSAGES), "label": "p"}, "provider": {"id": "openai:gpt-x"},
            "vars": {"question": "Where is it?"}, "response": {"output": "beta"}, "latencyMs": 12, "cost": 0,
            "tokenUsage": {"prompt": 9, "completion": 1, "total": 10}}  # fmt: skip
    results = [
        base | {"id": "1", "gradingResult": {"pass": False, "score": 0, "componentResults": [machine, human],
                                            "comment": "!highlight wrong team"}},
        base | {"id": "2", "gradingResult": {"pass": True, "score": 1, "componentResults": [machine]}},
        base | {"id": "3", "gradingResult": None},
    ]  # fmt: skip
    whole = {"evalId": "eval-1", "results": {"version": 3, "timestamp": "2026-03-01T10:00:00.000Z", "prompts": [{}],
                                             "results": results, "stats": {}}, "config": {}}  # fmt: skip
    (event,) = events(write(tmp_path / "results.json", whole), How("promptfoo"))
    assert pick(event, "kind", "thumbs", "comment", "input", "output", "time", "tokens", "latency_ms", "context") == {
        "kind": "rating", "thumbs": "down", "comment": "wrong team", "input": {"question": "Where is it?"},
        "output": "beta", "time": "2026-03-01T10:00:00Z", "tokens": {"input": 9, "output": 1}, "latency_ms": 12,
        "context": {"model": "openai:gpt-x"},
    }  # fmt: skip


def database(path: Path, columns: str, *rows: tuple[Any, ...], table: str = 'my "ratings"') -> Path:
    with sqlite3.connect(path) as connection:
        quoted = table.replace('"', '""')
        connection.execute(f'CREATE TABLE "{quoted}" ({columns})')
        connection.execute("CREATE TABLE IF NOT EXISTS other (a, b)")
        for row in rows:
            connection.execute(f'INSERT INTO "{quoted}" VALUES ({",".join("?" * len(row))})', row)
    connection.close()
    return path


def test_a_table_of_a_home_grown_system(tmp_path: Path) -> None:
    path = database(
        tmp_path / "app.db",
        "id INTEGER PRIMARY KEY, prompt TEXT, output TEXT, rating INTEGER, thumbs INTEGER, tags TEXT, context TEXT, "
        "notes TEXT, created_at TEXT",
        (
            7,
            "Where is it?",
            "beta",
            4,
            0,
            "eu, late",
            '{"model": "gpt-x"}',
            "call ann@example.org",
            "2026-03-01 10:00:00",
        ),
        (8, None, None, None, 1, None, None, None, "2026-03-01 10:00:01"),
        (9, None, None, 1, None, None, None, None, "2026-03-01 10:00:02"),
    )
    assert format_of(path) == "sqlite"
    found = events(path, How())
    assert pick(found[0], "stars", "thumbs", "tags", "context", "notes", "output", "external_id", "time") == {
        "stars": 4, "thumbs": "down", "tags": ["eu", "late"], "context": {"model": "gpt-x"}, "notes": "call [email]",
        "output": "beta", "external_id": "7", "time": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    assert [pick(one, "stars", "thumbs") for one in found[1:]] == [{"thumbs": "up"}, {"stars": 1}]
    before = path.read_bytes()
    events(path, How(table='my "ratings"', columns={"rating": "rating/5", "id": "", "notes": "comment"}))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((0, 0.5, 1), {"rating": 1}),
        ((1, 3, 5), {"stars": 5}),
        ((1, 1), None),
        ((0, 5), None),
        ((1, 4.5), None),
        ((-1, 1), None),
        ((3, 90), None),
    ],
)
def test_the_scale_of_a_rating_is_told_by_all_of_them_or_asked_for(
    tmp_path: Path, values: tuple[float, ...], told: dict[str, float] | None
) -> None:
    path = database(tmp_path / "a.sqlite", "rating", *((value,) for value in values))
    if told is not None:
        assert pick(events(path, How())[-1], "rating", "stars") == told
        return
    with pytest.raises(Usage, match="scale of the column 'rating'") as caught:
        events(path, How())
    assert "--map rating=stars" in str(caught.value.hint)
    assert events(path, How(columns={"rating": "comment"}))


def test_which_table_it_is(tmp_path: Path) -> None:
    path = database(tmp_path / "a.db", "stars", (4,), table="one")
    database(path, "comment", ("fine",), table="two")
    with pytest.raises(Usage, match="--table") as caught:
        events(path, How())
    assert caught.value.hint == "tables that could be: one, two"
    assert events(path, How(table="two"))[0]["comment"] == "fine"
    with pytest.raises(NotFound, match="no table 'three'"):
        events(path, How(table="three"))
    with pytest.raises(Usage, match="has no column 'x'"):
        events(path, How(table="two", columns={"x": "stars"}))


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "rows [1]*.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i % 5 + 1 AS stars, TIMESTAMP '2026-03-01 10:00:00' + to_seconds(i) AS time, "
            "['eu', 'x'] AS tags, {'model': 'gpt-x'} AS context, NULL AS comment, i::DECIMAL(9, 2) AS cost "
            "FROM range(2500) r(i)"
        )
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    assert format_of(path) == "parquet"
    found = events(path, How())
    assert len(found) == 2500
    assert pick(found[2001], "stars", "time", "tags", "context", "cost", "comment") == {
        "stars": 2, "time": "2026-03-01T10:33:21Z", "tags": ["eu", "x"], "context": {"model": "gpt-x"}, "cost": 2001
    }  # fmt: skip
    path.write_bytes(b"PAR1 and nothing behind it")
    with pytest.raises(InvalidDocument, match="not a Parquet file"):
        events(path, How())


def test_times_with_a_zone_need_no_library_more(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Europe/Berlin'")
        zoned = "TIMESTAMPTZ '2026-03-01 10:00:00.5+05'"
        columns = f'{zoned} AS time, {{\'seen\': [{zoned}]}} AS context, 4 AS stars, 1 AS "a""b"'
        connection.execute(f"COPY (SELECT {columns}) TO '{path}' (FORMAT parquet)")
    (event,) = events(path, How())
    assert pick(event, "time", "context", 'a"b') == {
        "time": "2026-03-01T05:00:00.500Z", "context": {"seen": ["2026-03-01T05:00:00.500Z"]}, 'a"b': 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        ("langfuse", "no Langfuse scores or traces in it"),
        ("langsmith", "no LangSmith feedback or runs in it"),
        ("openai-evals", "no OpenAI evals results in it"),
        ("promptfoo", "no results of promptfoo in it"),
        ("csv", "not CSV but JSON"),
        ("parquet", "it is no file of Parquet"),
        ("sqlite", "it is no file of SQLite"),
    ],
)
def test_a_wrong_format_is_an_error(tmp_path: Path, format_: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "desk/route", "stars": 4, "comment": "fine"}\n')
    with pytest.raises(InvalidDocument, match=said) as caught:
        list(open_rows(path, How(format_)))
    assert caught.value.hint


def test_half_a_file_says_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", SCORES)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InvalidDocument, match="not JSON") as caught:
        list(open_rows(path, How("langfuse")))
    assert "fetch it again" in str(caught.value.hint)


def test_options_that_a_format_has_no_use_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [])
    with pytest.raises(Usage, match="--table is for databases"):
        open_rows(path, How("langfuse", table="x"))
    with pytest.raises(Usage, match="--with is for langfuse and langsmith"):
        open_rows(path, How("promptfoo", beside=path))
    with pytest.raises(NotFound):
        open_rows(path, How("langfuse", beside=tmp_path / "none"))
    assert all(list(open_rows(path, How(name))) == [] for name in FORMATS if is_tool(name))
