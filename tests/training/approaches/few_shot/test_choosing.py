"""Choosing examples: the incremental gains are what a recount says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.models.showing import Shown
from promptvc.training.approaches.few_shot.choosing import Aim, Correct, Cover, Room, choose
from promptvc.training.approaches.few_shot.measures import ONE
from promptvc.training.approaches.few_shot.neighbours import Ground, Neighbour, Neighbourhood, Point

_NEAR = st.lists(
    st.builds(Neighbour, st.integers(0, 5), st.integers(1, 100), st.booleans()),
    max_size=5,
    unique_by=lambda near: near.example,
).map(tuple)
_CASES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), _NEAR), min_size=1, max_size=6)


def ground_of(cases: list[tuple[int, int, tuple[Neighbour, ...]]]) -> Ground:
    return Ground(
        right=tuple(case[0] for case in cases),
        wrong=tuple(case[1] for case in cases),
        near=tuple(case[2] for case in cases),
        weight=tuple(1 + at % 2 * 3 for at in range(len(cases))),
    )


def aim_of(ground: Ground, kind: int) -> Aim:
    return Correct(ground, -10, 10) if kind == 0 else Cover(ground, by_answer=kind == 1)


@settings(max_examples=300, deadline=None)
@given(_CASES, st.integers(0, 2), st.lists(st.integers(1, 9), min_size=6, max_size=6))
def test_each_choice_is_the_best_by_a_recount(
    cases: list[tuple[int, int, tuple[Neighbour, ...]]], kind: int, cost: list[int]
) -> None:
    ground = ground_of(cases)
    room = Room(3, 14, cost)
    chosen = choose(aim_of(ground, kind), ground, range(len(cases)), range(6), room)
    again = aim_of(ground, kind)
    tokens = room.tokens
    for step in range(room.examples + 1):
        gains = dict.fromkeys((each for each in range(6) if each not in chosen[:step]), 0)
        for case in range(len(cases)):
            for example, effect in again.effects(case):
                if example in gains:
                    gains[example] += effect
        open_to = {each: gain for each, gain in gains.items() if gain > 0 and cost[each] <= tokens}
        if step == len(chosen):
            assert not open_to or step == room.examples
            break
        best = min(open_to, key=lambda each: (-open_to[each], cost[each], each))
        assert chosen[step] == best
        tokens -= cost[best]
        for case, (_, _, near) in enumerate(cases):
            for each in near:
                if each.example == best:
                    again.add(case, each)
    assert len(chosen) <= room.examples
    assert sum(cost[each] for each in chosen) <= room.tokens


def test_an_example_does_not_teach_its_own_group() -> None:
    points = [Point("spoiled milk again", "t4", "a"), Point("the milk was spoiled", "t4", "a")]
    ground = Neighbourhood(points, points, ()).ground((), [False, False])
    assert ground.near == ((), ())


def test_the_ground_is_what_the_prompt_shows_and_the_model_said() -> None:
    points = [Point("spoiled milk", "t4", "a"), Point("late parcel", "t2", "b")]
    shown = [Shown("spoiled milk", "t4", 8), Shown("late parcel", "t4", 8)]
    place = Neighbourhood(points, points, shown)
    blind = place.ground(shown, [None, None])
    assert blind.right[0] > 0.98 * ONE > blind.wrong[0] == 0
    assert blind.wrong[1] > 0.98 * ONE > blind.right[1] == 0
    told = place.ground(shown, [False, True])
    assert told.right[0] <= told.wrong[0]
    assert told.right[1] > told.wrong[1]
    assert told.weight == (4, 1)


def test_examples_that_mislead_others_are_not_chosen() -> None:
    texts = ["milk spoiled", "milk spoiled today", "spoiled milk", "milk milk spoiled"]
    points = [Point(text, "t4", text) for text in texts] + [Point("milk was spoiled", "t2", "odd one")]
    ground = Neighbourhood(points, points, ()).ground((), [None] * 5)
    chosen = choose(Correct(ground, 0, ONE // 50), ground, range(5), range(5), Room(3, 99, [1] * 5))
    assert chosen
    assert 4 not in chosen
