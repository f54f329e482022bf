"""What feedback, imported files and archives say, told by the machines that count it: data, and never more."""

from __future__ import annotations

import importlib.util
import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.errors import InputError, InvalidDocument, ProviderError
from promptvc.base.slow_patterns import pattern_problem
from promptvc.feedback.archive import Part, place_of
from promptvc.feedback.archive_parts import read_part, write_part
from promptvc.feedback.events import parse_event
from promptvc.feedback.forgetting import gather, without
from promptvc.feedback.importing import sqlite as tables
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.query.selection import Query
from promptvc.feedback.query.warehouse import open_warehouse
from promptvc.feedback.recording.taken import take
from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of
from tests.safety.canaries import WORD, orderly, silent
from tests.safety.test_readers import HOSTILE, active, told, told_template
from tests.worlds import DESK

__all__ = ["told", "told_template"]
NOW = datetime(2026, 1, 5, tzinfo=UTC)
needs_duckdb = pytest.mark.skipif(importlib.util.find_spec("duckdb") is None, reason="DuckDB is an extra")
INJECTED = (
    "x' OR '1'='1",
    'x" OR 1=1 --',
    "x'); DROP TABLE events; --",
    "'; ATTACH '/tmp/x.db'; --",
    "x' UNION SELECT * FROM read_csv('/etc/passwd') --",
    "?",
    "%s",
    "\\",
)


def event(number: int, **more: Any) -> Any:
    """An event that is valid."""
    value = {
        "id": f"01JD3M8Z6VQW4N9T2X5KAB7C{number:02d}",
        "time": "2026-01-05T10:00:00Z",
        "prompt": DESK,
        "kind": "rating",
        "source": "human",
        "stars": 2,
        **more,
    }
    return parse_event(value)


def part(location: str, **more: Any) -> Part:
    """An entry of a manifest."""
    times = ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z")
    return Part(DESK, "2026-01", *times, 1, 1, more.get("bytes", 1), "0" * 64, location)


@needs_duckdb
def test_words_of_feedback_are_no_sql(tmp_path: Path) -> None:
    """What is asked for, and what is there, is a parameter or a value: DuckDB and Python tell the same."""
    events = [
        event(
            number,
            tags=[text],
            issues=[text],
            user=text,
            comment=text,
            context={"model": text, "framework": text, "technique": text},
        )
        for number, text in enumerate(INJECTED, 10)
    ]
    folder = tmp_path / "a[b]*'; --"
    folder.mkdir()
    (folder / "lines.jsonl").write_bytes(b"".join(one.line() for one in events))
    (tmp_path / "ab; --").mkdir()
    plain = PlainFacts(events)
    with DuckFacts([folder / "lines.jsonl"]) as facts:
        for text in INJECTED:
            for query in (
                Query(tags=(text,)),
                Query(issue=text),
                Query(model=text),
                Query(framework=text),
                Query(technique=text),
                Query(user=text),
                Query(prompt=text),
                Query(error=text),
            ):
                assert facts.witnesses(query) == plain.witnesses(query)
                assert facts.cells(query) == plain.cells(query)
        assert facts.labelled("tag") == plain.labelled("tag")
        assert facts.witnesses(Query()).n == len(INJECTED)


def test_a_database_is_read_and_not_obeyed(
    tmp_path: Path, desk: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of tables and columns are names; triggers and writing views do nothing; what never ends is ended."""
    place = tmp_path / "theirs.db"
    name, column = 'f"; DROP TABLE other; --', 'comment"; DELETE FROM other; --'
    quoted = [text.replace('"', '""') for text in (name, column)]
    with sqlite3.connect(place) as connection:
        connection.execute(f'CREATE TABLE "{quoted[0]}" (stars INTEGER, "{quoted[1]}" TEXT)')
        connection.execute("CREATE TABLE other (a)")
        connection.execute(f'INSERT INTO "{quoted[0]}" VALUES (2, ?)', ("x\x00y\x1b[2J",))
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    before = place.read_bytes()
    ran = silent(cli_of(desk)("feedback", "import", str(place), "--table", name, "--prompt", DESK))
    assert ran.code == 0, ran
    assert "\x1b" not in ran.out + ran.err
    assert place.read_bytes() == before
    with sqlite3.connect(place) as connection:
        numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS stars FROM c"
        connection.execute(f"CREATE VIEW endless AS {numbers} WHERE x < 0")
        connection.execute(
            "CREATE VIEW swollen AS SELECT 2 AS stars, CAST(zeroblob(200000000) AS TEXT) AS comment"
        )
    connection.close()
    monkeypatch.setattr(tables, "_MOST_STEPS", 2)
    for view in ("endless", "swollen"):
        with pytest.raises(InvalidDocument):
            list(tables.read_sqlite(place, {}, view))


@needs_duckdb
def test_a_small_file_of_much_text_ends_in_a_clear_error(tmp_path: Path, desk: Repo) -> None:
    """Parquet keeps what is alike once: a file of two kilobytes would be ten gigabytes of memory."""
    import duckdb

    bomb = tmp_path / "bomb.parquet"
    duckdb.sql(f"COPY (SELECT repeat('x', 200000) AS comment, 2 AS stars FROM range(2100)) TO '{bomb}'")
    assert bomb.stat().st_size < 2_000_000
    assert "of text" in cli_of(desk).fails(2, "feedback", "import", str(bomb), "--prompt", DESK)
    made = tmp_path / "part.parquet"
    duckdb.sql(f"COPY (SELECT repeat('x', 200000) AS line FROM range(2100)) TO '{made}'")
    with pytest.raises(InvalidDocument):
        list(read_part(made))


@needs_duckdb
def test_an_archive_is_the_file_that_was_digested(tmp_path: Path) -> None:
    """Its path is no pattern that takes in others, its folders are no columns, and it is a part or an error."""
    import duckdb

    there, written = write_part([event(10)], DESK, "2026-01", tmp_path / "line=x")
    assert list(read_part(written)) == [event(10).line()]
    pattern = tmp_path / "[a-z]*.parquet"
    written.rename(pattern)
    write_part([event(11)], DESK, "2026-01", tmp_path)
    (tmp_path / "other.parquet").write_bytes(next(tmp_path.glob("desk*.parquet")).read_bytes())
    assert list(read_part(pattern)) == [event(10).line()]
    assert there.lines == 1
    for sql in ("SELECT 1 AS a", "SELECT NULL AS line"):
        duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/none.parquet'")
        with pytest.raises(InvalidDocument):
            list(read_part(tmp_path / "none.parquet"))


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/a.parquet",
        "s3://evil/a",
        "file://evil.example/a",
        "//evil/share/a",
        "\\\\evil\\share\\a",
    ],
)
def test_a_manifest_makes_nobody_fetch(desk: Repo, location: str) -> None:
    """What a commit says lies elsewhere is told, and not asked for."""
    assert place_of(part(location), desk.path) is None
    lines = {
        "prompt": DESK, "month": "2024-12", "from": "2024-12-01T00:00:00Z", "to": "2024-12-02T00:00:00Z", "lines": 5,
        "events": 5, "bytes": 1, "sha256": "0" * 64, "location": location,
    }  # fmt: skip
    desk.commit({"feedback/archive.yaml": json.dumps({"parts": [lines]})})
    ran = orderly(cli_of(desk)("feedback", "archive", "--verify"))
    assert ran.code == 1, ran


def test_a_warehouse_that_repeats_its_address_tells_no_password() -> None:
    """psycopg and others put what they were given into what they say."""
    address = f"/nowhere/{WORD}/x.db"
    with pytest.raises(ProviderError) as caught:
        open_warehouse("duckdb", {"PROMPTVC_WAREHOUSE": address})
    assert WORD not in str(caught.value)
    with pytest.raises(ProviderError) as caught:
        open_warehouse("duckdb", {"PROMPTVC_WAREHOUSE": json.dumps({"database": address})})
    assert WORD not in str(caught.value)


def test_settings_send_nothing_anywhere(desk: Repo) -> None:
    """Backends are chosen by settings; where they are, and by which module they are reached, by the environment."""
    for text in (
        "analytics: {backend: warehouse, dialect: postgres, address: 'postgres://evil.example'}\n",
        "analytics: {backend: warehouse, driver: os}\n",
        "analytics: {backend: duckdb, table: 'events; DROP TABLE x'}\n",
    ):
        desk.write({"promptvc.yaml": text})
        cli_of(desk).fails(2, "analyze", DESK)
    desk.write({"promptvc.yaml": "analytics: {backend: warehouse, dialect: duckdb}\n"})
    assert "PROMPTVC_WAREHOUSE" in cli_of(desk).fails(2, "analyze", DESK)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a{0,16}){16}b",
        "(x)?(?(1)y|(?:a+)+)b",
        "(?i)(?:ab?|Ab?)*c",
        "(?a)(?:\\Wx?|éx?)*b",
        "(?:[\\u0400-\\u04ff]x?|[\\u0410-\\u0420]x?)*b",
        "a?" * 60 + "a" * 60 + "b",
        "(?:a|aa)" * 40 + "b",
        "(?:(?:a{1,4}){1,4}){1,4}b",
    ],
)
def test_a_pattern_of_redaction_ends_or_is_refused(desk: Repo, pattern: str) -> None:
    assert pattern_problem(pattern) is not None
    desk.write({"promptvc.yaml": json.dumps({"feedback": {"redaction": {"patterns": {"mine": pattern}}}})})
    assert "never end" in cli_of(desk).fails(2, "feedback", "add", DESK, "--comment", "a" * 60)


@pytest.mark.parametrize("pattern", [r"ORD-\d{6,12}", r"(?:\d[ -]?){13,16}", r"\b(?:\d{1,3}\.){3}\d{1,3}\b"])
def test_a_pattern_that_ends_is_taken(pattern: str) -> None:
    assert pattern_problem(pattern) is None


class _Spiteful(Exception):
    """Raises when it is asked what it says."""

    def __str__(self) -> str:
        raise _Spiteful


class _Trap(dict[str, Any]):
    def items(self) -> Any:
        raise _Spiteful

    def keys(self) -> Any:
        raise _Spiteful


def test_a_recorder_takes_what_is_not_to_be_taken(tmp_path: Path) -> None:
    """Nothing that an application hands over is raised back into it, or copied without end."""
    from promptvc import Recorder

    cyclic: list[Any] = []
    cyclic += [cyclic, cyclic]
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs, laughs]
    with Recorder.open(tmp_path, quiet=True, environ={}, wait_s=0) as recorder:
        for value in (
            _Spiteful(),
            _Trap(a=1),
            cyclic,
            laughs,
            object(),
            10**10_000,
            float("nan"),
            "x" * 9_000_000,
        ):
            recorder.add(DESK, comment=value)
            recorder.add(value, stars=2)  # type: ignore[arg-type]
            recorder.add_many([{"prompt": DESK, "comment": value}, value])  # type: ignore[list-item]
        for value in (cyclic, laughs, "x" * 9_000_000, [0.0] * 1_000_000, _Spiteful()):
            assert take(DESK, {"comment": value}, NOW).refused
        recorder._closed = True  # there is no repository to wait for


def test_a_person_who_is_called_like_a_key_takes_nobody_along() -> None:
    """Names of users are their own choice; forgetting one is not to rename the keys of other people's events."""
    line = event(
        10, user="u-00000000-" + "0" * 32, context={"model": "m"}, tokens={"input": 1, "output": 2}
    ).line()
    for name in ("model", "input", "output", "tokens", "stars"):
        theirs = gather(lambda: [("segment", line)], {name}).traces
        assert without(line, theirs).data == line


def test_a_module_of_the_checkout_is_not_run(desk: Repo, tmp_path: Path) -> None:
    """Rewriting history is a process that stands in the repository, whose files are anybody's."""
    pytest.importorskip("git_filter_repo")
    proof = tmp_path / "proof"
    code = f"open({str(proof)!r}, 'w').close()\n"
    names = (
        "json.py",
        "git_filter_repo.py",
        "promptvc/__init__.py",
        "promptvc/git/rewriting.py",
        "sitecustomize.py",
    )
    cli = cli_of(desk)
    cli.ok("feedback", "add", DESK, "--user", "eve", "--comment", "my cat Semolina ate the invoice")
    cli.ok("feedback", "commit")
    desk.commit(dict.fromkeys(names, code))
    ran = orderly(cli("feedback", "forget", "--user", "eve", "--history", "--yes"))
    assert ran.code in {0, 1}, ran
    assert not proof.exists()


def test_keys_of_pseudonyms_are_told_by_nobody(desk: Repo, tmp_path: Path) -> None:
    """Neither printed nor logged, committed, exported nor left readable."""
    cli = cli_of(desk)
    cli.ok("feedback", "add", DESK, "--user", "eve", "--comment", "slow")
    cli.ok("feedback", "keys", "rotate")
    cli.ok("feedback", "add", DESK, "--user", "eve", "--comment", "slow again")
    cli.ok("feedback", "commit")
    place = desk.path / ".git" / "promptvc" / "keys" / "user.key"
    assert place.stat().st_mode & 0o077 == 0
    secrets = re.findall("(?m)^[0-9a-f]{64}$", place.read_text())
    assert len(secrets) == 2
    for command in (
        ("feedback", "keys"),
        ("feedback", "list"),
        ("feedback", "export", "--user", "eve"),
        ("feedback", "forget", "--user", "eve", "--dry-run"),
        ("annotate", "--queue"),
    ):
        for more in ((), ("--json",), ("--log",)):
            silent(cli(*command, *more), secrets)
    silent(cli("feedback", "keys", PROMPTVC_USER_KEY="short"), ["short\n"])
    held = desk.git("log", "--all", "-p", "--format=%B")
    assert not any(secret in held for secret in secrets)


def _tellings() -> list[tuple[str, ...]]:
    return [
        ("analyze",),
        ("analyze", DESK, "--min-samples", "1"),
        ("issues", DESK),
        ("feedback", "tags"),
        ("feedback", "quarantine"),
        ("stats", "--include-patterns"),
        ("recommend", HOSTILE[10]),
        ("route", HOSTILE[10] + " question"),
        ("route", HOSTILE[11] + " question"),
        ("annotate", "--queue"),
        ("annotate", "--agreement"),
        ("report",),
        ("rank", "show"),
        ("feedback", "keys"),
    ]


def test_no_escape_of_a_stranger_comes_out_of_what_is_told(told: Repo, tmp_path: Path) -> None:
    cli = cli_of(told)
    rows = "".join(
        json.dumps({"prompt": DESK, "kind": "rating", "stars": said, "tags": [said]}) + "\n"
        for said in HOSTILE
    )
    (tmp_path / "bad.jsonl").write_text(rows)
    orderly(cli("feedback", "import", str(tmp_path / "bad.jsonl"), "--skip-bad"))
    seen = 0
    for command in _tellings():
        ran = orderly(cli(*command, PROMPTVC_FORCE_TTY="100", GITHUB_ACTIONS="true"))
        seen += "evil.example" in ran.out + ran.err
        for character in "\x1b\x9b\x07\x08\u202e\u202c\r":
            assert character not in ran.out + ran.err, (command, character)
        assert not re.search(r"(?m)^\s*::|##\[", ran.out + ran.err), command
    assert seen > 3, "the hostile words have to be there"


def test_reports_on_feedback_are_inert(told: Repo, tmp_path: Path) -> None:
    names = [tmp_path / f"r.{end}" for end in ("md", "html", "json")]
    cli_of(told).ok(
        "report", "--as-of", "2026-02-03", "--period", "monthly", *(f"--output={name}" for name in names)
    )
    text, page, value = (name.read_text() for name in names)
    assert active(text) == []
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|img|iframe|a|link|object)\b|\son\w+=|https?://|url\(", page)
    json.loads(value)


def test_an_issue_on_feedback_has_whole_lines() -> None:
    """A code span that is cut off would show what is in it."""
    text = (ROOT / "promptvc" / "ci" / "github" / "weekly.yml.in").read_text()
    assert """head -c 50000 "$out/weekly.md" | sed '$d'""" in text


def test_a_ranker_of_a_stranger_is_not_used(desk: Repo) -> None:
    """Not one that lies in the folder of what is derived, however it came there."""
    place = desk.path / ".promptvc" / "analysis"
    place.mkdir(parents=True, exist_ok=True)
    (place / "ranker.json").write_text(json.dumps({"edition": 1, "used": True, "forest": []}))
    (place / "ranker.json").chmod(0o644)
    shown = cli_of(desk).json("rank", "show")
    assert shown["in_use"] is False
    assert "not made by this clone" in shown["why"] or "no ranker" in shown["why"]


@pytest.mark.parametrize(
    "prompt", ["../../../x", "/etc/x", "a/../../b", ".git/hooks/x", "a\x00b", "desk/route\n"]
)
def test_feedback_on_a_path_is_feedback_on_nothing(prompt: str) -> None:
    """The name of a prompt in an event names a folder: it is one, or the line is no event."""
    with pytest.raises(InputError):
        parse_event({**event(10).data, "prompt": prompt})


def test_hostile_files_of_feedback_are_one_clear_error(desk: Repo, tmp_path: Path) -> None:
    """Depth, null bytes, endless lines, halves of characters, links: refused, with no memory spent on them."""
    cli: Cli = cli_of(desk)
    files = {
        "deep.json": b"[" * 100_000,
        "deep.jsonl": b'{"a":' * 100_000 + b"\n",
        "null.jsonl": b'{"prompt": "desk/route", "stars": 2, "comment": "\x00"}\n',
        "half.jsonl": b'{"prompt": "desk/route", "stars": "\\ud800"}\n',
        "wide.csv": b"stars,comment\n" + b'2,"' + b"x" * 3_000_000 + b'"\n',
        "fake.parquet": b"PAR1" + b"\xff" * 100 + b"PAR1",
        "fake.db": b"SQLite format 3\0" + b"\xff" * 500,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        ran = orderly(cli("feedback", "import", str(tmp_path / name), "--prompt", DESK))
        assert ran.code == 2, (name, ran)
