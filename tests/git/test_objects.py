"""Reading objects: the kept process against what git says, and against its death."""

from __future__ import annotations

import gc
import hashlib
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import NotFound
from promptvc.git.objects import Objects, blob_id, parse_commit, parse_tree
from tests.builders import Repo

FILES: dict[str, str | bytes | None] = {
    "prompts/a.yaml": "a\n",
    "prompts/support/triage.yaml": "t\n",
    "prompts/support/line\nbreak.yaml": "odd\n",
    "prompts.txt": "beside\n",
    "empty": "",
    "bytes.bin": bytes(range(256)),
}


def test_blobs_by_id_and_by_path(any_repo: Repo) -> None:
    commit = any_repo.commit(FILES)
    repository = any_repo.repository()
    with Objects(repository) as objects:
        for path, content in FILES.items():
            data = content.encode() if isinstance(content, str) else content
            oid = any_repo.git("rev-parse", f"HEAD:{path}")
            assert data is not None
            assert objects.at(commit, path) == (oid, data)
            assert objects.blob(oid) == data
            assert blob_id(data, repository.object_format) == oid
        for absent in ("nothing", "prompts", "prompts/", "prompts/a.yaml/x", "no\nline", "with space"):
            assert objects.at(commit, absent) is None
        assert objects.at("nowhere", "empty") is None
        for wrong in ("0" * len(commit), commit, "main", ""):
            with pytest.raises(NotFound, match="no blob"):
                objects.blob(wrong)


def test_trees_are_what_git_lists(any_repo: Repo) -> None:
    commit = any_repo.commit(FILES)
    (any_repo.path / "link").symlink_to("empty")
    commit = any_repo.commit({"run.sh": "x"})
    any_repo.git("add", "link")
    any_repo.git("commit", "-q", "-m", "link")
    commit = any_repo.rev("HEAD")
    with Objects(any_repo.repository()) as objects:
        for prefix in ("", "prompts", "prompts/", "prompts/support", "nothing", "empty"):
            listing = any_repo.git(
                "ls-tree", "-r", "-z", commit, *([prefix.rstrip("/") + "/"] if prefix else [])
            )
            expected = {line.partition("\t")[2]: line.split()[2] for line in listing.split("\0") if line}
            assert objects.tree(commit, prefix) == expected
        assert objects.tree("nowhere") == {}


def test_commits(any_repo: Repo) -> None:
    parent = any_repo.rev("main")
    any_repo.environ |= {"GIT_AUTHOR_DATE": "1767225600 +0530", "GIT_AUTHOR_NAME": "Zoë Ö"}
    oid = any_repo.commit({"a.txt": "a"}, "A subject\nin two lines\n\nThe body.\n\nPromptvc-Version: 3")
    with Objects(any_repo.repository()) as objects:
        found = objects.commit(oid)
        with pytest.raises(NotFound, match="no commit"):
            objects.commit("0" * len(oid))
    assert (found.id, found.tree, found.parents) == (oid, any_repo.rev("HEAD^{tree}"), (parent,))
    assert (found.author, found.author_email) == ("Zoë Ö", "ada@example.org")
    assert (found.time, found.time.utcoffset()) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        timedelta(hours=5, minutes=30),
    )
    assert (found.subject, found.body) == ("A subject in two lines", "The body.\n\nPromptvc-Version: 3")
    assert found.message == "A subject in two lines\n\nThe body.\n\nPromptvc-Version: 3"


def test_commits_in_other_encodings_and_broken_ones(any_repo: Repo) -> None:
    any_repo.git("config", "i18n.commitEncoding", "iso-8859-1")
    message = "Grün".encode("iso-8859-1")
    any_repo.git("commit", "-q", "--allow-empty", "-F", "-", input=message)
    with Objects(any_repo.repository()) as objects:
        assert objects.commit(any_repo.rev("HEAD")).subject == "Grün"
    broken = parse_commit("x", b"tree t\nauthor nobody\nencoding klingon\n\nwords \xff")
    assert (broken.subject, broken.parents, broken.time.year) == ("words \ufffd", (), 1970)


@given(st.binary())
def test_a_broken_commit_is_read_without_an_error(data: bytes) -> None:
    parse_commit("x", b"tree t\nauthor " + data)


@given(st.binary(max_size=300))
def test_ids_are_hashes_of_header_and_content(data: bytes) -> None:
    header = f"blob {len(data)}\0".encode()
    assert blob_id(data, "sha1") == hashlib.sha1(header + data).hexdigest()
    assert blob_id(data, "sha256") == hashlib.sha256(header + data).hexdigest()


_NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.dictionaries(_NAMES, st.binary(min_size=20, max_size=20)))
def test_tree_objects_are_parsed_back(entries: dict[str, bytes]) -> None:
    data = b"".join(b"100644 %s\0%s" % (name.encode(), oid) for name, oid in entries.items())
    assert {name: entry.oid for name, entry in parse_tree(data, 20).items()} == {
        name: oid.hex() for name, oid in entries.items()
    }


def test_the_child_may_die(any_repo: Repo) -> None:
    commit = any_repo.rev("main")
    with Objects(any_repo.repository()) as objects:
        for _ in range(3):
            assert objects.at(commit, "other.txt") is not None
            assert objects._process is not None
            objects._process.kill()
            objects._process.wait()
        assert len(objects.tree(commit)) == 3


def test_objects_written_later_are_found(any_repo: Repo) -> None:
    with Objects(any_repo.repository()) as objects:
        assert objects.at(any_repo.rev("main"), "new") is None
        later = any_repo.commit({"new": "new\n"})
        any_repo.git("gc", "-q")
        assert objects.at(later, "new") is not None


def test_closed_ones_start_again_and_forgotten_ones_end(any_repo: Repo) -> None:
    commit = any_repo.rev("main")
    objects = Objects(any_repo.repository())
    assert objects.at(commit, "other.txt") is not None
    objects.close()
    objects.close()
    assert objects.at(commit, "other.txt") is not None
    process = objects._process
    del objects
    gc.collect()
    assert isinstance(process, subprocess.Popen)
    assert process.returncode is not None


def test_threads_share_one_process(make_repo: Callable[..., Repo]) -> None:
    repo = make_repo()
    commit = repo.commit({f"f{i}": f"{i}\n" * 500 for i in range(20)})
    wrong: list[int] = []
    with Objects(repo.repository()) as objects:

        def read(seed: int) -> None:
            for step in range(60):
                i = (seed * 7 + step) % 20
                found = objects.at(commit, f"f{i}")
                if found is None or found[1] != f"{i}\n".encode() * 500:
                    wrong.append(i)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
