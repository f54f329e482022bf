from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.ranking.similarity import K, TextIndex, similar
from promptvc.analysis.ranking.terms import bag_of, terms_of

TEXTS = (
    "Route refunds and charges of cards to billing",
    "Write a poem about the sea",
    "Summarize tickets about cards",
    "",
)
BAGS = [bag_of([(1.0, text)]) for text in TEXTS]
INDEX = TextIndex.build(BAGS)
VOCABULARY = ("refund", "card", "sea", "poem", "ticket", "route", "unheard", "of", "the")
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=12)


def test_terms_are_words_that_tell_something() -> None:
    assert terms_of("The refunds of the CARD's policies, don\u2019t: card_fraud!") == [
        *("refund", "card", "policy", "dont", "card", "fraud")
    ]
    assert terms_of("\uff35\uff32\uff27\uff25\uff2e\uff34") == ["urgent"]  # full-width letters
    assert terms_of("\u652f\u4ed8\u5931\u6557") == ["\u652f\u4ed8", "\u4ed8\u5931", "\u5931\u6557"]
    assert terms_of("gas process status is") == ["gas", "process", "status"]


def test_a_bag_counts_each_part_by_its_weight() -> None:
    assert bag_of([(3.0, "card"), (1.0, "card cards sea")]) == {"card": 5.0, "sea": 1.0}


def test_the_text_that_shares_the_rarer_words_is_closer() -> None:
    asked = INDEX.ask("refund for a card")
    first, poem, third, nothing = INDEX.similarities(asked)
    assert 1 > first > third > 0
    assert poem == nothing == 0
    assert INDEX.matched(asked, 0) == ("refund", "card")
    assert INDEX.matched(asked, 2) == ("card",)
    assert INDEX.matched(asked, 1) == ()


def test_the_weight_is_bm25() -> None:
    index = TextIndex.build([{"card": 2.0, "sea": 1.0}, {"sea": 3.0}, {"poem": 1.0}])
    rarity = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    length = 0.25 + 0.75 * 3 / (7 / 3)
    weight = rarity * 2 * (K + 1) / (2 + K * length)
    assert index.similarities(index.ask("card")) == [
        pytest.approx(weight / (rarity * (K + 1)), abs=1e-3),
        0,
        0,
    ]


def test_words_that_no_text_has_make_a_task_less_like_all() -> None:
    plain, strange = (INDEX.similarities(INDEX.ask(task))[0] for task in ("card", "card zeppelin"))
    assert 0 < strange < plain / 2 + 0.01


@pytest.mark.parametrize("task", ["", "the of", "zeppelin"])
def test_a_task_without_a_known_word_is_like_nothing(task: str) -> None:
    asked = INDEX.ask(task)
    assert INDEX.similarities(asked) == [0.0] * 4
    assert INDEX.similarity(asked, BAGS[0]) == 0


def test_an_empty_index_answers() -> None:
    empty = TextIndex.build([])
    assert empty.similarities(empty.ask("card")) == []


def test_of_a_long_task_the_rarest_terms_count() -> None:
    known = "card " * 30
    asked = INDEX.ask(known + " ".join(f"word{number}" for number in range(40)))
    assert len(asked.terms) == 24
    assert "card" not in dict(asked.terms)


@given(WORDS, WORDS)
@settings(max_examples=60)
def test_laws(words: list[str], task: list[str]) -> None:
    bags = [*BAGS[:3], bag_of([(1.0, " ".join(words))])]
    index = TextIndex.build(bags)
    asked = index.ask(" ".join(task))
    found = index.similarities(asked)
    assert all(0 <= one < 1 for one in found)
    assert index.similarities(index.ask(" ".join(reversed(task)))) == found
    # A text by itself is as similar as one of the index, and the file brings the same index back.
    assert [index.similarity(asked, bag) for bag in bags] == found
    read = TextIndex.from_bytes(index.to_bytes())
    assert read.similarities(read.ask(" ".join(task))) == found
    assert read.to_bytes() == index.to_bytes()


def test_two_similarities_make_one() -> None:
    assert similar([0.5, 0.0, 0.2], [0.5, 0.0, 0.0]) == [0.75, 0.0, pytest.approx(0.2)]


def test_another_file_is_refused() -> None:
    data = INDEX.to_bytes()
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    changed = [
        b"",
        b"{}",
        data[:-4],
        data + b"1234",
        json.dumps(head | {"order": "middle4"}).encode() + b"\n" + rest,
        json.dumps(head | {"size": 1}).encode() + b"\n" + rest,
        json.dumps(head | {"counts": head["counts"][1:]}).encode() + b"\n" + rest,
        json.dumps(head | {"terms": 4}).encode() + b"\n" + rest,
    ]
    for one in changed:
        with pytest.raises(ValueError):  # noqa: PT011 - the caller asks for no more
            TextIndex.from_bytes(one)
