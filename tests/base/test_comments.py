"""Comments of a YAML document: all of them, and nothing that only looks like one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.comments import Comment, comments_of
from promptvc.base.documents import dump_yaml, load_yaml

TEXT = """\
# above
name: a#b   # behind
quoted: "# no" # yes
list: [1, '# no',   # in a flow
  2]
literal: |  # behind the mark
  # no
  text # no
# between

folded: >
  # no
plain: a
  # no comment of a folded plain text
# last"""


def test_where_comments_stand() -> None:
    found = comments_of(load_yaml(TEXT.encode(), file="a.yaml"))
    assert [(one.line, one.text) for one in found] == [
        (1, "# above"),
        (2, "# behind"),
        (3, "# yes"),
        (4, "# in a flow"),
        (6, "# behind the mark"),
        (9, "# between"),
        (14, "# no comment of a folded plain text"),
        (15, "# last"),
    ]


@given(st.lists(st.text("#a: \n\"'|>-", max_size=12), max_size=5), st.integers(0, 4))
def test_texts_are_none_whatever_they_hold(texts: list[str], at: int) -> None:
    lines = dump_yaml({"texts": texts, "more": {"key": texts}}).split("\n")
    assert comments_of(load_yaml("\n".join(lines).encode(), file="a.yaml")) == ()
    lines[:0] = ["# one"] * at
    marked = "\n".join([*lines, "# end"])
    assert comments_of(load_yaml(marked.encode(), file="a.yaml")) == (
        *(Comment(number, "# one") for number in range(1, at + 1)),
        Comment(len(lines) + 1, "# end"),
    )


def test_very_many_are_cut_and_cost_little() -> None:
    text = "".join(f"k{number}: 1 # x\n" for number in range(5000))
    assert len(comments_of(load_yaml(text.encode(), file="a.yaml"))) == 1000
