"""`log --graph`: branches, merges, drafts, environments, rollbacks and holds of one prompt."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE


def test_the_graph_has_what_log_has_and_how_it_hangs_together(lived: Repo) -> None:
    cli = cli_of(lived)
    nodes = {one["version"]: one for one in cli.json("log", DESK, "--graph")}
    for plain in cli.json("log", DESK):
        node = nodes[plain["version"]]
        assert {key: node[key] for key in plain} == plain
    assert {number: node["parents"] for number, node in nodes.items()} == {4: [2], 3: [2], 2: [1], 1: []}
    assert {number: node["environments"] for number, node in nodes.items()} == {
        4: [],
        3: [],
        2: ["staging"],
        1: ["production"],
    }
    branches = {number: (node["branch"], node["on_main"], node["draft"]) for number, node in nodes.items()}
    assert branches == {
        4: (f"promptvc/{DESK}/v4", False, True),
        3: ("main", True, False),
        2: ("main", True, False),
        1: ("main", True, False),
    }
    merge = lived.git("log", "--merges", "--format=%H")
    assert nodes[2]["merged"]["commit"] == merge
    assert nodes[3]["merged"] is None
    (hold,) = nodes[2]["held"]
    assert (hold["environment"], hold["version"], hold["lifted"]) == ("production", 2, None)
    (back,) = nodes[1]["rollbacks"]
    assert (back["kind"], back["previous"], back["version"]) == ("rollback", 2, 1)
    assert (back["held"], back["reason"]) == (2, "<b>complaints</b> of @ada")
    assert nodes[2]["rollbacks"] == [back]


def test_the_drawing(lived: Repo) -> None:
    lines = cli_of(lived).ok("log", DESK, "--graph").splitlines()
    heads = [line for line in lines if "*" in line.partition(" v")[0]]
    assert heads == [
        f"*  v4 (draft promptvc/{DESK}/v4)",
        "| *  v3",
        "*  v2 (staging) improvement 1.000",
        "*  v1 (production)",
    ]
    assert "|/" in lines
    assert any("production rolled back from it to v1" in line for line in lines)
    assert any("held in production since" in line for line in lines)


def test_a_merge_of_two_contents_has_two_parents(lived: Repo) -> None:
    cli = cli_of(lived)
    main, branch = lived.read(DESK_FILE).decode(), lived.show(f"promptvc/{DESK}/v4:{DESK_FILE}").decode()
    lived.git("merge", "-q", "--no-commit", f"promptvc/{DESK}/v4", ok=(0, 1))
    both = main.replace("version: 3", "version: 5") + branch.splitlines()[-1] + "\n"
    lived.commit({DESK_FILE: both}, "Bring both together")
    nodes = {one["version"]: one for one in cli.json("log", DESK, "--graph")}
    assert nodes[5]["parents"] == [3, 4]
    assert nodes[4]["on_main"]
    assert "|\\" in cli.ok("log", DESK, "--graph").splitlines()


def test_a_branch_whose_number_is_another_text_is_drawn_and_says_so(repo: Repo) -> None:
    cli = cli_of(repo)
    text = "name: a\nversion: 1\nmessages:\n- {role: user, content: x}\nrules:\n- text: One.\n"
    path = "prompts/a.yaml"
    repo.commit({"promptvc.yaml": "main: main\n", ".gitignore": ".promptvc/\n", path: text}, "Start")
    second = text.replace("version: 1", "version: 2")
    repo.git("switch", "-q", "-c", "side")
    repo.commit({path: second + "- text: A draft.\n"}, "Draft")
    side = repo.commit({path: second + "- text: Of the side.\n"}, "Side")
    repo.git("switch", "-q", "main")
    repo.commit({path: second.replace("rules:\n", "rules:\n- text: Of main.\n")}, "Main")
    assert [one["version"] for one in cli.json("log", "a", "--graph")] == [2, 1]
    cli.ok("merge", "side")
    nodes = cli.json("log", "a", "--graph")
    assert [(one["version"], one["owns_number"], one["parents"]) for one in nodes] == [
        (3, True, [2, 2]),
        (2, False, [1]),
        (2, True, [1]),
        (1, True, []),
    ]
    assert nodes[1]["commit"] == side
    lines = cli.ok("log", "a", "--graph").splitlines()
    assert "|\\" in lines
    assert any("v2 (on a branch: v2 is another text)" in line for line in lines)


def test_one_revision_has_no_candidates_and_a_candidate_that_cannot_be_read_is_passed_over(
    lived: Repo,
) -> None:
    cli = cli_of(lived)
    assert [one["version"] for one in cli.json("log", f"{DESK}@HEAD", "--graph")] == [3, 2, 1]
    lived.git("switch", "-q", "-c", f"promptvc/{DESK}/v9")
    lived.commit({DESK_FILE: "name: [\n"}, "Break it")
    lived.git("switch", "-q", "main")
    assert [one["version"] for one in cli.json("log", DESK, "--graph")] == [4, 3, 2, 1]


def test_a_lifted_hold_is_gone(lived: Repo) -> None:
    cli = cli_of(lived)
    lived.commit({f"deployments/production/holds/{DESK}/v2.yaml": None}, "Lift it")
    assert {one["version"]: one["held"] for one in cli.json("log", DESK, "--graph")}[2] == []


def test_a_shallow_clone_says_that_it_cannot_know(lived: Repo, tmp_path: Path) -> None:
    lived.git("clone", "-q", "--depth", "1", f"file://{lived.path}", str(tmp_path / "shallow"))
    cli = cli_of(lived).at(tmp_path / "shallow")
    assert "git fetch --unshallow" in cli.fails(2, "log", DESK, "--graph")
