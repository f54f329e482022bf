"""Git with our drivers installed: merge, rebase, cherry-pick, stash and diff of real repositories."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from promptvc.git.drivers import ATTRIBUTES, settings_for
from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of

MakeRepo = Callable[..., Repo]
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
  - text: Second.
"""


def prompt(version: int, *rules: str, **changes: str) -> str:
    text = PROMPT.replace("version: 1", f"version: {version}")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text + "".join(f"  - text: {rule}\n" for rule in rules)


def installed(repo: Repo, prefix: str = "") -> Cli:
    """A repository with v1 on main, the branch `side` on it, and the drivers."""
    repo.environ["PYTHONPATH"] = str(ROOT)
    repo.commit(
        {f"{prefix}promptvc.yaml": "main: main\n", f"{prefix}{PATH}": PROMPT, ".gitignore": ".promptvc/\n"}
    )
    cli = cli_of(repo).at(repo.path / prefix)
    cli.ok("git", "install")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "attributes")
    repo.git("branch", "side")
    return cli


def two_sides(repo: Repo, ours: str, theirs: str, path: str = PATH) -> None:
    repo.git("checkout", "-q", "side")
    repo.commit({path: theirs}, "theirs")
    repo.git("checkout", "-q", "main")
    repo.commit({path: ours}, "ours")


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("prefix", ["", "sub/", 'it\'s "a" $(touch x) `b`/'])
def test_git_merges_by_items(make_repo: MakeRepo, object_format: str, prefix: str) -> None:
    repo = make_repo(object_format=object_format)
    installed(repo, prefix)
    two_sides(repo, prompt(2, "Ours."), prompt(2, "Theirs."), prefix + PATH)
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.read(prefix + PATH).decode() == prompt(3, "Ours.", "Theirs.")
    assert repo.status() == []
    assert not list(repo.path.rglob("x"))


@pytest.mark.parametrize("way", ["rebase", "cherry-pick", "stash"])
def test_everything_that_merges_does(repo: Repo, way: str) -> None:
    installed(repo)
    two_sides(repo, prompt(2, "Ours."), prompt(2, "Theirs."))
    wanted = ["Ours.", "Theirs."]
    if way == "rebase":
        repo.git("checkout", "-q", "side")
        repo.git("rebase", "-q", "main")
    elif way == "cherry-pick":
        repo.git("cherry-pick", "side")
    else:
        repo.git("checkout", "-q", "--detach", "side~1")
        repo.write({PATH: prompt(1, "Theirs.")})
        repo.git("stash", "-q")
        repo.git("checkout", "-q", "main")
        repo.git("stash", "pop", "-q")
    assert repo.read(PATH).decode() == prompt(3, *wanted)


def test_a_conflict_is_marked_in_valid_yaml_and_refused_until_it_is_resolved(repo: Repo) -> None:
    cli = installed(repo)
    two_sides(repo, prompt(2, Second="Deuxième"), prompt(2, Second="Zweite"))
    repo.git("merge", "-q", "side", ok=(1,))
    assert repo.status() == [f"UU {PATH}"]
    assert cli.json("show", "a/b")["prompt"]["rules"][1]["text"] == "Deuxième."
    rules = {one["rule"] for one in cli.json("check", codes=(1,))["problems"]}
    assert "conflict-markers" in rules
    repo.git("merge", "--abort")
    repo.write({PATH: prompt(2) + "# <<<<<<< rules: both\n# >>>>>>> theirs\n"})
    assert "not resolved" in cli.fails(1, "commit", "a/b", "-m", "x")


def test_a_prompt_added_on_both_sides_and_one_deleted(repo: Repo) -> None:
    installed(repo)
    new = "prompts/new.yaml"
    text = PROMPT.replace("a/b", "new")
    two_sides(repo, text.replace("Second.", "Ours."), text.replace("First.", "Theirs."), new)
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.read(new).decode().count("- text:") == 4
    repo.git("branch", "-f", "side")
    repo.git("checkout", "-q", "side")
    repo.commit({new: None})
    repo.git("checkout", "-q", "main")
    repo.commit({new: repo.read(new).decode().replace("Ours.", "More.")})
    repo.git("merge", "-q", "side", ok=(1,))
    assert repo.status() == [f"UD {new}"]


def test_a_broken_side_is_merged_as_text(repo: Repo) -> None:
    installed(repo)
    two_sides(repo, prompt(2, "Ours."), "not: [yaml\n")
    repo.git("merge", "-q", "side", ok=(1,))
    assert "<<<<<<< ours" in repo.read(PATH).decode()


def test_deployments_are_git_s_own_conflict(repo: Repo) -> None:
    installed(repo)
    copy = "deployments/production/a/b.yaml"
    two_sides(repo, prompt(2, "Ours."), prompt(3, "Theirs."), copy)
    repo.git("merge", "-q", "side", ok=(1,))
    assert repo.status() == [f"AA {copy}"]
    assert repo.read(copy).decode() == prompt(2, "Ours.")


def test_what_a_commit_puts_into_the_tree_is_never_imported(repo: Repo) -> None:
    """Git calls drivers at the top of the working tree: Python must not look for modules there."""
    installed(repo)
    evil = "import pathlib; pathlib.Path('pwned').write_text('x')\n"
    for name in ("yaml.py", "json.py", "promptvc/__init__.py", "promptvc/cli/drivers.py", "sitecustomize.py"):
        repo.commit({name: evil})
    repo.git("branch", "-f", "side")
    two_sides(repo, prompt(2, "Ours."), prompt(2, "Theirs."))
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.read(PATH).decode() == prompt(3, "Ours.", "Theirs.")
    repo.git("diff", "HEAD~1")
    assert not (repo.path / "pwned").exists()


def test_diff_and_log_read_by_items(repo: Repo) -> None:
    installed(repo)
    repo.commit({PATH: prompt(2, "'Third: with a colon.'").replace("First.", "'First, \\e[31m'")})
    told = repo.git("diff", "HEAD~1", "--", PATH)
    lines = [line for line in told.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert lines == [
        "-version: 1",
        "+version: 2",
        "-rule: First.",
        '+rule: "First, \\\\e[31m"',
        '+rule: "Third: with a colon."',
    ]
    assert "+rule: " in repo.git("log", "-p", "-1")
    assert "rule: Second." in repo.git("show", "-U5", "HEAD")


def test_a_change_of_quotes_alone_is_no_difference_and_comments_are_seen(repo: Repo) -> None:
    installed(repo)
    repo.commit({PATH: PROMPT.replace("First.", "'First.'")})
    assert "\n+" not in repo.git("diff", "HEAD~1", "--", PATH).replace("+++", "")
    repo.commit({PATH: PROMPT.replace("rules:", "# why\nrules:")})
    assert "\n+# why" in repo.git("diff", "HEAD~1", "--", PATH)


def test_what_is_no_prompt_is_shown_as_it_is(repo: Repo) -> None:
    installed(repo)
    repo.commit({PATH: "not: [yaml\n"})
    assert "+not: [yaml" in repo.git("diff", "HEAD~1", "--", PATH)


def test_a_terminal_gets_no_orders_from_a_prompt(repo: Repo) -> None:
    installed(repo)
    body = PROMPT.replace('"{{ m }}"', '"a\\e]0;b\\a\\nc\\u202ed {{ m }}"').replace("First.", '"\\e[31mred"')
    repo.commit({PATH: body})
    told = repo.git("diff", "HEAD~1", "--", PATH)
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "  c\\u{202e}d {{ m }}" in told


def test_installing_twice_changes_nothing_and_uninstalling_leaves_nothing(repo: Repo) -> None:
    repo.commit({"promptvc.yaml": "main: main\n", PATH: PROMPT, ".gitattributes": "*.png binary"})
    config = (repo.path / ".git/config").read_bytes()
    cli = cli_of(repo)
    first = cli.json("git", "install")
    assert len(first["settings"]) == len(settings_for(sys.executable, 1))
    assert first["files"] == [".gitattributes"]
    assert cli.json("git", "install") == {"settings": [], "files": [], "by_lines": []}
    assert repo.git(
        "check-attr", "merge", "diff", "--", PATH, "prompts/top.yaml", "prompts/x.txt"
    ).splitlines() == [
        f"{PATH}: merge: promptvc",
        f"{PATH}: diff: promptvc",
        "prompts/top.yaml: merge: promptvc",
        "prompts/top.yaml: diff: promptvc",
        "prompts/x.txt: merge: unspecified",
        "prompts/x.txt: diff: unspecified",
    ]
    copies = ("deployments/e/a/b.yaml", "deployments/e/environment.yaml")
    assert repo.git("check-attr", "merge", "--", *copies).splitlines() == [
        f"{copies[0]}: merge: binary",
        f"{copies[1]}: merge: set",
    ]
    repo.git("config", "--local", "diff.promptvc.textconv", "old -m promptvc.cli.drivers textconv 0")
    assert cli.json("git", "install")["settings"] == ["diff.promptvc.textconv"]
    cli.ok("git", "uninstall")
    assert repo.read(".gitattributes") == b"*.png binary\n"
    assert b"promptvc" not in (repo.path / ".git/config").read_bytes().replace(config, b"")
    assert cli.json("git", "uninstall") == {"settings": [], "files": [], "by_lines": []}


def test_drivers_of_somebody_else_are_left_alone(repo: Repo) -> None:
    repo.commit({"promptvc.yaml": "main: main\n", PATH: PROMPT})
    cli = cli_of(repo)
    repo.git("config", "merge.promptvc.driver", "theirs %A")
    for command in ("install", "uninstall"):
        assert "theirs %A" in cli.fails(1, "git", command)
    assert repo.git("config", "merge.promptvc.driver") == "theirs %A"
    assert not (repo.path / ".gitattributes").exists()
    cli.ok("git", "install", "--force")
    assert "promptvc.cli.drivers" in repo.git("config", "merge.promptvc.driver")


def test_the_interpreter_may_stand_in_any_folder(repo: Repo, tmp_path: Path) -> None:
    odd = tmp_path / "it's a $HOME; folder" / "python"
    odd.parent.mkdir()
    odd.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    odd.chmod(0o755)
    installed(repo)
    for one in settings_for(str(odd), 1):
        repo.git("config", "--local", one.key, one.value)
    two_sides(repo, prompt(2, "Ours."), prompt(2, "Theirs."))
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.read(PATH).decode() == prompt(3, "Ours.", "Theirs.")
    assert "+rule: Theirs." in repo.git("diff", "HEAD~1", "--", PATH)


def test_a_clone_without_the_drivers_merges_lines(repo: Repo) -> None:
    repo.commit(
        {"promptvc.yaml": "main: main\n", PATH: PROMPT, ".gitattributes": "\n".join(ATTRIBUTES) + "\n"}
    )
    repo.git("branch", "side")
    two_sides(repo, prompt(2, "Ours."), prompt(2, First="Erste"))
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.read(PATH).decode() == prompt(2, "Ours.", First="Erste")


def test_a_failure_leaves_ours_as_it_was(repo: Repo, tmp_path: Path) -> None:
    cli = cli_of(repo).at(tmp_path)
    (tmp_path / "ours").write_text(PROMPT)
    (tmp_path / "base").write_text("")
    from_git = ["-P", "-m", "promptvc.cli.drivers", "merge-driver", "base", "ours", "gone", "7", PATH]
    environ = {**repo.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, *from_git], cwd=tmp_path, env=environ, capture_output=True, check=False
    )
    assert (done.returncode, (tmp_path / "ours").read_text()) == (129, PROMPT)
    assert done.stderr.decode().count("\n") == 1
    (tmp_path / "theirs").write_text(PROMPT.replace("Second.", "Zweite."))
    told = cli("git", "merge-driver", "base", "ours", "theirs", "7", PATH)
    assert told.code == 0, told
    assert "rule: Zweite." in cli.ok("git", "textconv", "ours")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["base", "ours", "theirs"]


def test_a_driver_imports_nothing_heavy(tmp_path: Path) -> None:

    (tmp_path / "p.yaml").write_text(PROMPT)
    code = (
        "import sys; from promptvc.cli.drivers import main; main(['textconv', '1', 'p.yaml']); "
        "heavy = {'click', 'jsonschema', 'git', 'deepdiff', 'sqlite3', 'asyncio', 'subprocess', 'langchain'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    environ = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_files_of_github_s_format_stay_by_lines_and_it_says_so(repo: Repo) -> None:
    text = "messages:\n  - {role: user, content: hi}\n"
    repo.commit({"a.prompt.yml": text, "prompts/b.prompt.yml": text}, "Start")
    cli = cli_of(repo)
    done = cli("git", "install")
    assert "prompts/**/*.yaml by items" in done.out
    assert "2 .prompt.yml files beside them: git goes on by lines there" in done.err
    assert sorted(cli.json("git", "install")["by_lines"]) == ["a.prompt.yml", "prompts/b.prompt.yml"]
