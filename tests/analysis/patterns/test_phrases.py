"""Phrases: exactly those that enough events have, with exactly those events."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.patterns.block import Block
from promptvc.analysis.patterns.phrases import phrases, words

TEXTS = st.lists(
    st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c", "d."]), max_size=7).map(" ".join)),
    max_size=14,
)


def plainly(texts: list[str | None], support: int) -> dict[str, list[int]]:
    """The same by looking at every phrase of every text."""
    found: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        row = words(text or "")
        cut = {" ".join(row[i : i + n]) for n in (1, 2, 3) for i in range(len(row) - n + 1)}
        for phrase in cut:
            if "." not in phrase:
                found.setdefault(phrase, []).append(at)
    return {phrase: events for phrase, events in found.items() if len(events) >= support}


def events_of(block: Block) -> dict[str, list[int]]:
    places = block.places(set(range(len(block.candidates))))
    return {block.candidates[at].text: list(events) for at, events in places.items() if events}


@given(TEXTS, st.integers(1, 4))
@settings(max_examples=80)
def test_frequent_phrases_are_those_that_counting_all_of_them_finds(
    texts: list[str | None], support: int
) -> None:
    block = phrases(texts, "input", support)
    assert events_of(block) == plainly(texts, support)
    counts, n = block.counts(range(len(texts)))
    assert n == len(block.base()) == sum(text is not None for text in texts)
    expected = Counter({text: len(events) for text, events in plainly(texts, support).items()})
    assert Counter({block.candidates[at].text: count for at, count in counts.items()}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop. Go!", ["dont", "stop", ".", "go", "."]),
        ("card_fraud e-mail", ["card", "fraud", "e", "mail"]),
        ("Straße\u2019s ÜBER", ["strasses", "über"]),
        ("我要退款。", ["我", "要", "退", "款", "."]),
        ("환불 요청", ["환불", "요청"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_long_text_is_judged_by_its_beginning() -> None:
    block = phrases(["word " * 1000 + "end"], "input", 1)
    assert "end" not in events_of(block)
