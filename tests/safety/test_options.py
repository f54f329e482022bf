"""Names and revisions that look like options of git, and names that a shell would obey."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.safety.canaries import orderly
from tests.worlds import DESK, DESK_FILE, desk_files, desk_suite

OPTIONS = (
    "--output={out}/pwned",
    "-o{out}/pwned",
    "--upload-pack=touch {out}/pwned",
    "--exec=touch {out}/pwned",
    "-c",
    "-ccore.pager=touch {out}/pwned",
    "--help",
    "--all",
    "--git-dir={out}",
    "@{{-1}}",
    "@{{u}}",
    "HEAD@{{1.year.ago}}",
    ":/Start",
    ":0:" + DESK_FILE,
    "HEAD:" + DESK_FILE,
    "main..main",
    "^main",
    "main^{{/Start}}",
    "refs/heads/main\nrefs/heads/x",
    "$(touch {out}/pwned)",
    "`touch {out}/pwned`",
    "; touch {out}/pwned",
    "| touch {out}/pwned",
    "main && touch {out}/pwned",
)


@pytest.fixture
def plain(repo: Repo) -> Repo:
    repo.commit(
        desk_files(**{"evaluation/desk/route.yaml": desk_suite(1), "promptvc.yaml": "main: main\n"}), "Start"
    )
    return repo


@pytest.mark.parametrize("text", OPTIONS)
def test_a_revision_is_never_an_option(plain: Repo, tmp_path: Path, text: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    said = text.format(out=out)
    before = plain.git("for-each-ref"), plain.status()
    cli = cli_of(plain)
    for command in (
        ("show", f"{DESK}@{said}"),
        ("diff", f"{DESK}@{said}", f"{DESK}@v1"),
        ("evaluate", DESK, "--baseline", said),
        ("evaluate", "run", "--changed-since", said),
        ("changelog", DESK, "--since", said),
        ("changelog", DESK, "--until", said),
        ("blame", f"{DESK}@{said}"),
        ("review", f"{DESK}@{said}"),
        ("deploy", "--changed-since", said),
        ("convert", f"{DESK}@{said}", "openai"),
        ("merge", "--", said),
        ("bisect", DESK, "--good", said),
        ("log", "--", said),
        ("forge", "comment", "1", "/dev/null", "--marker", "x", "--remote", said),
        ("deploy", DESK, "--branch", said, "--env", "staging"),
        ("list",),
    ):
        orderly(cli(*command))
        orderly(cli("show", DESK, PROMPTVC_BASE=said))
        assert list(out.iterdir()) == [], command
    assert not (plain.path / "pwned").exists()
    left = [line for line in plain.git("for-each-ref").splitlines() if line not in before[0]]
    assert all("refs/heads/" in line for line in left), left


def test_a_branch_with_an_odd_name_is_a_branch(plain: Repo, tmp_path: Path) -> None:
    """git allows these names, and a fork may use them."""
    witness = tmp_path / "pwned"
    cli = cli_of(plain)
    for name in (
        f"$(touch${{IFS}}{witness})",
        f"`touch${{IFS}}{witness}`",
        f";touch${{IFS}}{witness}",
        "a'b\"c",
        "promptvc/desk/route/v2;x",
        "promptvc/desk/route/v$(id)",
        "promptvc/--upload-pack=x/v2",
        "::error::x",
    ):
        plain.git("update-ref", f"refs/heads/{name}", "main", ok=(0, 1, 128))
        plain.git("switch", "-q", name, ok=(0, 1, 128))
        for command in (
            ("list",),
            ("log", DESK, "--graph"),
            ("pr", DESK, "--branch", name),
            ("merge", name),
            ("show", f"{DESK}@{name}"),
            ("check",),
            ("feedback", "add", DESK, "--comment", "x"),
            ("feedback", "commit"),
            ("train", DESK, "--dry-run"),
        ):
            orderly(cli(*command))
        plain.git("switch", "-q", "main")
    assert not witness.exists()


SHELL = "$(touch {witness}) `touch {witness}`;touch {witness}|touch {witness}&touch {witness}\n"


def test_drivers_of_git_take_hostile_file_names(plain: Repo, tmp_path: Path) -> None:
    """git calls the drivers through a shell, and puts the path into the command."""
    witness = tmp_path / "pwned"
    cli = cli_of(plain)
    cli.ok("git", "install")
    names = [
        f"prompts/$(touch {str(witness).replace('/', '%')}).yaml",
        "prompts/$(touch pwned).yaml",
        "prompts/`touch pwned`.yaml",
        "prompts/a;touch pwned;.yaml",
        "prompts/a' touch pwned '.yaml",
        'prompts/a" touch pwned ".yaml',
        "prompts/--output=pwned.yaml",
        "prompts/a\nb.yaml",
    ]
    text = plain.read(DESK_FILE).decode()
    plain.git("add", "-A")
    plain.git("commit", "-q", "-m", "Drivers")
    plain.commit(dict.fromkeys(names, text))
    plain.git("switch", "-q", "-c", "side")
    plain.commit(dict.fromkeys(names, text + "tags: [a]\n"))
    plain.git("switch", "-q", "main")
    plain.commit({name: text.replace("Route a", "Bring a") for name in names})
    plain.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    plain.git("diff", "HEAD~1")
    plain.git("log", "-p", "-2")
    plain.git("merge", "-q", "--no-edit", "side", ok=(0, 1))
    assert not witness.exists()
    assert not list(plain.path.rglob("pwned*"))


def test_hooks_get_messages_and_paths_as_data(plain: Repo, tmp_path: Path) -> None:
    witness = tmp_path / "pwned"
    hook = plain.path / ".git/hooks/commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ntest -f "$1" || exit 1\ngrep -q . "$1"\n')
    hook.chmod(0o755)
    said = SHELL.format(witness=witness)
    text = plain.read(DESK_FILE).decode()
    plain.write({DESK_FILE: text.replace("Route a", "Bring a")})
    cli = cli_of(plain)
    cli.ok("commit", DESK, "-m", said)
    cli.ok("deploy", DESK, "--reason", said)
    orderly(cli("rollback", DESK, "--reason", said))
    assert not witness.exists()
    assert "touch" in plain.git("log", "--all", "--format=%B")


def test_values_of_the_environment_are_data(plain: Repo, tmp_path: Path) -> None:
    witness = tmp_path / "pwned"
    said = SHELL.format(witness=witness).strip()
    names = (
        "PROMPTVC_MAIN",
        "PROMPTVC_BASE",
        "GITHUB_REF",
        "GITHUB_HEAD_REF",
        "GITHUB_REPOSITORY",
        "GITHUB_ACTOR",
        "CI_COMMIT_REF_NAME",
        "CI_MERGE_REQUEST_IID",
        "PROMPTVC_SPOOL",
        "PAGER",
        "EDITOR",
        "GIT_PAGER",
        "GIT_EDITOR",
        "GIT_EXTERNAL_DIFF",
        "GIT_PROXY_COMMAND",
    )
    cli = cli_of(plain)
    for name in names:
        value = str(tmp_path / said.replace("/", "_")) if name == "PROMPTVC_SPOOL" else said
        for command in (
            ("list",),
            ("diff", f"{DESK}@v1", DESK),
            ("check",),
            ("log", DESK),
            ("evaluate", DESK),
        ):
            orderly(cli(*command, CI="true", **{name: value}))
    assert not witness.exists()


def test_settings_of_git_in_the_checkout_are_not_read(plain: Repo, tmp_path: Path) -> None:
    """A pull request can bring a file that looks like a configuration, a repository or attributes; no program runs."""
    witness = tmp_path / "pwned"
    bare = plain.path / "prompts/bare"
    plain.git("init", "-q", "--bare", str(bare))
    (bare / "config").write_text(
        f'[core]\n\tbare = true\n\tfsmonitor = "touch {witness}"\n\tpager = touch {witness}\n'
    )
    plain.write(
        {
            ".gitconfig": f"[core]\n\tfsmonitor = touch {witness}\n",
            ".gitattributes": f"* diff=evil filter=evil merge=evil\n{DESK_FILE} filter=evil\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {witness}"\n'
            f"\tupdate = !touch {witness}\n",
        }
    )
    plain.git("add", ".gitattributes", ".gitmodules", ".gitconfig")
    plain.git("commit", "-q", "-m", "Bring settings")
    cli = cli_of(plain)
    for command in (
        ("list",),
        ("check",),
        ("log", DESK),
        ("diff", f"{DESK}@v1", DESK),
        ("deploy", DESK),
        ("evaluate", DESK),
    ):
        orderly(cli(*command))
        orderly(cli.at(plain.path / "prompts")(*command))
    assert not witness.exists()
