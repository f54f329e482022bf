"""Tags: by dimension, and those that are probably one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.tags import count, remarks, twins
from promptvc.feedback.query.facts import Labelled, Tally
from tests.analysis.said import START


@pytest.mark.parametrize(
    ("tag", "other", "why"),
    [
        ("Refund", "refund", "case"),
        ("card-fraud", "card_fraud", "case"),
        ("refunds", "refund", "plural"),
        ("queries", "query", "plural"),
        ("boxes", "box", None),
        ("delivrey", "delivery", "slip"),
        ("acount", "account", "slip"),
        ("billings", "billing", "plural"),
        ("car", "cat", None),
        ("model-v2", "model-v3", None),
        ("access", "acces", "slip"),
        ("refund", "rebound", None),
        ("status", "statu", "slip"),
    ],
)
def test_a_twin(tag: str, other: str, why: str | None) -> None:
    found = twins({tag: 1, other: 9})
    if tag == "boxes":
        assert len(found) == 1  # the plural of a word of three letters
        return
    assert [(one.tag, one.other, one.why) for one in found] == ([(tag, other, why)] if why else [])


def test_the_vocabulary_comes_first() -> None:
    (found,) = twins({"refunds": 1000, "refund": 1}, ["refund"])
    assert (found.tag, found.other) == ("refunds", "refund")
    assert twins({}, ["refund", "refunds"]) == ()
    vocabulary = {"type": ("refund", "billing")}
    assert remarks(["refunds", "other", "billing"], vocabulary) == (
        "the tag 'refunds' is probably 'refund' (singular and plural)",
    )
    assert remarks(["refund", "refunds"], {}) == ()


@given(st.dictionaries(st.text(max_size=8), st.integers(1, 9), max_size=12))
@settings(max_examples=60)
def test_a_twin_is_another_tag_and_never_an_original(counts: dict[str, int]) -> None:
    found = twins(counts)
    copies = {one.tag for one in found}
    assert len(copies) == len(found)
    assert all(one.other in counts and one.other not in copies for one in found)


def test_tags_stand_by_dimension() -> None:
    day = START.date()
    labelled = [
        Labelled(day, "desk", 1, "eu", Tally(n=2)),
        Labelled(day, "desk", 2, "refund", Tally(n=3, rated=1, score=1_000_000)),
        Labelled(day, "desk", 1, "refund", Tally(n=1)),
    ]
    found = count(labelled, {"type": ("billing", "refund"), "format": ("refund", "json")})
    assert [(one.tag, one.dimension, one.events, one.mean) for one in found] == [
        ("billing", "type", 0, None),
        ("refund", "type", 4, 1.0),
        ("json", "format", 0, None),
        ("eu", None, 2, None),
    ]
