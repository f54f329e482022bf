"""`merge BRANCH`, in real repositories: what becomes of prompts, numbers, other files and the user's own work."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of

MakeRepo = Callable[..., Repo]
NAME = "a/b"
PATH = "prompts/a/b.yaml"
PROMPT = """\
name: a/b
version: 1
model: offline
messages:
  - role: user
    content: "{{ m }}"
variables: {m: {required: true}}
rules:
  - text: First.
  # of the second
  - text: Second.
"""


def prompt(version: int, *rules: str, **changes: str) -> str:
    text = PROMPT.replace("version: 1", f"version: {version}")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text + "".join(f"  - text: {rule}\n" for rule in rules)


def started(repo: Repo, prefix: str = "") -> Cli:
    """A repository with v1 on main, and the branch `side` on it."""
    repo.commit(
        {
            f"{prefix}promptvc.yaml": "main: main\n",
            f"{prefix}{PATH}": PROMPT,
            f"{prefix}.gitignore": ".promptvc/\n",
            "notes.txt": "one\n",
        },
        "Start",
    )
    repo.git("branch", "side")
    return cli_of(repo).at(repo.path / prefix)


def on_side(repo: Repo, files: dict[str, str | None], message: str = "side") -> None:
    repo.git("checkout", "-q", "side")
    repo.commit(files, message)
    repo.git("checkout", "-q", "main")


@pytest.fixture(params=["sha1", "sha256"])
def any_repo(request: pytest.FixtureRequest, make_repo: MakeRepo) -> Repo:
    return make_repo(object_format=request.param)


@pytest.mark.parametrize("prefix", ["", "sub folder/it's [one]/"])
def test_two_branches_that_took_the_same_number_get_one_together(any_repo: Repo, prefix: str) -> None:
    repo = any_repo
    cli = started(repo, prefix)
    on_side(repo, {prefix + PATH: prompt(2, "Theirs."), "theirs.txt": "t\n"})
    repo.commit({prefix + PATH: prompt(2, "Ours.")})
    done = cli.json("merge", "side")
    assert done["prompts"] == [{"name": NAME, "result": "renumbered", "version": 3}]
    assert (done["branch"], done["into"], done["conflicts"]) == ("side", "main", [])
    assert done["commit"] == repo.rev("main")
    assert repo.git("rev-list", "--parents", "-1", "main").split() == [
        repo.rev("main"),
        repo.rev("main^1"),
        repo.rev("side"),
    ]
    assert repo.show(f"main:{prefix}{PATH}").decode() == prompt(3, "Ours.", "Theirs.")
    assert repo.read(prefix + PATH).decode() == prompt(3, "Ours.", "Theirs.")
    assert repo.status() == []
    assert cli.json("check", codes=(0, 1))["problems"] == []
    repo.git("fsck", "--strict")


def test_git_merges_the_identical_line_and_check_refuses_the_number(repo: Repo) -> None:
    """Without promptvc: two contents with the number 2, and no conflict for git."""
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, First="Erste")})
    repo.commit({PATH: prompt(2, "Ours.")})
    repo.git("merge", "-q", "--no-edit", "side")
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert (problem["rule"], problem["file"]) == ("version-reuse", PATH)


def test_a_number_that_main_has_taken_is_not_taken_again(repo: Repo) -> None:
    """Ours took v2 and went back to v1: git sees a file that only they changed."""
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, "Theirs.")})
    repo.commit({PATH: prompt(2, "Ours.")})
    repo.commit({PATH: PROMPT}, "Go back")
    done = cli.json("merge", "side")
    assert done["prompts"] == [{"name": NAME, "result": "renumbered", "version": 3}]
    assert repo.read(PATH).decode() == prompt(3, "Theirs.")
    assert cli.json("check", codes=(0, 1))["problems"] == []


def test_what_only_they_changed_keeps_its_number_and_bytes(repo: Repo) -> None:
    cli = started(repo)
    on_side(
        repo,
        {PATH: prompt(2, "Theirs."), "prompts/new.yaml": PROMPT.replace("a/b", "new"), "notes.txt": None},
    )
    repo.commit({"other.txt": "o\n"})
    done = cli.json("merge", "side", "-m", "Bring it\n\nBecause.")
    assert [(one["name"], one["result"], one["version"]) for one in done["prompts"]] == [
        ("a/b", "theirs", 2),
        ("new", "theirs", 1),
    ]
    assert repo.read(PATH).decode() == prompt(2, "Theirs.")
    assert not (repo.path / "notes.txt").exists()
    assert repo.git("log", "-1", "--format=%B").strip() == "Bring it\n\nBecause."
    again = cli.json("merge", "side")
    assert (again["commit"], again["prompts"]) == (repo.rev("main"), [])


def test_conflicts_touch_nothing_and_are_named(repo: Repo) -> None:
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, Second="Zweite"), "notes.txt": "theirs\n"})
    repo.commit({PATH: prompt(2, Second="Deuxième"), "notes.txt": "ours\n"})
    before = repo.rev("main")
    repo.write({"mine.txt": "untracked\n"})
    done = cli.json("merge", "side", codes=(1,))
    assert done["commit"] is None
    assert [(one["file"], one["path"], one["ours"], one["theirs"]) for one in done["conflicts"]] == [
        ("notes.txt", "the file", None, None),
        (PATH, "rules[1].text", "Deuxième.", "Zweite."),
    ]
    assert (repo.rev("main"), repo.status()) == (before, ["?? mine.txt"])
    assert not (repo.path / ".git/MERGE_HEAD").exists()

    told = cli("merge", "side", "--conflicts")
    assert told.code == 1
    assert (repo.path / ".git/MERGE_HEAD").read_text().strip() == repo.rev("side")
    assert {"AA", "UU"} >= {line[:2] for line in repo.status() if line.endswith((".yaml", "notes.txt"))}
    text = repo.read(PATH).decode()
    assert "# <<<<<<< rules[1].text" in text
    assert "#   Zweite." in text
    assert "in progress" in cli.fails(3, "merge", "side")


def test_a_file_in_the_way_is_refused_and_kept(repo: Repo) -> None:
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, "Theirs."), "theirs.txt": "t\n"})
    repo.commit({"o.txt": "o\n"})
    before = repo.rev("main")
    for path, text, way in (
        (PATH, PROMPT + "# my edit\n", None),
        ("theirs.txt", "untracked of mine\n", None),
        (PATH, PROMPT + "# my edit\n", "add"),
    ):
        repo.write({path: text})
        if way:
            repo.git("add", path)
        assert path in cli.fails(1, "merge", "side")
        assert repo.read(path).decode() == text
        assert repo.rev("main") == before
        repo.git("reset", "-q", "--hard")
        repo.git("clean", "-fdq")


def test_other_work_in_the_tree_is_left_alone(repo: Repo) -> None:
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, "Theirs.")})
    repo.commit({"o.txt": "o\n", "p.txt": "p\n"})
    repo.write({"o.txt": "edited\n", "p.txt": "staged\n", "q.txt": "new\n"})
    repo.git("add", "p.txt")
    cli.ok("merge", "side")
    assert repo.status() == [" M o.txt", "?? q.txt", "M  p.txt"]


def test_deployments_are_never_mixed(repo: Repo) -> None:
    cli = started(repo)
    copy = "deployments/production/a/b.yaml"
    rules = "deployments/production/environment.yaml"
    repo.commit({copy: PROMPT, rules: "a: 1\nb: 1\nc: 1\nd: 1\n"})
    repo.git("branch", "-f", "side")
    on_side(repo, {copy: prompt(2, First="Theirs"), rules: "a: 2\nb: 1\nc: 1\nd: 1\n"})
    repo.commit({copy: prompt(3, "Ours."), rules: "a: 1\nb: 1\nc: 1\nd: 2\n"})
    done = cli.json("merge", "side", codes=(1,))
    assert [one["file"] for one in done["conflicts"]] == [copy]
    cli("merge", "side", "--conflicts")
    assert repo.read(copy).decode() == prompt(3, "Ours.")


def test_two_new_prompts_of_one_name_and_one_that_they_deleted(repo: Repo) -> None:
    cli = started(repo)
    new = PROMPT.replace("a/b", "new")
    on_side(repo, {PATH: None, "prompts/new.yaml": new.replace("First.", "Theirs.")})
    repo.commit({"prompts/new.yaml": new.replace("Second.", "Ours.")})
    done = cli.json("merge", "side")
    assert [(one["name"], one["result"], one["version"]) for one in done["prompts"]] == [
        ("a/b", "removed", None),
        ("new", "renumbered", 2),
    ]
    assert not (repo.path / PATH).exists()
    texts = repo.read("prompts/new.yaml").decode()
    assert all(f"text: {rule}" in texts for rule in ("First.", "Theirs.", "Second.", "Ours."))


def test_edited_here_and_deleted_there_is_a_conflict(repo: Repo) -> None:
    cli = started(repo)
    on_side(repo, {PATH: None})
    repo.commit({PATH: prompt(2, "Ours.")})
    (one,) = cli.json("merge", "side", codes=(1,))["conflicts"]
    assert (one["file"], one["reason"]) == (PATH, "we changed what they removed")


def test_a_prompt_that_they_renamed_is_merged_under_its_new_name(repo: Repo) -> None:
    cli = started(repo)
    moved = prompt(2, **{"name: a/b": "name: c/d"})
    on_side(repo, {PATH: None, "prompts/c/d.yaml": moved})
    repo.commit({PATH: prompt(2, "Ours.")})
    done = cli.json("merge", "side")
    assert {"name": "c/d", "result": "renumbered", "version": 3} in done["prompts"]
    assert repo.read("prompts/c/d.yaml").decode() == prompt(3, "Ours.", **{"name: a/b": "name: c/d"})
    assert not (repo.path / PATH).exists()
    assert cli.json("check", codes=(0, 1))["problems"] == []


@pytest.mark.parametrize("case", ["criss", "recursive"])
def test_several_merge_bases_settle_nothing_by_themselves(repo: Repo, case: str) -> None:
    """Both took the other's text once, and went on: what both began from has two answers."""
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, First="Theirs")})
    repo.commit({PATH: prompt(3, First="Ours")})
    ours, theirs = repo.rev("main"), repo.rev("side")
    tree_ours, tree_theirs = repo.rev("main^{tree}"), repo.rev("side^{tree}")
    left = repo.git("commit-tree", tree_ours, "-p", ours, "-p", theirs, "-m", "keep ours")
    right = repo.git("commit-tree", tree_theirs, "-p", theirs, "-p", ours, "-m", "keep theirs")
    repo.git("update-ref", "refs/heads/side", right)
    repo.git("reset", "-q", "--hard", left)
    if case == "recursive":
        repo.commit({PATH: prompt(4, "More.", First="Ours")})
    done = cli.json("merge", "side", codes=(1,))
    assert [one["path"] for one in done["conflicts"]] == ["rules[0].text"]


def test_what_cannot_be_merged_into_is_said(repo: Repo, make_repo: MakeRepo, tmp_path: Path) -> None:
    cli = started(repo)
    assert "did you mean side?" in cli.fails(2, "merge", "sidee")
    repo.git("checkout", "-q", "--detach")
    assert "detached" in cli.fails(2, "merge", "side")
    repo.git("checkout", "-q", "--orphan", "alone")
    assert "nothing is committed" in cli.fails(2, "merge", "side")
    repo.commit({"x": "y"})
    assert "no history in common" in cli.fails(2, "merge", "side")
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.path), str(bare)], check=True, env=repo.environ)
    assert "bare" in cli.at(bare).fails(2, "merge", "side")


def test_links_of_a_branch_are_left_to_git(repo: Repo) -> None:
    cli = started(repo)
    repo.git("checkout", "-q", "side")
    (repo.path / "prompts/evil.yaml").symlink_to("/etc/passwd")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "link")
    repo.git("checkout", "-q", "main")
    repo.commit({"o.txt": "o\n"})
    assert "prompts/evil.yaml" in cli.fails(1, "merge", "side")


def test_the_users_own_attributes_and_those_of_the_repository_hold(repo: Repo) -> None:
    cli = started(repo)
    home = Path(repo.environ["XDG_CONFIG_HOME"]) / "git"
    home.mkdir(parents=True, exist_ok=True)
    (home / "attributes").write_text("notes.txt merge=union\n")
    try:
        on_side(repo, {"notes.txt": "theirs\n"})
        repo.commit({"notes.txt": "ours\n"})
        cli.ok("merge", "side")
        assert set(repo.read("notes.txt").decode().split()) == {"ours", "theirs"}
    finally:
        (home / "attributes").unlink()


def test_a_hook_may_refuse(repo: Repo) -> None:
    cli = started(repo)
    on_side(repo, {PATH: prompt(2, "Theirs.")})
    repo.commit({"o.txt": "o\n"})
    hook = repo.path / ".git/hooks/commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = repo.rev("main")
    cli.fails(3, "merge", "side")
    assert (repo.rev("main"), repo.status()) == (before, [])
    done: Any = cli.json("merge", "side", "--no-verify")
    assert done["commit"] == repo.rev("main")


def test_a_branch_whose_files_are_all_here_is_merged_all_the_same(repo: Repo) -> None:
    """Or the next merge would begin from before it, and what both had would be lost by what either takes out."""
    cli = started(repo)
    both = prompt(2, "Of both.")
    on_side(repo, {PATH: both})
    repo.commit({PATH: both}, "The same here")
    done = cli.json("merge", "side")
    assert repo.git("rev-list", "--parents", "-1", "main").split()[1:] == [
        repo.rev("main^1"),
        repo.rev("side"),
    ]
    assert done["commit"] == repo.rev("main")
    assert repo.git("diff", "--stat", "main^1", "main") == ""
    assert repo.status() == []
    assert "has all of side already" in cli.ok("merge", "side")

    on_side(repo, {PATH: prompt(3)}, "Take it out")
    repo.commit({PATH: prompt(3, "Of both.", Second="Zweite")})
    cli.ok("merge", "side")
    assert "Of both." not in repo.read(PATH).decode()


def test_a_deployment_of_a_version_that_has_another_number_here_is_not_brought(repo: Repo) -> None:
    cli = started(repo)
    copy = "deployments/production/a/b.yaml"
    other = "deployments/staging/a/b.yaml"
    theirs = prompt(2, First="Theirs")
    on_side(repo, {PATH: theirs, copy: theirs, other: PROMPT})
    repo.commit({PATH: prompt(2, "Ours.")})
    done = cli.json("merge", "side")
    assert done["prompts"] == [{"name": NAME, "result": "renumbered", "version": 3}]
    (remark,) = [one for one in done["remarks"] if copy in one]
    assert f"promptvc deploy {NAME}@v3 --env production" in remark
    assert not (repo.path / copy).exists()
    assert repo.read(other).decode() == PROMPT
    assert cli.json("check", codes=(0, 1))["problems"] == []
    cli.ok("deploy", f"{NAME}@v3", "--env", "production")
    assert "Theirs." in repo.read(copy).decode()


def test_what_runs_here_stays_where_the_branch_deployed_a_number_that_is_another_text(repo: Repo) -> None:
    cli = started(repo)
    copy = "deployments/production/a/b.yaml"
    repo.commit({copy: PROMPT})
    repo.git("branch", "-f", "side")
    theirs = prompt(2, First="Theirs")
    on_side(repo, {PATH: theirs, copy: theirs})
    repo.commit({PATH: prompt(2, "Ours.")})
    cli.ok("merge", "side")
    assert repo.read(copy).decode() == PROMPT
    assert cli.json("check", codes=(0, 1))["problems"] == []


def test_what_git_alone_brings_is_found_and_the_other_text_is_not_offered(repo: Repo) -> None:
    cli = started(repo)
    copy = "deployments/production/a/b.yaml"
    theirs = prompt(2, First="Theirs")
    on_side(repo, {PATH: theirs, copy: theirs})
    repo.commit({PATH: prompt(2, "Ours.")})
    repo.git("merge", "-q", "--no-commit", "side", ok=(0, 1))
    repo.commit({PATH: prompt(3, "Ours.", First="Theirs")}, "Merge")
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert (problem["rule"], problem["file"]) == ("deployment", copy)
    assert "deploy a/b@v2" not in problem["hint"]
    assert "promptvc log a/b --graph" in problem["hint"]


def test_of_many_prompts_there_is_one_remark(repo: Repo) -> None:
    cli = started(repo)
    names = [f"many/p{at}" for at in range(8)]

    def files(version: int, *rules: str) -> dict[str, str | None]:
        return {f"prompts/{name}.yaml": prompt(version, *rules).replace("a/b", name) for name in names}

    repo.commit(files(1))
    repo.git("branch", "-f", "side")
    on_side(repo, files(2, "Theirs."))
    repo.commit(files(2, "Ours."))
    (remark,) = cli.json("merge", "side")["remarks"]
    assert remark.startswith("8 prompts are texts of their own now: many/p0 v3, many/p1 v3")
    assert "and 3 more" in remark
