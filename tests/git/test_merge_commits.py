"""Commits with a second parent: what a branch brings, on another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.git.commits import Plan, commit
from tests.builders import Repo
from tests.git.conftest import assert_nothing_left

A = "prompts/a.yaml"


@pytest.mark.parametrize("signed", [False, True])
def test_what_a_branch_brings_is_merged(any_repo: Repo, tmp_path: Path, signed: bool) -> None:
    if signed:
        program = tmp_path / "gpg"
        program.write_text(
            "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
            "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
        )
        program.chmod(0o755)
        any_repo.git("config", "gpg.program", str(program))
        any_repo.git("config", "commit.gpgSign", "true")
    repository = any_repo.repository()
    theirs = commit(repository, "side", lambda _: Plan({A: b"new\n", "b.txt": b"b\n"}, "Side"))
    any_repo.write({"other.txt": "edited\n"})
    before = any_repo.rev("main")

    done = commit(
        repository, "main", lambda _: Plan({A: b"new\n", "b.txt": b"b\n"}, "Merge", merged=theirs.commit)
    )

    assert any_repo.git("rev-list", "--parents", "-1", "main").split() == [done.commit, before, theirs.commit]
    assert any_repo.git("branch", "--merged", "main", "--format=%(refname:short)").split() == ["main", "side"]
    assert (any_repo.show(f"main:{A}"), any_repo.read(A)) == (b"new\n", b"new\n")
    assert any_repo.status() == [" M other.txt"]
    assert ("\ngpgsig" in any_repo.git("cat-file", "commit", done.commit)) is signed
    any_repo.git("fsck", "--strict")
    assert_nothing_left(any_repo)
