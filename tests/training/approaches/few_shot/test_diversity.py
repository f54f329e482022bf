"""Maximal marginal relevance: each choice is the best by the formula."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.training.approaches.few_shot.choosing import Room
from promptvc.training.approaches.few_shot.diversity import diverse
from promptvc.training.approaches.few_shot.measures import ONE
from promptvc.training.approaches.few_shot.neighbours import Neighbourhood, Point

_TEXT = st.lists(
    st.sampled_from(["milk", "bread", "late", "van", "card", "lost"]), min_size=1, max_size=3
).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(_TEXT, min_size=1, max_size=6), st.lists(_TEXT, min_size=1, max_size=4), st.integers(1, 4))
def test_each_choice_is_the_best_by_the_formula(pool: list[str], asked: list[str], size: int) -> None:
    points = [Point(text, f"answer {at}", f"p{at}") for at, text in enumerate(pool)]
    cases = [Point(text, None, f"c{at}") for at, text in enumerate(asked)]
    place = Neighbourhood(cases, points, ())
    ground = place.ground((), [at % 2 == 0 for at in range(len(cases))])
    chosen = diverse(place, ground, range(len(cases)), range(len(points)), Room(size, 99, [1] * len(points)))
    relevance = [0] * len(points)
    for at, near in enumerate(ground.near):
        for each in near:
            relevance[each.example] += ground.weight[at] * each.close
    open_to = {at for at in range(len(points)) if relevance[at]}
    assert len(chosen) == min(size, len(open_to))
    assert len(set(chosen)) == len(chosen)

    def worth(at: int, before: list[int]) -> int:
        close = place.measure.index([points[other].text for other in before], [])
        return relevance[at] * ONE // max(relevance) - max(close(points[at].text), default=0)

    for step, at in enumerate(chosen):
        left = sorted(open_to - set(chosen[:step]))
        assert at == max(left, key=lambda each: (worth(each, chosen[:step]), -each))


def test_a_twin_of_what_is_chosen_waits() -> None:
    points = [
        Point("spoiled milk in the fridge", "a", "1"),
        Point("the milk in the fridge spoiled", "b", "2"),
        Point("late parcel", "c", "3"),
    ]
    cases = [Point("is my milk in the fridge spoiled", None, "x"), Point("parcel is late", None, "y")]
    place = Neighbourhood(cases, points, ())
    ground = place.ground((), [None, None])
    chosen = diverse(place, ground, [0, 1], [0, 1, 2], Room(3, 99, [1, 1, 1]))
    assert 2 in chosen[:2]
    assert 0 not in diverse(place, ground, [0, 1], [0, 1, 2], Room(3, 1, [2, 1, 1]))
