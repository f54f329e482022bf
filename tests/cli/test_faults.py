"""Processes that race and processes that are killed: nothing is lost, and the same command succeeds afterwards."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, Ran, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, copy_of, desk_rows

DEPLOYED = f"deployments/production/{DESK}.yaml"


def race(cli: Cli, *commands: tuple[str, ...]) -> list[Ran]:
    """Run them all at once."""
    running = [cli.start(*command) for command in commands]
    done = []
    for process in running:
        with process:
            out, err = process.communicate(timeout=120)
        done.append(Ran(process.returncode, out.decode(), err.decode()))
    return done


def sound(repo: Repo, *, killed: bool = False) -> None:
    """git and promptvc read it, and nothing is wrong; no lock is left once a commit came after the crash."""
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    done = cli_of(repo)("check", "--json")
    assert not [one for one in done.json["problems"] if one["severity"] == "error"], done.out
    assert killed or not list(repo.path.glob(".git/*.lock"))


def test_two_deployments_of_one_prompt(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("rollback", DESK, "--env", "production", "--to", "v1", "--reason", "x")
    shipped.commit({f"deployments/production/holds/{DESK}/v2.yaml": None}, "Lift")
    before = int(shipped.git("rev-list", "--count", "HEAD"))
    done = race(cli, *(("deploy", f"{DESK}@v{1 + at % 2}", "--env", "eu", "--json") for at in range(4)))
    assert [one.code for one in done] == [0, 0, 0, 0], done
    assert shipped.status() == []
    commits = int(shipped.git("rev-list", "--count", "HEAD")) - before
    assert 2 <= commits <= 4
    chain = shipped.git("log", "--reverse", "--format=%s", f"-{commits}").splitlines()
    last = 1 if f"{DESK} v1" in chain[-1] else 2
    assert cli.json("status", "--env", "eu")[0]["version"] == last
    sound(shipped)


def test_a_deployment_against_a_rollback(shipped: Repo) -> None:
    done = race(
        cli_of(shipped),
        ("deploy", f"{DESK}@v1"),
        ("rollback", DESK, "--reason", "complaints"),
        ("deploy", f"{DESK}@v2"),
    )
    assert {one.code for one in done} <= {0, 1}, done
    assert shipped.status() == []
    sound(shipped)


def test_four_commits_of_feedback(desk: Repo) -> None:
    cli = cli_of(desk)
    ids = {cli.json("feedback", "add", DESK, "--stars", "5")["ids"][0] for _ in range(12)}
    adds = [("feedback", "add", DESK, "--stars", "4", "--json") for _ in range(4)]
    done = race(cli, *(("feedback", "commit", "--json") for _ in range(4)), *adds)
    assert [one.code for one in done] == [0] * 8, done
    ids |= {one.json["ids"][0] for one in done[4:]}
    committed = sum(one.json["events"] for one in done[:4])
    committed += cli.json("feedback", "commit")["events"]
    assert committed == len(ids) == 16
    found = [event["id"] for event in cli.json("feedback", "list", DESK) if event["kind"] == "rating"]
    assert sorted(found) == sorted(ids)
    sound(desk)


def test_three_trainings(desk: Repo) -> None:
    cli = cli_of(desk)
    done = race(cli, *(("train", DESK, "--max-examples", most, "--json") for most in ("3", "4", "4")))
    assert [one.code for one in done] == [0, 0, 0], done
    results = [one.json for one in done]
    assert {one["candidate"] for one in results} == {2, 3}
    assert results[1]["branch"] == results[2]["branch"]
    assert {one["look"] for one in results} == {1, 2}
    history = cli.json("train", DESK, "--history")
    assert len(history) == 3
    assert len({row["alpha"] for row in history}) == 2
    sound(desk)


def test_two_commits_of_one_file(desk: Repo) -> None:
    desk.write({DESK_FILE: DESK_PROMPT.replace("one label", "a label")})
    done = race(cli_of(desk), *(("commit", DESK, "-m", f"number {at}") for at in range(3)))
    assert min(one.code for one in done) == 0
    assert {one.code for one in done} <= {0, 1, 2}, done
    assert all("Traceback" not in one.err for one in done)
    assert desk.git("rev-list", "--count", "HEAD~1..HEAD") == "1"
    assert desk.show(f"HEAD:{DESK_FILE}") == desk.read(DESK_FILE)
    assert b"version: 2" in desk.read(DESK_FILE)
    sound(desk)


def kill_at(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End it with SIGKILL after so long, or let it be done before."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def moments(run: Callable[[], object], count: int, seed: str) -> list[float]:
    """Moments all over the life of a process that takes as long as ``run``, most of them behind its start."""
    begin = time.monotonic()
    run()
    took = time.monotonic() - begin
    chance = random.Random(seed)
    return [took * chance.uniform(0.4, 1.0) for _ in range(count)]


def test_killed_commits(desk: Repo) -> None:
    cli = cli_of(desk)
    chance = moments(lambda: cli.process("log", DESK), 10, "commit")
    for number, moment in enumerate(chance, start=2):
        desk.write({DESK_FILE: desk.read(DESK_FILE) + b"# %d\n" % number, "loose": str(number)})
        with cli.start("commit", DESK, "-m", "Edit") as process:
            kill_at(process, moment * 1.2)
        assert b"# %d\n" % number in desk.read(DESK_FILE)
        sound(desk, killed=True)
        done = cli("commit", DESK, "-m", "Edit")
        assert done.code == 0 or "no changes" in done.err, done
        assert desk.show(f"HEAD:{DESK_FILE}") == desk.read(DESK_FILE)
        assert cli.json("show", f"{DESK}@HEAD")["version"] == number
        assert desk.status() == ["?? loose"]
    sound(desk)
    assert [entry["version"] for entry in cli.json("log", DESK)] == list(range(11, 0, -1))


def test_killed_deployments(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.write({"staged": "1"})
    shipped.git("add", "staged")
    for number, moment in enumerate(moments(lambda: cli.process("log", DESK), 10, "deploy")):
        wanted = 1 + number % 2
        with cli.start("deploy", f"{DESK}@v{wanted}") as process:
            kill_at(process, moment * 1.2)
        sound(shipped, killed=True)
        assert cli.json("status")[0]["version"] in {1, 2}
        assert cli.json("deploy", f"{DESK}@v{wanted}")["version"] == wanted
        assert cli.json("status")[0]["version"] == wanted
        assert shipped.read(DEPLOYED) == shipped.show(f"HEAD:{DEPLOYED}")
        assert shipped.status() == ["A  staged"]
    sound(shipped)


def test_killed_commits_of_feedback(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    expected = 60
    for number, moment in enumerate(moments(lambda: cli.process("log", DESK), 10, "feedback")):
        rows = tmp_path / f"{number}.jsonl"
        rows.write_text(desk_rows(5, salt=f"more {number}"))
        expected += 15
        with cli.start("feedback", "import", str(rows)) as process:
            kill_at(process, moment * 1.2)
        again = cli.json("feedback", "import", str(rows))
        assert again["imported"] + again["duplicates"] == 15
        with cli.start("feedback", "commit") as process:
            kill_at(process, moment * 1.2)
        sound(desk, killed=True)
        assert cli.json("feedback", "summary", DESK)["total"] == expected
        cli.ok("feedback", "commit")
        ids = [event["id"] for event in cli.json("feedback", "list", DESK)]
        assert len(ids) == len(set(ids)) == expected
        assert desk.status() == []
    sound(desk)


@pytest.fixture
def untouched(desk: Repo) -> tuple[bytes, float]:
    """The candidate that a training makes when nobody kills it, and how many seconds that takes."""
    copy = copy_of(desk, desk.path.parent / "untouched")
    begin = time.monotonic()
    done = cli_of(copy).process("train", DESK)
    assert done.code == 0, done
    return copy.show(f"promptvc/{DESK}/v2:{DESK_FILE}"), time.monotonic() - begin


def test_killed_trainings(desk: Repo, untouched: tuple[bytes, float]) -> None:
    candidate, took = untouched
    chance = random.Random("train")
    for number in range(6):
        copy = copy_of(desk, desk.path.parent / f"train{number}")
        cli = cli_of(copy)
        with cli.start("train", DESK) as process:
            kill_at(process, took * chance.uniform(0.4, 1.0))
        sound(copy, killed=True)
        done = cli.json("train", DESK)
        assert (done["promoted"], done["look"], done["candidate"]) == (True, 1, 2)
        assert copy.show(f"{done['branch']}:{DESK_FILE}") == candidate
        assert json.loads(cli.ok("train", DESK, "--history", "--json"))[0]["candidate"]["version"] == 2
        assert copy.status() == []
        sound(copy)
