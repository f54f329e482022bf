"""Examples that are close to what is asked and far from each other: maximal marginal relevance.

Carbonell & Goldstein 1998, The use of MMR, diversity-based reranking for reordering documents and producing summaries:
take the one with the most ``lambda * relevance - (1 - lambda) * closeness to the closest one taken``. Relevance is here
how close an example is to the cases, those that went wrong above all, next to that of the best example; lambda is one
half. Answers are not looked at: where the same few recur, correcting mistakes does better.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from promptvc.training.approaches.few_shot.choosing import Room
from promptvc.training.approaches.few_shot.measures import ONE
from promptvc.training.approaches.few_shot.neighbours import Ground, Neighbourhood


def diverse(
    neighbourhood: Neighbourhood,
    ground: Ground,
    cases: Sequence[int],
    allowed: Collection[int],
    room: Room,
) -> list[int]:
    """The examples to take, the first first. What is close to no case is never taken.

    Args:
        cases: positions of the cases that count; ``allowed``: of the examples that may be taken.
    """
    relevance = dict.fromkeys(sorted(allowed), 0)
    for case in cases:
        weight = ground.weight[case]
        for near in ground.near[case]:
            if near.example in relevance:
                relevance[near.example] += weight * near.close
    relevance = {example: value for example, value in relevance.items() if value > 0}
    if not relevance:
        return []
    most = max(relevance.values())
    left = sorted(relevance)
    texts = [neighbourhood.pool[example].text for example in left]
    close = neighbourhood.measure.index(texts, ())
    nearest = dict.fromkeys(left, 0)
    chosen: list[int] = []
    tokens = room.tokens
    while len(chosen) < room.examples:
        there = [each for each in left if each in relevance and room.cost[each] <= tokens]
        if not there:
            break
        best = max(there, key=lambda each: (relevance[each] * ONE // most - nearest[each], -each))
        chosen.append(best)
        tokens -= room.cost[best]
        del relevance[best]
        for each, value in zip(left, close(neighbourhood.pool[best].text), strict=True):
            nearest[each] = max(nearest[each], value)
    return chosen
