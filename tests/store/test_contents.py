"""The version that a blob names: the fast scan never disagrees with the parser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.git.objects import Objects, blob_id
from promptvc.store import contents
from promptvc.store.contents import Contents, read_version
from promptvc.store.history import History
from tests.builders import Repo

LINES = st.sampled_from([
    "version: 3", "version: 12 # why", "version : 4", '"version": 5', "version: '6'", "version: 0x7", "version:",
    "version: 8.0", "versions: 9", "  version: 10", "version: 3#x", "? version", ": 11", "name: a", "# version: 1",
    'description: "one', 'two"', "description: |", "  version: 13", "rules:", "- version: 14", "  - text: x", "---",
    "...", "{version: 15}", "metadata: {version: 16}", "metadata:", "  version: 17", "&a version: 18", "<<: *a", "",
    "\tversion: 19", "version: 1_000", "version: 007", "version: 2\r",
])  # fmt: skip


def parsed(data: bytes) -> int | None:
    try:
        value = load_yaml(data, file="x").value
    except InvalidDocument:
        return None
    version = value.get("version") if isinstance(value, dict) else None
    return version if isinstance(version, int) and not isinstance(version, bool) and version >= 1 else None


@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(['  description: "a', "version: 3", 'b: c"', "  version: 4"], "\n", False)
@example(['description: "a', "version: 3", 'b"', "version: 4"], "\n", False)
@example(['description: "a', "version: 3", 'b: c"', "version: 4"], "\n", False)
@example(["name: a", '"version": 4', 'description: "a', "version: 3", 'b: c"'], "\n", False)
def test_the_scan_says_what_the_parser_says(lines: list[str], end: str, last: bool) -> None:
    data = (end.join(lines) + (end if last else "")).encode()
    expected = parsed(data)
    if expected is not None:
        assert read_version(data, file="x") == expected
        assert contents._scan(data) in (expected, None)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ordinary_files_need_no_parser(end: str) -> None:
    text = end.join(
        ["# about", "name: a", "version: 41  # next", "messages:", "- role: user", "  content: |", "    x"]
    )
    assert contents._scan(text.encode()) == 41


@pytest.mark.parametrize(
    "text", ["", "name: a", "version: x", "version: 0", "version: true", "- 1", "a: [", "\xff"]
)
def test_without_a_version(text: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_version(text.encode("latin-1"), file="prompts/a.yaml")
    assert caught.value.file == "prompts/a.yaml"


@pytest.fixture
def parts(repo: Repo) -> Iterator[tuple[Contents, Objects]]:
    with (
        Objects(repo.repository()) as objects,
        History(repo.repository(), repo.path / ".promptvc") as history,
    ):
        yield Contents(objects, history), objects


def test_what_was_read_once_is_remembered(repo: Repo, parts: tuple[Contents, Objects]) -> None:
    repo.commit({"a": "name: a\nversion: 2\ntype: system\nmodel: offline\ntags: [x, y]\n", "b": "a: ["})
    good, bad = repo.rev("HEAD:a"), repo.rev("HEAD:b")
    known = parts[0]
    assert known.versions([good, bad, good]) == {good: 2, bad: None}
    summaries = known.summaries([good, bad])
    assert (summaries[good].name, summaries[good].version, summaries[good].tags) == ("a", 2, ("x", "y"))
    assert (summaries[good].type, summaries[good].model) == ("system", "offline")
    assert summaries[bad].problem is not None
    repo.commit({"a": None, "b": None})
    repo.git("update-ref", "-d", "refs/heads/main")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("prune", "--expire=now")
    parts[1].close()
    with (
        History(repo.repository(), repo.path / ".promptvc") as history,
        Objects(repo.repository()) as objects,
    ):
        again = Contents(objects, history)
        assert again.versions([good, bad]) == {good: 2, bad: None}
        assert again.summaries([good, bad]) == summaries
        with pytest.raises(NotFound):
            again.version("0" * 39 + "1")


def test_files_of_the_working_tree(repo: Repo, parts: tuple[Contents, Objects]) -> None:
    data = b"name: new\nversion: 1\n"
    blob = blob_id(data, "sha1")
    assert parts[0].summaries([blob], {blob: data}.__getitem__)[blob].name == "new"
