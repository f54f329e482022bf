from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.feedback.rows import BadRow, Row, read_rows


def rows(tmp_path: Path, data: bytes | str, name: str = "f.csv") -> list[Row | BadRow]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_rows(path))


def test_json_lines(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"a": 1}\r\n\n{"a": [2]}\n{"a": 1, "a": 2}\n{"a": NaN}\n3\n'
    data += b'{"a": "\xff"}\n{"a": 1e999}\n{"a": 4}'
    assert rows(tmp_path, data, "f.jsonl") == [
        Row(1, {"a": 1}, typed=True),
        Row(3, {"a": [2]}, typed=True),
        BadRow(4, "not JSON: the key 'a' appears twice"),
        BadRow(5, "not JSON: NaN is not JSON"),
        BadRow(6, "not a JSON object"),
        BadRow(7, "not UTF-8: byte 7"),
        BadRow(8, "not JSON: 1e999 is too large a number"),
        Row(9, {"a": 4}, typed=True),
    ]


def test_a_huge_line_is_a_bad_row_and_costs_no_other(tmp_path: Path) -> None:
    huge = b'{"a": "' + b"x" * 3 * 1024 * 1024 + b'"}\n'
    assert rows(tmp_path, huge + b'{"a": 1}\n', "f.jsonl") == [
        BadRow(1, "larger than 1,048,576 bytes"),
        Row(2, {"a": 1}, typed=True),
    ]
    (bad, *rest) = rows(tmp_path, b"a,b\n1," + b"x" * 3 * 1024 * 1024 + b"\n3,4\n")
    assert bad == BadRow(2, "larger than 1,048,576 bytes")
    assert rest == [Row(3, {"a": "3", "b": "4"}, typed=False)]


def test_csv_with_everything(tmp_path: Path) -> None:
    data = '\ufeffcomment; stars \r\n"two\nlines; and a ""quote""";5\r\n\r\nplain;\r\n'
    assert rows(tmp_path, data) == [
        Row(2, {"comment": 'two\nlines; and a "quote"', "stars": "5"}, typed=False),
        Row(5, {"comment": "plain", "stars": ""}, typed=False),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_the_header_holds_most(tmp_path: Path, delimiter: str) -> None:
    data = delimiter.join(('"a, b;c"', "b", "c")) + "\n" + delimiter.join("123") + "\n"
    assert rows(tmp_path, data) == [Row(2, {"a, b;c": "1", "b": "2", "c": "3"}, typed=False)]


def test_one_column(tmp_path: Path) -> None:
    assert rows(tmp_path, "comment\nfine\n") == [Row(2, {"comment": "fine"}, typed=False)]


def test_bad_rows_of_csv(tmp_path: Path) -> None:
    data = b'a,b\n1\n1,2,3\n"x"y,2\n\xff,2\n5,6\n"open,1\n2,3\n'
    assert rows(tmp_path, data) == [
        BadRow(2, "1 field where the header has 2"),
        BadRow(3, "3 fields where the header has 2"),
        BadRow(4, "not CSV: ',' expected after '\"'"),
        BadRow(5, "not UTF-8: byte 0"),
        Row(6, {"a": "5", "b": "6"}, typed=False),
        BadRow(7, "a quote is opened and never closed"),
    ]


def test_a_field_beyond_the_limit(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    data = f"a,b\n1,{'x' * (limit + 1)}\n3,4\n"
    assert rows(tmp_path, data) == [
        BadRow(2, f"a field of more than {limit:,} characters"),
        Row(3, {"a": "3", "b": "4"}, typed=False),
    ]


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl", "f"])
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str, data: bytes) -> None:
    assert rows(tmp_path, data, name) == []


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert rows(tmp_path, "a,b\n") == []


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"a,a\n1,2\n", "f.csv", "two columns 'a'"),
        (b"a,,c\n1,2,3\n", "f.csv", "has no name"),
        (b"\xff\xfea\x00", "f.csv", "UTF-16"),
        (b'[{"a": 1}]', "f.json", "a JSON array"),
    ],
)
def test_what_no_row_can_make_good(tmp_path: Path, data: bytes, name: str, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        rows(tmp_path, data, name)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        list(read_rows(tmp_path / "none.csv"))


def test_a_name_that_tells_nothing_the_content_does(tmp_path: Path) -> None:
    assert rows(tmp_path, ' {"a": 1}\n', "export.txt") == [Row(1, {"a": 1}, typed=True)]
    assert rows(tmp_path, "a,b\n1,2\n", "export.txt") == [Row(2, {"a": "1", "b": "2"}, typed=False)]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=50)
@given(st.lists(st.tuples(CELL, CELL, st.text("abc", min_size=1)), max_size=5), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str]], delimiter: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("a", "b", "c"), *cells])
    found = rows(tmp_path_factory.mktemp("csv"), text.getvalue())
    assert [row.values for row in found if isinstance(row, Row)] == [
        dict(zip("abc", row, strict=True)) for row in cells
    ]
