"""bleu, gleu, meteor, rouge-n: known scores, laws, and the libraries' own values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.meteor_score import single_meteor_score

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.overlap import bleu, gleu, meteor, rouge_1
from promptvc.evaluation.assertions.registry import problem
from tests.evaluation.assertions.grading import answer, grade, no_grade

KINDS = ["bleu", "gleu", "meteor", "rouge-n"]
DEFAULTS = {"bleu": 0.5, "gleu": 0.5, "meteor": 0.5, "rouge-n": 0.75}
CAT = "The cat sat on the mat."
PARTY = "It is a guide to action which ensures that the military always obeys the commands of the party"
PARTY_1 = "It is a guide to action that ensures that the military will forever heed Party commands"
PARTY_2 = "It is the guiding principle which guarantees the military forces always being under the command of the Party"


class NoSynonyms:
    """A WordNet without words."""

    def synsets(self, _: str) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("kind", "text", "score"),
    [
        ("bleu", CAT, 1.0),
        ("bleu", "the cat sat on the mat.", 1.0),
        ("bleu", "the cat", 0.0821),  # both orders are whole: only the penalty for being short, exp(1 - 7/2)
        ("bleu", "Paris", 0.0),
        ("gleu", CAT, 1.0),
        ("gleu", "the cat sat on the mat", 1.0),
        ("gleu", "the mat", 3 / 18),
        ("gleu", "Paris", 0.0),
        ("meteor", CAT, 0.9977),  # 1 - 0.5 / 6^3: one chunk of six words
        ("meteor", "The cats sat on the mats", 0.9977),
        ("meteor", "mat the on sat cat the", 0.5),
        ("meteor", "Paris", 0.0),
        ("rouge-n", CAT, 1.0),
        ("rouge-n", f"{CAT} And then it slept for hours.", 1.0),
        ("rouge-n", "the the the", 2 / 6),
        ("rouge-n", "a mat", 1 / 6),
        ("rouge-n", "Paris", 0.0),
        *((kind, "", 0.0) for kind in KINDS),
        *((kind, " \n", 0.0) for kind in KINDS),
        *((kind, "...", 0.0) for kind in ("gleu", "meteor", "rouge-n")),
    ],
)
def test_scores_and_their_opposites(kind: str, text: str, score: float) -> None:
    assertion = Assertion(kind, CAT)
    assert problem(assertion) is None
    found = grade(assertion, answer(text))
    assert found.score == pytest.approx(score, abs=1e-4)
    assert found.passed == (score >= DEFAULTS[kind])
    assert bool(found.reason) == (not found.passed)
    opposite = grade(Assertion(f"not-{kind}", CAT), answer(text))
    assert opposite.score == pytest.approx(1 - score, abs=1e-4)
    assert opposite.passed != found.passed


def test_the_values_that_the_libraries_and_papers_print() -> None:
    """nltk's example of METEOR, the same with WordNet; and a repeated word counts as often as it is there."""
    assert meteor(PARTY, [PARTY_1]) == pytest.approx(0.6944, abs=1e-4)
    assert meteor(PARTY, [PARTY_1, PARTY_2]) == pytest.approx(0.6944, abs=1e-4)
    assert rouge_1("the the the the the the the", ["The cat is on the mat"]) == pytest.approx(2 / 6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_threshold_and_several_references(kind: str) -> None:
    value = ["something else entirely", CAT]
    assert grade(Assertion(kind, value, threshold=0.99), answer(CAT)).passed
    half = grade(Assertion(kind, CAT, threshold=0.9), answer("the cat sat there"))
    assert not half.passed
    assert half.reason == f"{half.score:.3g} is below 0.9"
    assert grade(Assertion(kind, CAT, threshold=0), answer("Paris")).passed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["Το Παρίσι είναι όμορφο σήμερα", "Straße und Öl im Haus", "北京"])
def test_any_script_is_compared(kind: str, text: str) -> None:
    found = grade(Assertion(kind, text, threshold=0.5), answer(text))
    assert found.passed, found


words = st.lists(
    st.sampled_from(["run", "runs", "running", "The", "the", "cat", "cats", "a", "sky"]), max_size=12
)


@settings(deadline=None, max_examples=300)
@given(words, words.filter(bool))
def test_meteor_is_that_of_nltk_without_synonyms(mine: list[str], theirs: list[str]) -> None:
    expected = single_meteor_score(theirs, mine, wordnet=NoSynonyms())
    assert meteor(" ".join(mine), [" ".join(theirs)]) == pytest.approx(expected)


@settings(deadline=None)
@given(words.filter(bool))
def test_a_text_is_all_of_itself(given: list[str]) -> None:
    text = " ".join(given)
    assert bleu(text, [text]) == pytest.approx(1)
    assert gleu(text, [text]) == pytest.approx(1)
    assert rouge_1(text, [text]) == pytest.approx(1)
    assert meteor(text, [text]) == pytest.approx(1 - 0.5 / len(given) ** 3)


@settings(deadline=None)
@given(words, words.filter(bool), words.filter(bool))
def test_one_more_reference_never_hurts_where_the_best_counts(
    mine: list[str], first: list[str], second: list[str]
) -> None:
    text, one, other = " ".join(mine), " ".join(first), " ".join(second)
    for measure in (gleu, meteor, rouge_1):
        assert measure(text, [one, other]) == pytest.approx(max(measure(text, [one]), measure(text, [other])))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        (None, None, "needs a text or a list of texts"),
        ("", None, "needs a text or a list of texts"),
        (" \n", None, "needs a text or a list of texts"),
        ([], None, "needs a text or a list of texts"),
        (["a", ""], None, "needs a text or a list of texts"),
        (["a", ["b"]], None, "needs a text or a list of texts"),
        ({"a": "b"}, None, "needs a text or a list of texts"),
        ("a", 1.5, "takes a `threshold` from 0 to 1"),
    ],
)
def test_what_is_wrong_is_said(kind: str, value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion(kind, value, threshold)))


@pytest.mark.parametrize(
    "text",
    ["y" * 100_000, "a " * 50_000, "1.1," * 30_000, "." * 100_000, " ".join(map(str, range(20_000)))],
    ids=len,
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_text_is_compared_in_linear_time(kind: str, text: str) -> None:
    """Matching words in pairs, or stemming a word of a hundred thousand letters, would take hours for these."""
    assert grade(Assertion(kind, [CAT, text[:50_000]]), answer(text)).error is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_no_grade(kind: str) -> None:
    assert "more than 1,000,000" in no_grade(Assertion(kind, CAT), "x" * 1_000_001)
