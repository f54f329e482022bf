"""Features of texts, clusters of inputs, and what events say of themselves."""

from __future__ import annotations

import pytest

from promptvc.analysis.patterns.block import Block
from promptvc.analysis.patterns.clusters import clusters
from promptvc.analysis.patterns.features import features
from promptvc.analysis.patterns.labels import labels
from promptvc.analysis.patterns.phrases import phrases
from tests.analysis.said import said


def having(block: Block) -> dict[str, list[int]]:
    places = block.places(set(range(len(block.candidates))))
    return {block.candidates[at].text: list(events) for at, events in places.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1]}', {"is JSON", "latin letters"}),
        ('{"a": NaN}', {"latin letters"}),
        ("- one\n- two", {"has a list", "latin letters"}),
        ("1) one\n2) two", {"has a list", "latin letters"}),
        ("a - b", {"latin letters"}),
        ("```\nx = 1\n```", {"has code", "latin letters"}),
        ("| a | b |\n| 1 | 2 |", {"has a table", "latin letters"}),
        ("I\u2019m sorry, but no.", {"refuses", "latin letters"}),
        ("The shop cannot ship.", {"latin letters"}),
        ("Which card?", {"ends in a question", "latin letters"}),
        ("STOP WRITING TO ME, PLEASE", {"all capitals", "latin letters"}),
        ("Привет", {"cyrillic letters"}),
        ("我要退款", {"cjk letters"}),
        ("see https://a.example", {"has a link", "latin letters"}),
        ("42", set()),
        (" ", {"empty"}),
    ],
)
def test_features_of_a_text(text: str, expected: set[str]) -> None:
    # What all events have separates nothing: a text that shares no feature stands beside it.
    others = [None, "", "x" * 50, "x" * 300 + "\n", "x" * 2000, "1"]
    found = having(features([text, *others], "output", 1))
    mine = {name for name, events in found.items() if 0 in events} - {"up to 40 characters"}
    assert mine == expected


def test_lengths() -> None:
    texts = ["", "x" * 40, "x" * 41, "x" * 201, "x" * 1001]
    found = {name: events for name, events in having(features(texts, "input", 1)).items() if len(events) == 1}
    assert sorted(found.values()) == [[0], [1], [2], [3], [4]]


def test_near_inputs_are_one_cluster() -> None:
    first = [f"where is my order number {at} from last week" for at in range(6)]
    second = [f"please cancel the subscription for account {at} today" for at in range(6)]
    other = ["good morning", "thanks", None]
    texts = [*first, *second, *other, first[0]]
    block = clusters(texts, phrases(texts, "input", 2), 3)
    assert list(having(block).values()) == [[*range(6), 15], [*range(6, 12)]]
    assert [one.text for one in block.candidates] == [first[0], second[0]]
    assert len(block.base()) == len(texts) - 1


def test_inputs_that_share_a_third_of_their_words_are_two_clusters() -> None:
    texts = ["order parcel late today", "order parcel soon shop"] * 3 + ["thanks", "hello", "bye"]
    assert list(having(clusters(texts, phrases(texts, "input", 2), 3)).values()) == [[0, 2, 4], [1, 3, 5]]


def test_labels() -> None:
    events = [
        said(0, tags=("a", "b", "a"), model="large"),
        said(1, tags=("a",)),
        said(2, model="small"),
        said(3, model="large"),
    ]
    tags, models, *rest = labels(events, 2)
    assert having(tags) == {"a": [0, 1]}
    assert list(tags.base()) == [0, 1, 2, 3]
    assert having(models) == {"large": [0, 3]}
    assert list(models.base()) == [0, 2, 3], "an event that tells no model is neither with nor without"
    assert [having(block) for block in rest] == [{}, {}]
