"""What environments run, held against each other and against main: `diff --env`, `status --diff`, `NAME@ENV @ENV`."""

from __future__ import annotations

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE


def test_two_environments_of_one_prompt_are_revisions_like_others(lived: Repo) -> None:
    cli = cli_of(lived)
    found = cli.json("diff", f"{DESK}@staging", "@production")
    assert (found["from"], found["to"]) == (f"{DESK}@staging (v2)", f"{DESK}@production (v1)")
    assert found["changes"] == cli.json("diff", f"{DESK}@v2", "@v1")["changes"]


def test_environments_are_compared_for_every_prompt_or_some(lived: Repo) -> None:
    cli = cli_of(lived)
    (gap,) = cli.json("diff", "--env", "staging", "production")
    assert list(gap) == ["name", "from", "to", "before", "after", "count", "changes", "problem"]
    assert (gap["name"], gap["before"], gap["after"]) == (DESK, 2, 1)
    assert gap["changes"] == cli.json("diff", f"{DESK}@v2", "@v1")["changes"]
    assert gap["count"] == len(gap["changes"])
    (newer,) = cli.json("diff", "--env", "production", "latest", DESK)
    assert (newer["before"], newer["after"]) == (1, 3)
    assert cli.json("diff", "--env", "staging", "staging") == []
    assert "staging and staging run the same" in cli.ok("diff", "--env", "staging", "staging")
    assert f"{DESK}: staging v2, production v1: 7 changes" in cli.ok("diff", "--env", "staging", "production")


def test_status_says_what_would_change(lived: Repo) -> None:
    cli = cli_of(lived)
    plain, told = cli.json("status"), cli.json("status", "--diff")
    assert [{key: row[key] for key in plain[0]} for row in told] == plain
    sides = {
        row["environment"]: [
            (gap["from"], gap["to"], gap["before"], gap["after"]) for gap in row["differences"]
        ]
        for row in told
    }
    assert sides == {
        "production": [("production", "latest", 1, 3), ("production", "staging", 1, 2)],
        "staging": [("production", "staging", 1, 2), ("staging", "latest", 2, 3)],
    }
    assert [
        (gap["from"], gap["to"])
        for row in cli.json("status", "--diff", "--env", "staging")
        for gap in row["differences"]
    ] == [("staging", "latest"), ("staging", "production")]
    assert f"{DESK}: production v1, staging v2: 7 changes" in cli.ok("status", "--diff")
    cli.ok("deploy", DESK)
    cli.ok("deploy", DESK, "--env", "staging")
    assert [row["differences"] for row in cli.json("status", "--diff")] == [[], []]


def test_what_one_side_has_not_got_or_cannot_be_read_is_said(lived: Repo) -> None:
    cli = cli_of(lived)
    other = lived.read(DESK_FILE).decode().replace(f"name: {DESK}", "name: desk/other")
    lived.commit({"prompts/desk/other.yaml": other, "deployments/staging/desk/other.yaml": other}, "Another")
    gaps = {gap["name"]: gap for gap in cli.json("diff", "--env", "staging", "production")}
    assert (gaps["desk/other"]["after"], gaps["desk/other"]["changes"]) == (None, None)
    assert "desk/other: staging v3, production has no version of it" in cli.ok(
        "diff", "--env", "staging", "production"
    )
    lived.commit({"deployments/staging/desk/other.yaml": "name: [\n"}, "Break it")
    gaps = {gap["name"]: gap for gap in cli.json("diff", "--env", "staging", "latest")}
    assert gaps["desk/other"]["changes"] is None
    assert "not YAML" in gaps["desk/other"]["problem"]


def test_wrong_words_get_one_error(lived: Repo) -> None:
    cli = cli_of(lived)
    assert "did you mean staging?" in cli.fails(2, "diff", "--env", "stagin", "production")
    assert f"did you mean {DESK}?" in cli.fails(2, "diff", "--env", "staging", "production", "desk/rote")
    assert "and so does" in cli.fails(2, "diff", "--env", "staging", "production", f"{DESK}@v1")
    assert "a diff takes A" in cli.fails(2, "diff")
    assert "a diff takes A" in cli.fails(2, "diff", DESK, DESK, DESK)
    cli.fails(2, "diff", "--env", "staging", "production", "--text")
    cli.fails(2, "status", "--diff", "--env", "stagin")
