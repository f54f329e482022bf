"""Same and nearly the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.training.data.texts import connected, near_pairs, normalised, overlap, pieces


@pytest.mark.parametrize("text", ["Where is it?", " where   IS it ", "where-is_it!", "\uff37here is it"])
def test_same(text: str) -> None:
    assert normalised(text) == "where is it"


def test_a_text_of_punctuation_keeps_it() -> None:
    assert (normalised("?!"), normalised("..."), normalised("  ")) == ("?!", "...", "")


def test_nearly_the_same() -> None:
    text = normalised("My parcel should have been here on Monday, where is it now please")
    same = normalised("My parcel should have been here on Monday. Where is it now, pleas")
    other = normalised("My refund should have been here on Friday, where is it now please")
    assert near_pairs([text, same, other]) == [(0, 1)]
    assert near_pairs([other, same], [text]) == [(1, 0)]


_WORDS = st.lists(st.sampled_from(["late", "parcel", "where", "box", "a", "of"]), max_size=9).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(_WORDS, max_size=10), st.lists(_WORDS, max_size=10))
def test_no_near_pair_is_missed(left: list[str], right: list[str]) -> None:
    def near(one: str, other: str) -> bool:
        return overlap(pieces(one), pieces(other)) >= 0.8

    assert near_pairs(left) == [
        (i, j) for i in range(len(left)) for j in range(i + 1, len(left)) if near(left[i], left[j])
    ]
    assert near_pairs(left, right) == [
        (i, j) for i in range(len(left)) for j in range(len(right)) if near(left[i], right[j])
    ]


def test_connected() -> None:
    assert connected(6, [(4, 5), (0, 2), (2, 4)]) == [0, 1, 0, 3, 0, 0]
