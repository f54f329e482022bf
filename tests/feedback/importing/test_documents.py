from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.feedback.importing import documents
from promptvc.feedback.importing.documents import Item, read_items
from promptvc.feedback.rows import BadRow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def values(path: Path, text: str, *arrays: tuple[str, ...]) -> list[Any]:
    path.write_text(text, "utf-8")
    return [item.value if isinstance(item, Item) else item for item in read_items(path, arrays)]


@settings(max_examples=60)
@given(st.lists(JSON, max_size=6), st.integers(1, 9), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_whatever_the_window(
    tmp_path_factory: pytest.TempPathFactory, items: list[Any], chunk: int, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("items") / "a.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_CHUNK", chunk)
        assert values(path, json.dumps(items, indent=indent, ensure_ascii=False)) == items
        around = {"before": {"x": [1]}, "deep": {"down": items, "after": 1}, "end": None}
        assert values(path, json.dumps(around, indent=indent), ("deep", "down")) == items
        assert values(path, "\n".join(json.dumps({"v": item}) for item in items)) == [
            {"v": one} for one in items
        ]


def test_lines_and_what_stands_around(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n "when": 7, "results": {"n": 1,\n  "rows": [1,\n 2]}}')
    found = [one for one in read_items(path, [("results", "rows")]) if isinstance(one, Item)]
    assert [(one.line, one.value, one.head) for one in found] == [
        (3, 1, {"when": 7, "n": 1}),
        (4, 2, {"when": 7, "n": 1}),
    ]


def test_an_object_without_the_array_is_an_item(tmp_path: Path) -> None:
    assert values(tmp_path / "a.json", '{"a": 1}\n{"data": 3}', ("data",)) == [{"a": 1}, {"data": 3}]


def test_an_item_that_breaks_a_rule_costs_no_other(tmp_path: Path) -> None:
    found = values(tmp_path / "a.json", '[{"a": 1},\n{"a": 1, "a": 2},\n{"a": NaN}, {"a": 3}]')
    assert found == [
        {"a": 1},
        BadRow(2, "not JSON: the key 'a' appears twice"),
        BadRow(3, "not JSON: NaN is not JSON"),
        {"a": 3},
    ]


@pytest.mark.parametrize(
    "text", ['[{"a": 1}', '[{"a": 1} {"b": 2}]', '{"a": 1', "[1, }]", '["\\', '{"a" 1}', "[1,"]
)
def test_a_broken_text_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidDocument, match="not JSON"):
        values(tmp_path / "a.json", text, ("data",))


def test_what_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'["\xff"]')
    with pytest.raises(InvalidDocument, match="not UTF-8"):
        list(read_items(tmp_path / "a.json"))
