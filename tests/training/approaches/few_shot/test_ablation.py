"""What can be spared: every loss is what a recount says."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.models.showing import FULL, Shown
from promptvc.training.approaches.few_shot.ablation import Setting, Worth, eliminated
from promptvc.training.approaches.few_shot.measures import Measure, Words
from promptvc.training.approaches.few_shot.neighbours import Point

_TEXT = st.lists(
    st.sampled_from(["milk", "bread", "late", "van", "card", "lost"]), min_size=1, max_size=3
).map(" ".join)
_POINT = st.builds(Point, _TEXT, st.sampled_from(["t1", "t2"]), st.sampled_from("abcde"))


def total(
    examples: Sequence[Point], cases: Sequence[Point], shown: Sequence[Shown], measure: Measure, worth: Worth
) -> int:
    """By the definition: for each case the closest right and wrong answers."""
    result = 0
    for case in cases:
        right = wrong = 0
        for item in shown:
            close = measure.index([item.text], [])(case.text)[0] * item.strength // FULL
            if not worth.by_answer or item.answer == case.output:
                right = max(right, close)
            else:
                wrong = max(wrong, close)
        for example in examples:
            close = measure.index([example.text], [])(case.text)[0]
            if close <= measure.stranger or example.group == case.group:
                continue
            if not worth.by_answer or example.output == case.output:
                right = max(right, close)
            else:
                wrong = max(wrong, close)
        result += worth.of(right, wrong)
    return result


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_POINT, min_size=1, max_size=5),
    st.lists(_POINT, min_size=1, max_size=5),
    st.lists(st.builds(Shown, _TEXT, st.sampled_from(["t1", "t2"]), st.sampled_from([5, 8])), max_size=2),
    st.booleans(),
)
def test_every_loss_is_what_a_recount_says(
    examples: list[Point], cases: list[Point], shown: list[Shown], by_answer: bool
) -> None:
    measure = Words([point.text for point in (*examples, *cases)])
    worth = Worth(by_answer, 2_000_000)
    tokens = [len(example.text) for example in examples]
    order = eliminated(examples, tokens, Setting(cases, shown, measure), worth)
    assert sorted(at for at, _ in order) == list(range(len(examples)))
    there = list(range(len(examples)))

    def value(positions: Sequence[int]) -> int:
        return total([examples[at] for at in positions], cases, shown, measure, worth)

    for at, loss in order:
        losses = {each: value(there) - value([other for other in there if other != each]) for each in there}
        assert loss == losses[at] == min(losses.values())
        assert at == min(there, key=lambda each: (losses[each], -tokens[each], -each))
        there.remove(at)


def test_a_twin_can_be_spared_and_what_stands_alone_can_not() -> None:
    examples = [
        Point("milk spoiled", "t4", "a"),
        Point("milk spoiled", "t4", "b"),
        Point("parcel late", "t2", "c"),
    ]
    cases = [Point("spoiled milk again", "t4", "d"), Point("my parcel is late", "t2", "e")]
    measure = Words([point.text for point in (*examples, *cases)])
    order = eliminated(examples, [1, 1, 1], Setting(cases, (), measure), Worth(by_answer=True, span=100))
    assert order[0] == (1, 0)
    assert all(loss > 0 for _, loss in order[1:])


def test_what_misleads_goes_first() -> None:
    examples = [Point("milk spoiled", "t4", "a"), Point("spoiled milk again", "t2", "b")]
    cases = [Point("spoiled milk again", "t4", "d")]
    measure = Words([point.text for point in (*examples, *cases)])
    order = eliminated(examples, [1, 1], Setting(cases, (), measure), Worth(by_answer=True, span=100))
    assert order[0][0] == 1
    assert order[0][1] < 0
