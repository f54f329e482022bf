"""The resolver: which bytes a reference means, in every kind of repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.git.objects import Objects, blob_id
from promptvc.store.history import History
from promptvc.store.numbering import reused_versions
from promptvc.store.versions import Place, Resolver
from tests.builders import Repo

MakeRepo = Callable[..., Repo]
FILE = "prompts/triage.yaml"


def prompt(version: int, word: str = "", name: str = "triage") -> str:
    return (
        f"name: {name}\nversion: {version}\nmessages:\n  - {{role: user, content: 'say {word or version}'}}\n"
    )


@contextmanager
def resolver(
    repo: Repo, main: str | None = "main", prefix: str = "", state: Path | None = None
) -> Iterator[Resolver]:
    repository = repo.repository()
    root = repository.top / prefix if repository.top else None
    with Objects(repository) as objects, History(repository, state, prefix) as history:
        yield Resolver(repository, objects, history, Place(main, prefix, root))


def word(repo: Repo, reference: str, **options: bool) -> str:
    """What the version that a reference means says: the word in its message."""
    with resolver(repo) as found:
        version = found.resolve(reference, **options)
        assert version.digest == blob_id(version.data, repo.repository().object_format)
        return version.data.decode().split("say ")[1].split("'")[0]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_each_kind_of_revision(make_repo: MakeRepo, object_format: str) -> None:
    repo = make_repo(object_format=object_format)
    first = repo.commit({FILE: prompt(1)})
    second = repo.commit({FILE: prompt(2)})
    third = repo.commit({FILE: prompt(3), "deployments/production/triage.yaml": prompt(2)})
    repo.git("tag", "-a", "-m", "x", "release", first)
    repo.write({FILE: prompt(4, "edited")})
    for reference, expected in {
        "triage": "edited", "triage@v1": "1", "triage@2": "2", "triage@latest": "3", "triage@production": "2",
        "triage@HEAD~1": "2", "triage@release": "1", f"triage@{first[:9]}": "1", "triage@main": "3",
        "prompts:/triage@production": "2", "prompts:/triage/1": "1",
    }.items():  # fmt: skip
        assert word(repo, reference) == expected, reference
    with resolver(repo) as found:
        assert found.resolve("triage").commit is None
        assert found.resolve("triage@v2").commit == second
        assert found.resolve("triage@latest").commit == third
        deployed = found.resolve("triage@production")
        assert (deployed.path, deployed.version) == ("deployments/production/triage.yaml", 2)
        assert found.environments() == ["production"]
        assert found.tip_versions() == {"triage": (3, repo.rev(f"HEAD:{FILE}"))}


def test_a_name_means_the_first_thing_that_it_can_mean(repo: Repo) -> None:
    old = repo.commit({FILE: prompt(1)})
    repo.commit({FILE: prompt(2), "deployments/staging/triage.yaml": prompt(1)})
    for name in ("staging", "latest", "v2", "production"):
        repo.git("tag", name, old)
    repo.git("branch", "feature", old)
    assert word(repo, "triage@v2") == "2"
    assert word(repo, "triage@latest") == "2"
    repo.commit({FILE: prompt(3), "deployments/staging/triage.yaml": prompt(2)})
    assert word(repo, "triage@staging") == "2"
    assert word(repo, "triage@feature") == "1"
    assert word(repo, "triage@production") == "1"  # no such environment, but a tag


def test_servers_take_no_git_revision(repo: Repo) -> None:
    repo.commit({FILE: prompt(1), "deployments/production/triage.yaml": prompt(1)})
    for reference in ("triage@v1", "triage@latest", "triage@production"):
        assert word(repo, reference, trusted=False) == "1"
    for reference in ("triage@HEAD", "triage@main", f"triage@{repo.rev('HEAD')}", "triage@--all"):
        with resolver(repo) as found, pytest.raises(NotFound) as caught:
            found.resolve(reference, trusted=False)
        assert "git revision" not in (caught.value.hint or "")


def test_an_option_is_no_revision(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    for revision in ("--help", "--output=x", "-1", "HEAD:prompts", "\nHEAD"):
        with resolver(repo) as found, pytest.raises(NotFound):
            found.resolve(f"triage@{revision}")


def test_the_first_on_main_owns_the_number(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("switch", "-qc", "ours")
    ours = repo.commit({FILE: prompt(2, "ours")})
    repo.git("switch", "-q", "main")
    repo.commit({FILE: prompt(2, "theirs")})
    repo.git("merge", "-q", "-s", "ours", "--no-edit", "ours")
    repo.commit({FILE: prompt(2, "again")})
    with resolver(repo) as found:
        owner = found.resolve("triage@v2")
        assert b"theirs" in owner.data
        assert b"again" in found.resolve("triage@latest").data
        assert b"ours" in found.resolve(f"triage@{ours}").data
        assert found.main is not None
        reuse = reused_versions(found.history, found.contents, FILE, found.main)
        assert [(one.version, one.owner, one.change.commit) for one in reuse] == [
            (2, owner.digest, repo.rev("HEAD"))
        ]


def test_a_merged_version_is_credited_to_who_wrote_it(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("switch", "-qc", "side")
    repo.commit({FILE: prompt(2, "draft")}, "Draft")
    written = repo.commit({FILE: prompt(2, "final")}, "Write version 2")
    repo.git("switch", "-q", "main")
    repo.commit({"README": "x"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    with resolver(repo) as found:
        entries = found.log("triage")
        assert [(entry.version, entry.subject) for entry in entries] == [
            (2, "Write version 2"),
            (1, "change"),
        ]
        version = found.resolve("triage@v2")
        assert (version.commit, b"final" in version.data) == (written, True)
        assert reused_versions(found.history, found.contents, FILE, repo.rev("HEAD")) == []


def test_a_number_that_only_a_merged_branch_had(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("switch", "-qc", "side")
    repo.commit({FILE: prompt(2, "draft")})
    repo.commit({FILE: prompt(2, "final")})
    repo.commit({FILE: prompt(3)})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    assert word(repo, "triage@v2") == "final"
    assert word(repo, "triage@v3") == "3"


def test_a_candidate_branch_has_the_number_last(repo: Repo) -> None:
    base = repo.commit({FILE: prompt(1), "prompts/triage/deep.yaml": prompt(1, "deep", "triage/deep")})
    repo.git("switch", "-qc", "promptvc/triage/v2")
    candidate = repo.commit({FILE: prompt(2, "candidate")})
    repo.git("branch", "promptvc/triage/deep/v3")
    repo.git("switch", "-q", "main")
    repo.git("branch", "promptvc/triage/v4")  # its file says another number
    with resolver(repo) as found, pytest.raises(NotFound):
        found.resolve("triage@v4")
    with resolver(repo) as found:
        assert found.resolve("triage@v2").commit == candidate
        assert [entry.version for entry in found.log("triage")] == [1]
        with pytest.raises(NotFound):
            found.resolve("triage@v3")
    repo.commit({FILE: prompt(2, "main")})
    assert word(repo, "triage@v2") == "main"
    repo.git("clone", "-q", str(repo.path), str(repo.path.parent / "clone"))
    clone = Repo(repo.path.parent / "clone", repo.environ)
    clone.git("reset", "-q", "--hard", base)
    assert word(clone, "triage@v2") == "candidate"  # only as origin/promptvc/triage/v2


def test_the_current_branch_has_its_versions_too(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.git("switch", "-qc", "feature")
    repo.commit({FILE: prompt(2, "feature")}, "On the branch")
    with resolver(repo) as found:
        log = [(entry.version, entry.subject, entry.on_main) for entry in found.log("triage")]
        assert log == [(2, "On the branch", False), (1, "change", True)]
        assert [entry.version for entry in found.log("triage", "main")] == [1]
        assert b"feature" in found.resolve("triage@v2").data
        assert found.resolve("triage@latest").version == 1


def test_deleted_and_added_again(repo: Repo) -> None:
    first = repo.commit({FILE: prompt(1)})
    repo.commit({FILE: None, "prompts/other.yaml": prompt(1, name="other")})
    with resolver(repo) as found:
        assert [entry.version for entry in found.log("triage")] == [1]
        assert found.resolve("triage@v1").commit == first
        with pytest.raises(NotFound, match="no prompt triage"):
            found.resolve("triage")
        with pytest.raises(NotFound):
            found.resolve("triage@latest")
    repo.commit({FILE: prompt(1)})
    repo.commit({FILE: prompt(2)})
    with resolver(repo) as found:
        assert [(entry.version, entry.commit == first) for entry in found.log("triage")] == [
            (2, False),
            (1, True),
        ]


def test_a_broken_file_in_history_hides_nothing_else(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.commit({FILE: "name: [broken"})
    broken = repo.rev("HEAD")
    repo.commit({FILE: prompt(2)})
    with resolver(repo) as found:
        assert [entry.version for entry in found.log("triage")] == [2, 1]
        with pytest.raises(InvalidDocument) as caught:
            found.resolve(f"triage@{broken}")
        assert caught.value.file == f"{broken[:12]}:{FILE}"
    repo.write({FILE: "name: triage\nversion: none\n"})
    with resolver(repo) as found, pytest.raises(InvalidDocument) as caught:
        found.resolve("triage")
    assert (caught.value.file, caught.value.line) == (FILE, 2)


def test_what_there_is_instead(repo: Repo) -> None:
    repo.commit({FILE: prompt(1), "deployments/production/triage.yaml": prompt(1)})
    repo.commit({FILE: prompt(2), "prompts/other.yaml": prompt(1, name="other")})

    def hint(reference: str) -> str:
        with resolver(repo) as found, pytest.raises(NotFound) as caught:
            found.resolve(reference)
        return f"{caught.value.message} / {caught.value.hint}"

    assert "did you mean triage?" in hint("triagge")
    assert "did you mean triage?" in hint("triagge@v1")
    assert "v2, v1, latest, production" in hint("triage@v9")
    assert "v2, v1, latest, production" in hint("triage@nowhere")
    assert "not deployed to production" in hint("other@production")
    assert "no prompt other in HEAD~1" in hint("other@HEAD~1")
    (repo.path / FILE).unlink()
    assert "triage@latest" in hint("triage")


def test_an_empty_repository(repo: Repo) -> None:
    repo.write({FILE: prompt(1)})
    assert word(repo, "triage") == "1"
    with resolver(repo) as found:
        assert found.names() == ["triage"]
        assert found.log("triage") == []
        for reference in ("triage@v1", "triage@latest", "triage@production", "triage@HEAD", "other"):
            with pytest.raises(NotFound):
                found.resolve(reference)


def test_a_bare_repository_reads_main(repo: Repo, tmp_path: Path) -> None:
    repo.commit({FILE: prompt(1)})
    repo.commit({FILE: prompt(2)})
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git", repo.environ)
    assert word(bare, "triage") == "2"
    assert word(bare, "triage@v1") == "1"
    with resolver(bare) as found:
        assert found.names() == ["triage"]
        with pytest.raises(NotFound):
            found.resolve("other")


def test_a_prompt_root_in_a_sub_folder(repo: Repo) -> None:
    repo.commit({f"apps/bot/{FILE}": prompt(1, "inner"), FILE: prompt(7, "outer")})
    repo.commit(
        {f"apps/bot/{FILE}": prompt(2), "apps/bot/deployments/production/triage.yaml": prompt(1, "inner")}
    )
    with resolver(repo, prefix="apps/bot") as found:
        assert [entry.version for entry in found.log("triage")] == [2, 1]
        assert b"inner" in found.resolve("triage@production").data
        assert found.resolve("triage").path == FILE
        assert found.names() == found.names(repo.rev("HEAD")) == ["triage"]
        with pytest.raises(NotFound):
            found.resolve("triage@v7")


def test_detached_and_without_main(repo: Repo) -> None:
    repo.commit({FILE: prompt(1)})
    repo.commit({FILE: prompt(2)})
    repo.git("checkout", "-q", "--detach", "HEAD~1")
    assert word(repo, "triage@latest") == "2"
    with resolver(repo, main=None) as found:
        assert [entry.version for entry in found.log("triage")] == [1]
        with pytest.raises(NotFound):
            found.resolve("triage@latest")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_shallow_clone_answers_rightly_or_not_at_all(repo: Repo, tmp_path: Path, depth: int) -> None:
    for number, text in ((1, "a"), (2, "b"), (3, "c"), (3, "reused")):
        repo.commit({FILE: prompt(number, text), "deployments/production/triage.yaml": prompt(1, "a")})
    repo.git("clone", "-q", "--depth", str(depth), f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow", repo.environ)
    for reference in ("triage", "triage@latest", "triage@production", "triage@HEAD"):
        assert word(shallow, reference) == word(repo, reference)
    with resolver(shallow) as found:
        for reference in (
            "triage@v1",
            "triage@v3",
            "triage@v9",
            "triage@HEAD~3",
            repo.rev("HEAD~3").join(["triage@", ""]),
        ):
            with pytest.raises(NotFound) as caught:
                found.resolve(reference)
            assert "git fetch --unshallow" in (caught.value.hint or "")
        with pytest.raises(NotFound, match="cut off"):
            found.log("triage")
    shallow.git("fetch", "-q", "--unshallow")
    assert word(shallow, "triage@v3") == "c"


def test_folders_of_prompts(repo: Repo) -> None:
    names = ["support", "support/triage", "support/triage/deep", "zebra"]
    repo.commit({f"prompts/{name}.yaml": prompt(1, name=name) for name in names} | {"prompts/README.md": "x"})
    with resolver(repo) as found:
        assert found.names() == sorted(names)
        assert found.names(repo.rev("HEAD")) == sorted(names)
        assert found.resolve("support/triage@v1").path == "prompts/support/triage.yaml"
        with pytest.raises(InputError):
            found.resolve("support/../triage")


def test_the_answers_with_and_without_an_index_are_the_same(repo: Repo, tmp_path: Path) -> None:
    for number in range(1, 5):
        repo.commit({FILE: prompt(number)})
    with resolver(repo) as memory, resolver(repo, state=tmp_path / "state") as cold:
        assert memory.log("triage") == cold.log("triage")
    with resolver(repo, state=tmp_path / "state") as warm, resolver(repo) as memory:
        assert warm.log("triage") == memory.log("triage")
        assert warm.resolve("triage@v3") == memory.resolve("triage@v3")
