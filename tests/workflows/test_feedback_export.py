"""`feedback export`: what is written is read back to the same events, and a person gets what is theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.base.test_outputs import device
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.workflows.forgetting_world import ADAM, EVE, LATER, SECRET, imported, row
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT


@pytest.fixture(scope="module")
def template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("exporting")
    repo = Repo.create(folder / "repo", isolated_environ(home))
    repo.commit({DESK_FILE: DESK_PROMPT}, "Start")
    about = {"time": "2026-02-05T10:00:00Z", "prompt": DESK, "source": "code"}
    many = [{**about, "kind": "success", "latency_ms": number, "tokens": {"input": 3}} for number in range(3)]
    rows = [
        row(EVE, SECRET, "alpha", tags=["a", "b"], stars=4),
        row(ADAM, "Adam's", '{"a": 1}', note={"b": [1]}),
    ]
    imported(repo, folder, [*rows, *many])
    imported(repo, folder, [row(EVE, LATER, "beta")], commit=False)
    return repo


def empty(repo: Repo, folder: Path) -> Cli:
    """Another repository with the same prompt and no feedback."""
    other = Repo.create(folder / "other", repo.environ)
    other.commit({DESK_FILE: DESK_PROMPT}, "Start")
    return cli_of(other)


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_it_is_read_back_to_the_same_events(template: Repo, tmp_path: Path, format_: str) -> None:
    if format_ == "parquet":
        pytest.importorskip("duckdb")
    cli = cli_of(template)
    known = cli.json("feedback", "list", "--spooled")
    file = tmp_path / f"events.{format_}"
    done = cli.json("feedback", "export", "--spooled", "-o", str(file))
    assert done == {"events": len(known), "file": str(file), "remarks": []}
    again = cli.json("feedback", "import", str(file))
    assert (again["imported"], again["duplicates"], again["rejected"]) == (0, len(known), [])
    other = empty(template, tmp_path)
    assert other.json("feedback", "import", str(file))["imported"] == len(known)
    assert other.json("feedback", "list", "--spooled") == known


def test_a_person_gets_their_own(template: Repo, tmp_path: Path) -> None:
    cli = cli_of(template)
    lines = [
        json.loads(line) for line in cli.ok("feedback", "export", "--user", EVE, "--spooled").splitlines()
    ]
    assert sorted(one["input"]["question"] for one in lines) == sorted([SECRET, LATER])
    one = cli.ok("feedback", "export", "--user", lines[0]["user"], "--format", "csv", "--until", "2026-01-06")
    assert len(one.splitlines()) == 2
    assert cli.ok("feedback", "export", "--user", "nobody@example.org") == ""
    assert len(cli.ok("feedback", "export", "--prompt", DESK, "--since", "2026-02-01").splitlines()) == 3


def test_what_cannot_be_written_is_one_error(template: Repo, tmp_path: Path) -> None:
    cli = cli_of(template)
    assert "-o FILE.parquet" in cli.fails(2, "feedback", "export", "--format", "parquet")
    assert "no prompt" in cli.fails(2, "feedback", "export", "--prompt", "not/there")
    assert "is a folder" in cli.fails(2, "feedback", "export", "-o", str(tmp_path), "--format", "csv")
    for format_ in ("jsonl", "tables"):
        place = str(tmp_path / "no" / "events")
        said = cli.fails(2, "feedback", "export", "--format", format_, "-o", place)
        assert f"there is no folder {tmp_path / 'no'}" in said
    assert list(tmp_path.iterdir()) == []


def test_a_link_a_device_and_standard_output(template: Repo, tmp_path: Path) -> None:
    cli = cli_of(template)
    link = tmp_path / "link.jsonl"
    link.symlink_to("real.jsonl")
    cli.ok("feedback", "export", "-o", str(link))
    assert link.is_symlink()
    assert (tmp_path / "real.jsonl").read_text() == cli.ok("feedback", "export", "-o", "-")
    full = device(tmp_path, "full")
    assert "No space left" in cli.fails(3, "feedback", "export", "-o", str(full))
    assert full.is_char_device()
    pytest.importorskip("duckdb")
    parquet = tmp_path / "link.parquet"
    parquet.symlink_to("real.parquet")
    cli.ok("feedback", "export", "-o", str(parquet))
    assert parquet.is_symlink()
    cli.fails(2, "feedback", "export", "--format", "parquet", "-o", str(full))
    assert full.is_char_device()


def test_a_warehouse_answers_from_the_tables(template: Repo, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    cli = cli_of(template)
    tables = tmp_path / "tables"
    written = cli.json("feedback", "export", "--format", "tables", "-o", str(tables))["events"]
    place = tmp_path / "warehouse.db"
    with duckdb.connect(str(place)) as made:
        made.execute("CREATE SCHEMA prompts")
        for file in tables.glob("*.parquet"):
            made.execute(f"CREATE TABLE prompts.{file.stem} AS SELECT * FROM read_parquet(?)", [str(file)])
    counted = cli.json("feedback", "list", "--count")
    assert counted["count"] == sum(one.get("rollup", {}).get("count", 1) for one in _committed(cli))
    settings = template.path / "promptvc.yaml"
    settings.write_text("analytics: {backend: warehouse, dialect: duckdb, table: prompts.events}\n")
    asked = cli("feedback", "list", "--count", "--json", PROMPTVC_WAREHOUSE=str(place))
    settings.unlink()
    assert (asked.json, written) == (counted, len(_committed(cli)))


def _committed(cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli.json("feedback", "list")
    return found
