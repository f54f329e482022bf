"""Same and nearly the same."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.training.data import texts
from promptvc.training.data.texts import (
    Forest,
    Nearby,
    connected,
    gather,
    near_pairs,
    normalised,
    overlap,
    pieces,
)


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


@given(st.one_of(st.text(), st.text(st.characters(max_codepoint=127))))
def test_plain_text_is_normalised_as_any_other(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text).casefold()
    assert normalised(text) == (re.sub(r"[\W_]+", " ", plain).strip() or plain.strip())


_WORDS = st.lists(st.sampled_from(["late", "parcel", "where", "box", "a", "of"]), max_size=9).map(" ".join)
_TEMPLATE = st.tuples(st.integers(0, 40), st.sampled_from(["box", "parcel from my sister"])).map(
    lambda given: f"my {given[1]} should have been here by now where is it please number {given[0]}"
)
_TEXTS = st.lists(st.one_of(_WORDS, _TEMPLATE), max_size=14)


def is_near(one: str, other: str) -> bool:
    return overlap(pieces(one), pieces(other)) >= 0.8


@settings(max_examples=300, deadline=None)
@given(_TEXTS, _TEXTS)
def test_no_near_pair_is_missed(left: list[str], right: list[str]) -> None:
    assert near_pairs(left) == [
        (i, j) for i in range(len(left)) for j in range(i + 1, len(left)) if is_near(left[i], left[j])
    ]
    pairs = [(i, j) for i in range(len(left)) for j in range(len(right)) if is_near(left[i], right[j])]
    assert near_pairs(left, right) == pairs
    index = Nearby(right)
    assert [index.has(text) for text in left] == [any(i == at for i, _ in pairs) for at in range(len(left))]


@pytest.mark.parametrize("crowd", [1, 64])
@settings(max_examples=200, deadline=None)
@given(given=_TEXTS)
def test_what_hangs_together_is_what_pairs_connect(crowd: int, given: list[str]) -> None:
    """Also where every piece that two texts share is looked at by group."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_CROWD", crowd)
        forest = Forest(len(given))
        gather(given, forest)
        assert near_pairs(given) == [
            (i, j) for i in range(len(given)) for j in range(i + 1, len(given)) if is_near(given[i], given[j])
        ]
    assert forest.roots() == connected(len(given), near_pairs(given))


@given(st.integers(1, 3000), st.data())
def test_what_overlaps_enough_agrees_on_rare_pieces(size: int, data: st.DataObject) -> None:
    """The filters leave out no pair, whatever the sizes: what two sets share may be their most frequent pieces."""
    other = data.draw(st.integers(size, size * 5 // 4))
    shared = -(-4 * (size + other) // 9)
    if shared <= size:
        agreeing = min(
            texts._prefix(size, texts._LARGER) - (size - shared),
            texts._prefix(other, texts._ALL) - (other - shared),
        )
        assert agreeing >= texts._agreeing(-(-other * 4 // 5))


def test_connected() -> None:
    assert connected(6, [(4, 5), (0, 2), (2, 4)]) == [0, 1, 0, 3, 0, 0]
