"""`feedback forget`: nothing of a person is left where it can be taken out, and everybody else's stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.documents import load_yaml
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.workflows.forgetting_world import (
    ADAM,
    EVE,
    LATER,
    PRODUCTION,
    PROPOSED,
    SECRET,
    SHARED,
    STAGING,
    SUGGESTED,
    SUITE,
    events,
    ids,
    imported,
    row,
    stored,
    world,
)
from tests.worlds import DESK, DESK_FILE, copy_of


@pytest.fixture(scope="module")
def template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("forgetting")
    return world(Repo.create(folder / "repo", isolated_environ(home)), folder)


@pytest.fixture
def desk(template: Repo, tmp_path: Path) -> Repo:
    return copy_of(template, tmp_path / "repo")


def tracked(repo: Repo) -> str:
    """Everything that HEAD has, as one text."""
    names = repo.git("ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    return "\n".join(repo.show(f"HEAD:{name}").decode() for name in names if name)


def forgotten(cli: Cli, *more: str, code: int = 1) -> dict[str, Any]:
    value: dict[str, Any] = cli.json("feedback", "forget", "--user", EVE, "--yes", *more, codes=(code,))
    return value


def test_events_and_what_rests_on_them_go_in_one_commit(desk: Repo) -> None:
    cli = cli_of(desk)
    (secret,), (suggested,) = ids(cli, SECRET), ids(cli, SUGGESTED)
    before, adams = desk.rev("HEAD"), [one for one in events(cli) if "Adam" in json.dumps(one)]
    done = forgotten(cli)
    assert desk.rev("HEAD^") == before
    assert (done["events"], done["done"], done["commit"]) == (3, True, desk.rev("HEAD"))
    left = events(cli)
    assert len(left) == 2
    assert adams[0] in left
    # Staging runs v2, which nobody but its people can replace.
    assert done["left"] == [
        {
            "place": STAGING,
            "reason": "runs a version that rests on what they said, and not the latest one",
            "command": f"promptvc deploy {DESK} --env staging",
        }
    ]
    cli.ok("deploy", DESK, "--env", "staging")
    whole = tracked(desk)
    assert not [text for text in (SECRET, SUGGESTED, secret, suggested) if text in whole]
    assert SHARED in whole
    assert desk.read(DESK_FILE) == desk.read(PRODUCTION) == desk.read(STAGING)
    text = desk.read(DESK_FILE).decode()
    assert "version: 4" in text
    assert "An hourglass is gamma.  # kept" in text
    assert "boat" not in text
    assert cli("check").code == 0, cli("check").out
    message = desk.git("log", "-1", "--format=%B", "HEAD^")
    assert "Forget a person: 3 events, desk/route v4" in message
    assert not [name for name in (EVE, secret, "u-") if name in message]
    assert cli.json("log", DESK)[0]["version"] == 4
    assert desk.status() == []


def test_a_case_and_its_answers_go_and_figures_stay(desk: Repo) -> None:
    cli = cli_of(desk)
    record = json.loads(desk.read(evidence(desk)))
    forgotten(cli)
    assert [case["id"] for case in load_cases(desk)] == ["plain", "hourglass"]
    after = json.loads(desk.read(evidence(desk)))
    assert {case["case"]: case["output"] for case in after["cases"]} == {
        "plain": "alpha",
        "cat": None,
        "hourglass": "gamma",
    }
    assert after["totals"] == record["totals"]


def test_nothing_is_done_without_a_yes(desk: Repo) -> None:
    cli = cli_of(desk)
    before = desk.rev("HEAD")
    said = cli.fails(2, "feedback", "forget", "--user", EVE)
    assert "--yes" in said
    planned = cli.json("feedback", "forget", "--user", EVE, "--dry-run")
    assert (planned["done"], planned["events"]) == (False, 3)
    shown = cli.ok("feedback", "forget", "--user", EVE, "--dry-run")
    assert "becomes v4" in shown
    assert SECRET not in shown
    assert (desk.rev("HEAD"), desk.status()) == (before, [])
    nobody = cli.json("feedback", "forget", "--user", "nobody@example.org", "--yes")
    assert (nobody["done"], nobody["events"], nobody["files"]) == (False, 0, [])
    assert "nobody is named" in cli.fails(2, "feedback", "forget", "--user", " ", "--yes")


def test_every_name_of_a_person_is_found(desk: Repo, tmp_path: Path) -> None:
    """By the address under two keys, by either pseudonym, and by the address where an experiment has it as unit."""
    cli = cli_of(desk)
    first = next(one["user"] for one in events(cli) if SECRET in json.dumps(one))
    cli.ok("feedback", "keys", "rotate")
    imported(desk, tmp_path, [row(EVE, LATER, "beta", time="2026-02-05T10:00:00Z")])
    second = next(one["user"] for one in events(cli) if LATER in json.dumps(one))
    assert first != second
    for name in (EVE, first, second):
        assert cli.json("feedback", "forget", "--user", name, "--dry-run")["events"] == 4
    # Without the keys the address says nothing, which is told; a pseudonym still leads to the other.
    shutil.rmtree(desk.path / ".git" / "promptvc" / "keys")
    unknown = cli.json("feedback", "forget", "--user", EVE, "--dry-run")
    assert unknown["events"] == 0
    assert len([one for one in unknown["remarks"] if "which is not here" in one]) == 2
    assert cli.json("feedback", "forget", "--user", second, "--dry-run")["events"] == 4


def test_the_spool_rollups_and_what_is_said_about_them(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    (secret,), (adam,) = ids(cli, SECRET), ids(cli, "a question of Adam")
    about = {"time": "2026-01-07T10:00:00Z", "prompt": DESK, "source": "human"}
    seen: dict[str, object] = {"experiment": "tone", "kind": "exposure", "arm": "a", "user": ADAM}
    rows: list[dict[str, Any]] = [
        {**about, "kind": "annotation", "target": secret, "approved": True, "reviewer": ADAM},
        {
            **about,
            "kind": "suggestion",
            "comment": "seen in both",
            "derived_from": [secret, adam],
            "user": ADAM,
        },
        *({**about, **seen, "unit": unit} for unit in ("eve-17", "eve-17", "adam-3")),
    ]
    imported(desk, tmp_path, rows)
    imported(
        desk, tmp_path, [row(EVE, LATER, "beta"), row(ADAM, "Adam again and again", "beta")], commit=False
    )
    done = forgotten(cli)
    assert (done["events"], done["about"], done["spooled"]) == (4, 1, 1)
    unit = cli.json("feedback", "forget", "--user", "eve-17", "--yes", codes=(0, 1))
    assert unit["rollups"] + unit["events"] > 0
    cli.ok("feedback", "commit")
    cli.ok("deploy", DESK, "--env", "staging")
    whole = tracked(desk)
    assert not [text for text in (LATER, SECRET, secret, "eve-17") if text in whole]
    assert "Adam again and again" in whole
    assert [one["derived_from"] for one in events(cli) if "derived_from" in one] == [[adam]]
    assert "adam-3" in whole


def test_drafts_caches_candidates_the_ledger_and_rows_in_quarantine(desk: Repo) -> None:
    cli = cli_of(desk)
    (secret,) = ids(cli, SECRET)
    desk.git("branch", f"promptvc/{DESK}/v9")
    desk.git("branch", "somebody/else")
    training = f'{{"because": ["{secret}"], "before": null, "after": "{SECRET} -> alpha"}}'
    desk.git("switch", "-q", "--orphan", "promptvc/ledger")
    desk.commit({f"trainings/{DESK}/01KE6SJT80WR078R0K3RM5S44M.json": f'{{"edits": [{training}]}}\n'})
    desk.git("switch", "-q", "main")
    proposed = {"id": "p", "vars": {"question": SECRET}, "metadata": {"because": [secret]}}
    other = {"id": "q", "vars": {"question": SHARED}, "metadata": {"because": ["01KE6SJT80WR078R0K3RM5S44M"]}}
    desk.write(
        {PROPOSED: f"{json.dumps(proposed)}\n{json.dumps(other)}\n", ".promptvc/cache/answers": SECRET}
    )
    user = next(one["user"] for one in events(cli) if SECRET in json.dumps(one))
    quarantine = desk.path / ".git" / "promptvc" / "quarantine" / "rows.jsonl"
    quarantine.parent.mkdir(parents=True)
    quarantine.write_text(json.dumps({"row": {"user": user}}) + "\n" + json.dumps({"row": {"a": 1}}) + "\n")
    done = forgotten(cli)
    assert (done["candidates"], done["ledger"], done["branches"]) == (
        [f"promptvc/{DESK}/v9"],
        1,
        ["somebody/else"],
    )
    assert (done["drafts"], done["quarantined"]) == ([PROPOSED], 1)
    assert any("somebody/else" in str(step) for step in done["next"])
    assert [json.loads(line) for line in desk.read(PROPOSED).splitlines()] == [other]
    assert not (desk.path / ".promptvc" / "cache").exists()
    assert quarantine.read_text() == '{"row": {"a": 1}}\n'
    assert "v9" not in desk.git("branch", "--list")
    kept = desk.show(f"promptvc/ledger:trainings/{DESK}/01KE6SJT80WR078R0K3RM5S44M.json").decode()
    assert not [text for text in (SECRET, secret) if text in kept]
    assert "[forgotten]" in kept


def test_words_in_instructions_and_edits_under_way_are_for_a_person(desk: Repo) -> None:
    cli = cli_of(desk)
    text = desk.read(DESK_FILE).decode()
    desk.write({DESK_FILE: text.replace("or gamma.", f"or gamma. Such as: {SECRET}.")})
    cli.ok("commit", DESK, "-m", "Say it in words")
    desk.write({SUITE: desk.read(SUITE).decode() + "# mine\n"})
    done = forgotten(cli)
    reasons = {one["place"]: one["reason"] for one in done["left"]}
    assert "holds what they said: edit it by hand" in reasons[DESK_FILE]
    assert "edits that are not committed" in reasons[SUITE]
    assert "# mine" in desk.read(SUITE).decode()


def test_archived_months_are_written_anew(desk: Repo, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    cli = cli_of(desk)
    before = events(cli)
    desk.commit({"promptvc.yaml": "evaluation: {success: 0.5}\nfeedback: {retain_days: 36500}\n"})
    cli.ok("feedback", "archive", "--before", "2026-02", "--to", str(tmp_path / "parts"))
    (old,) = (tmp_path / "parts").glob("*.parquet")
    done = forgotten(cli)
    assert done["events"] == 3
    (new,) = (tmp_path / "parts").glob("*.parquet")
    assert new.name != old.name
    cli.ok("feedback", "archive", "--verify")
    assert len(events(cli)) == len(before) - 3
    assert desk.status() == []


def test_history_is_rewritten_and_nothing_is_left_in_the_object_store(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    (secret,), (suggested,) = ids(cli, SECRET), ids(cli, SUGGESTED)
    user = next(one["user"] for one in events(cli) if SECRET in json.dumps(one))
    remote = Repo.create(tmp_path / "remote", desk.environ, bare=True)
    desk.git("remote", "add", "origin", str(remote.path))
    desk.git("tag", "-m", f"about {SECRET}", "told", "HEAD~2")
    desk.git("branch", "aside", "HEAD~3")
    desk.git("push", "-q", "origin", "main", "aside", "told")
    before, commits = desk.rev("HEAD"), desk.git("rev-list", "--count", "HEAD")
    assert stored(desk, SECRET, SUGGESTED, secret, suggested, user) == [
        SECRET,
        SUGGESTED,
        secret,
        suggested,
        user,
    ]
    desk.write({SUITE: desk.read(SUITE).decode() + "# mine\n"})
    assert "not committed" in cli.fails(1, "feedback", "forget", "--user", EVE, "--yes", "--history")
    desk.git("checkout", "-q", "--", SUITE)
    assert desk.rev("HEAD") == before
    done = forgotten(cli, "--history", code=0)
    assert stored(desk, SECRET, SUGGESTED, secret, suggested, user) == []
    assert stored(desk, SHARED) == [SHARED]
    assert int(desk.git("rev-list", "--count", "HEAD")) == int(commits) + 1
    assert desk.git("fsck", "--no-dangling") == ""
    assert desk.status() == []
    assert cli("check").code == 0, cli("check").out
    # Records cite the contents that versions have now.
    digests = {one["version"]: one["digest"] for one in cli.json("log", DESK)}
    assert json.loads(desk.read(evidence(desk)))["digest"] == digests[3]
    assert desk.git("rev-parse", f"HEAD:{STAGING}") == digests[2]
    # What it says to push is what brings the remote to the same, and only if nobody pushed meanwhile.
    push, tags = [str(step) for step in done["next"] if str(step).startswith("git push")]
    assert f"--force-with-lease=main:{before}" in push
    desk.git(*push.split()[1:])
    desk.git(*tags.split()[1:])
    assert remote.rev("main") == desk.rev("main")
    assert remote.rev("aside") == desk.rev("aside")
    assert SECRET not in remote.git("log", "--all", "-p") + remote.git("cat-file", "tag", "told")
    # Once more finds nothing, and is no error.
    again = forgotten(cli, "--history", code=0)
    assert (again["done"], again["history"]) == (False, {"contents": 0, "paths": []})


def test_a_clone_that_is_not_whole_is_not_rewritten(desk: Repo, tmp_path: Path) -> None:
    desk.git("clone", "-q", "--depth=1", desk.path.as_uri(), str(tmp_path / "shallow"))
    cli = cli_of(Repo(tmp_path / "shallow", desk.environ))
    asked = (
        "feedback",
        "forget",
        "--user",
        "u-00000000-00000000000000000000000000000000",
        "--yes",
        "--history",
    )
    assert "shallow" in cli.fails(1, *asked)
    desk.git("worktree", "add", "-q", str(tmp_path / "other"))
    assert "several working trees" in cli_of(desk).fails(1, *asked)


def evidence(repo: Repo) -> str:
    (found,) = repo.path.glob(f"evaluation/evidence/{DESK}/*.json")
    return str(found.relative_to(repo.path))


def load_cases(repo: Repo) -> list[dict[str, object]]:
    cases: list[dict[str, object]] = load_yaml(repo.read(SUITE), file=SUITE).value["cases"]
    return cases
