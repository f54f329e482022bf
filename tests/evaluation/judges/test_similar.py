"""Similarity by embeddings: by words without a model, by an embedding model on loopback with one."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import needs
from tests.evaluation.judges.judging import TEXT, Judging, says
from tests.servers import Reply, Request, failure, vectors

VECTORS = {
    TEXT: [1.0, 0.0],
    "same": [2.0, 0.0],
    "near": [0.8, 0.6],
    "across": [0.0, 1.0],
    "against": [-1.0, 0.0],
}


def embedder(request: Request) -> Reply:
    assert request.path.endswith("/embeddings")
    return vectors(*(VECTORS[text] for text in request.body["input"]))


@pytest.mark.parametrize(
    ("value", "threshold", "holds", "score"),
    [
        ("same", None, True, 1.0),
        ("near", None, True, 0.8),
        ("near", 0.81, False, 0.8),
        ("near", 0.8, True, 0.8),
        ("across", None, False, 0.0),
        ("across", 0.0, True, 0.0),
        ("against", None, False, 0.0),
        (["across", "near"], None, True, 0.8),
        (["across", "against"], None, False, 0.0),
    ],
)
def test_the_nearest_text_decides(value: Any, threshold: float | None, holds: bool, score: float) -> None:
    judging = Judging(embedder, judge=None, embeddings="openai:embed")
    line = judging.grade("similar", value, threshold=threshold)
    assert (line.passed, line.measure) == (holds, "openai:embed")
    assert line.score == pytest.approx(score)
    line = Judging(embedder, judge=None, embeddings="openai:embed").grade(
        "not-similar", value, threshold=threshold
    )
    assert line.passed is not holds
    assert line.score == pytest.approx(1 - score)


def test_words_are_compared_without_a_model_and_the_grade_says_so() -> None:
    judging = Judging(says("never"), judge=None)
    same = judging.grade("similar", TEXT)
    assert (same.passed, same.measure) == (True, "lexical")
    assert same.score == pytest.approx(1)
    assert not judging.grade("similar", "Kangaroos jump.").passed
    assert judging.requests == []


def test_an_assertion_may_name_its_own_embeddings() -> None:
    line = Judging(embedder, judge=None).grade("similar", "near", provider="openai:own")
    assert (line.passed, line.measure) == (True, "openai:own")


def test_a_failed_call_is_an_error_and_no_pass() -> None:
    for kind in ("similar", "not-similar"):
        judging = Judging(says(failure(500, "down")), judge=None, embeddings="openai:embed")
        line = judging.grade(kind, "near")
        assert "HTTP 500" in (line.error or "")
        assert line.passed is None


def test_an_empty_answer_is_similar_to_nothing() -> None:
    judging = Judging(says("never"), judge=None, embeddings="openai:embed")
    assert judging.grade("similar", "near", text=" ").score == 0.0
    assert judging.requests == []


def test_relevance_may_be_by_an_embedding_model() -> None:
    line = Judging(says({"question": "What now?"})).grade("answer-relevance")
    assert line.measure == "openai:judge, similarity by lexical"


def test_what_they_need() -> None:
    assert needs(Assertion("similar", "a")) == {"embeddings"}
    assert needs(Assertion("answer-relevance")) == {"judge"}
