"""The mark that ends what promptvc writes: found again, and broken by every change of a word."""

from __future__ import annotations

import re

from hypothesis import assume, example, given
from hypothesis import strategies as st

from promptvc.forge.forge import MOST_COMMENT
from promptvc.forge.marks import (
    MOST_MARK,
    MOST_MARKER,
    is_title_untouched,
    is_untouched,
    marked,
    marker_for,
    marker_of,
    was_written,
)
from promptvc.forge.text import checked_marked

markers = st.from_regex(rf"[a-z0-9][a-z0-9/_.:-]{{0,{MOST_MARKER - 1}}}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def words(text: str) -> list[str]:
    return text.split()


@given(texts, markers, texts)
def test_a_mark_is_read_back(body: str, marker: str, title: str) -> None:
    text = marked(body, marker, title)
    assert marker_of(text) == marker
    assert is_untouched(text, marker)
    assert is_title_untouched(title, text)
    assert was_written(body, text)
    assert text.startswith(body.rstrip())
    assert not is_untouched(text, marker + "x")
    assert not is_title_untouched(title, marked(body, marker))


@given(texts, markers)
@example("x", "report/a--b---c-/v2")
def test_no_marker_ends_its_comment(body: str, marker: str) -> None:
    """CommonMark takes two hyphens in a comment for its end."""
    (comment,) = re.findall(r"<!--(.*?)-->\Z", marked(body, marker).strip())[-1:]
    assert "--" not in comment
    assert not comment.endswith("-")


@given(texts, markers, st.sampled_from(["\n", "\r\n"]))
def test_blanks_and_line_ends_are_the_forges(body: str, marker: str, end: str) -> None:
    text = end.join(line.rstrip() for line in marked(body, marker).split("\n")).rstrip()
    assert is_untouched(text, marker)


@given(texts, markers, texts, st.floats(0, 1))
def test_a_word_more_is_a_change(body: str, marker: str, more: str, at: float) -> None:
    place = round(len(body) * at)
    changed = body[:place] + more + body[place:]
    assume(marked(changed, marker) != marked(body, marker) and words(changed) != words(body))
    mark = marked(body, marker).removeprefix(body.rstrip())
    text = changed + mark
    assume(was_written(changed, marked(body, marker)) is False)
    assert not is_untouched(text, marker)
    assert not is_untouched(text + " more", marker)
    assert not is_untouched(body, marker)


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,150}", fullmatch=True), min_size=1, max_size=4))
def test_a_marker_of_long_names_is_one(parts: list[str]) -> None:
    marker = marker_for(*parts)
    assert len(marker) <= MOST_MARKER
    assert marker_of(checked_marked("x", marker)) == marker
    assert marker != marker_for(*parts, "x")


def test_there_is_room_for_the_longest_mark() -> None:
    longest = "a" + "-" * (MOST_MARKER - 1)
    text = marked("x", f"{longest}:news", "t" * 247)
    assert len(text.encode()) - 1 <= MOST_MARK
    assert MOST_COMMENT + MOST_MARK <= 65_536
    assert marker_of(text) == f"{longest}:news"
