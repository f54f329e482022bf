"""Features, stems and closeness."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.models.similarity import UNIT, Index, Rarity
from promptvc.models.words import features, stem, words_of

TEXTS = st.text(alphabet=st.sampled_from("abcde \u00e9\u5305"), max_size=30)


@pytest.mark.parametrize(
    "related",
    [
        ("charge", "charges", "charged", "charging"),
        ("delivery", "deliveries"),
        ("stop", "stopped", "stopping"),
        ("pass", "passes", "passed"),
        ("box", "boxes"),
    ],
)
def test_forms_of_a_word_share_a_stem(related: tuple[str, ...]) -> None:
    assert len({stem(word) for word in related}) == 1


def test_words() -> None:
    assert words_of("Don't know: CARD_fraud, \ufb01x 3\u00d7!") == [
        "dont",
        "know",
        "card",
        "fraud",
        "fix",
        "3",
    ]
    assert features("") == {}
    assert len(words_of("a " * 100_000)) == 10_000


def closeness(one: str, other: str, *others: str) -> float:
    bags = [features(text) for text in (one, other, *others)]
    rarity = Rarity(bags)
    index = Index()
    index.add(rarity.vector(bags[1]))
    return index.products(rarity.vector(bags[0]))[0] / UNIT**2


def test_what_is_alike_is_close() -> None:
    assert closeness("where is my parcel", "where is my parcel", "charged twice") == pytest.approx(
        1, abs=0.002
    )
    assert closeness("where is my parcel", "my parcels are where?") > 0.4
    assert closeness("where is my parcel", "where is my refund") < 0.4
    assert closeness("where is my parcel", "charged twice") == 0


def test_a_rare_word_counts_more() -> None:
    common = ["card lost", "card stolen", "card new", "card old", "card blocked"]
    assert closeness("card pin", "wrong pin", *common) > closeness("card pin", "my card", *common)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_closeness_is_exact_symmetric_and_blind_to_order(texts: list[str], draw: object) -> None:
    bags = [features(text) for text in texts]
    vectors = [Rarity(bags).vector(bag) for bag in bags]
    shuffled = [Rarity(reversed(bags)).vector(dict(reversed(bag.items()))) for bag in bags]
    index, other = Index(), Index()
    for vector, again in zip(vectors, shuffled, strict=True):
        index.add(vector)
        other.add(again)
    table = [index.products(vector) for vector in vectors]
    assert table == [other.products(vector) for vector in shuffled]
    assert table == [list(row) for row in zip(*table, strict=True)]
    assert all(table[i][j] <= 1.01 * UNIT**2 for i in range(len(texts)) for j in range(len(texts)))
