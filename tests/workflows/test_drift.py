"""Whether environments and copies elsewhere have what main says."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.documents import MAX_BYTES
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE

HOLD = f"deployments/production/holds/{DESK}/v1.yaml"


def drifting(cli: Cli, *options: str) -> dict[str, dict[str, Any]]:
    """The rows that drift, by place and prompt."""
    found = cli.json("drift", *options, codes=(0, 1))
    rows = {f"{one['place']} {one['name']}": one for one in found["prompts"] if one["states"]}
    assert found["drift"] == bool(rows)
    return rows


@pytest.fixture
def exported(lived: Repo, tmp_path: Path) -> Path:
    """The latest versions in a folder elsewhere."""
    cli_of(lived).ok("export", str(tmp_path / "app"))
    return tmp_path / "app"


def test_environments_that_are_behind_say_by_how_much(lived: Repo) -> None:
    now = datetime(2026, 1, 11, 12, tzinfo=UTC)
    with promptvc.open(lived.path, environ=lived.environ, clock=lambda: now) as library:
        found = library.drift()
    told = {one.place: one for one in found.prompts}
    assert {place: one.states for place, one in told.items()} == {
        "production": ("behind",),
        "staging": ("behind",),
    }
    one = told["production"]
    assert (one.version, one.expected, one.behind and one.behind.to_json()) == (
        1,
        3,
        {"versions": 2, "days": 10},
    )
    assert told["staging"].behind is not None
    assert told["staging"].behind.versions == 1


def test_the_exit_code_is_the_answer(lived: Repo) -> None:
    cli = cli_of(lived)
    done = cli("drift")
    assert done.code == 1
    assert f"production\t{DESK}\tv1\tv3\tbehind by 2 versions" in done.out
    for environment in ("production", "staging"):
        cli.ok("deploy", DESK, "--env", environment)
    assert cli.ok("drift") == f"production\t{DESK}\tv3\tv3\tnone\nstaging\t{DESK}\tv3\tv3\tnone\n"
    assert set(drifting(cli, "--env", "production")) == set()


def test_what_is_held_or_edited_or_gone_from_main_drifts(lived: Repo) -> None:
    cli = cli_of(lived)
    digest = lived.git("hash-object", f"deployments/production/{DESK}.yaml")
    hold = f'digest: "{digest}"\nreason: too rude\nby: Ada\ntime: "2026-01-01T00:00:00Z"\n'
    lived.commit({HOLD: hold}, "Hold v1")
    row = drifting(cli, "--env", "production")[f"production {DESK}"]
    assert (row["states"], row["holds"]) == (["behind", "held"], ["too rude"])
    path = f"deployments/staging/{DESK}.yaml"
    lived.commit({path: lived.read(path).decode().replace("one label", "a label")}, "Edit it there")
    row = drifting(cli, "--env", "staging")[f"staging {DESK}"]
    assert (row["states"], row["version"], row["nearest"]) == (["edited"], 2, 2)
    assert [change["path"] for change in row["changes"]] == ["messages[0].content"]
    assert "edited: no version has these bytes, most like v2" in cli("drift").out
    lived.commit({DESK_FILE: None}, "Remove it")
    assert drifting(cli)[f"production {DESK}"]["states"] == ["gone", "held"]


def test_what_was_forced_from_a_branch_is_that_version(lived: Repo) -> None:
    cli = cli_of(lived)
    cli.ok("deploy", f"{DESK}@v4", "--env", "staging", "--force", "--reason", "to try it")
    row = drifting(cli, "--env", "staging")[f"staging {DESK}"]
    assert (row["states"], row["version"], row["expected"], row["nearest"]) == (["different"], 4, 3, None)


def test_an_exported_copy_is_the_same_until_somebody_touches_it(lived: Repo, exported: Path) -> None:
    cli = cli_of(lived)
    assert drifting(cli, "--against", str(exported)) == {}
    file = exported / f"{DESK}.yaml"
    data = file.read_bytes()
    row = drifting(cli, "--against", str(exported), "--env", "production")[f"{exported} {DESK}"]
    assert (row["states"], row["version"], row["expected"]) == (["different"], 3, 1)
    file.write_bytes(lived.show(f"HEAD~1:{DESK_FILE}"))
    row = drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]
    assert (row["states"], row["version"], row["expected"]) == (["different", "held"], 2, 3)
    file.write_bytes(data.replace(b"exactly one", b"precisely one"))
    row = drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]
    assert (row["states"], row["nearest"], len(row["changes"])) == (["edited"], 3, 1)
    assert drifting(cli, "--against", str(file))[f"{file} {DESK}"]["changes"] == row["changes"]
    file.write_bytes(data.replace(b"\n", b"\r\n"))
    assert drifting(cli, "--against", str(file))[f"{file} {DESK}"]["changes"] == []
    assert "the same words" in cli("drift", "--against", str(file)).out
    file.write_bytes(b"name: [\n")
    row = drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]
    assert (row["states"], row["version"], row["changes"]) == (["edited"], None, None)
    file.unlink()
    (exported / "desk" / "new.yaml").write_bytes(data)
    (exported / "docker-compose.yaml").write_text("version: 3\nservices: {}\n")
    rows = drifting(cli, "--against", str(exported))
    assert {key: row["states"] for key, row in rows.items()} == {
        f"{exported} {DESK}": ["missing"],
        f"{exported} desk/new": ["extra", "edited"],
    }


def test_a_checkout_is_compared_where_its_prompts_are(lived: Repo) -> None:
    cli = cli_of(lived)
    assert drifting(cli, "--against", str(lived.path)) == {}
    assert drifting(cli, "--against", str(lived.path), "--env", "production") == {}
    lived.write({f"deployments/production/{DESK}.yaml": "name: x\n"})
    assert drifting(cli, "--against", str(lived.path), "--env", "production")


def test_nothing_outside_of_the_folder_is_read(lived: Repo, exported: Path, tmp_path: Path) -> None:
    cli = cli_of(lived)
    secret = tmp_path / "secret.yaml"
    secret.write_bytes(lived.read(DESK_FILE))
    file = exported / f"{DESK}.yaml"
    file.rename(exported / "desk" / "kept.txt")
    file.symlink_to(secret)
    row = drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]
    assert (row["states"], row["digest"]) == (["unreadable"], None)
    assert "leads out" in row["problem"]
    file.unlink()
    file.symlink_to("kept.txt")  # as a mounted volume has them
    assert drifting(cli, "--against", str(exported)) == {}
    (exported / "up").symlink_to(tmp_path)
    (exported / "desk" / "round").symlink_to(exported)
    assert drifting(cli, "--against", str(exported)) == {}


def test_pipes_and_what_is_too_large_are_not_read(lived: Repo, exported: Path) -> None:
    cli = cli_of(lived)
    file = exported / f"{DESK}.yaml"
    file.unlink()
    os.mkfifo(file)
    assert "no regular file" in drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]["problem"]
    assert "no regular file" in cli.fails(2, "drift", "--against", str(file))
    file.unlink()
    with file.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert "more than 16 MiB" in drifting(cli, "--against", str(exported))[f"{exported} {DESK}"]["problem"]
    deep = exported.joinpath(*["a"] * 18)
    deep.mkdir(parents=True)
    assert "folders deep" in cli.fails(2, "drift", "--against", str(exported))


def test_wrong_words_get_one_error(lived: Repo, tmp_path: Path) -> None:
    cli = cli_of(lived)
    assert "did you mean staging?" in cli.fails(2, "drift", "--env", "stagin")
    assert "no file or folder" in cli.fails(2, "drift", "--against", str(tmp_path / "none"))
    (tmp_path / "list.yaml").write_text("- a\n")
    assert "has no `name`" in cli.fails(2, "drift", "--against", str(tmp_path / "list.yaml"))


def test_a_shallow_clone_knows_what_is_the_same_and_says_what_it_cannot_know(
    lived: Repo, tmp_path: Path
) -> None:
    lived.git("clone", "-q", "--depth", "1", f"file://{lived.path}", str(tmp_path / "shallow"))
    cli = cli_of(lived).at(tmp_path / "shallow")
    assert "git fetch --unshallow" in cli.fails(2, "drift")
    cli.ok("export", str(tmp_path / "app"))
    assert drifting(cli, "--against", str(tmp_path / "app")) == {}
