"""Laws of the search's parts: blocks, the front, merging, growth, and the edits that come out."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from promptvc.prompts.edit import edit
from promptvc.prompts.model import Example, Message, Prompt, Rule, load_prompt
from promptvc.training.options import TrainingOptions
from promptvc.training.outcome import Tried
from promptvc.training.search.blocks import blocks_of
from promptvc.training.search.changes import difference
from promptvc.training.search.front import front
from promptvc.training.search.growth import refusal
from promptvc.training.search.merging import merged
from tests.training.makers import a_prompt, an_id
from tests.training.search.worlds import a_task

TASK = a_task(60)

words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
ids = st.lists(st.integers(1, 9).map(an_id), max_size=2, unique=True).map(lambda found: tuple(sorted(found)))
rules = st.lists(st.builds(Rule, words, ids), max_size=5, unique_by=lambda rule: rule.text).map(tuple)
examples = st.lists(
    st.builds(lambda text, out, because: Example({"message": text}, out, because), words, words, ids),
    max_size=5,
    unique_by=lambda example: example.input["message"],
).map(tuple)


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    base = a_prompt()
    content = draw(st.sampled_from([base.messages[0].content, "Answer shortly.", "Say t1.\nOr t2.\n"]))
    messages = (Message("system", content), *base.messages[1:])
    return replace(base, messages=messages, rules=draw(rules), examples=draw(examples))


def written(prompt: Prompt) -> bytes:
    return json.dumps(prompt.to_json(), ensure_ascii=False).encode()


@given(prompts(), prompts())
def test_the_edits_turn_the_one_into_the_other(before: Prompt, after: Prompt) -> None:
    found = difference(before, after, {})
    result = load_prompt(edit(written(before), found.edits, file="x"), file="x")
    assert (result.messages, result.rules, result.examples) == (after.messages, after.rules, after.examples)
    assert bool(found.edits) == (before != after)
    assert all(change.before != change.after or change.path.startswith("rules") for change in found.changes)


@given(prompts())
def test_nothing_changes_nothing(prompt: Prompt) -> None:
    assert difference(prompt, prompt, {}).edits == ()


@given(prompts(), prompts())
def test_merging_with_the_parent_changes_nothing(parent: Prompt, one: Prompt) -> None:
    options = TrainingOptions()
    assert merged(parent, one, parent, options) == one
    other = merged(parent, parent, one, options)
    assert {rule.text for rule in other.rules} >= {rule.text for rule in one.rules} - {
        rule.text for rule in parent.rules
    }


@given(prompts(), prompts(), prompts())
def test_merging_loses_nothing_that_neither_took_away(parent: Prompt, one: Prompt, other: Prompt) -> None:
    both = merged(parent, one, other, TrainingOptions())
    texts = [{rule.text for rule in each.rules} for each in (parent, one, other, both)]
    kept = (texts[0] & texts[1] & texts[2]) | (texts[1] - texts[0]) | (texts[2] - texts[0])
    assert texts[3] == kept
    assert len(both.rules) == len(texts[3])


@given(st.integers(0, 3), prompts(), prompts())
def test_merging_keeps_to_the_number_of_examples(most: int, one: Prompt, other: Prompt) -> None:
    both = merged(a_prompt(), one, other, TrainingOptions(max_examples=most))
    assert len(both.examples) <= max(most, len(one.examples))


points = st.builds(
    Tried,
    name=st.just("x"),
    score=st.sampled_from([0.1, 0.2, 0.3]),
    parent=st.just(0.0),
    cases=st.sampled_from([0, 10]),
    examples=st.just(0.0),
    cost=st.sampled_from([None, 0.1, 0.2]),
    latency_ms=st.sampled_from([None, 1.0, 2.0]),
    length=st.sampled_from([10.0, 20.0]),
)


@given(st.lists(points, max_size=8))
def test_what_is_on_no_front_is_beaten_and_the_best_score_is_not(tried: list[Tried]) -> None:
    found = front(tried)
    scored = [one for one in tried if one.cases]
    assert bool(found) <= bool(scored)
    for at in found:
        assert tried[at].cases
    for at, one in enumerate(tried):
        if one.cases and at not in found:
            assert any(
                other.score >= one.score and other.length <= one.length for other in scored if other != one
            )


@given(st.sets(st.integers(0, len(TASK.cases) - 1), min_size=12), st.integers(0, 5))
def test_blocks_ask_each_case_once_and_never_what_was_learned(asked: set[int], seed: int) -> None:
    teaching = range(len(TASK.cases))
    blocks = blocks_of(TASK.cases, sorted(asked), teaching, seed)
    if not blocks:
        return
    assert sorted(at for block in blocks for at in block.asked) == sorted(asked)
    for block in blocks:
        groups = {TASK.cases[at].group for at in block.asked}
        assert not groups & {TASK.cases[at].group for at in block.learn}
    for one in blocks:
        for other in blocks:
            assert (one.fold == other.fold) == (one.learn == other.learn)


def test_what_a_candidate_must_not_be() -> None:
    base = TASK.prompt
    options = TrainingOptions(max_examples=1, max_tokens=50)
    cited = (an_id(1),)

    def why(prompt: Prompt, cites: dict[str, tuple[str, ...]] | None = None) -> str | None:
        return refusal(TASK, prompt, cites or {}, options)

    assert why(base) is None
    assert why(replace(base, rules=(Rule("Be kind.", cited),))) is None
    example = Example({"message": "a"}, "t1", cited)
    assert why(replace(base, examples=(example,))) is None
    assert "2 examples, and 1 are allowed" in str(why(replace(base, examples=(example, example))))
    assert "weigh" in str(why(replace(base, examples=(Example({"message": "a" * 400}, "t1", cited),))))
    assert "example 1 cites no event" in str(why(replace(base, examples=(replace(example, because=()),))))
    changed = replace(base, messages=(Message("system", "Answer."), *base.messages[1:]))
    assert "message 1 changes without citing" in str(why(changed))
    assert why(changed, {"messages[0]": cited}) is None
    assert "other messages" in str(why(replace(base, messages=base.messages[:1])))
