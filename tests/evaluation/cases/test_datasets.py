"""Datasets: the same cases in three formats, found by name and by glob, wrong in every way that files are wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.sequence import (
    Cases,
    Chosen,
    Joined,
    Lacking,
    chosen,
    digest_of,
    ids_of,
    lacking_of,
)
from promptvc.evaluation.cases.suite import Case, Suite, check_variables, load_suite
from tests.evaluation.cases.folders import FILE, Folder, as_csv, as_jsonl, as_yaml, load

FOLDER = "evaluation/support"
LINES = '{"id": "a", "vars": {"message": "x"}, "expected": "billing"}\n{"id": "b", "expected": "card"}\n'


def plain(case: Case) -> dict[str, Any]:
    """A case without its place."""
    values = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    return {key: value for key, value in values.items() if key not in {"line", "file"}}


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
# Braces would name variables, and a few words and every colon are promptfoo's grammar in a CSV cell.
answers = st.text(st.characters(codec="utf-8", categories=["Lu", "Nd", "Zs", "Sc"]), max_size=8).filter(
    str.strip
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "vars": st.fixed_dictionaries({"message": words, "tone, please": words}),
            "expected": answers,
            "id": st.text("abcdefgh", min_size=1, max_size=8),
        },
        optional={
            "threshold": st.sampled_from([0, 1, 0.5]),
            "split": st.sampled_from(["train", "holdout"]),
            "cluster": st.text("uvw", min_size=1),
            "description": st.text("xyz", min_size=1),
            "tags": st.lists(st.text("xyz", min_size=1), min_size=1),
        },
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row["id"],
)


@settings(max_examples=60)
@given(rows, st.booleans(), st.sampled_from(["", "\ufeff"]))
def test_the_format_does_not_matter(cases: list[dict[str, Any]], windows: bool, mark: str) -> None:
    def end(text: str) -> bytes:
        return (mark + (text.replace("\r\n", "\n").replace("\n", "\r\n") if windows else text)).encode()

    inline = load_suite(dump_yaml({"match": "icontains", "cases": cases}).encode(), file=FILE)
    found = [
        load("match: icontains\ncases: x.jsonl", x_jsonl=end(as_jsonl(cases))),
        load("match: icontains\ncases: [x.csv]", x_csv=end(as_csv(cases))),
        load("match: icontains\ncases: x.yaml", x_yaml=as_yaml(cases).encode()),
    ]
    for suite in found:
        assert [plain(case) for case in suite.cases] == [plain(case) for case in inline.cases]
        assert suite.digest == inline.digest
        assert digest_of(suite.split("train")) == digest_of(inline.split("train"))
        assert [case.id for case in suite.split("holdout")] == [case.id for case in inline.split("holdout")]


def test_ids_of_cases_without_one_do_not_depend_on_the_format() -> None:
    cases = [{"vars": {"message": f"ask {at}"}, "expected": "yes"} for at in range(5)]
    texts = {
        "x_jsonl": as_jsonl(cases),
        "x_csv": "message,__expected\n" + "".join(f"ask {n},yes\n" for n in range(5)),
    }
    found = [load(f"cases: {name.replace('_', '.')}", **{name: text}) for name, text in texts.items()]
    inline = load_suite(dump_yaml({"cases": cases}).encode(), file=FILE)
    for suite in found:
        assert [case.id for case in suite.cases] == [case.id for case in inline.cases]
        assert suite.digest == inline.digest


def test_a_dataset_is_made_case_by_case_and_says_the_same_every_time() -> None:
    suite = load("default: {vars: {tone: calm}}\ncases: [x.jsonl, {id: c, expected: late}, y.csv]",
                 x_jsonl=LINES, y_csv="message,__expected\nhello,bye\n")  # fmt: skip
    cases = suite.cases
    assert isinstance(cases, Joined)
    assert len(cases) == 4
    assert [case.id for case in cases][:3] == ["a", "b", "c"]
    assert list(cases) == [cases[at] for at in range(4)] == list(cases)
    assert cases[0] is not cases[0]
    assert cases[-1].vars == {"tone": "calm", "message": "hello"}
    assert [case.id for case in cases[1:3]] == ["b", "c"]
    assert [case.id for case in cases[::-1]][1:] == ["c", "b", "a"]
    assert (cases[1].file, cases[1].line) == (f"{FOLDER}/x.jsonl", 2)
    assert (cases[2].file, cases[2].line) == (None, 2)
    assert (cases[3].file, cases[3].line) == (f"{FOLDER}/y.csv", 2)
    for beyond in (4, -5):
        with pytest.raises(IndexError):
            cases[beyond]
    with pytest.raises(TypeError):
        cases[0].vars["message"] = "other"  # type: ignore[index]
    assert [(one.path, one.cases) for one in suite.datasets] == [
        (f"{FOLDER}/x.jsonl", 2),
        (f"{FOLDER}/y.csv", 1),
    ]
    assert len({one.digest for one in suite.datasets}) == 2


def test_splits_digests_and_ids_need_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": f"n{at}", "expected": "x", "split": "train" if at % 3 else "holdout"} for at in range(9)]
    suite, older = (
        load("cases: x.jsonl", x_jsonl=as_jsonl(rows)),
        load("cases: x.jsonl", x_jsonl=as_jsonl(rows[:2])),
    )
    made = [case.digest for case in suite.cases if case.split == "holdout"]
    monkeypatch.setattr("promptvc.evaluation.cases.dataset.RowCases.case", None)
    held = suite.split("holdout")
    assert isinstance(held, Chosen)
    assert list(held.digests()) == made
    assert list(held.ids()) == ["n0", "n3", "n6"]
    assert set(held.splits()) == {"holdout"}
    assert older.removed_since(suite) == tuple(f"n{at}" for at in range(2, 9))
    assert suite.removed_since(older) == ()
    assert suite.digest != older.digest


def test_a_suite_of_one_split_is_not_copied() -> None:
    suite = load("cases: x.jsonl", x_jsonl=LINES)
    assert isinstance(suite.cases, Cases)
    assert suite.split("holdout") is suite.cases
    assert list(suite.split("train")) == []


def test_globs_are_taken_in_sorted_order() -> None:
    def row(name: str) -> str:
        return f'{{"id": "{name}", "expected": "x"}}\n'

    files = {
        f"{FOLDER}/b.jsonl": row("b"),
        f"{FOLDER}/a.jsonl": row("a"),
        f"{FOLDER}/z.jsonl": row("z"),
        f"{FOLDER}/.hidden.jsonl": "not read",
        f"{FOLDER}/more/c.jsonl": row("c"),
        f"{FOLDER}/more/deep/d.jsonl": row("d"),
        f"{FOLDER}/more/deep/d.txt": "not read",
        "evaluation/shared/e.jsonl": row("e"),
    }

    def ids(text: str) -> list[str]:
        return [
            case.id for case in load_suite(f"cases: {text}".encode(), file=FILE, files=Folder(files)).cases
        ]

    assert ids("'*.jsonl'") == ["a", "b", "z"]
    assert ids("'[bc].jsonl'") == ["b"]
    assert ids("'**/**/[a-z].jsonl'") == ["a", "b", "c", "d", "z"]
    assert ids("'**/*.jsonl'") == ["a", "b", "c", "d", "z"]
    assert ids("'more/**/?.jsonl'") == ["c", "d"]
    assert ids("['../shared/*.jsonl', './b.jsonl']") == ["e", "b"]


def test_a_pattern_of_many_stars_lists_each_folder_a_few_times() -> None:
    deep = FOLDER + "/" + "/".join("abcdefghij")
    folder = Folder({f"{deep}/x.jsonl": LINES})
    text = f"cases: '{'**/' * 12}?/{'**/' * 12}x.jsonl'"
    assert len(load_suite(text.encode(), file=FILE, files=folder).cases) == 2
    assert len(folder.asked) < 1000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'*.cases.jsonl'", "no file matches '*.cases.jsonl'"),
        ("none.jsonl", "there is no file evaluation/support/none.jsonl"),
        ("../../../x.jsonl", "leads out of the prompt root"),
        ("'*/../../x.jsonl'", "has `..` after a pattern"),
        ("/etc/passwd", "no path relative to the suite's folder"),
        ("~/x.jsonl", "no path relative to the suite's folder"),
        ("file:x.jsonl", "no path relative to the suite's folder"),
        ("https://example.org/x.jsonl", "no path relative to the suite's folder"),
        ("'a\\x.jsonl'", "backslash"),
        ("'.'", "there is no file evaluation/support"),
        ("[{expected: a}, x.jsonl, 'x.jsonl']", "evaluation/support/x.jsonl is named twice"),
        ("''", "`cases` must not be empty"),
        ("['']", "`cases[0]` must not be empty"),
        ("[7]", "`cases[0]` must be a mapping"),
    ],
)
def test_what_a_suite_cannot_name(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(f"\ncases: {text}", x_jsonl=LINES)
    assert (caught.value.file, caught.value.line) == (FILE, 2)
    assert message in caught.value.message


def test_a_suite_alone_cannot_read_datasets() -> None:
    with pytest.raises(InvalidDocument, match="no files to read here"):
        load_suite(b"cases: x.jsonl", file=FILE)


GOOD = b'{"expected": "x", "id": "good"}\n'
BAD_LINES: list[tuple[bytes, int, str]] = [
    (b"", 1, "has no cases"),
    (b"\n \n", 1, "has no cases"),
    (GOOD + b"\n{nonsense\n", 3, "not JSON"),
    (GOOD + b"\xff\xfe\n", 2, "not UTF-8"),
    (b"\xff\xfe{\x00", 1, "UTF-16"),
    (GOOD + b'{"expected": "x", "expected": "y"}', 2, "'expected' appears twice"),
    (GOOD + b"[]\n", 2, "a case is an object"),
    (GOOD + b'"x.jsonl"\n', 2, "a case is an object"),
    (GOOD + b'{"expcted": "x"}', 2, "`expcted` is not a known key here"),
    (GOOD + b'{"expected": null}', 2, "`expected`"),
    (GOOD + b'{"expected": "x", "assert": [{"type": "equal"}]}', 2, "`equal`"),
    (GOOD + b'{"expected": "x", "assert": [{"type": 7}]}', 2, "`assert[0].type` must be text"),
    (GOOD + b'{"expected": "x", "threshold": 2}', 2, "`threshold` must be at most 1"),
    (GOOD + b'{"expected": "x", "vars": {"n": 1e999}}', 2, "too large a number"),
    (GOOD + b'{"expected": "x", "vars": {"n": NaN}}', 2, "NaN is not JSON"),
    (GOOD + b'{"vars": {"n": 1}}', 2, "asserts nothing"),
    (GOOD + b'{"expected": "{{ nobody }}"}', 2, "names {{ nobody }}"),
    (GOOD + b'{"expected": "x", "id": "a\\u0007"}', 2, "cannot be seen"),
    (GOOD + b'\n{"expected": "y", "id": "good"}', 3, "the id `good` too, like the one at line 1"),
    (b'{"expected": "x"}\n{"expected": "y"}', 2, "the same `vars` too, like the one at line 1"),
    (GOOD + b'{"expected": "x", "id": "first"}', 2, f"the id `first` too, like the one at {FILE}:1"),
]  # fmt: skip
BAD_TABLES: list[tuple[bytes, int, str]] = [
    (b"", 1, "has no header"),
    (b"message,__expected\n", 1, "has no cases"),
    (b"message,,__expected\n", 1, "a column of the header has no name"),
    (b"message,message\n", 1, "two columns `message`"),
    (b"message,__expectd\n", 1, "there is no column `__expectd`"),
    (b"message,__metadata:\n", 1, "there is no column `__metadata:`"),
    (b"message,__expected\n\na,b,c\n", 3, "3 fields where the header has 2"),
    (b"message,__expected\na\n", 2, "1 field where the header has 2"),
    (b'message,__expected\n"a\nb",x\n"open,y\n', 4, "a quote is opened and never closed"),
    (b'message,__expected\n"a"b,x\n', 2, "not CSV"),
    (b"message,__expected\ra,b\r", 1, "lines end in CR alone"),
    (b"message,__expected\na,\xe4\n", 2, "not UTF-8"),
    (b'message,__expected\n"a\n\n\xe4",x\n', 4, "not UTF-8"),
    (b"message,__expected,__threshold\na,b,high\n", 2, "`__threshold` must be a number"),
    (b"message,__expected,__threshold\na,b,3\n", 2, "`threshold` must be at most 1"),
    (b"message,__expected,__split\na,b,test\n", 2, "`split` must be one of train, holdout"),
    (b"message,__expected\na,eval: true\n", 2, "JavaScript is not run"),
    (b"message,__expected\na,is-json: {\n", 2, "its schema is not JSON"),
    (b"message,__expected\na,\n", 2, "asserts nothing"),
    (b"message,__expected\na,b\na,c\n", 3, "the same `vars` too, like the one at line 2"),
    (b'message,__expected\n"a\nb",x\n\n"a\nb",y\n', 5, "the same `vars` too, like the one at line 2"),
]
BAD_YAML: list[tuple[bytes, int, str]] = [
    (b"", 1, "a dataset in YAML is a list"),
    (b"[]", 1, "has no cases"),
    (b"cases: []", 1, "a dataset in YAML is a list"),
    (b"- {id: a, expected: x}\n- x.jsonl\n", 2, "a case is an object"),
    (b"- id: a\n  expected: x\n- id: b\n  assert:\n  - {type: equals, value: x}\n  - {type: equal}\n", 6, "`equal`"),
    (b"- id: a\n  expected: x\n- id: b\n  vars: []\n", 4, "`vars` must be a mapping"),
    (b"- {id: a, expected: x}\n- {id: a, expected: x}\n", 2, "like the one at line 1"),
    (b"- {id: a, vars: {n: .nan}, expected: x}\n", 1, "not a finite number"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "line", "message"),
    [
        *(("x.jsonl", *bad) for bad in BAD_LINES),
        *(("x.csv", *bad) for bad in BAD_TABLES),
        *(("x.yml", *bad) for bad in BAD_YAML),
    ],
)
def test_what_is_wrong_and_where(name: str, data: bytes, line: int, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(f"cases: [{{id: first, expected: y}}, {name}]", **{name.replace(".", "_"): data})
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == (f"{FOLDER}/{name}", line)


def test_a_misspelt_key_of_a_row_is_suggested() -> None:
    with pytest.raises(InvalidDocument) as caught:
        load("cases: x.jsonl", x_jsonl=b'{"expcted": "x"}')
    assert caught.value.hint == "did you mean `expected`?"
    with pytest.raises(InvalidDocument) as caught:
        load("cases: x.csv", x_csv=b"__expectd\na\n")
    assert caught.value.hint == "did you mean `__expected`?"


def test_ids_count_once_over_all_files() -> None:
    with pytest.raises(InvalidDocument) as caught:
        load("cases: [x.jsonl, y.csv]", x_jsonl=LINES, y_csv="__id,__expected\nc,x\nb,x\n")
    assert (caught.value.file, caught.value.line) == (f"{FOLDER}/y.csv", 3)
    assert "the id `b` too, like the one at evaluation/support/x.jsonl:2" in caught.value.message


def test_a_name_that_is_no_dataset() -> None:
    with pytest.raises(InvalidDocument, match="no dataset by its name") as caught:
        load("cases: x.txt", x_txt=LINES)
    assert caught.value.hint == "datasets end in .yaml, .yml, .jsonl, .csv"


def test_a_revision_is_named_before_the_file() -> None:
    suite = load("cases: x.jsonl", f"0123456789ab:{FILE}", x_jsonl=LINES)
    assert suite.cases[1].file == f"0123456789ab:{FOLDER}/x.jsonl"
    with pytest.raises(InvalidDocument) as caught:
        check_variables(suite, ["message"])
    assert (caught.value.file, caught.value.line) == (f"0123456789ab:{FOLDER}/x.jsonl", 2)


def test_what_lacks_variables_is_counted_over_all_files() -> None:
    suite = load(
        "default: {vars: {tone: calm}}\ncases: [{id: first, vars: {message: m, n: 1}, expected: x}, x.jsonl, y.csv]",
        x_jsonl=as_jsonl(
            [
                {"vars": {"message": str(at), **({"n": at} if at % 2 else {})}, "expected": "x"}
                for at in range(9)
            ]
        ),
        y_csv="message,__expected\na,b\n",
    )
    check_variables(suite, ["message", "tone"])
    with pytest.raises(InvalidDocument) as caught:
        check_variables(suite, ["message", "n"])
    assert (caught.value.file, caught.value.line) == (f"{FOLDER}/x.jsonl", 1)
    assert "lacks `n`, which the prompt requires (5 more cases too)" in caught.value.message
    with pytest.raises(InvalidDocument, match=r"lacks `who`, which the prompt requires \(10 more"):
        check_variables(suite, ["who"])
    held = suite.split("holdout")
    assert lacking_of(held, ["n"]) == lacking_of(tuple(held), ["n"]) == Lacking(1, 6)
    assert lacking_of(suite.cases[::2], ["n"]) == lacking_of(tuple(suite.cases)[::2], ["n"])


def test_chosen_cases_are_the_same_whether_they_are_kept_or_not() -> None:
    suite = load("cases: [{id: i, expected: x}, x.jsonl]", x_jsonl=LINES)
    for kept in (suite.cases, tuple(suite.cases)):
        assert [case.id for case in chosen(kept, lambda case: case.id != "a")] == ["i", "b"]
        assert list(chosen(kept, lambda case: False)) == []
    assert chosen(suite.cases, lambda case: True) is suite.cases
    few = chosen(chosen(suite.cases, lambda case: case.id != "i"), lambda case: case.id != "a")
    assert [case.id for case in few] == list(ids_of(few)) == ["b"]


def columns(text: str) -> Case:
    suite: Suite = load("match: icontains\ncases: x.csv", x_csv=text)
    (case,) = suite.cases
    return case


def test_the_columns_of_promptfoo() -> None:
    case = columns(
        "message,n,__expected,__expected2,__expected3,__metric,__threshold,__description,__metadata:ticket,__metadata:who[]\n"
        'hello,3,billing,"contains-any: a, b",not-contains: 7,tone,0.5,Two charges.,4711,"ada, bob"\n'
    )
    assert case.vars == {"message": "hello", "n": "3"}
    assert case.expected == "billing"
    assert case.assertions == (
        Assertion("icontains", "billing", metric="tone"),
        Assertion("contains-any", ["a", "b"], metric="tone"),
        Assertion("not-contains", "7", metric="tone"),
    )
    assert (case.threshold, case.description) == (0.5, "Two charges.")
    assert case.metadata == {"ticket": "4711", "who": ["ada", "bob"]}


def test_a_first_cell_with_a_type_is_no_expected_text() -> None:
    case = columns("message,__expected1,__expected2\nhello,equals: a,b\n")
    assert case.expected == "b"
    assert case.assertions == (Assertion("equals", "a"), Assertion("icontains", "b"))


def test_a_further_text_alone_has_to_be_equalled() -> None:
    case = columns("message,__expected,__expected2\n\n,,\nhello,billing,refund\n")
    assert case.expected == "billing"
    assert case.assertions == (Assertion("equals", "refund"), Assertion("icontains", "billing"))


def test_a_cell_is_text_and_an_empty_one_is_the_empty_text() -> None:
    case = columns('a,b,c,__expected\n, x ,"q""q\r\n2",yes\n')
    assert case.vars == {"a": "", "b": " x ", "c": 'q"q\r\n2'}


def test_numbers_of_jsonl_stay_numbers() -> None:
    (case,) = load("cases: x.jsonl", x_jsonl='{"vars": {"n": 3, "m": 2.5, "on": true}, "expected": 7}').cases
    assert case.vars == {"n": 3, "m": 2.5, "on": True}
    assert case.assertions == (Assertion("equals", 7),)
