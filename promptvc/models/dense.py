"""How alike dense vectors are, in whole numbers: so no order of summing, and no library, changes a bit.

Vectors of length 1 are scaled to :data:`~promptvc.models.similarity.UNIT` and rounded. Their products are whole numbers
of at most about UNIT squared, which float64 holds exactly: numpy, where it is installed, gives what Python gives.
"""

from __future__ import annotations

import importlib.util
import operator
from collections.abc import Sequence
from typing import Any

from promptvc.models.similarity import UNIT


def whole(vector: Sequence[float]) -> tuple[int, ...]:
    """A vector of length 1 on the grid."""
    return tuple(round(number * UNIT) for number in vector)


class Dense:
    """Vectors from :func:`whole`, all of one length, to be compared with others."""

    def __init__(self, vectors: Sequence[Sequence[int]]) -> None:
        self._vectors = vectors
        self._matrix: Any = None
        if vectors and importlib.util.find_spec("numpy") is not None:
            import numpy as np

            self._matrix = np.array(vectors, dtype=np.float64)

    def products(self, vector: Sequence[int]) -> list[int]:
        """The product of ``vector`` with each one kept, in their order: cosine x UNIT^2."""
        if self._matrix is None:
            return [sum(map(operator.mul, one, vector)) for one in self._vectors]
        import numpy as np

        found: list[int] = (self._matrix @ np.array(vector, dtype=np.float64)).astype(np.int64).tolist()
        return found
