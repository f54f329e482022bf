"""Weights that let rare classes count as much as frequent ones.

Inverse frequency, ``n / (k * n_c)`` for the class c of k with n_c of n rows: King and Zeng (2001), "Logistic regression
in rare events data"; what scikit-learn calls ``balanced``. For KTO they are what TRL takes as ``desirable_weight`` and
``undesirable_weight``.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

MOST_LABELS = 50
FEWEST_OF_A_LABEL = 5


def class_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """The weight of each class that has rows, by name, sorted, to six decimals; empty for fewer than two."""
    present = {name: count for name, count in sorted(counts.items()) if count}
    if len(present) < 2:
        return {}
    total = sum(present.values())
    return {name: float(round(Fraction(total, len(present) * count), 6)) for name, count in present.items()}


def are_labels(counts: Mapping[str, int]) -> bool:
    """Whether answers are labels: 2 to 50 different ones, that came 5 times each or more in the mean."""
    return 2 <= len(counts) <= MOST_LABELS and sum(counts.values()) >= FEWEST_OF_A_LABEL * len(counts)
