"""What routing by evidence costs and gains: regret against a fixed route, in worlds where the truth is known.

``python -m benchmarks.routing [--seeds N]``. Four ways, two classes of tasks, forty tasks a day, each rated good or bad
by the true success of its way. Regret is the success that the best way would have had more, summed over all tasks.

Worlds: ``wrong`` (the configured way is the worst), ``right`` (it is the best), ``classes`` (it is the best for one
class only), ``drifting`` (it is the best for half of the time). All ways are configured with the usual confidence of
0.5, and the first is preferred. Policies: ``fixed`` (the configured way), ``best at start`` (the way that 40 tasks of
each showed to be the best, from then on), ``rule`` and ``thompson`` (promptvc's, with the ratings of the last 7 days,
taken in every midnight), ``oracle`` (no regret, by definition).

Limits: Thompson's regret is at most half of fixed where the configured way is wrong, and at most 5 % of the tasks'
success where it is right.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from promptvc.analysis.routing.choice import Candidate, Manner, choose
from promptvc.analysis.routing.rated import Rates
from promptvc.analysis.routing.thompson import Arm, draw, winner
from promptvc.base.feedback_settings import Route, RoutingSettings

CLASSES = ("billing", "travel")
TASKS = 40
DAYS, WINDOW = 60, 7
TRIED = 40
CONFIGURED = (0.5, 0.5, 0.5, 0.5)
Truth = Callable[[int, int, int], float]
"""Of a day, a class and a way, the chance of a good rating."""
ROUTES = tuple(
    Route("desk", model=f"m{at}", confidence=confidence) for at, confidence in enumerate(CONFIGURED)
)


def _fixed_truth(*successes: float) -> Truth:
    return lambda _day, _kind, way: successes[way]


WORLDS: dict[str, Truth] = {
    "wrong": _fixed_truth(0.45, 0.82, 0.65, 0.60),
    "right": _fixed_truth(0.80, 0.70, 0.65, 0.55),
    "classes": lambda _day, kind, way: (0.80, 0.60, 0.50, 0.50)[way] if kind else (0.45, 0.85, 0.6, 0.5)[way],
    "drifting": lambda day, _kind, way: (
        (0.8, 0.6, 0.6, 0.5)[way] if day < DAYS // 2 else (0.4, 0.6, 0.8, 0.5)[way]
    ),
}


@dataclass
class Ratings:
    """What was rated of each way and class, by day."""

    days: deque[list[list[Rates]]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def begin(self) -> None:
        self.days.append([[Rates() for _ in CLASSES] for _ in ROUTES])

    def add(self, way: int, kind: int, good: bool) -> None:
        self.days[-1][way][kind] += Rates(int(good), 1)

    def of(self, way: int, kind: int) -> Rates:
        return sum((day[way][kind] for day in self.days), Rates())


Policy = Callable[[int, list[tuple[Rates, tuple[Rates, ...]]], int], int]


def by_thompson(kind: int, known: Sequence[tuple[Rates, tuple[Rates, ...]]], seed: int) -> int:
    """As `route` with routing.explore."""
    arms = [
        Arm(1.0, route.confidence, whole, alike[kind])
        for route, (whole, alike) in zip(ROUTES, known, strict=True)
    ]
    return winner(arms, draw(arms, random.Random(seed)))


def by_rule(kind: int, known: Sequence[tuple[Rates, tuple[Rates, ...]]], seed: int) -> int:
    """As `route` without it."""
    found = [
        Candidate(route, 1.0, (), whole, alike[kind])
        for route, (whole, alike) in zip(ROUTES, known, strict=True)
    ]
    taken = choose(found, Manner(RoutingSettings(routes=ROUTES), 3, seed))
    return ROUTES.index(taken.chosen.candidate.route)


def regret(truth: Truth, policy: str, seed: int, days: int = DAYS) -> float:
    """The regret of one policy over all days, in good ratings that were missed."""
    chance = random.Random(seed)
    ratings = Ratings()
    missed, tried = 0.0, [[0, 0] for _ in ROUTES]
    for day in range(days):
        known = [
            (sum((one for one in rates), Rates()), rates)
            for rates in (
                tuple(ratings.of(way, kind) for kind in range(len(CLASSES))) for way in range(len(ROUTES))
            )
        ]
        ratings.begin()
        for task in range(TASKS):
            kind = chance.randrange(len(CLASSES))
            draws, luck = chance.randrange(2**32), chance.random()
            number = day * TASKS + task
            if policy == "thompson":
                way = by_thompson(kind, known, draws)
            elif policy == "rule":
                way = by_rule(kind, known, draws)
            elif policy == "best at start" and number < TRIED * len(ROUTES):
                way = number % len(ROUTES)
            elif policy == "best at start":
                way = max(range(len(ROUTES)), key=lambda at: tried[at][0] / tried[at][1])
            elif policy == "oracle":
                way = max(range(len(ROUTES)), key=lambda at: truth(day, kind, at))
            else:
                way = 0
            good = luck < truth(day, kind, way)
            if number < TRIED * len(ROUTES):
                tried[way][0] += good
                tried[way][1] += 1
            ratings.add(way, kind, good)
            missed += max(truth(day, kind, at) for at in range(len(ROUTES))) - truth(day, kind, way)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    policies = ("fixed", "best at start", "rule", "thompson", "oracle")
    begun = time.process_time()
    print(f"regret over {DAYS * TASKS:,} tasks in {DAYS} days, mean of {len(seeds)} seeds (lowest..highest)")
    found = {}
    for world, truth in WORLDS.items():
        for policy in policies:
            one = [regret(truth, policy, seed) for seed in seeds]
            found[world, policy] = sum(one) / len(one)
            print(f"{world:10} {policy:14} {found[world, policy]:8.1f}  ({min(one):.0f}..{max(one):.0f})")
    print(f"{time.process_time() - begun:.1f} s of CPU")
    wrong = found["wrong", "thompson"] <= found["wrong", "fixed"] / 2
    right = found["right", "thompson"] <= 0.05 * 0.8 * DAYS * TASKS
    said = {True: "ok", False: "MISSED"}
    print(f"wrong, at most half of fixed: {said[wrong]}; right, at most 5 % of the success: {said[right]}")
    return 0 if wrong and right else 1


if __name__ == "__main__":
    sys.exit(main())
