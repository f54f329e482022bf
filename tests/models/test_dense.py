"""Dense vectors in whole numbers: numpy and Python give the same products."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.models.dense import Dense, whole
from promptvc.models.similarity import UNIT

VECTORS = st.lists(
    st.lists(st.floats(-1, 1), min_size=5, max_size=5).filter(lambda one: math.hypot(*one) > 0.01),
    min_size=1,
    max_size=6,
)


def unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [number / length for number in vector]


@given(VECTORS)
def test_numpy_gives_what_python_gives(vectors: list[list[float]]) -> None:
    pytest.importorskip("numpy")
    kept = [whole(unit(one)) for one in vectors]
    dense = Dense(kept)
    expected = [sum(a * b for a, b in zip(one, kept[0], strict=True)) for one in kept]
    assert dense.products(kept[0]) == expected
    assert all(isinstance(value, int) for value in dense.products(kept[0]))


@given(VECTORS)
def test_products_are_cosines(vectors: list[list[float]]) -> None:
    first = unit(vectors[0])
    for vector in vectors:
        cosine = math.fsum(a * b for a, b in zip(unit(vector), first, strict=True))
        assert Dense([whole(unit(vector))]).products(whole(first))[0] / UNIT**2 == pytest.approx(
            cosine, abs=1e-3
        )


def test_nothing_is_close_to_no_vectors() -> None:
    assert Dense([]).products((1, 2)) == []
