"""Laws of surgical edits, on prompts written by hand in many styles."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError
from promptvc.prompts.edit import AddItem, Edit, RemoveItem, ReplaceItem, SetScalar, edit, same, with_version
from tests.prompts.handwritten import DOCUMENTS, at, paths

TRICKY = st.sampled_from([
    "plain", "- dash", "key: value", "# comment", "a # b", "it's", 'say "hi"', " leading", "trailing ", "", "no", "~",
    "12:30", "0x1F", "0o7", "1e5", "1_000", "null", "true", "=", "<<", "&a", "*a", "!t", "|", ">", "%d", "@x", "`x`",
    "{{ x }}", "{% if x %}", "[a, b]", "{a: 1}", "a, b", "a]", "two\nlines", "two\nlines\n", "three\n\n\n", "\nfirst",
    "  indented\nless\n", "\ttab\nx", "x\n \ny", "x\n  ", "\n", "\r\n", "a\rb", "📬 größe 字", "\x07bell", "\x85\u2028",
    "\ufeff", "\u202e", "a\\b", "---", "...", "--- a\n...\n", "? x", ": x", "x:", "-", "?", "'", '"', "x" * 300,
    "2026-11-20", "01JD3M8Z6VQW4N9T2X5KAB7CDE", ".inf", "-.5", "+1", "y", "On",
])  # fmt: skip
TEXTS = TRICKY | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
ITEMS = st.one_of(
    SCALARS,
    st.builds(lambda text, because: {"text": text, "because": because}, TEXTS, st.lists(TEXTS, max_size=2)),
    st.builds(lambda text, output: {"input": {"message": text}, "output": output}, TEXTS, TEXTS),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
                 max_leaves=6),
)  # fmt: skip

LAW = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
NAMES = st.sampled_from(sorted(DOCUMENTS))


def read(data: bytes) -> Document:
    return load_yaml(data, file="p.yaml")


def edited(data: bytes, *edits: Edit) -> bytes:
    """The result, unless the edit is refused because of an alias or an anchor."""
    try:
        return edit(data, edits, file="p.yaml")
    except InputError as error:
        assume("alias" not in error.message and "anchor" not in error.message)
        raise


def a_list(source: st.DataObject, value: Any) -> tuple[str | int, ...]:
    return source.draw(
        st.sampled_from([path for path in paths(value, list) if at(value, path)]), label="list"
    )


def is_block(data: bytes, path: tuple[str | int, ...]) -> bool:
    node = read(data).node(*path)
    return node is not None and node.style == "block"


def inserted(before: bytes, after: bytes) -> bytes | None:
    """What was inserted, in one place, to turn ``before`` into ``after``; None if anything else happened."""
    size = len(after) - len(before)
    pairs = enumerate(zip(before, after, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))
    return after[start : start + size] if size >= 0 and after[start + size :] == before[start:] else None


def sections(data: bytes) -> dict[str, str]:
    """The lines of each key of the document, up to the line of the next one."""
    document = read(data)
    lines = document.text.splitlines(keepends=True)
    starts = [(key.data, key.line - 1) for key, _ in document.root.pairs]
    ends = [line for _, line in starts[1:]] + [len(lines)]
    return {key: "".join(lines[start:end]) for (key, start), end in zip(starts, ends, strict=True)}


@LAW
@given(NAMES, st.data())
def test_an_added_item_is_the_only_change_and_goes_away_again(name: str, source: st.DataObject) -> None:
    data = DOCUMENTS[name]
    value = read(data).value
    path = a_list(source, value)
    index = source.draw(st.integers(0, len(at(value, path))), label="index")
    item = source.draw(ITEMS, label="item")
    after = edited(data, AddItem(path, item, index))

    expected = copy.deepcopy(value)
    at(expected, path).insert(index, item)
    assert same(read(after).value, expected)
    if is_block(data, path) and data.endswith(b"\n"):
        assert inserted(data, after) is not None, "more than one place was changed"
    if data.endswith(b"\n") or after.count(b"\n") == data.count(b"\n") or not is_block(data, path):
        assert edited(after, RemoveItem(path, index)) == data


@LAW
@given(NAMES, st.data())
def test_a_removed_item_takes_one_stretch_of_lines_with_it(name: str, source: st.DataObject) -> None:
    data = DOCUMENTS[name]
    value = read(data).value
    path = a_list(source, value)
    index = source.draw(st.integers(0, len(at(value, path)) - 1), label="index")
    after = edited(data, RemoveItem(path, index))

    expected = copy.deepcopy(value)
    del at(expected, path)[index]
    assert same(read(after).value, expected)
    if is_block(data, path) and len(at(value, path)) > 1 and data.endswith(b"\n"):
        removed = inserted(after, data)
        assert removed is not None, "more than one place was changed"


@LAW
@given(NAMES, st.data())
def test_a_replaced_item_changes_its_own_lines_only(name: str, source: st.DataObject) -> None:
    data = DOCUMENTS[name]
    document = read(data)
    path = a_list(source, document.value)
    index = source.draw(st.integers(0, len(at(document.value, path)) - 1), label="index")
    item = source.draw(ITEMS, label="item")
    after = edited(data, ReplaceItem(path, index, item))

    expected = copy.deepcopy(document.value)
    at(expected, path)[index] = item
    assert same(read(after).value, expected)
    assert_lines_around(document, read(after), (*path, index))


@LAW
@given(NAMES, st.data())
def test_a_set_scalar_changes_its_own_lines_only(name: str, source: st.DataObject) -> None:
    data = DOCUMENTS[name]
    document = read(data)
    found = [path for kind in (str, int, float, type(None)) for path in paths(document.value, kind)]
    path = source.draw(st.sampled_from(found), label="path")
    scalar = source.draw(SCALARS, label="scalar")
    after = edited(data, SetScalar(path, scalar))

    expected = copy.deepcopy(document.value)
    at(expected, path[:-1])[path[-1]] = scalar
    assert same(read(after).value, expected)
    assert_lines_around(document, read(after), path)


def assert_lines_around(before: Document, after: Document, path: tuple[str | int, ...]) -> None:
    node, parent = before.node(*path), before.node(*path[:-1])
    assert node is not None
    assert parent is not None
    lines, new = before.text.split("\n"), after.text.split("\n")
    head = before.line(*path) - 1
    if parent.kind == "sequence":  # the dash may stand on any line after the item before
        index = next(i for i, item in enumerate(parent.items) if item is node)
        head = before.text.count("\n", 0, parent.items[index - 1].end) if index else parent.line - 1
    tail = before.text.count("\n", node.end)
    assert new[:head] == lines[:head]
    if before.text.endswith("\n"):
        assert new[len(new) - tail :] == lines[len(lines) - tail :]


@LAW
@given(NAMES, st.data())
def test_any_edits_fold_into_the_expected_value_and_other_keys_keep_their_lines(
    name: str, source: st.DataObject
) -> None:
    data = DOCUMENTS[name]
    assume(not name.startswith(("flow", "anchors")))
    expected: Any = copy.deepcopy(read(data).value)
    edits: list[Edit] = []
    touched: set[str | int] = set()
    for _ in range(source.draw(st.integers(1, 5))):
        path: tuple[str | int, ...] = source.draw(
            st.sampled_from([("rules",), ("examples",), ("tags",), ("new",)])
        )
        item = source.draw(ITEMS)
        size = len(at(expected, path) or ()) if path[0] in expected else 0
        kind = source.draw(st.sampled_from(["add", "insert", "remove", "replace", "set"]))
        index = source.draw(st.integers(0, size))
        if kind == "set":
            path = source.draw(st.sampled_from([("version",), ("description",), ("model",)]))
            edits.append(SetScalar(path, scalar := source.draw(SCALARS)))
            expected[path[0]] = scalar
        elif kind in {"add", "insert"} or index == size:
            at_end = kind == "add" or index == size
            edits.append(AddItem(path, item, None if at_end else index))
            expected[path[0]] = expected.get(path[0]) or []
            expected[path[0]].insert(size if at_end else index, item)
        elif kind == "remove":
            edits.append(RemoveItem(path, index))
            del expected[path[0]][index]
        else:
            edits.append(ReplaceItem(path, index, item))
            expected[path[0]][index] = item
        touched.add(path[0])
    after = edited(data, *edits)
    result = read(after).value
    assert set(result) == set(expected)
    assert all(same(result[key], expected[key]) for key in expected)
    if data.endswith(b"\n"):
        old, new = sections(data), sections(after)
        # A new key may take its place between another one and the comments below it.
        fresh = {key for key in new if key not in old}
        order = list(new)
        before_fresh = {order[order.index(key) - 1] for key in fresh}
        for key in old.keys() - touched - before_fresh:
            assert new[key] == old[key], key


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_new_version_changes_one_line(name: str) -> None:
    data = DOCUMENTS[name]
    after = with_version(data, 4711, file="p.yaml")
    changed = [
        (old, new) for old, new in zip(data.split(b"\n"), after.split(b"\n"), strict=True) if old != new
    ]
    assert len(changed) == 1
    assert changed[0][1].count(b"4711") == 1
    assert with_version(after, read(data).value["version"], file="p.yaml") == data
