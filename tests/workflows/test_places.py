"""Odd places to run in: no repository, nothing committed, bare, sha256, sub-folders, submodules, worktrees, merges."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, copy_of, desk_files, desk_rows

Command = tuple[str, ...]

READING: tuple[Command, ...] = (
    ("list",),
    ("show", DESK),
    ("log", DESK),
    ("diff", DESK),
    ("check",),
    ("status",),
    ("feedback", "list", DESK),
    ("feedback", "summary"),
    ("train", DESK, "--history"),
    ("evaluate", DESK),
)
WRITING: tuple[Command, ...] = (
    ("commit", DESK, "-m", "x"),
    ("deploy", DESK),
    ("rollback", DESK, "--reason", "x"),
    ("feedback", "add", DESK, "--stars", "5"),
    ("train", DESK),
    ("new", "desk/fresh"),
    ("export", "out"),
)


def commands(*each: Command) -> tuple[Command, ...]:
    """The commands, as one type whatever their length."""
    return each


def the_whole_loop(cli: Cli, repo: Repo, rows: Path) -> None:
    """Feedback, training, merge, deployment and rollback, wherever ``cli`` runs."""
    rows.write_text(desk_rows())
    cli.ok("deploy", DESK)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    assert cli.json("train", DESK)["promoted"]
    repo.git("merge", "-q", f"promptvc/{DESK}/v2")
    assert cli.json("deploy", DESK)["version"] == 2
    assert cli.json("rollback", DESK, "--reason", "x")["version"] == 1
    assert [entry["version"] for entry in cli.json("log", DESK)] == [2, 1]
    assert cli.json("check")["problems"] == []
    assert repo.git("fsck", "--strict") == ""


def test_no_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "plain").mkdir()
    cli = Cli(tmp_path / "plain", environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)})
    for arguments in (*READING, *WRITING, ("init",)):
        said = cli.fails(2, *arguments)
        assert str(tmp_path / "plain") in said
        assert "git init" in said


def test_no_prompts_in_it(repo: Repo) -> None:
    for arguments in (*READING, *WRITING):
        assert "promptvc init" in cli_of(repo).fails(2, *arguments)


def test_nothing_committed_yet(repo: Repo) -> None:
    repo.write(desk_files())
    cli = cli_of(repo)
    assert cli.json("list")[0]["version"] == 1
    assert cli.json("log", DESK) == []
    assert cli.json("check")["problems"] == []
    assert cli.json("status") == []
    assert cli.json("feedback", "list", DESK) == []
    assert cli.json("evaluate", DESK, codes=(1,))["cases"] == 45
    for arguments in commands(
        ("deploy", DESK),
        ("train", DESK),
        ("rollback", DESK, "--reason", "x"),
        ("export", "out"),
    ):
        assert "nothing is committed on main" in cli.fails(2, *arguments)
    assert "not committed yet" in cli.fails(2, "diff", DESK)
    cli.ok("feedback", "add", DESK, "--stars", "5")
    assert cli.json("feedback", "commit")["branch"] == "main"
    assert cli.json("commit", DESK, "-m", "First")["version"] == 1
    assert repo.git("rev-list", "--count", "main") == "2"
    assert cli.json("deploy", DESK)["version"] == 1


def test_a_sha256_repository(make_repo: Callable[..., Repo], tmp_path: Path) -> None:
    repo = make_repo("wide", object_format="sha256")
    repo.commit(desk_files())
    cli = cli_of(repo)
    the_whole_loop(cli, repo, tmp_path / "rows.jsonl")
    assert len(cli.json("list")[0]["digest"]) == 64


def test_a_prompt_root_in_a_sub_folder(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"README": "mine", **{f"team/ai/{path}": text for path, text in desk_files().items()}})
    cli = cli_of(repo).at(repo.path / "team/ai")
    the_whole_loop(cli, repo, tmp_path / "rows.jsonl")
    assert repo.git("ls-tree", "--name-only", "HEAD").splitlines() == ["README", "team"]
    assert repo.git("ls-tree", "--name-only", "promptvc/ledger") == "team"
    below = cli.at(repo.path / "team/ai/prompts/desk")
    assert below.json("list") == cli.json("list")
    assert "init" in cli_of(repo).fails(2, "list")


def test_a_submodule(make_repo: Callable[..., Repo], desk: Repo, tmp_path: Path) -> None:
    outer = make_repo("outer")
    outer.commit({"a": "b"})
    outer.git("submodule", "add", "-q", str(desk.path), "ai")
    outer.git("commit", "-q", "-m", "Add it")
    inner = Repo(outer.path / "ai", desk.environ)
    before = outer.rev("HEAD")
    cli = cli_of(inner)
    the_whole_loop(cli, inner, tmp_path / "rows.jsonl")
    assert outer.rev("HEAD") == before
    assert outer.status() == [" M ai"]


def test_a_linked_worktree(shipped: Repo, tmp_path: Path) -> None:
    shipped.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", shipped.environ)
    here, there = cli_of(shipped), cli_of(linked)
    there.ok("feedback", "add", DESK, "--stars", "5")
    assert len(here.json("feedback", "list", DESK, "--spooled")) == 61
    assert there.json("feedback", "commit")["branch"] == "side"
    assert there.json("deploy", f"{DESK}@v1", "--branch", "main")["branch"] == "main"
    assert shipped.read(f"deployments/production/{DESK}.yaml").decode() == DESK_PROMPT
    assert shipped.status() == linked.status() == []


def test_a_bare_repository(shipped: Repo, tmp_path: Path) -> None:
    shipped.git("clone", "-q", "--bare", str(shipped.path), str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git", shipped.environ)
    cli = cli_of(bare)
    for arguments in READING:
        assert cli(*arguments).code == 0, arguments
    assert cli.json("deploy", f"{DESK}@v1")["version"] == 1
    cli.ok("feedback", "add", DESK, "--stars", "5")
    assert cli.json("feedback", "commit")["events"] == 1
    assert cli.json("train", DESK)["baseline"] == 2
    for arguments in commands(("commit", DESK, "-m", "x"), ("new", "fresh"), ("init",)):
        assert "bare" in cli.fails(2, *arguments)
    assert not (bare.path / "prompts").exists()
    assert bare.git("fsck", "--strict") == ""


def test_a_detached_head(shipped: Repo) -> None:
    shipped.git("checkout", "-q", "--detach")
    cli = cli_of(shipped)
    for arguments in READING:
        assert cli(*arguments).code == 0, arguments
    for arguments in commands(("deploy", DESK), ("train", DESK), ("rollback", DESK, "--reason", "x")):
        said = cli.fails(2, *arguments)
        assert "detached" in said
        assert "main: NAME" in said
    cli.ok("feedback", "add", DESK, "--stars", "5")
    assert "to the detached HEAD" in cli.ok("feedback", "commit")
    shipped.commit({"promptvc.yaml": "main: main\n"})
    done = cli.json("deploy", f"{DESK}@v1")
    assert (done["branch"], done["commit"]) == (None, shipped.rev("HEAD"))
    assert cli.json("deploy", f"{DESK}@v1", "--branch", "main")["branch"] == "main"


def test_a_merge_in_progress(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.git("checkout", "-q", "-b", "side")
    shipped.commit({DESK_FILE: shipped.read(DESK_FILE).replace(b"version: 2", b"version: 3")})
    shipped.git("checkout", "-q", "main")
    shipped.commit({DESK_FILE: shipped.read(DESK_FILE).replace(b"version: 2", b"version: 4")})
    shipped.git("merge", "side", ok=(1,))
    status, refs = shipped.status(), shipped.git("for-each-ref")
    cli.ok("feedback", "add", DESK + "@v1", "--stars", "5")
    for arguments in commands(
        ("deploy", f"{DESK}@v1"), ("feedback", "commit"), ("rollback", DESK, "--reason", "x")
    ):
        said = cli.fails(3, *arguments)
        assert "a merge is in progress" in said
        assert "--abort" in said
    assert "prompts/desk/route.yaml:" in cli.fails(2, "show", DESK)
    assert cli("list").code == cli("log", DESK).code == cli("status").code == 0
    assert (shipped.status(), shipped.git("for-each-ref")) == (status, refs)
    assert cli.json("train", DESK, "--dry-run")["baseline"] == 4
    shipped.git("merge", "--abort")
    assert cli.json("feedback", "commit")["events"] == 1


def test_dirty_and_staged_work_is_kept_by_every_command(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.write({"a": "1", "b": "1", "promptvc.yaml": "main: main\n", "evaluation/desk/route.yaml": None})
    shipped.git("add", "a", "promptvc.yaml")
    shipped.write({"a": "2"})
    status, staged = shipped.status(), shipped.git("diff", "--cached")
    for arguments in commands(
        ("deploy", f"{DESK}@v1"),
        ("rollback", DESK, "--to", "v2", "--reason", "x"),
        ("feedback", "add", DESK, "--stars", "5"),
        ("feedback", "commit"),
        ("train", DESK, "--max-examples", "3"),
    ):
        assert cli(*arguments).code == 0, arguments
        assert (shipped.status(), shipped.git("diff", "--cached")) == (status, staged), arguments


def test_odd_files_among_the_prompts_spoil_nothing(desk: Repo) -> None:
    folder = desk.path / "prompts/desk"
    (folder / "broken.yaml").symlink_to("nowhere")
    (folder / "folder.yaml").mkdir()
    (desk.path / "prompts/loop").symlink_to(".")
    desk.write({"prompts/desk/od\udcff.yaml": "x: 1\n", "prompts/desk/notes.txt": "hello"})
    cli = cli_of(desk)
    assert DESK in {one["name"] for one in cli.json("list")}
    assert "\\udcff" in cli.ok("list")
    for arguments in commands(
        ("show", "desk/broken"), ("show", "desk/folder"), ("commit", "desk/broken", "-m", "x")
    ):
        assert "there is no prompt" in cli.fails(2, *arguments)
    assert {one["rule"] for one in cli.json("check", codes=(1,))["problems"]} == {"link", "name", "prompt"}
    assert cli.json("deploy", DESK)["version"] == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name: desk/route\nversion: 1\nname: desk/route\n", ":3: the key 'name' appears twice"),
        (b"name: desk/route\nversion: 1\n\tx: 1\n", ":3: "),
        (b"name: desk/route\nversion: 1\nmessages: [{role: user, content: 'caf\xe9'}]\n", ":3: not UTF-8"),
        (b"name: desk/route\nversion: 1\nmessages: 7\n", ":3: `messages`"),
        (b"- 1\n", ":1: "),
        (b"", ":1: "),
        (b"\x00\x01", ":1: "),
        (b"[" * 100_000, ":1: "),
        (
            b"name: desk/route\nversion: 1\na: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (at + 1, at + 1, b",".join([b"*%c" % at] * 9)) for at in b"abcdef"),
            "aliases written out",
        ),
    ],
)  # fmt: skip
def test_documents_that_are_none(desk: Repo, data: bytes, words: str) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: data})
    for arguments in commands(("show", DESK), ("commit", DESK, "-m", "x"), ("diff", DESK)):
        said = cli.fails(2, *arguments)
        assert said.startswith(f"error: {DESK_FILE}:")
    assert words in cli.fails(2, "show", DESK, "--var", "question=x")
    assert cli.json("check", codes=(1,))["problems"][0]["file"] == DESK_FILE
    assert cli("list").code == 0
    assert cli.json("train", DESK, "--dry-run")["baseline"] == 1


def test_a_prompt_of_ten_megabytes(desk: Repo) -> None:
    text = "".join(f"      line {at} of very many words\n" for at in range(330_000))
    body = DESK_PROMPT.replace("name: desk/route", "name: desk/big").replace(
        '"{{ question }}"', f"|\n      {{{{ question }}}}\n{text}"
    )
    assert len(body) > 10_000_000
    desk.write({"prompts/desk/big.yaml": body})
    cli = cli_of(desk)
    assert cli.json("commit", "desk/big", "-m", "Big")["version"] == 1
    assert cli.ok("show", "desk/big") == body
    assert cli.json("deploy", "desk/big")["version"] == 1
    assert cli.json("diff", "desk/big")["changes"] == []


@pytest.fixture
def read_only(shipped: Repo, tmp_path: Path) -> Iterator[Repo]:
    """The desk through a read-only mount."""
    place = tmp_path / "read-only"
    place.mkdir()
    if not _mounted("--bind", str(shipped.path), str(place)):
        pytest.skip("this machine lets nobody mount")
    try:
        assert _mounted("-o", "remount,ro,bind", str(place))
        yield Repo(place, shipped.environ)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def full(shipped: Repo, tmp_path: Path) -> Iterator[Repo]:
    """The desk on a disk that has no byte left; ``filling`` is the file to delete."""
    place = tmp_path / "full"
    place.mkdir()
    if not _mounted("-t", "tmpfs", "-o", "size=3m", "none", str(place)):
        pytest.skip("this machine lets nobody mount")
    try:
        yield copy_of(shipped, place / "desk")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _mounted(*arguments: str) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def _fill(place: Path) -> Path:
    filling = place / "filling"
    with filling.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filling


def test_a_read_only_disk(read_only: Repo, shipped: Repo, tmp_path: Path) -> None:
    shutil.rmtree(shipped.path / ".promptvc")
    cli = cli_of(read_only)
    for arguments in READING:
        assert cli(*arguments).code == 0, arguments
    shipped.write({DESK_FILE: shipped.read(DESK_FILE).replace(b"one label", b"a label")})
    for arguments in WRITING:
        said = cli.fails(3, *(str(read_only.path / one) if one == "out" else one for one in arguments))
        assert "ead-only file system" in said, arguments
    assert "ead-only" in cli.fails(3, "init", "fresh")
    assert shipped.git("fsck", "--strict") == ""


def test_a_full_disk(full: Repo, tmp_path: Path) -> None:
    cli = cli_of(full)
    full.write({DESK_FILE: full.read(DESK_FILE).replace(b"one label", b"a label")})
    shutil.rmtree(full.path / ".promptvc")
    filling = _fill(full.path.parent)
    edited, refs = full.read(DESK_FILE), full.git("for-each-ref")
    for arguments in commands(
        ("list",), ("show", DESK), ("log", DESK), ("check",), ("status",), ("evaluate", DESK)
    ):
        assert cli(*arguments).code == 0, arguments
    for arguments in commands(
        ("commit", DESK, "-m", "x"),
        ("deploy", f"{DESK}@v1"),
        ("rollback", DESK, "--reason", "x"),
        ("feedback", "add", DESK, "--stars", "5"),
        ("train", DESK, "--max-examples", "4"),
        ("new", "desk/fresh"),
        ("evaluate", f"{DESK}@v1", "--save"),
        ("export", str(full.path / "out")),
    ):
        done = cli(*arguments)
        assert done.code == 3, (arguments, done)
        assert done.err.startswith("error: ")
        assert "Traceback" not in done.err
    assert (full.read(DESK_FILE), full.git("for-each-ref")) == (edited, refs)
    filling.unlink()
    assert full.git("fsck", "--strict") == ""
    assert cli.json("commit", DESK, "-m", "x")["version"] == 3
    assert cli.json("deploy", f"{DESK}@v1")["version"] == 1
    cli.ok("feedback", "add", DESK, "--stars", "5")
    assert cli.json("feedback", "commit")["events"] == 1
    assert {one["severity"] for one in cli.json("check")["problems"]} <= {"warning"}
