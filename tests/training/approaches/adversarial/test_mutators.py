from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.training.approaches.adversarial.injections import INJECTIONS, canary_of
from promptvc.training.approaches.adversarial.mutators import (
    LONG,
    LOOKALIKES,
    MUTATORS,
    ZERO_WIDTH,
    plain_letters,
    without_zero_width,
)

TEXTS = st.text(max_size=200) | st.text("abcdefgh eioxyz ABC\n,.ßİŉ", max_size=200)
SEEDS = st.integers(0, 2**32)
ORDINARY = "I was charged twice for one order, please send the money back to my account"


def made(name: str, text: str, seed: int) -> str:
    return MUTATORS[name](text, Random(seed))


@pytest.mark.parametrize("name", MUTATORS)
@given(text=TEXTS, seed=SEEDS)
def test_the_same_draws_give_the_same_text(name: str, text: str, seed: int) -> None:
    assert made(name, text, seed) == made(name, text, seed)


@pytest.mark.parametrize("name", sorted(set(MUTATORS) - {"empty"}))
@given(text=TEXTS, seed=SEEDS)
def test_something_stays_something(name: str, text: str, seed: int) -> None:
    if text.strip():
        assert made(name, text, seed).strip()


@pytest.mark.parametrize("name", MUTATORS)
def test_an_ordinary_text_changes(name: str) -> None:
    assert all(made(name, ORDINARY, seed) != ORDINARY for seed in range(50))


@pytest.mark.parametrize("name", MUTATORS)
def test_not_every_draw_gives_the_same(name: str) -> None:
    assert len({made(name, ORDINARY, seed) for seed in range(50)}) > 2


@given(text=TEXTS, seed=SEEDS)
def test_typos_keep_nearly_all_letters_and_all_blanks(text: str, seed: int) -> None:
    changed = made("typos", text, seed)
    words = sum(1 for word in changed.split() if word)
    lost = Counter(text) - Counter(changed)
    assert sum(lost.values()) <= max(1, len(text) // 6)
    assert len(changed.split()) == len(text.split()) == words
    assert [word[:1] for word in changed.split()] == [word[:1] for word in text.split()]


@given(text=TEXTS, seed=SEEDS)
def test_lookalikes_are_read_as_the_letters_that_they_look_like(text: str, seed: int) -> None:
    changed = made("homoglyphs", text, seed)
    assert plain_letters(changed) == plain_letters(text)
    assert plain_letters(plain_letters(changed)) == plain_letters(changed)
    assert (changed != text) == any(letter in LOOKALIKES for letter in text)


@given(text=TEXTS, seed=SEEDS)
def test_what_has_no_width_can_be_taken_out(text: str, seed: int) -> None:
    changed = made("zero_width", text, seed)
    assert without_zero_width(changed) == without_zero_width(text)
    assert (changed != text) == any(letter.isalnum() for letter in text)
    assert set(changed) - set(text) <= set(ZERO_WIDTH)


@given(text=TEXTS, seed=SEEDS)
def test_casing_keeps_the_letters(text: str, seed: int) -> None:
    assert made("casing", text, seed).casefold() == text.casefold()


@given(text=TEXTS, seed=SEEDS)
def test_whitespace_keeps_the_words(text: str, seed: int) -> None:
    changed = made("whitespace", text, seed)
    assert changed.split() == text.split()
    assert (changed != text) == bool(text.strip())


@given(text=TEXTS, seed=SEEDS)
def test_truncation_keeps_a_beginning(text: str, seed: int) -> None:
    changed = made("truncation", text, seed)
    assert text.startswith(changed)
    assert (changed != text) == (len(text.strip()) >= 8)


@pytest.mark.parametrize("name", ["language", "long_input"])
@given(text=TEXTS, seed=SEEDS)
def test_what_is_put_around_leaves_the_text_whole(name: str, text: str, seed: int) -> None:
    changed = made(name, text, seed)
    assert text.strip() in changed
    if name == "long_input" and text.strip():
        assert len(changed) >= len(text.strip()) + LONG - 1


@given(text=TEXTS, seed=SEEDS)
def test_empty_says_nothing(text: str, seed: int) -> None:
    assert not made("empty", text, seed).strip()


@pytest.mark.parametrize("name", INJECTIONS)
@given(text=TEXTS, seed=SEEDS)
def test_an_injection_keeps_the_input_and_asks_for_the_canary(name: str, text: str, seed: int) -> None:
    canary = canary_of(text)
    changed = INJECTIONS[name](text, Random(seed), canary)
    assert text in changed
    assert len(changed) > len(text) + 20
    assert changed == INJECTIONS[name](text, Random(seed), canary)
    if name != "encoded":
        assert canary in changed


def test_what_is_encoded_does_not_show_the_canary() -> None:
    canary = canary_of(ORDINARY)
    ways = {INJECTIONS["encoded"](ORDINARY, Random(seed), canary) for seed in range(20)}
    assert len(ways) == 2
    assert not any(canary in way for way in ways)


def test_a_text_that_speaks_of_a_canary_stays_as_it_is() -> None:
    assert "my CANARY sings" in INJECTIONS["override"]("my CANARY sings", Random(1), "QX00000000")
