"""A training is told as a command, and made again from its evidence: the same bytes, or what differs first."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from promptvc.git.objects import Objects
from promptvc.prompts.edit import with_version
from promptvc.store.ledgers import Ledgers
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Server
from tests.workflows.test_providers import MODEL, Nearest
from tests.worlds import DESK, DESK_FILE, copy_of, desk_files, desk_rows

FEW = ("--approach", "few_shot", "--max-calls", "360")


@pytest.fixture
def cli(trained: Repo) -> Cli:
    return cli_of(trained)


def refs(repo: Repo) -> str:
    return repo.git("for-each-ref")


def rewritten(trained: Repo, **changes: object) -> str:
    """A second record of the training, which says something else; its id."""
    opened = trained.repository()
    with Objects(opened) as objects:
        ledger = Ledgers(opened, objects, "origin").read(DESK)
    value = ledger.trainings[-1].to_json() | changes
    other = "01" + "Z" * 24
    path = f"trainings/{DESK}/{other}.json"
    trained.git("switch", "-q", "promptvc/ledger")
    trained.commit({path: json.dumps(value | {"id": other})}, "Another")
    trained.git("switch", "-q", "main")
    return other


def test_a_version_a_branch_and_a_training_are_verified_and_nothing_is_written(
    trained: Repo, cli: Cli
) -> None:
    before = refs(trained)
    (row,) = cli.json("train", DESK, "--history")
    found = cli.json("verify", f"{DESK}@v2")
    assert found == {
        "name": DESK,
        "training": row["id"],
        "version": 2,
        "main": row["main"],
        "same": True,
        "difference": None,
        "events": row["events"]["count"],
        "calls": 0,
    }
    assert cli.json("verify", f"promptvc/{DESK}/v2") == found
    assert cli.json("verify", row["id"]) == found
    assert "byte for byte" in cli.ok("verify", f"{DESK}@v2")
    assert (refs(trained), trained.status()) == (before, [])


def test_what_main_became_since_does_not_matter(trained: Repo, cli: Cli, tmp_path: Path) -> None:
    trained.git("merge", "-q", "--no-ff", "--no-edit", f"promptvc/{DESK}/v2")
    (tmp_path / "more.jsonl").write_text(desk_rows(5, salt="later"))
    cli.ok("feedback", "import", str(tmp_path / "more.jsonl"))
    cli.ok("feedback", "commit")
    trained.commit({"promptvc.yaml": "training: {max_examples: 1, days: 1}\n"}, "Other settings")
    assert cli.json("verify", f"{DESK}@v2")["same"] is True


def test_a_version_that_got_another_number_is_still_verified(trained: Repo, cli: Cli) -> None:
    data = trained.show(f"promptvc/{DESK}/v2:{DESK_FILE}")
    trained.commit({DESK_FILE: with_version(data, 7, file="x")}, "Merge as v7")
    found = cli.json("verify", f"{DESK}@v7")
    assert (found["same"], found["version"]) == (True, 7)


def test_settings_and_options_of_then_are_taken(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.commit({"promptvc.yaml": "training: {max_examples: 3}\n"}, "Few examples")
    done = cli.json("train", DESK, "--seed", "7", "--days", "20", "--draft", codes=(0,))
    desk.commit({"promptvc.yaml": "training: {max_examples: 2}\n"}, "Fewer")
    (row,) = cli.json("train", DESK, "--history")
    assert cli.json("verify", row["id"])["same"] is True
    told = cli.json("reproduce", row["id"])
    words = shlex.split(told["command"])
    assert words[:3] == ["promptvc", "train", DESK]
    assert words[words.index("--seed") + 1] == "7"
    assert words[words.index("--days") + 1] == "20"
    assert "--approach" not in words, "what is at its default is not said"
    assert told["settings"] == {"max_examples": 3}
    assert told["main"] == row["main"]
    assert told["version"] == done["candidate"]
    (moved,) = told["remarks"]
    again = moved.partition(": ")[2].partition(" starts from")[0]
    assert moved == (
        f"main has moved since, and the command starts from where main is now: promptvc verify {row['id']} "
        f"starts from {row['main'][:12]}"
    )
    assert "comes out again, byte for byte" in cli.ok(*shlex.split(again)[1:])
    assert moved in cli("reproduce", row["id"]).err


def test_the_command_makes_the_same_bytes_again(desk: Repo, tmp_path: Path) -> None:
    """The command as it is told, run where nobody has trained yet."""
    fresh = copy_of(desk, tmp_path / "fresh")
    cli = cli_of(desk)
    cli.ok("train", DESK, "--seed", "3", "--max-examples", "4", "--days", "25")
    told = cli.json("reproduce", f"{DESK}@v2")
    assert told["remarks"] == []
    assert shlex.split(cli.ok("reproduce", f"{DESK}@v2").splitlines()[0]) == shlex.split(told["command"])
    cli_of(fresh).ok(*shlex.split(told["command"])[1:])
    there = f"promptvc/{DESK}/v2:{DESK_FILE}"
    assert fresh.show(there) == desk.show(there)


def test_a_training_without_a_candidate_is_verified_by_what_it_found(trained: Repo, cli: Cli) -> None:
    cli.ok("train", DESK, "--seed", "1", "--max-examples", "1", "--max-calls", "150")
    row = cli.json("train", DESK, "--history")[0]
    assert cli.json("verify", row["id"])["same"] is True


def test_a_training_that_found_nothing_ends_with_the_same_reason(repo: Repo, tmp_path: Path) -> None:
    repo.commit(desk_files())
    (tmp_path / "rows.jsonl").write_text(desk_rows(2))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    cli.ok("feedback", "commit")
    assert cli.json("train", DESK)["verdict"] is None
    (row,) = cli.json("train", DESK, "--history")
    assert f"training {row['id']} ends as it did" in cli.ok("verify", row["id"])
    done = cli("verify", rewritten(repo, reason="no improvement found: nothing was tried"), "--json")
    assert (done.code, done.json["difference"]["path"]) == (1, "reason")


def test_a_prompt_that_does_not_come_out_again_names_the_first_item_that_differs(
    trained: Repo, cli: Cli
) -> None:
    data = trained.show(f"promptvc/{DESK}/v2:{DESK_FILE}").decode()
    forged = data.replace("output: beta", "output: gamma", 1)
    assert forged != data
    trained.write({"forged": forged})
    blob = trained.git("hash-object", "-w", "forged")
    other = rewritten(trained, candidate={"version": 2, "digest": blob})
    done = cli("verify", other, "--json")
    assert done.code == 1
    difference = done.json["difference"]
    assert (done.json["same"], difference["path"].split("[")[0]) == (False, "examples")
    assert difference["recorded"]["output"] == "gamma"
    assert difference["found"]["output"] == "beta"
    text = cli("verify", other)
    assert text.code == 1
    assert "does not come out again: examples[" in text.out


def test_bytes_that_differ_in_no_item_are_shown_by_line(trained: Repo, cli: Cli) -> None:
    data = trained.show(f"promptvc/{DESK}/v2:{DESK_FILE}").decode()
    trained.write({"forged": data.replace("# The desk's own comment.", "# Somebody else's comment.")})
    blob = trained.git("hash-object", "-w", "forged")
    done = cli("verify", rewritten(trained, candidate={"version": 2, "digest": blob}), "--json")
    assert (done.code, done.json["difference"]["path"]) == (1, "line 1")


def test_another_set_of_events_is_found(trained: Repo, cli: Cli) -> None:
    done = cli("verify", rewritten(trained, events={"count": 59, "digest": "0" * 64}), "--json")
    assert (done.code, done.json["difference"]["path"]) == (1, "events")
    done = cli("verify", rewritten(trained, seed=5, candidate=None, edits=[]), "--json")
    assert (done.code, done.json["difference"]["path"]) == (1, "edits[0]")


def test_what_cannot_be_verified_says_why(trained: Repo, cli: Cli, tmp_path: Path) -> None:
    assert "no training made" in cli.fails(2, "verify", f"{DESK}@v1")
    assert "promptvc why" in cli.fails(2, "reproduce", f"{DESK}@v1")
    assert "no training 01" in cli.fails(2, "verify", "01" + "Y" * 24)
    cli.fails(2, "verify", f"{DESK}@v9")
    other = rewritten(trained, main=None)
    assert "before trainings kept" in cli.fails(2, "verify", other)
    failed = rewritten(trained, reason="failed: key withdrawn", main="1" * 40)
    assert "came to no end" in cli.fails(2, "verify", failed)
    assert "which this clone has not got" in cli.fails(2, "reproduce", failed)
    trained.git("branch", "-q", "-D", "promptvc/ledger")
    assert "git fetch origin promptvc/ledger" in cli.fails(2, "verify", f"{DESK}@v2")


def test_what_the_cache_answers_takes_no_key(small: Repo) -> None:
    """Somewhere else than this machine, where a key is asked for; nobody listens there, and nobody is asked."""
    cli = cli_of(small)
    with Server(Nearest()) as server:
        cli.ok("train", DESK, *FEW, "--models", MODEL, **server.environ())
        cli.ok("verify", f"{DESK}@v2", OPENAI_API_BASE=server.url)
        asked = server.count
        said = cli.fails(3, "verify", f"{DESK}@v2")
        assert f"of {MODEL} at https://api.openai.com/v1" in said
        assert "no API key" in cli.fails(2, "verify", f"{DESK}@v2", "--ask")
        assert server.count == asked


def test_a_clone_without_the_answers_says_how_many_it_lacks(small: Repo, tmp_path: Path) -> None:
    cli = cli_of(small)
    with Server(Nearest()) as server:
        more = server.environ()
        done = cli.json("train", DESK, *FEW, "--models", MODEL, more=more)
        assert done["promoted"]
        asked = server.count
        assert cli.json("verify", f"{DESK}@v2", more=more)["same"] is True
        assert server.count == asked, "all of it is in the cache"

        bare = copy_of(small, tmp_path / "bare")
        shutil.rmtree(bare.path / ".promptvc")
        poor = cli_of(bare)
        said = poor.fails(3, "verify", f"{DESK}@v2", **more)
        assert "lacks" in said
        assert "--ask" in said
        assert server.count == asked
        lacking = int(said.split("lacks ")[1].split(" ")[0])
        assert 0 < lacking <= asked
        assert f"of {MODEL} at {server.url}" in said
        assert "the endpoint has to be that of then" in said
        again = poor.json("verify", f"{DESK}@v2", "--ask", more=more)
        assert again["same"] is True
        assert again["calls"] == server.count - asked > 0
        assert poor.json("verify", f"{DESK}@v2", more=more)["calls"] == 0
