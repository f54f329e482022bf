"""Items followed to the content that first had their words, held against an oracle that knows who wrote what."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import load_yaml
from promptvc.store.blame import Origin, flat, origins, parts_of, same_items, same_lines, words_of

TEXT = """\
# a comment
name: a/b
version: 1
messages:
  - role: system
    content: |
      First line.

      Third line.
  - role: user
    content: "{{ q }}"

rules:
  - text: >-
      A rule on
      two lines.
    because: [X]
  - {text: Another.}
examples:
  -
    input: {q: one}
    output: two
tags: [x]
"""


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (1, None),
        (2, ("name", None)),
        (4, ("messages", None)),
        (5, ("messages", 0)),
        (9, ("messages", 0)),
        (11, ("messages", 1)),
        (12, None),
        (13, ("rules", None)),
        (14, ("rules", 0)),
        (16, ("rules", 0)),
        (17, ("rules", 0)),
        (18, ("rules", 1)),
        (21, ("examples", 0)),
        (22, ("examples", 0)),
        (23, ("tags", 0)),
    ],
)
def test_a_line_is_part_of_an_item(line: int, part: tuple[str, int | None] | None) -> None:
    assert parts_of(load_yaml(TEXT.encode(), file="x")).get(line) == part


def test_the_words_of_items_leave_out_what_they_cite() -> None:
    value = load_yaml(TEXT.encode(), file="x").value
    assert words_of(value, "rules") == [{"text": "A rule on two lines."}, {"text": "Another."}]
    assert words_of(value, "examples") == [{"input": {"q": "one"}, "output": "two"}]
    assert words_of({}, "rules") == []


def test_lines_that_were_only_indented_anew_are_the_same() -> None:
    assert same_lines(flat(["a: b", "  c", "d"]), flat(["new", "a:  b", "c", "D"])) == {1: 0, 2: 1}


def test_a_moved_item_is_the_same_and_of_two_alike_each_is_used_once() -> None:
    assert same_items(["x", "y", "z"], ["z", "x", "y"]) == {0: 2, 1: 0, 2: 1}
    assert same_items(["x"], ["x", "x"]) == {0: 0}


def test_what_a_merge_brought_together_is_of_the_side_that_wrote_it() -> None:
    contents = {"base": ["a"], "left": ["a", "l"], "right": ["r", "a"], "merge": ["r", "a", "l", "m"]}
    parents = {"base": (), "left": ("base",), "right": ("base",), "merge": ("left", "right")}
    found = origins(
        "merge", range(4), parents.__getitem__, lambda one, two: same_items(contents[one], contents[two])
    )
    assert found == {
        0: Origin("right", 0),
        1: Origin("base", 0),
        2: Origin("left", 1),
        3: Origin("merge", 3),
    }


def test_what_was_written_again_is_of_the_second_time() -> None:
    contents = {"1": ["a", "b"], "2": ["b"], "3": ["a", "b"]}
    parents = {"1": (), "2": ("1",), "3": ("2",)}
    found = origins(
        "3", range(2), parents.__getitem__, lambda one, two: same_items(contents[one], contents[two])
    )
    assert found == {0: Origin("3", 0), 1: Origin("1", 1)}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 9)),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("move"), st.integers(0, 9)),
    ),
    max_size=12,
)


@given(st.lists(steps, min_size=1, max_size=5), st.booleans())
def test_each_item_is_of_the_content_that_wrote_it(
    history: Sequence[Sequence[tuple[str, int]]], lines: bool
) -> None:
    """Every added item has words of its own, so that an oracle knows its origin. Moves keep it, for items."""
    contents: list[list[str]] = []
    wrote: dict[str, int] = {}
    now: list[str] = []
    for at, edits in enumerate(history):
        for kind, place in edits:
            if kind == "add":
                wrote[f"item {len(wrote)}"] = at
                now.insert(place % (len(now) + 1), f"item {len(wrote) - 1}")
            elif now and kind == "remove":
                now.pop(place % len(now))
            elif now and not lines:
                now.append(now.pop(place % len(now)))
        contents.append(list(now))
    same = same_lines if lines else same_items
    found = origins(
        str(len(contents) - 1),
        range(len(now)),
        lambda key: (str(int(key) - 1),) if key != "0" else (),
        lambda one, two: same(contents[int(one)], contents[int(two)]),
    )
    assert {at: int(origin.key) for at, origin in found.items()} == {
        at: wrote[item] for at, item in enumerate(now)
    }
    assert all(contents[int(origin.key)][origin.position] == now[at] for at, origin in found.items())
