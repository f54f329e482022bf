"""What users have set up is honoured: signing, hooks, identity, filters, sparse checkouts, dates."""

from __future__ import annotations

import stat
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from promptvc.base.errors import GitError, InputError
from promptvc.git.commits import CommitOptions, maintain
from promptvc.git.draft import clean_message
from tests.builders import CLOCK, Repo
from tests.git.conftest import Put, Settled, assert_nothing_left, index_bytes

A = "prompts/a.yaml"


def add_hook(repo: Repo, name: str, script: str, folder: str = ".git/hooks") -> None:
    hook = repo.path / folder / name
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text("#!/bin/sh\n" + script)
    hook.chmod(0o755)


@pytest.fixture
def signing(any_repo: Repo, tmp_path: Path) -> Repo:
    """A repository that signs with an ssh key, or with a stand-in program where there is no ssh-keygen."""
    key = tmp_path / "key"
    made = subprocess.run(
        ["sh", "-c", f"ssh-keygen -q -t ed25519 -N '' -C test -f '{key}'"], check=False, capture_output=True
    )
    any_repo.git("config", "commit.gpgSign", "true")
    if made.returncode == 0:
        any_repo.git("config", "gpg.format", "ssh")
        any_repo.git("config", "user.signingKey", str(key))
        allowed = tmp_path / "allowed"
        allowed.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
        any_repo.git("config", "gpg.ssh.allowedSignersFile", str(allowed))
    else:
        program = tmp_path / "gpg"
        program.write_text(
            "#!/bin/sh\ncat >/dev/null\n"
            'case "$*" in *--verify*) echo "[GNUPG:] GOODSIG 0 x"; echo "[GNUPG:] VALIDSIG 0"; exit 0;; esac\n'
            'echo "[GNUPG:] SIG_CREATED " >&2\n'
            'printf -- "-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n"\n'
        )
        program.chmod(0o755)
        any_repo.git("config", "gpg.program", str(program))
    return any_repo


@pytest.mark.parametrize("branch", [None, "side", "orphan"])
def test_commits_are_signed(signing: Repo, put: Put, settled: Settled, branch: str | None) -> None:
    signing.git("branch", "side")
    done = put(signing, {A: b"new\n"}, branch)
    assert "\ngpgsig" in signing.git("cat-file", "commit", done.commit)
    assert (
        signing.git("log", "-1", "--format=%G? %an %ae %s", done.commit)
        == "G Ada Author ada@example.org Deploy"
    )
    assert signing.status() == []
    settled(signing, branch or "main", done.commit)


def test_signing_can_be_switched_off_and_on(signing: Repo, put: Put) -> None:
    unsigned = put(signing, {A: b"1\n"}, options=CommitOptions(sign=False))
    assert "gpgsig" not in signing.git("cat-file", "commit", unsigned.commit)
    signing.git("config", "commit.gpgSign", "false")
    signed = put(signing, {A: b"2\n"}, options=CommitOptions(sign=True))
    assert "\ngpgsig" in signing.git("cat-file", "commit", signed.commit)


def test_signing_that_fails_moves_nothing(signing: Repo, put: Put) -> None:
    signing.git("config", "user.signingKey", "/nowhere/key")
    signing.git("config", "gpg.program", "false")
    before = (signing.rev("main"), index_bytes(signing), signing.status())
    with pytest.raises(GitError):
        put(signing, {A: b"new\n"})
    assert (signing.rev("main"), index_bytes(signing), signing.status()) == before
    assert_nothing_left(signing)


def test_hooks_see_exactly_the_commit(any_repo: Repo, put: Put, settled: Settled, tmp_path: Path) -> None:
    any_repo.write({"staged.txt": "staged", "untracked.txt": "u"})
    any_repo.git("add", "staged.txt")
    seen = tmp_path / "seen"
    look = f'git diff --cached --name-only >"{seen}"; env | grep ^GIT_DIR= >>"{seen}"; exit 0'
    add_hook(any_repo, "pre-commit", look)
    add_hook(any_repo, "commit-msg", 'echo "Change-Id: I123" >>"$1"')
    before = any_repo.status()
    done = put(any_repo, {A: b"new\n"})
    assert seen.read_text() == f"{A}\n"
    assert any_repo.git("log", "-1", "--format=%B").split("\n") == ["Deploy", "", "Why", "Change-Id: I123"]
    assert any_repo.status() == before
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg"])
def test_a_hook_that_refuses(any_repo: Repo, put: Put, name: str) -> None:
    any_repo.git("config", "core.hooksPath", "my-hooks")
    add_hook(any_repo, name, "echo no such luck >&2; exit 1", "my-hooks")
    before = (any_repo.rev("main"), index_bytes(any_repo), any_repo.status())
    with pytest.raises(GitError, match=f"the {name} hook refused: no such luck"):
        put(any_repo, {A: b"new\n"})
    assert (any_repo.rev("main"), index_bytes(any_repo), any_repo.status()) == before
    assert_nothing_left(any_repo)
    done = put(any_repo, {A: b"new\n"}, options=CommitOptions(no_verify=True))
    assert any_repo.rev("main") == done.commit


def test_a_hook_that_changes_the_commit_is_refused(any_repo: Repo, put: Put) -> None:
    add_hook(any_repo, "pre-commit", f"git rm -q -f --cached {A}")
    with pytest.raises(GitError, match="changed what is to be committed"):
        put(any_repo, {A: b"new\n"})
    assert any_repo.status() == []


def test_pre_commit_is_not_run_for_a_branch_checked_out_nowhere(
    any_repo: Repo, put: Put, settled: Settled
) -> None:
    add_hook(any_repo, "pre-commit", "exit 1")
    add_hook(any_repo, "commit-msg", 'echo "Seen: yes" >>"$1"')
    done = put(any_repo, {A: b"new\n"}, "side")
    assert any_repo.git("log", "-1", "--format=%B", "side").endswith("Seen: yes")
    settled(any_repo, "side", done.commit)


@pytest.mark.parametrize("missing", ["name", "email", "both"])
def test_no_identity_is_one_clear_error(any_repo: Repo, put: Put, tmp_path: Path, missing: str) -> None:
    config = tmp_path / "config"
    known = {"name": "\temail = a@b", "email": "\tname = A", "both": ""}[missing]
    config.write_text(f"[user]\n\tuseConfigOnly = true\n{known}\n")
    any_repo.git("config", "user.useConfigOnly", "true")
    nobody = Repo(any_repo.path, any_repo.environ | {"GIT_CONFIG_GLOBAL": str(config)})
    if missing == "name":
        # git would take the name from the machine's user database; an empty one is refused.
        nobody.environ["GIT_AUTHOR_NAME"] = nobody.environ["GIT_COMMITTER_NAME"] = " "
    with pytest.raises(GitError, match="git does not know who commits") as caught:
        put(nobody, {A: b"new\n"})
    assert caught.value.hint == (
        'git config --global user.name "Your Name"\ngit config --global user.email you@example.org'
    )
    assert any_repo.status() == []
    assert_nothing_left(any_repo)


def test_author_committer_and_dates(any_repo: Repo, put: Put) -> None:
    any_repo.environ |= {"GIT_COMMITTER_NAME": "Carl", "GIT_COMMITTER_EMAIL": "carl@example.org"}
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    put(any_repo, {A: b"1\n"}, options=CommitOptions(author="Bea Ö <bea@example.org>", now=now))
    shown = any_repo.git("log", "-1", "--format=%an|%ae|%aI|%cn|%ce|%cI")
    assert shown == (
        "Bea Ö|bea@example.org|2026-03-04T05:06:07-03:30|Carl|carl@example.org|2026-03-04T05:06:07-03:30"
    )
    put(any_repo, {A: b"2\n"})
    assert any_repo.git("log", "-1", "--date=raw", "--format=%an %ad %cn %cd") == (
        f"Ada Author {CLOCK} Carl {CLOCK}"
    )
    with pytest.raises(InputError, match="not an author"):
        put(any_repo, {A: b"3\n"}, options=CommitOptions(author="Bea"))


@pytest.mark.parametrize("branch", [None, "side"])
def test_clean_and_smudge_filters_run(any_repo: Repo, put: Put, settled: Settled, branch: str | None) -> None:
    any_repo.git("config", "filter.upper.clean", "tr a-z A-Z")
    any_repo.git("config", "filter.upper.smudge", "tr A-Z a-z")
    any_repo.commit({".gitattributes": "*.big filter=upper\n*.yaml -text\n", "x.big": "old\n"})
    any_repo.git("branch", "side")
    done = put(any_repo, {"x.big": b"new\n", "y.big": b"more\n", A: b"plain\n"}, branch)
    ref = branch or "main"
    shown = [any_repo.show(f"{ref}:{path}") for path in ("x.big", "y.big", A)]
    assert shown == [b"NEW\n", b"MORE\n", b"plain\n"]
    assert (any_repo.status(), done.kept) == ([], ())
    assert any_repo.read("x.big") == (b"old\n" if branch else b"new\n")
    settled(any_repo, ref, done.commit)


def test_attributes_are_those_of_the_branch(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.git("branch", "side")
    any_repo.git("config", "filter.upper.clean", "tr a-z A-Z")
    any_repo.commit({".gitattributes": "* filter=upper\n"})
    done = put(any_repo, {A: b"new\n"}, "side")
    assert any_repo.show(f"side:{A}") == b"new\n"
    settled(any_repo, "side", done.commit)


def test_automatic_line_ends(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.git("config", "core.autocrlf", "true")
    any_repo.commit({".gitattributes": "prompts/** -text\n"})
    done = put(any_repo, {A: b"one\n", "note.txt": b"two\n"})
    assert (any_repo.read(A), any_repo.read("note.txt")) == (b"one\n", b"two\r\n")
    assert (any_repo.show(f"main:{A}"), any_repo.show("main:note.txt")) == (b"one\n", b"two\n")
    assert (any_repo.status(), done.kept) == ([], ())
    settled(any_repo, "main", done.commit)


def test_a_sparse_checkout_stays_sparse(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.commit({"far/away.yaml": "old\n", "far/too.yaml": "old\n"})
    any_repo.git("sparse-checkout", "set", "prompts")
    done = put(any_repo, {A: b"new\n", "far/away.yaml": b"new\n", "far/too.yaml": None})
    assert (any_repo.read(A), (any_repo.path / "far").exists()) == (b"new\n", False)
    assert any_repo.show("main:far/away.yaml") == b"new\n"
    assert (any_repo.status(), done.kept) == ([], ())
    settled(any_repo, "main", done.commit)


def test_a_split_index_and_index_version_4(any_repo: Repo, put: Put, settled: Settled) -> None:
    any_repo.git("update-index", "--split-index", "--index-version", "4")
    any_repo.write({"other.txt": "work\n"})
    done = put(any_repo, {A: b"new\n", "gone.txt": None})
    assert any_repo.status() == [" M other.txt"]
    settled(any_repo, "main", done.commit)


def test_many_paths_in_one_commit(any_repo: Repo, put: Put, settled: Settled) -> None:
    files: dict[str, bytes | None] = {f"feedback/a/2026/01/{i:04}.jsonl": b"%d\n" % i for i in range(450)}
    done = put(any_repo, files)
    assert (any_repo.status(), len(any_repo.git("ls-files", "feedback").split())) == ([], 450)
    settled(any_repo, "main", done.commit)
    gone = put(any_repo, dict.fromkeys(files))
    assert (any_repo.status(), (any_repo.path / "feedback").exists()) == ([], False)
    settled(any_repo, "main", gone.commit)


def test_a_large_file(any_repo: Repo, put: Put, settled: Settled) -> None:
    data = bytes(range(256)) * 4096 * 3
    done = put(any_repo, {"big.bin": data})
    assert (any_repo.read("big.bin") == data, any_repo.status()) == (True, [])
    settled(any_repo, "main", done.commit)


@pytest.mark.parametrize("message", ["", " \n ", "nul\0"])
def test_messages_that_no_commit_can_have(repo: Repo, message: str) -> None:
    with pytest.raises(InputError, match="needs a message"):
        clean_message(message)


def test_new_files_get_the_users_permissions(any_repo: Repo, put: Put) -> None:
    any_repo.write({"beside.txt": "x"})
    put(any_repo, {"fresh.yaml": b"x"})
    modes = {stat.S_IMODE((any_repo.path / name).stat().st_mode) for name in ("beside.txt", "fresh.yaml")}
    assert len(modes) == 1


def test_maintenance_is_harmless(any_repo: Repo) -> None:
    maintain(any_repo.repository())
    assert any_repo.git("fsck") == ""
