"""Alpha and kappa: against published examples, against a second way to compute them, and as laws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.analysis.agreement import Confusion
from promptvc.analysis.annotations.kappa import cohen
from promptvc.analysis.annotations.krippendorff import alpha, krippendorff, patterns_of
from promptvc.analysis.annotations.scales import Level, Value


def units(*rows: str) -> list[list[Value]]:
    """Rows are observers, columns answers, a dot is missing; digits are numbers."""
    columns = itertools.zip_longest(*(row.split() for row in rows), fillvalue=".")
    return [[float(one) if one.isdigit() else one for one in column if one != "."] for column in columns]


# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", sections B, C and D.
BINARY = units("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
NOMINAL = units("a a b b d c c c e d d a", "b a b b b c c c e d d d")
FOUR = units(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
# The sample of the package krippendorff (and of the encyclopedia's article): 0.691 and 0.811.
THREE = units(
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)


@pytest.mark.parametrize(
    ("answers", "level", "published"),
    [
        (BINARY, "nominal", 0.095),
        (NOMINAL, "nominal", 0.692),
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
        (THREE, "nominal", 0.691),
        (THREE, "interval", 0.811),
    ],
)
def test_published_examples(answers: Sequence[Sequence[Value]], level: Level, published: float) -> None:
    found = krippendorff(answers, level)
    assert found.value == pytest.approx(published, abs=0.0005)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high <= 1


def test_an_answer_with_one_value_counts_nowhere() -> None:
    found = krippendorff(FOUR, "nominal")
    assert (found.answers, found.values) == (11, 40)
    assert krippendorff([*FOUR, ["z"], []], "nominal") == found


def test_few_answers_have_no_interval() -> None:
    assert krippendorff(FOUR[:5], "nominal").low is not None
    few = krippendorff(FOUR[:4], "nominal")
    assert few.value is not None
    assert (few.low, few.high) == (None, None)


@pytest.mark.parametrize("answers", [[], [[1.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_alpha_is_unknown_where_nothing_could_differ(answers: Sequence[Sequence[Value]]) -> None:
    found = krippendorff(answers, "interval")
    assert (found.value, found.low, found.high) == (None, None, None)


VALUES = st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=4), min_size=2, max_size=8)


@given(VALUES, st.sampled_from(["nominal", "ordinal", "interval"]), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_alpha_is_what_the_matrix_of_coincidences_gives(
    answers: list[list[Value]], level: Level, chance: object
) -> None:
    found = alpha(patterns_of(answers), level)
    expected = by_matrix(answers, level)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert math.isclose(found, expected, abs_tol=1e-9)
    shuffled = [list(one) for one in answers]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert alpha(patterns_of(one[::-1] for one in shuffled), level) == found


def by_matrix(answers: list[list[Value]], level: Level) -> float | None:
    """The paper's own steps: coincidences ``o_ck``, margins ``n_c``, and the metric's sums between two ranks."""
    pairable = [one for one in answers if len(one) > 1]
    values = sorted({value for one in pairable for value in one})
    o = {(c, k): 0.0 for c in values for k in values}
    for one in pairable:
        for first, second in itertools.permutations(one, 2):
            o[first, second] += 1 / (len(one) - 1)
    margins = {c: sum(o[c, k] for k in values) for c in values}
    n = sum(margins.values())

    def squared(c: Value, k: Value) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (float(c) - float(k)) ** 2
        low, high = sorted((values.index(c), values.index(k)))
        return (sum(margins[one] for one in values[low : high + 1]) - (margins[c] + margins[k]) / 2) ** 2

    expected = sum(margins[c] * margins[k] * squared(c, k) for c in values for k in values if c != k)
    observed = sum(o[c, k] * squared(c, k) for c in values for k in values if c != k)
    return None if expected < 1e-12 else 1 - (n - 1) * observed / expected


def test_kappa_of_the_textbook() -> None:
    # Cohen's kappa in the encyclopedia's grant example: 20 both yes, 5 and 10 apart, 15 both no.
    pairs = [(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 15
    assert cohen(pairs) == pytest.approx(0.4)
    assert cohen(pairs, "interval") == pytest.approx(0.4)
    assert cohen([("a", "a"), ("b", "b"), ("c", "c")]) == 1
    assert cohen([(1.0, 1.0), (1.0, 0.0)]) is None


def test_far_apart_is_worse_than_near() -> None:
    near = [(0.0, 0.25), (0.5, 0.5), (1.0, 1.0), (0.25, 0.25)]
    far = [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0), (0.25, 0.25)]
    close, apart = cohen(near, "ordinal"), cohen(far, "ordinal")
    assert close is not None
    assert apart is not None
    assert close > apart


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
@settings(max_examples=40)
def test_kappa_of_two_values_is_that_of_the_confusion(pairs: list[tuple[bool, bool]]) -> None:
    found, other = cohen((float(one), float(two)) for one, two in pairs), Confusion.of(pairs).kappa
    assert (found is None) == (other is None)
    if found is not None and other is not None:
        assert math.isclose(found, other, abs_tol=1e-9)
