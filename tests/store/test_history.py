"""The history index against a model of the history, and against everything that can happen to its file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptvc.base.errors import GitError, NotFound
from promptvc.git.objects import blob_id
from promptvc.store.history import History
from tests.builders import Repo
from tests.store.graphs import FILES, Graph, Node, graphs

MakeRepo = Callable[..., Repo]
PATH = "prompts/a.yaml"
WHOLE = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def seen(
    history: History, tip: str, path: str = PATH, *, first_parent: bool = False
) -> list[tuple[str, str | None]]:
    return [(change.commit, change.blob) for change in history.changes(path, tip, first_parent=first_parent)]


def agree(history: History, graph: Graph, tip: int, object_format: str = "sha1") -> None:
    """The index says what the model says about every file in the history of a tip."""
    for path in FILES:
        for first_parent in (False, True):
            expected = graph.changes(path, tip, object_format, first_parent=first_parent)
            found = seen(history, graph.ids[tip], path, first_parent=first_parent)
            assert set(found) == expected
            assert len(found) == len(expected)
    asked = [(path, blob_id(text, object_format)) for path in FILES for text in (b"x", b"y", b"z")]
    brought = {(path, blob) for path in FILES for _, blob in graph.changes(path, tip, object_format)}
    assert history.held(asked, graph.ids[tip]) == brought & set(asked)
    names = {path for path in FILES if graph.changes(path, tip, object_format)}
    listed = history.changed_files("prompts", graph.ids[tip])
    assert listed == sorted(path for path in names if path.startswith("prompts/"))


def linear(count: int) -> Graph:
    return Graph(
        [Node((index - 1,) if index else (), {PATH: f"version {index}\n"}) for index in range(count)]
    )


@WHOLE
@given(graph=graphs(), data=st.data())
def test_any_history_in_any_order_of_tips(environ: dict[str, str], graph: Graph, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        object_format = data.draw(st.sampled_from(["sha1", "sha256"]))
        repo = Repo.create(Path(folder) / "repo", environ, object_format=object_format)
        graph.write(repo)
        tips = data.draw(st.lists(st.integers(0, len(graph.nodes) - 1), min_size=1, max_size=4))
        for tip in tips:
            # Opened anew each time: the index is extended, stored reach is used again.
            with History(repo.repository(), Path(folder) / "state") as history:
                agree(history, graph, tip, object_format)
                assert not history.index.in_memory
        with History(repo.repository(), None) as history:
            agree(history, graph, tips[-1], object_format)


@WHOLE
@given(graph=graphs(), data=st.data())
def test_the_order_of_changes_is_the_same_however_the_index_grew(
    environ: dict[str, str], graph: Graph, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo.create(Path(folder) / "repo", environ)
        graph.write(repo)
        tip = graph.ids[-1]
        with History(repo.repository(), None) as fresh, History(repo.repository(), None) as grown:
            for index in data.draw(st.permutations(range(len(graph.nodes)))):
                grown.update([graph.ids[index]])
            for path in FILES:
                assert grown.changes(path, tip) == fresh.changes(path, tip)


def test_newest_comes_first_with_author_and_time(repo: Repo, tmp_path: Path) -> None:
    repo.commit({PATH: "1"}, "First: größer")
    second = repo.commit({PATH: "2"}, "Second\n\nwith a body")
    with History(repo.repository(), tmp_path / "state") as history:
        newest, oldest = history.changes(PATH, second)
    assert (newest.subject, oldest.subject) == ("Second", "First: größer")
    assert (newest.author, newest.time.isoformat()) == ("Ada Author", "2026-01-01T00:00:00+00:00")
    assert newest.order > oldest.order


def test_a_merge_stands_for_what_it_brought(repo: Repo, tmp_path: Path) -> None:
    repo.commit({PATH: "1"})
    repo.git("switch", "-qc", "side")
    side = repo.commit({PATH: "2"})
    repo.git("switch", "-q", "main")
    repo.commit({"other": "x"})
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = repo.rev("HEAD")
    with History(repo.repository(), tmp_path / "state") as history:
        assert {commit for commit, _ in seen(history, merge)} >= {merge, side}
        first = [commit for commit, _ in seen(history, merge, first_parent=True)]
        assert merge in first
        assert side not in first


def test_a_branch_that_moves_on_keeps_what_was_merged_before(repo: Repo, tmp_path: Path) -> None:
    edits: list[dict[str, str | None]] = [{PATH: "x"}, {PATH: "y"}, {}, {}, {PATH: "z"}]
    parents: list[tuple[int, ...]] = [(), (0,), (0,), (2, 1), (3,)]
    graph = Graph([Node(*node) for node in zip(parents, edits, strict=True)])
    graph.write(repo)
    with History(repo.repository(), tmp_path / "state") as history:
        agree(history, graph, 3)
        agree(history, graph, 4)


def test_force_push_and_branch_switch_are_just_another_walk(repo: Repo, tmp_path: Path) -> None:
    base = repo.commit({PATH: "1"})
    old = repo.commit({PATH: "2"})
    with History(repo.repository(), tmp_path / "state") as history:
        assert len(seen(history, old)) == 2
    repo.git("reset", "-q", "--hard", base)
    new = repo.commit({PATH: "3"})
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")  # the old tip is really gone
    with History(repo.repository(), tmp_path / "state") as history:
        assert [commit for commit, _ in seen(history, new)] == [new, base]
        assert not history.index.in_memory


def test_links_and_odd_names(repo: Repo, tmp_path: Path) -> None:
    odd = 'prompts/odd "name"\tü.yaml'
    repo.commit({odd: "1", PATH: "1"})
    (repo.path / PATH).unlink()
    (repo.path / PATH).symlink_to("b.yaml")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "link")
    tip = repo.rev("HEAD")
    with History(repo.repository(), tmp_path / "state") as history:
        assert len(seen(history, tip, odd)) == 1
        assert seen(history, tip)[0][1] is None
        assert history.changed_files("prompts", tip) == sorted([PATH, odd])


def test_a_prompt_root_in_a_sub_folder_sees_only_itself(repo: Repo, tmp_path: Path) -> None:
    graph = linear(3)
    graph.write(repo, prefix="apps/bot/")
    repo.git("checkout", "-q", "n2")
    tip = repo.commit({PATH: "at the top"})
    with History(repo.repository(), tmp_path / "state", "apps/bot/") as history:
        assert len(seen(history, tip)) == 3
        assert history.changed_files("prompts", tip) == [PATH]
    with History(repo.repository(), tmp_path / "state", "") as history:
        assert len(seen(history, tip)) == 1  # another root: the file of the first is not trusted


def test_a_bare_repository(repo: Repo, tmp_path: Path) -> None:
    graph = linear(3)
    graph.write(repo)
    repo.git("clone", "-q", "--bare", "--mirror", str(repo.path), str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git", repo.environ)
    with History(bare.repository(), tmp_path / "state") as history:
        agree(history, graph, 2)


def damage_all(file: Path) -> None:
    file.write_bytes(b"this is no database " * 500)


def damage_pages(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def another_schema(file: Path) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE meta SET value = 'of the future'")
        connection.execute("DROP TABLE changes")
    connection.close()


def delete(file: Path) -> None:
    file.unlink()


DAMAGES = [damage_all, damage_pages, cut_short, empty, another_schema, delete]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_built_again(repo: Repo, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    graph = linear(40)
    graph.write(repo)
    state = tmp_path / "state"
    with History(repo.repository(), state) as history:
        agree(history, graph, 20)
    damage(state / "index.sqlite")
    with History(repo.repository(), state) as history:
        agree(history, graph, 39)
        assert not history.index.in_memory
    with History(repo.repository(), state) as history:
        agree(history, graph, 39)


@pytest.mark.parametrize(
    "damage", [damage_all, damage_pages, empty, delete], ids=lambda damage: damage.__name__
)
def test_a_file_damaged_while_it_is_open_costs_no_answer(
    repo: Repo, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    graph = linear(40)
    graph.write(repo)
    state = tmp_path / "state"
    with History(repo.repository(), state) as history:
        agree(history, graph, 20)
        damage(state / "index.sqlite")
        agree(history, graph, 39)
        agree(history, graph, 30)
    with History(repo.repository(), state) as history:
        agree(history, graph, 39)


def test_damaged_bits_are_not_believed(repo: Repo, tmp_path: Path) -> None:
    graph = linear(5)
    graph.write(repo)
    state = tmp_path / "state"
    with History(repo.repository(), state) as history:
        agree(history, graph, 4)
    connection = sqlite3.connect(state / "index.sqlite")
    with connection:
        connection.execute("UPDATE reach SET every = x'00'")
    connection.close()
    with History(repo.repository(), state) as history:
        agree(history, graph, 4)


def test_without_a_place_to_write_the_answers_are_the_same(repo: Repo, tmp_path: Path) -> None:
    graph = linear(5)
    graph.write(repo)
    (tmp_path / "state").write_text("a file where the folder should be")
    with History(repo.repository(), tmp_path / "state") as history:
        agree(history, graph, 4)
        assert history.index.in_memory


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(repo: Repo, tmp_path: Path) -> None:
    graph = linear(5)
    graph.write(repo)
    state = tmp_path / "state"
    with History(repo.repository(), state) as history:
        agree(history, graph, 2)
    for entry in state.iterdir():
        entry.chmod(0o444)
    state.chmod(0o555)
    try:
        with History(repo.repository(), state) as history:
            agree(history, graph, 4)
    finally:
        state.chmod(0o755)


def test_a_full_disk(repo: Repo, tmp_path: Path) -> None:
    graph = linear(300)
    graph.write(repo)
    state = tmp_path / "state"
    with History(repo.repository(), state) as history:
        agree(history, graph, 2)
        # What SQLite says when the disk is full, for real: the file may not grow by a page.
        (pages,) = history.index.connection.execute("PRAGMA page_count").fetchone()
        history.index.connection.execute(f"PRAGMA max_page_count = {pages}")
        agree(history, graph, 299)
        assert history.index.in_memory
    with History(repo.repository(), state) as history:
        agree(history, graph, 299)


def test_the_index_keeps_itself_out_of_git(repo: Repo) -> None:
    tip = repo.commit({PATH: "1"})
    with History(repo.repository(), repo.path / ".promptvc") as history:
        history.update([tip])
    assert (repo.path / ".promptvc" / "index.sqlite").exists()
    assert repo.status() == []


def test_four_processes_build_one_index(repo: Repo, tmp_path: Path) -> None:
    graph = linear(60)
    graph.write(repo)
    state = tmp_path / "state"
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from promptvc.git.repo import Repository\n"
        "from promptvc.store.history import History\n"
        "path, state, start, *tips = sys.argv[1:]\n"
        "repository = Repository.discover(Path(path), dict(os.environ))\n"
        "for tip in tips[int(start):] + tips[:int(start)]:\n"
        "    with History(repository, Path(state)) as history:\n"
        "        print(len(history.changes('prompts/a.yaml', tip)), history.index.in_memory)\n"
    )
    tips = [graph.ids[index] for index in (59, 9, 39, 19)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(repo.path), str(state), str(start), *tips],
            env=repo.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE, text=True,
        )
        for start in range(4)
    ]  # fmt: skip
    outputs = [process.communicate()[0].splitlines() for process in processes]
    counts = [60, 10, 40, 20]
    for start, lines in enumerate(outputs):
        assert lines == [f"{count} False" for count in counts[start:] + counts[:start]]
    with History(repo.repository(), state) as history:
        agree(history, graph, 59)
        connection = history.index.connection
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM commits").fetchone() == (60, 60)


def test_a_shallow_clone_knows_that_it_does_not_know(repo: Repo, make_repo: MakeRepo, tmp_path: Path) -> None:
    for number in range(4):
        repo.commit({PATH: str(number)})
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow", repo.environ)
    tip = shallow.rev("HEAD")
    with History(shallow.repository(), tmp_path / "state") as history:
        assert len(seen(history, tip)) == 2
        assert history.cut_off(tip)
        with pytest.raises(NotFound, match="cut off") as caught:
            history.require_whole(tip, "anything")
        assert caught.value.hint is not None
        assert "git fetch --unshallow" in caught.value.hint
        shallow.git("fetch", "-q", "--unshallow")
        assert len(seen(history, tip)) == 4  # the same object notices that the boundary moved
        assert not history.cut_off(tip)


def test_no_such_commit(repo: Repo, tmp_path: Path) -> None:
    repo.commit({PATH: "1"})
    with History(repo.repository(), tmp_path / "state") as history:
        with pytest.raises((NotFound, GitError)):
            history.changes(PATH, "0" * 39 + "1")
        assert len(seen(history, repo.rev("HEAD"))) == 1
