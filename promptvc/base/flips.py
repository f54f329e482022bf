"""The sign-flip distribution: what a sum of differences could have been, had each sign been a coin toss.

Flipping the signs of a set F of the summands lowers their sum by twice the sum over F. So the chance that random
flips reach at least the observed sum is the chance that a random subset F has a sum of at most 0, which is what
is counted here, in integers and therefore without rounding.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import getitem

_LISTED = 14
_MOST_DIGITS = 100_000_000
_MOST_STEPS = 20_000_000_000
_MIN_DRAWS = 9_999
_MAX_WORK = 20_000_000


@dataclass(frozen=True, slots=True)
class FlipTest:
    """Chances of a sum at least (``greater``) and at most (``less``) as large; ``draws`` is 0 when exact."""

    greater: float
    less: float
    draws: int


def flip_test(values: Sequence[int], *, alpha: float, seed: int) -> FlipTest:
    """Test that the values are as likely as their negatives.

    Counted exactly when the number of different sums allows it (always when all have one size, as wins and losses
    do), else by max(20 / alpha, about 10,000) random flips, each p-value with one added to its count and to the
    draws, so that it is never 0 and the test keeps its level (Phipson & Smyth 2010, "Permutation p-values should
    never be zero"). The result does not depend on the order of the values, and swaps under negation.
    """
    ordered = sorted(value for value in values if value)
    if not ordered:
        return FlipTest(1.0, 1.0, 0)
    unit = math.gcd(*ordered)
    ordered = [value // unit for value in ordered]
    width = sum(map(abs, ordered))
    if width == len(ordered):
        return _binomial(sum(value > 0 for value in ordered), len(ordered))
    if len(ordered) <= _LISTED:
        return _listed(ordered)
    digits = (len(ordered) + 1) * (width + 1)
    if digits <= _MOST_DIGITS and len(ordered) * digits <= _MOST_STEPS:
        return _counted(ordered)
    return _drawn(ordered, alpha, seed)


def _binomial(wins: int, n: int) -> FlipTest:
    """Wins against losses: the exact test of McNemar (1947), here one-sided."""
    term, below = 1, 0
    for k in range(wins):
        below += term
        term = term * (n - k) // (k + 1)
    whole = 1 << n
    return FlipTest((whole - below) / whole, (below + term) / whole, 0)


def _listed(values: Sequence[int]) -> FlipTest:
    """Every subset, one by one."""
    sums = [0]
    for value in values:
        sums += [total + value for total in sums]
    at_most, at_least = sum(total <= 0 for total in sums), sum(total >= 0 for total in sums)
    return FlipTest(at_most / len(sums), at_least / len(sums), 0)


def _counted(values: Sequence[int]) -> FlipTest:
    """Count the subsets by their sum, as the coefficients of the product of (1 + x^|value|).

    The polynomial is one long integer, a digit of n + 1 bits to a coefficient, so that multiplying by a factor is
    a shift and an addition (Kronecker substitution). Index 0 stands for the sum of all negative values.
    """
    bits = len(values) + 1
    product = 1
    for value in values:
        product += product << (bits * abs(value))
    zero = -sum(value for value in values if value < 0)
    up_to = product & ((1 << (bits * (zero + 1))) - 1)
    at = up_to >> (bits * zero)
    whole = 1 << len(values)
    digit = (1 << bits) - 1
    at_most = up_to % digit  # the sum of the digits, which is below `digit`
    at_least = whole - at_most + at
    assert 0 < at_most <= whole < digit
    return FlipTest(at_most / whole, at_least / whole, 0)


def _drawn(ordered: Sequence[int], alpha: float, seed: int) -> FlipTest:
    mirrored = [-value for value in reversed(ordered)]
    turned = mirrored > list(ordered)
    values = mirrored if turned else ordered
    draws = max(math.ceil(20 / alpha), min(_MIN_DRAWS, _MAX_WORK // len(values)))
    at_most = at_least = 0
    for total in _subset_sums(values, draws, seed):
        at_most += total <= 0
        at_least += total >= 0
    if mirrored == list(ordered):
        at_most = at_least = max(at_most, at_least)
    greater, less = (1 + at_most) / (draws + 1), (1 + at_least) / (draws + 1)
    return FlipTest(less, greater, draws) if turned else FlipTest(greater, less, draws)


def _subset_sums(values: Sequence[int], draws: int, seed: int) -> Iterator[int]:
    """The sums of ``draws`` random subsets."""
    source = random.Random(seed)  # noqa: S311 -- reproducible draws, no secret
    counts = Counter(values)
    if len(counts) * 16 <= len(values):
        yield from _by_size(sorted(counts.items()), len(values), draws, source)
        return
    tables = [_table(values[start : start + 8]) for start in range(0, len(values), 8)]
    blocks = len(tables)
    for _ in repeat(None, draws):
        yield sum(map(getitem, tables, source.randbytes(blocks)))


def _by_size(counts: Sequence[tuple[int, int]], n: int, draws: int, source: random.Random) -> Iterator[int]:
    """Few different values: count the bits that fall to each."""
    masks, start = [], 0
    for value, count in counts:
        masks.append((value, ((1 << count) - 1) << start))
        start += count
    for _ in repeat(None, draws):
        bits = source.getrandbits(n)
        yield sum(value * (bits & mask).bit_count() for value, mask in masks)


def _table(values: Sequence[int]) -> list[int]:
    """The sum of each subset of up to eight values, at the index whose bits name the subset; 256 entries."""
    sums = [0]
    for value in values:
        sums += [total + value for total in sums]
    return sums * (256 // len(sums))
