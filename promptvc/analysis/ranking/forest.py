"""A ranker as trees of comparisons: plain numbers, scored without the library that grew them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_TREES, MOST_NODES = 1_000, 1_000


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree. Node 0 is the root; a node whose feature is -1 is a leaf with ``values``.

    Elsewhere a row whose feature is at most the value goes to ``left``, another to ``right``.
    """

    features: tuple[int, ...]
    values: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]

    def score(self, row: Sequence[float]) -> float:
        """The value of the leaf that ``row`` comes to."""
        at = 0
        while (feature := self.features[at]) >= 0:
            at = self.left[at] if row[feature] <= self.values[at] else self.right[at]
        return self.values[at]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose values add up."""

    trees: tuple[Tree, ...]

    def score(self, row: Sequence[float]) -> float:
        """The score of a row; it means something beside another row's only."""
        return math.fsum(tree.score(row) for tree in self.trees)

    def uses(self, width: int) -> tuple[int, ...]:
        """How many comparisons ask for each of ``width`` features."""
        counts = [0] * width
        for tree in self.trees:
            for feature in tree.features:
                if feature >= 0:
                    counts[feature] += 1
        return tuple(counts)

    def to_json(self) -> list[dict[str, list[Any]]]:
        """The trees as objects of lists."""
        return [
            {
                "features": list(tree.features),
                "values": list(tree.values),
                "left": list(tree.left),
                "right": list(tree.right),
            }
            for tree in self.trees
        ]


def read_forest(given: Any, width: int) -> Forest:
    """What :meth:`Forest.to_json` made, for rows of ``width`` features.

    Raises:
        ValueError: it is no such thing. Children come after their parent, so that every walk ends.
    """
    if not isinstance(given, list) or len(given) > MOST_TREES:
        raise ValueError("no forest")
    return Forest(tuple(_tree(one, width) for one in given))


def _tree(given: Any, width: int) -> Tree:
    if not isinstance(given, Mapping):
        raise ValueError("no tree")
    features, left, right = (_integers(given.get(key)) for key in ("features", "left", "right"))
    values = _numbers(given.get("values"))
    size = len(features)
    if not 1 <= size <= MOST_NODES or not size == len(values) == len(left) == len(right):
        raise ValueError("no tree")
    for at, feature in enumerate(features):
        inner = 0 <= feature < width and at < left[at] < size and at < right[at] < size
        if not (inner or feature == -1):
            raise ValueError("no tree")
    return Tree(features, values, left, right)


def _integers(given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(one) is int for one in given):
        raise ValueError("no tree")
    return tuple(given)


def _numbers(given: Any) -> tuple[float, ...]:
    if not isinstance(given, list) or not all(
        type(one) in {int, float} and math.isfinite(one) for one in given
    ):
        raise ValueError("no tree")
    return tuple(float(one) for one in given)


def grown(structures: Iterable[Mapping[str, Any]]) -> Forest:
    """The trees as LightGBM's ``dump_model`` gives them: numbers only, compared by ``<=``."""
    return Forest(tuple(_grown(one) for one in structures))


def _grown(root: Mapping[str, Any]) -> Tree:
    features: list[int] = []
    values: list[float] = []
    left: list[int] = []
    right: list[int] = []
    pending: list[tuple[Mapping[str, Any], list[int] | None, int]] = [(root, None, 0)]
    while pending:
        node, side, parent = pending.pop()
        at = len(features)
        if side is not None:
            side[parent] = at
        inner = "split_feature" in node
        features.append(int(node["split_feature"]) if inner else -1)
        values.append(float(node["threshold"] if inner else node["leaf_value"]))
        left.append(0)
        right.append(0)
        if inner:
            pending += [(node["right_child"], right, at), (node["left_child"], left, at)]
    return Tree(tuple(features), tuple(values), tuple(left), tuple(right))
