"""Writing YAML: what is written is read back equal, and looks as the house style says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.emit import is_plain, literal_lines, scalar_text
from promptvc.base.errors import InputError

ALPHABET = "a \n\t#:-'\"\r|>x0x85.1e+_[]{}, &*!?%@`\u2028\x85\ufeff\u202e😀~=<yno\\T"
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(ALPHABET)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_what_is_written_is_read_back_equal(value: Any) -> None:
    assert same(load_yaml(dump_yaml(value).encode(), file="x").value, value)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_readers_of_yaml_1_1_see_the_same_text(text: str) -> None:
    for line in (f"key: {scalar_text(text)}\n", f"key: [{scalar_text(text, flow=True)}]\n"):
        found = yaml.load(line, Loader=yaml.SafeLoader)["key"]
        assert found in (text, [text])


@pytest.mark.parametrize(
    "text",
    ["no", "Yes", "on", "y", "N", "null", "~", "", "12:30", "1_000", "0o7", "0x1F", "017", "1e5", ".5", "-1", "+1",
     "2026-11-20", "=", "<<", "- a", "a: b", "a #b", " a", "a ", "a:", "#", "[a", "{a", "&a", "*a", "!a", "|", ">",
     "'", '"', "%a", "@a", "`a", "?", "---", "...", "a\tb", "01E5", "0123456789", "NULL", "False"],
)  # fmt: skip
def test_texts_that_readers_disagree_about_are_quoted(text: str) -> None:
    assert not is_plain(text)
    assert load_yaml(f"a: {scalar_text(text)}".encode(), file="x").value == {"a": text}


@pytest.mark.parametrize("text", ["billing", "the customer's own words", "01JD3M8Z6VQW4N9T2X5KAB7CDE", "größe 📬",
                                  "a-b", "support/triage", "openai:gpt-4o", "say \"hi\"", "a, b"])  # fmt: skip
def test_harmless_texts_are_not_quoted(text: str) -> None:
    assert scalar_text(text) == text


def test_the_house_style() -> None:
    value = {
        "name": "support/triage",
        "parameters": {"temperature": 0},
        "messages": [
            {"role": "system", "content": "You route.\nOne label only.\n"},
            {"role": "user", "content": "{{ message }}"},
        ],
        "rules": [{"text": "Be brief.", "because": ["01JD3M8Z6VQW4N9T2X5KAB7CDE"]}],
        "matrix": [[1, 2], ["two\nlines", {"a": {"b": []}}]],
        "long": ["x" * 60, "y" * 60],
        "empty": {},
    }
    assert dump_yaml(value) == (
        "name: support/triage\n"
        "parameters: {temperature: 0}\n"
        "messages:\n"
        "  - role: system\n"
        "    content: |\n"
        "      You route.\n"
        "      One label only.\n"
        "  - role: user\n"
        '    content: "{{ message }}"\n'
        "rules:\n"
        "  - text: Be brief.\n"
        "    because: [01JD3M8Z6VQW4N9T2X5KAB7CDE]\n"
        "matrix:\n"
        "  - [1, 2]\n"
        "  - - |-\n"
        "      two\n"
        "      lines\n"
        "    - a: {b: []}\n"
        f"long:\n  - {'x' * 60}\n  - {'y' * 60}\n"
        "empty: {}\n"
    )


def test_literal_scalars_say_how_they_begin_and_end() -> None:
    assert literal_lines("a\nb\n") == ("|", ["a", "b"])
    assert literal_lines("a\nb") == ("|-", ["a", "b"])
    assert literal_lines(" a\nb") == ("|2-", [" a", "b"])
    for fragile in ("a", "a\n\n\n", "a\n  ", "  \na\n", "a\r\nb\n", "a\x07\nb\n", "\n"):
        assert literal_lines(fragile) is None


def test_what_shows_something_else_than_it_says_is_escaped() -> None:
    assert scalar_text("abc\u202egnp.exe") == '"abc\\u202egnp.exe"'


@pytest.mark.parametrize("value", ["\ud800", {1: 2}, {"a": object()}, {"a": b"x"}])
def test_what_yaml_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        dump_yaml(value)
