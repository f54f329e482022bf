"""Reading YAML: values of the core schema, places in the text, and what is refused with file and line."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import Document, Node, load_json_document, load_yaml
from promptvc.base.errors import InvalidDocument

TEXT = """\
# a comment
name: größe 📬   # another
list:
  - one
  - {a: 1, b: [x, y]}
  -
    deep: |
      literal

    flat: "quoted"
nothing:
"""


def load(text: str | bytes) -> Document:
    return load_yaml(text.encode() if isinstance(text, str) else text, file="p.yaml")


def refused(text: str | bytes) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        load(text)
    assert caught.value.file == "p.yaml"
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("12:30", "12:30"), ("012", 12), ("0o14", 12), ("0x1F", 31),
        ("1_000", "1_000"), ("0b11", "0b11"), ("2026-11-20", "2026-11-20"), ("=", "="), ("~", None), ("", None),
        ("null", None), ("Null", None), ("nULL", "nULL"), ("true", True), ("FALSE", False), ("tRue", "tRue"),
        ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("+1", 1), ("-0", 0), ("-.inf", -math.inf), ("1.2.3", "1.2.3"),
        ("1e", "1e"), ("+", "+"), ("'1'", "1"), ('"~"', "~"), ("!!str 1", "1"), ("!!int '7'", 7), ("!!float 1", 1.0),
        ("! 1", "1"), ("!!null ''", None), ("|\n  1\n", "1\n"),
    ],
)  # fmt: skip
def test_scalars_have_the_types_of_the_core_schema(text: str, value: Any) -> None:
    found = load(f"key: {text}").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_one() -> None:
    assert math.isnan(load("key: .NaN").value["key"])


def everything(node: Node) -> list[Node]:
    inner = [*node.items, *(each for pair in node.pairs for each in pair)]
    return [node, *(found for each in inner for found in everything(each))]


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, "\ufeff" + TEXT.replace("\n", "\r\n")]
)
def test_offsets_point_into_the_text_as_it_is(text: str) -> None:
    document = load(text)
    assert document.text == text.removeprefix("\ufeff")
    assert document.marked == text.startswith("\ufeff")
    written = {node.data: document.text[node.start : node.end] for node in everything(document.root)
               if node.kind == "scalar"}  # fmt: skip
    assert written["größe 📬"] == "größe 📬"
    assert written["quoted"] == '"quoted"'
    assert written["literal\n"].replace("\r", "") == "|\n      literal"
    assert written[None] == ""
    flow = document.node("list", 1)
    assert flow is not None
    assert document.text[flow.start : flow.end] == "{a: 1, b: [x, y]}"
    block = document.node("list")
    assert block is not None
    assert document.text[block.start : block.end].endswith('flat: "quoted"')
    lines = document.text.split("\n")
    for node in everything(document.root):
        assert node.start == sum(len(line) + 1 for line in lines[: node.line - 1]) + node.column


def test_lines_are_those_of_keys_or_of_the_nearest_thing_around() -> None:
    document = load(TEXT)
    assert document.line("name") == 2
    assert document.line("list", 1, "b", 1) == 5
    assert document.line("list", 2, "flat") == 10
    assert document.line("list", 2, "missing") == 7
    assert document.line("list", 9) == 3
    assert document.line("missing") == 2
    assert document.node("list", "x") is None


@pytest.mark.parametrize(
    ("header", "body", "end"),
    [
        ("|", "  x\n\n\n", "  x"), ("|-", "  x\n\n\n", "  x"), ("|+", "  x\n\n\n", "  x\n\n"),
        (">", "  x\n  y\n\n", "  x\n  y"),
        ("|", "  x\n   \n", "  x\n   "), ("|2", "   x\n\n", "   x"), ("| # +", "  x\n\n", "  x"), ("|", "", ""),
    ],
)  # fmt: skip
def test_a_block_scalar_ends_with_its_last_line(header: str, body: str, end: str) -> None:
    document = load(f"a: {header}\n{body}b: 1\n")
    node = document.node("a")
    assert node is not None
    assert document.text[node.start : node.end] == (f"{header}\n{end}" if end else header)


def test_line_breaks_of_yaml_1_1_are_plain_characters() -> None:
    assert load("a: x\u2028y\x85z \ue000\nb: '\u2029'").value == {"a": "x\u2028y\x85z \ue000", "b": "\u2029"}


def test_aliases_repeat_the_value_without_sharing_it() -> None:
    document = load("a: &x [1, {b: 2}]\nc: *x\nd: *x\n")
    assert document.value["c"] == document.value["a"] == [1, {"b": 2}]
    document.value["c"].append(3)
    assert document.value["a"] == document.value["d"] == [1, {"b": 2}]
    node = document.node("c")
    assert node is not None
    assert (node.alias, node.line, node.kind) == ("x", 2, "sequence")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "--- # x\n...\n", "\ufeff"])
def test_an_empty_document_is_none(text: str) -> None:
    assert load(text).value is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' appears twice (first on line 1)"),
        ("a:\n  <<: {b: 1}", 2, "merge keys (<<) are not part of YAML 1.2"),
        ("a: 1\n7: x", 2, "the key '7' is not text"),
        ("no: 1\ntrue: 2", 2, "the key 'true' is not text"),
        ("? [a]\n: b", 1, "a key must be text"),
        ("? {a: 1}\n: b", 1, "a key must be text"),
        ("a: *b", 1, "the alias '*b' has no anchor before it"),
        ("a: &b\n  c: *b", 2, "the alias '*b' stands inside its own anchor"),
        ("a:\n  - !!binary aGk=", 2, "'tag:yaml.org,2002:binary' is not one of YAML's core tags"),
        ("a: !python/object:os.system {}", 1, "is not one of YAML's core tags"),
        ("a: !!seq {}", 1, "is not one of YAML's core tags"),
        ("a: !!int x", 1, "'x' is not a value of the tag !!int"),
        ("a: !!bool 1", 1, "'1' is not a value of the tag !!bool"),
        ("a: 1\n---\nb: 2", 2, "a second YAML document"),
        ("a: 1\n...\n# c\nb: 2", 4, "a second YAML document"),
        ("# c\n%YAML 1.1\n---\na: 1", 2, "a YAML directive"),
        ("a:\n\tb: 1", 2, "a tab cannot indent YAML"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a: [1\nb: 2\n", 2, "not YAML"),
        ("a: 'x\n\n\n", 4, "that begins on line 1"),
        ("a: 1\nb: x\x00y", 2, "U+0000"),
        ("a: 1\nb: \x1b[0m", 2, "U+001B"),
        ("a: x\ufeffy", 1, "U+FEFF"),
        ("a: 1\r\nb: x\ry", 2, "a carriage return without a line feed"),
        (b"a: 1\nb: \xe9t\xe9", 2, "not UTF-8: byte 0xe9 at offset 8"),
        ("a: 1".encode("utf-16"), 1, "it looks like UTF-16"),
        ("a: " + "9" * 5000, 1, "a number of 5000 digits"),
        ("a: !<" + "x" * 5000 + "> b", 1, "core tags"),
        ("a: *" + "x" * 5000, 1, "has no anchor"),
        ("k" * 900 + ": 1\n" + "k" * 900 + ": 2", 2, "appears twice"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, line: int, words: str) -> None:
    error = refused(text)
    assert words in error.message
    assert error.line == line
    assert len(error.message) < 300


def test_anchor_bombs_deep_nesting_and_floods_end_early() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
    )
    error = refused(bomb)
    assert (error.line, error.message) == (6, "more than 250,000 values, aliases written out")
    texts = f"a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 100)}]"
    assert "characters, aliases written out" in refused(texts).message
    for opening in ("[", "- ", "- - ? ", "a: &a ["):
        refused(opening * 5000)
    chain = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]\n" for i in range(1, 100))
    assert "nested more than 100 levels deep" in refused(chain).message
    assert "more than 250,000 values" in refused("[" + "a," * 300_000).message
    assert "a second YAML document" in refused("a: 1\n" + "...\n%TAG ! x\n" * 100_000).message


def test_ten_megabytes_are_read_and_more_than_sixteen_mebibytes_refused() -> None:
    long = "a: |\n" + "  lorem ipsum dolor\n" * 500_000
    assert len(load(long).value["a"]) == 18 * 500_000
    error = refused(b"a: " + b"x" * 17_000_000)
    assert "16 MiB" in error.message


@given(st.binary(max_size=60) | st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t0.~<\\", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_line(data: bytes) -> None:
    error = None
    try:
        load(data)
    except InvalidDocument as caught:
        error = caught
    assert error is None or (error.line is not None and 1 <= error.line <= data.count(b"\n") + 2)


@given(st.text("ab:-[]{}'\"#,? \n10~", max_size=40))
def test_the_pure_parser_reads_the_same_as_the_one_in_c(text: str) -> None:
    def outcome() -> Any:
        try:
            return repr(load(text).value)
        except InvalidDocument:
            return InvalidDocument

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        slow = outcome()
    # The two disagree on a few malformed texts; where both read one, they read the same.
    assert fast == slow or InvalidDocument in {fast, slow}


def test_json_documents_are_bounded_and_named() -> None:
    assert load_json_document(b'{"a": [1]}', file="x.json") == {"a": [1]}
    with pytest.raises(InvalidDocument, match=r"x\.json:2: not JSON"):
        load_json_document(b'{\n"a": }', file="x.json")
    with pytest.raises(InvalidDocument, match="16\\.2 MiB is more"):
        load_json_document(b" " * 17_000_000, file="x.json")
