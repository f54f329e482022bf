"""How close two texts are, by their words or by their meaning: in whole numbers, cosine x ``UNIT`` squared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from promptvc.models.dense import Dense, whole
from promptvc.models.similarity import UNIT, Index, Rarity
from promptvc.models.words import features
from promptvc.training.scoring import Embed

ONE = UNIT * UNIT
"""The closeness of a text to itself."""

Closeness = Callable[[str], Sequence[int]]
"""From a text to how close each of some others is, in their order."""


class Measure(Protocol):
    """One way to compare texts."""

    @property
    def name(self) -> str:
        """``words`` or ``meaning``."""
        ...

    @property
    def stranger(self) -> int:
        """Texts that are no closer than this share no more than any two do."""
        ...

    def index(self, texts: Sequence[str], asked: Sequence[str]) -> Closeness:
        """To each of ``texts``; it will be asked for the texts ``asked``, and may be for others."""
        ...


class Words:
    """Closeness of words (tf-idf); their rarity is that among ``texts``."""

    name = "words"
    stranger = ONE // 20

    def __init__(self, texts: Iterable[str]) -> None:
        bags = [features(text) for text in texts]
        self._rarity = Rarity(bags)
        self._vectors: dict[str, list[tuple[str, int]]] = {}

    def index(self, texts: Sequence[str], asked: Sequence[str]) -> Closeness:
        """See :class:`Measure`."""
        del asked
        index = Index()
        for text in texts:
            index.add(self._vector(text))
        return lambda text: index.products(self._vector(text))

    def _vector(self, text: str) -> list[tuple[str, int]]:
        found = self._vectors.get(text)
        if found is None:
            found = self._vectors[text] = _strong(self._rarity.vector(features(text)))
        return found


class Meaning:
    """Closeness of the vectors that ``embed`` makes."""

    name = "meaning"
    stranger = ONE * 3 // 10

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._vectors: dict[str, tuple[int, ...]] = {}

    def index(self, texts: Sequence[str], asked: Sequence[str]) -> Closeness:
        """See :class:`Measure`."""
        self._learn([*texts, *asked])
        dense = Dense([self._vectors[text] for text in texts])

        def products(text: str) -> Sequence[int]:
            self._learn([text])
            return dense.products(self._vectors[text])

        return products

    def _learn(self, texts: Iterable[str]) -> None:
        new = sorted({text for text in texts if text not in self._vectors})
        if new:
            for text, vector in zip(new, self._embed(new), strict=True):
                self._vectors[text] = whole(vector)


def _strong(vector: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    # Features with less than a fiftieth of the length, function words above all, take most of the time and add nothing.
    return [(feature, weight) for feature, weight in vector if weight * 50 > UNIT]
