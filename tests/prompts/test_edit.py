"""Surgical edits, one story each: what the text looks like before and after."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.prompts.edit import AddItem, Edit, RemoveItem, ReplaceItem, SetScalar, edit, with_version
from tests.prompts.handwritten import SOURCES

RULE = {"text": "Never promise: a refund.", "because": ["01JD3M8Z6VQW4N9T2X5KAB7CDE"]}


def change(before: str, *edits: Edit) -> str:
    return edit(before.encode(), edits, file="p.yaml").decode()


def refused(before: str, *edits: Edit) -> InputError:
    with pytest.raises(InputError) as caught:
        change(before, *edits)
    assert caught.value.file == "p.yaml"
    return caught.value


def test_items_are_written_like_their_neighbours() -> None:
    assert change("rules:\n- 'text': 'a'\n  because: ['x']\n", AddItem(("rules",), RULE)) == (
        "rules:\n- 'text': 'a'\n  because: ['x']\n- 'text': 'Never promise: a refund.'\n"
        "  because: ['01JD3M8Z6VQW4N9T2X5KAB7CDE']\n"
    )
    assert change("rules:\n    -   { text: a }   # one\n", AddItem(("rules",), RULE)) == (
        "rules:\n    -   { text: a }   # one\n"
        '    -   { text: "Never promise: a refund.", because: [01JD3M8Z6VQW4N9T2X5KAB7CDE] }\n'
    )
    assert change("rules:\n  - text: a\n    because:\n    - x\n", AddItem(("rules",), RULE)) == (
        "rules:\n  - text: a\n    because:\n    - x\n"
        '  - text: "Never promise: a refund."\n    because:\n    - 01JD3M8Z6VQW4N9T2X5KAB7CDE\n'
    )


def test_items_of_several_lines_become_literal_scalars() -> None:
    assert change("rules:\n  - text: a\n", AddItem(("rules",), {"text": "one\n  two\n"})) == (
        "rules:\n  - text: a\n  - text: |\n      one\n        two\n"
    )
    assert change("rules: [{text: a}]\n", AddItem(("rules",), {"text": "one\ntwo"})) == (
        'rules: [{text: a}, {text: "one\\ntwo"}]\n'
    )


def test_lists_of_flow_style_grow_on_their_line_or_by_lines() -> None:
    assert (
        change("t: [a, b]   # two\n", AddItem(("t",), "c"), AddItem(("t",), "d", 0))
        == "t: [d, a, b, c]   # two\n"
    )
    assert change("t: [\n  a,   # one\n  b   # two\n]\n", AddItem(("t",), "c")) == (
        "t: [\n  a,   # one\n  b,   # two\n  c\n]\n"
    )
    assert change("t: [\n  a,   # one\n  b,\n]\n", AddItem(("t",), "c"), RemoveItem(("t",), 0)) == (
        "t: [\n  b,\n  c,\n]\n"
    )
    assert change("t: [a, # one\n    b]\n", RemoveItem(("t",), 1)) == "t: [a, # one\n    ]\n"


@pytest.mark.parametrize("nothing", ["rules: []", "rules: [ ]", "rules:", "rules: ~", "rules: null"])
@pytest.mark.parametrize("comment", ["", "   # none yet"])
@pytest.mark.parametrize("end", ["\nversion: 1\n", "\n", ""])
def test_a_key_without_items_gets_a_block_list(nothing: str, comment: str, end: str) -> None:
    after = change(nothing + comment + end, AddItem(("rules",), {"text": "a"}))
    assert after == f"rules:{comment}\n  - text: a{end}"
    assert change(after, RemoveItem(("rules",), 0)) == f"rules: []{comment}{end}"


def test_a_missing_key_takes_its_place_in_the_order_of_the_format() -> None:
    before = "name: a\nmessages:\n- {role: user, content: x}\n\noutput: {format: text}\n"
    assert change(before, AddItem(("examples",), {"output": "b"}), AddItem(("rules",), {"text": "a"})) == (
        "name: a\nmessages:\n- {role: user, content: x}\n\nrules:\n- text: a\n\nexamples:\n- output: b\n\n"
        "output: {format: text}\n"
    )
    assert change(before, SetScalar(("model",), "offline")).startswith("name: a\nmodel: offline\nmessages:\n")
    assert (
        change("{name: a}", AddItem(("tags",), "x"), SetScalar(("version",), 2))
        == "{name: a, tags: [x], version: 2}"
    )
    assert change("rules:\n  - text: a\n", AddItem(("rules", 0, "because"), "x")) == (
        "rules:\n  - text: a\n    because: [x]\n"
    )


def test_blank_lines_between_items_are_kept_up() -> None:
    before = "rules:\n  - text: a\n\n  - text: b\n\nversion: 1\n"
    added = "rules:\n  - text: a\n\n  - text: b\n\n  - text: c\n\nversion: 1\n"
    assert change(before, AddItem(("rules",), {"text": "c"})) == added
    assert change(added, RemoveItem(("rules",), 0)) == added.replace("  - text: a\n", "", 1)
    assert change(added, RemoveItem(("rules",), 1)) == added.replace("\n  - text: b\n", "")


def test_comments_go_with_the_item_below_them_and_stay_otherwise() -> None:
    before = (
        "rules: # learned\n  # all of them\n  - text: a # first\n  # loose\n\n  # about b\n  # and more\n"
        "  - text: b\n  # the end\n"
    )
    assert change(before, RemoveItem(("rules",), 1)) == (
        "rules: # learned\n  # all of them\n  - text: a # first\n  # loose\n  # the end\n"
    )
    assert change(before, RemoveItem(("rules",), 0)) == before.replace("  - text: a # first\n", "")
    assert change(before, AddItem(("rules",), {"text": "c"}, 1)) == before.replace(
        "# first\n", "# first\n  - text: c\n"
    )


def test_scalars_keep_their_quotes_and_comments() -> None:
    text = "a: 'x'   # one\nb: \"x\"\nc: x # three\nd: |- # four\n  x\n  y\ne: >\n   x\nf:\n"
    assert change(
        text,
        SetScalar(("a",), "it's"), SetScalar(("b",), "b"), SetScalar(("c",), "no"), SetScalar(("d",), "1\n2\n"),
        SetScalar(("e",), "x"), SetScalar(("f",), 1.5),
    ) == "a: 'it''s'   # one\nb: \"b\"\nc: \"no\" # three\nd: | # four\n  1\n  2\ne: x\nf: 1.5\n"  # fmt: skip
    assert change("a: x   # why\nb: 1\n", SetScalar(("a",), "1\n2")) == "a: |-   # why\n  1\n  2\nb: 1\n"
    assert change("a: |\n     deep\n", SetScalar(("a",), "still\ndeep\n")) == "a: |\n     still\n     deep\n"


def test_a_comment_behind_a_replaced_item_is_kept() -> None:
    before = "rules:\n  - text: a   # why\n  - text: b\n"
    assert change(before, ReplaceItem(("rules",), 0, {"text": "x"})) == before.replace("text: a", "text: x")
    assert change(before, ReplaceItem(("rules",), 0, {"text": "x\ny"})) == (
        "rules:\n  - text: |-   # why\n      x\n      y\n  - text: b\n"
    )


def test_a_literal_text_at_the_end_gets_the_line_break_that_it_needs() -> None:
    assert change("rules:\n- a", AddItem(("rules",), "x\ny\n")) == "rules:\n- a\n- |\n  x\n  y\n"
    assert change("rules:\n- |\n  a\n- b", RemoveItem(("rules",), 1)) == "rules:\n- |\n  a\n"


def test_what_cannot_be_written_in_place_is_refused() -> None:
    error = refused("rules:\n- text: a\n", AddItem(("rules",), {"k" * 2000: "v"}))
    assert error.message == "`rules` cannot be edited in place without changing something else"


def test_line_ends_and_the_missing_last_one_are_kept() -> None:
    assert change(
        "rules:\r\n- text: a\r\nb: 1", AddItem(("rules",), {"text": "x\ny"}), SetScalar(("b",), 2)
    ) == ("rules:\r\n- text: a\r\n- text: |-\r\n    x\r\n    y\r\nb: 2")
    assert (
        change("a: 1\nrules:\n- text: a", AddItem(("rules",), {"text": "b"}))
        == "a: 1\nrules:\n- text: a\n- text: b"
    )
    # A clipped literal at the very end holds no line break until something follows it.
    assert change("rules:\n- |\n  a", AddItem(("rules",), "b")) == "rules:\n- |-\n  a\n- b"
    assert change("\ufeffversion: 1\r\n", SetScalar(("version",), 2)) == "\ufeffversion: 2\r\n"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (AddItem(("metadata", "same"), 1), "is written as the alias *examples"),
        (SetScalar(("metadata", "first", "role"), "x"), "`metadata.first` is written as the alias *system"),
        (AddItem(("examples",), 1), "carries the anchor &examples, which is repeated elsewhere"),
        (SetScalar(("messages", 0, "content"), "x"), "`messages[0]` carries the anchor &system"),
        (RemoveItem(("messages",), 0), "carries the anchor &system"),
        (ReplaceItem(("rules",), 0, "x"), "carries the anchor &why"),
        (AddItem(("rules", 1, "because"), "x"), "is written as the alias *why"),
    ],
)
def test_aliases_and_anchors_in_use_are_refused_with_the_reason(step: Edit, words: str) -> None:
    error = refused(SOURCES["anchors"].decode(), step)
    assert words in error.message
    assert error.line is not None
    assert "by hand" in (error.hint or "")


def test_anchors_do_not_stop_edits_elsewhere() -> None:
    before = SOURCES["anchors"].decode()
    after = change(
        before, AddItem(("rules",), {"text": "new"}), AddItem(("tags",), "z"), RemoveItem(("rules",), 1)
    )
    assert "  - text: new\n" in after
    assert "tags: &tags [x, z]" in after


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (RemoveItem(("rules",), 0), "`rules` does not exist"),
        (RemoveItem(("tags",), 2), "`tags` has no item 2: it has 2"),
        (RemoveItem(("tags",), -1), "`tags` has no item -1"),
        (AddItem(("tags",), "x", 3), "`tags` has no place 3: it has 2 items"),
        (AddItem(("name",), "x"), "`name` is a scalar, not a list"),
        (AddItem(("a", "b"), "x"), "`a` does not exist"),
        (AddItem(("tags", 5), "x"), "`tags[5]` does not exist"),
        (SetScalar(("tags",), "x"), "`tags` is a sequence, not a scalar"),
        (SetScalar(("name", "x"), "x"), "`name` is a scalar"),
        (SetScalar((), "x"), "the document itself cannot be edited"),
        (AddItem(("tags",), object()), "a object cannot be written as YAML"),
        (AddItem(("tags",), "\ud800"), "a lone surrogate"),
        (AddItem(("typed",), "x"), "`typed` carries a tag"),
    ],
)
def test_edits_that_do_not_fit_are_refused(step: Edit, words: str) -> None:
    with pytest.raises(InputError) as caught:
        change("name: a\ntags: [x, y]\ntyped: !!seq [a]\n", step)
    assert words in caught.value.message


def test_what_is_not_yaml_is_not_edited() -> None:
    with pytest.raises(InvalidDocument):
        change("a: [", SetScalar(("a",), 1))
    with pytest.raises(InputError):
        change("", SetScalar(("a",), 1))


HOSTILE = ["- ", ": ", "#", "'", '"', " x ", "a\nb\n\n", "📬", "\x00\x1b[31m", "no", "12:30",
           "0x1F", "{{ x }}", "{% raw %}", "---\nname: evil\n", "]}", "&a *a", "\t", "\u2028", "\ufeff", "x" * 100_000,
           "- text: evil\n  because: []"]  # fmt: skip


@pytest.mark.parametrize("style", sorted(set(SOURCES) - {"anchors"}))
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_survives_in_any_style(style: str, text: str) -> None:
    item: dict[str, Any] = {"input": {"message": text}, "output": text}
    after = edit(
        SOURCES[style], [AddItem(("examples",), item), AddItem(("rules",), {"text": text})], file="p.yaml"
    )
    value = load_yaml(after, file="p.yaml").value
    assert value["examples"][-1] == item
    assert value["rules"][-1] == {"text": text}


def test_a_prompt_of_ten_megabytes_is_edited() -> None:
    head = b"name: big\nversion: 1\nmessages:\n  - role: system\n    content: |\n"
    big = head + b"      lorem ipsum dolor sit amet\n" * 320_000 + b"rules:\n  - text: a\n"
    after = edit(big, [AddItem(("rules",), {"text": "b"}), SetScalar(("version",), 2)], file="p.yaml")
    assert after == big.replace(b"version: 1", b"version: 2") + b"  - text: b\n"
    assert with_version(after, 1, file="p.yaml") == big + b"  - text: b\n"
