"""What marks bad outputs off from good ones, beyond chance.

For each mark a table of four: good and bad outputs, with it and without it. Fisher's exact test says how likely so
uneven a table is by chance, and the procedure of Benjamini and Hochberg how many of all these tests stand
(:mod:`promptvc.base.stats`). Below :data:`FEWEST` labelled outputs nothing is tested: there is too little to find then,
and what stands out is mostly chance. Users are not equally loud: what one says again counts once, none has more than
twice a fair share, and what is found has to stand without the user who says it most.

What is found is not everything that differs: bad outputs that apologise also say "sorry", "so sorry" and "we are". Of
marks that the same outputs have the plainest is tested for all; then the strongest is taken, or a plainer one that
nearly the same outputs have, and a further one only if it still tells good from bad among the outputs that those before
it leave.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.base.stats import discoveries, fisher_exact
from promptvc.training.approaches.reinforcement.marks import Mark, reader
from promptvc.training.approaches.reinforcement.rewards import PRIOR, Reward, shrunk
from promptvc.training.data.items import stable_share

FEWEST = 120
"""Labelled outputs that it takes: some half of what is there is found with as many, nine tenths with 300."""

MOST = 4000
RATE = 0.1
"""Of what is found at most this share is chance, on average."""

SUPPORT = 5
APART = 0.1
"""A mark has at least so many outputs on its side, and moves the share of good ones at least so far."""

USERS = 3
CITED = 12
_MOST_MARKS = 600
_STILL = 0.05
_QUIETER = 0.01
_NEARLY = 0.8
_RIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Finding:
    """A mark that tells bad outputs from good ones.

    Attributes:
        against: whether bad outputs have it; else good ones do.
        with_bad, with_good, without_bad, without_good: numbers of outputs.
        p: of Fisher's test, two-sided, for this mark alone.
        effect: by how much the share of good outputs among all would rise if none had it (all had it): differences of
            shrunk shares. ``error``: its standard deviation.
        right: the label that people say is right instead, of a label.
        because: events that show it, the clearest of them, sorted; ``users``: how many users stand behind it.
    """

    mark: Mark
    against: bool
    with_bad: int
    with_good: int
    without_bad: int
    without_good: int
    p: float
    effect: float
    error: float
    right: str | None
    because: tuple[str, ...]
    users: int


@dataclass(frozen=True, slots=True)
class Contrast:
    """What was found, the strongest first, in how many labelled outputs, and how many marks were ``tested``."""

    findings: tuple[Finding, ...]
    labelled: int
    tested: int


def contrast(rewards: Sequence[Reward]) -> Contrast:
    """What marks bad outputs off from good ones in ``rewards``, of which the last come last."""
    labelled = [reward for reward in rewards if reward.good or reward.bad]
    if len(labelled) < FEWEST:
        return Contrast((), len(labelled), 0)
    return _Table(_fair(labelled[-MOST:])).contrast(len(labelled))


def _fair(labelled: Sequence[Reward]) -> list[Reward]:
    """Each saying once, and of no user more than twice a fair share: one loud voice proves nothing."""
    once = {(reward.user, reward.output, reward.input, reward.good): reward for reward in labelled}
    kept = list(once.values())
    most = max(SUPPORT, 2 * math.ceil(len(kept) / len({reward.user for reward in kept})))
    by_user: dict[str, list[int]] = {}
    for at, reward in enumerate(kept):
        by_user.setdefault(reward.user, []).append(at)
    chosen = []
    for places in by_user.values():
        drawn = sorted(places, key=lambda at: (stable_share("|".join(kept[at].because), "fair"), at))
        chosen += drawn[:most]
    return [kept[at] for at in sorted(chosen)]


class _Table:
    """Outputs by mark."""

    def __init__(self, rewards: Sequence[Reward]) -> None:
        self._rewards = rewards
        self._bad = frozenset(at for at, reward in enumerate(rewards) if reward.bad)
        self._users = min(USERS, len({reward.user for reward in rewards}))
        self._prior = 1 - len(self._bad) / len(rewards)
        read = reader(rewards)
        having: dict[Mark, list[int]] = {}
        for at, reward in enumerate(rewards):
            for mark in read(reward):
                having.setdefault(mark, []).append(at)
        self._having = self._plainest(having)

    def _plainest(self, having: dict[Mark, list[int]]) -> dict[Mark, frozenset[int]]:
        """Marks that enough outputs have and have not; of those that the same outputs have, one.

        Which are left out does not hang on what is good and bad, or the tests would not hold.
        """
        n = len(self._rewards)
        by_outputs: dict[frozenset[int], Mark] = {}
        for mark in sorted(having, key=lambda mark: mark.plainness):
            places = frozenset(having[mark])
            if SUPPORT <= len(places) <= n - SUPPORT:
                by_outputs.setdefault(places, mark)
        telling = sorted(
            by_outputs.items(), key=lambda item: (-min(len(item[0]), n - len(item[0])), item[1].plainness)
        )
        return {mark: places for places, mark in telling[:_MOST_MARKS]}

    def contrast(self, labelled: int) -> Contrast:
        marks = list(self._having)
        p_values = [self._p(self._having[mark]) for mark in marks]
        standing = {
            mark: p
            for mark, p, stands in zip(marks, p_values, discoveries(p_values, RATE), strict=True)
            if stands
        }
        left = frozenset(range(len(self._rewards)))
        found: list[Finding] = []
        for strongest in sorted(standing, key=lambda mark: (standing[mark], mark.plainness)):
            if found and self._p(self._having[strongest], left) > _STILL:
                continue
            mark = self._plainest_near(strongest, standing)
            finding = self._finding(mark, standing[mark])
            if finding is None or any(_says_the_same(finding, other) for other in found):
                continue
            found.append(finding)
            # Those that a rule would change can no longer vouch for another one.
            has = self._having[mark]
            left -= has if finding.against else left - has
        return Contrast(tuple(found), labelled, len(marks))

    def _plainest_near(self, mark: Mark, others: Iterable[Mark]) -> Mark:
        mine = self._having[mark]
        near = [
            other
            for other in others
            if len(mine & self._having[other]) >= _NEARLY * len(mine | self._having[other])
        ]
        return min(near, key=lambda other: other.plainness)

    def _p(self, having: frozenset[int], among: frozenset[int] | None = None) -> float:
        return fisher_exact(*self._counts(having, among))

    def _counts(
        self, having: frozenset[int], among: frozenset[int] | None = None
    ) -> tuple[int, int, int, int]:
        """Bad and good with it, bad and good without it."""
        bad = self._bad if among is None else self._bad & among
        has = having if among is None else having & among
        n = len(self._rewards) if among is None else len(among)
        both = len(has & bad)
        return both, len(has) - both, len(bad) - both, n - len(has) - len(bad) + both

    def _finding(self, mark: Mark, p: float) -> Finding | None:
        having = self._having[mark]
        with_bad, with_good, without_bad, without_good = self._counts(having)
        has = shrunk([1.0] * with_good + [0.0] * with_bad, self._prior)
        has_not = shrunk([1.0] * without_good + [0.0] * without_bad, self._prior)
        against = has < has_not
        side = sorted(at for at in having if (at in self._bad) == against)
        users = Counter(self._rewards[at].user for at in side)
        if abs(has - has_not) < APART or len(side) < SUPPORT or len(users) < self._users:
            return None
        if self._users > 1 and self._p(having, self._without_loudest(users)) > _QUIETER:
            return None
        changing = (len(having) if against else len(self._rewards) - len(having)) / len(self._rewards)
        spread = _variance(has, len(having)) + _variance(has_not, len(self._rewards) - len(having))
        because = self._clearest(side)
        if not because:
            return None
        return Finding(
            mark=mark,
            against=against,
            with_bad=with_bad,
            with_good=with_good,
            without_bad=without_bad,
            without_good=without_good,
            p=p,
            effect=changing * abs(has - has_not),
            error=changing * math.sqrt(spread),
            right=self._right(side) if mark.kind == "answer" and against else None,
            because=because,
            users=len(users),
        )

    def _without_loudest(self, users: Counter[str]) -> frozenset[int]:
        loudest = min(users, key=lambda user: (-users[user], user))
        return frozenset(at for at, reward in enumerate(self._rewards) if reward.user != loudest)

    def _right(self, side: Sequence[int]) -> str | None:
        """What most say is right instead of a label."""
        said = Counter(right for at in side if (right := self._rewards[at].right) is not None)
        if not said:
            return None
        label = min(said, key=lambda text: (-said[text], text))
        return label if said[label] >= max(3, _RIGHT * said.total()) else None

    def _clearest(self, side: Sequence[int]) -> tuple[str, ...]:
        """The events of a dozen outputs: the most clearly good or bad, of different users first, the newest first."""
        ranked = sorted(
            (at for at in side if self._rewards[at].because),
            key=lambda at: (-abs(self._rewards[at].value - 0.5), -at),
        )
        turns: Counter[str] = Counter()
        order: list[tuple[int, int, int]] = []
        for at in ranked:
            order.append((turns[self._rewards[at].user], len(order), at))
            turns[self._rewards[at].user] += 1
        cited: list[str] = []
        for _, _, at in sorted(order):
            new = [event for event in self._rewards[at].because if event not in cited]
            if len(cited) + len(new) > CITED and cited:
                break
            cited += new[:CITED]
        return tuple(sorted(cited))


def _variance(share: float, n: int) -> float:
    """Of a share under a Beta posterior that ``n`` outputs and the prior made."""
    return share * (1 - share) / (n + PRIOR + 1)


def _says_the_same(one: Finding, other: Finding) -> bool:
    """Two numbers of words; or "with this word that label" from both sides."""
    mark, known = one.mark, other.mark
    if mark == known:
        return True
    if mark.kind == known.kind == "longer":
        return True
    if mark.kind != "answer" or known.kind != "answer" or mark.when != known.when:
        return False
    return (mark.value if not one.against else one.right) == (
        known.value if not other.against else other.right
    )
