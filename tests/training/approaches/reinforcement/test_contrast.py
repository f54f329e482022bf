"""What marks good and bad outputs: found where it is, not found where it is not, with the events that show it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.prompts.model import Prompt, Rule
from promptvc.training.approaches.reinforcement.contrast import CITED, FEWEST, contrast
from promptvc.training.approaches.reinforcement.marks import Mark, are_labels, text_marks
from promptvc.training.approaches.reinforcement.rewards import Reward, rewarded
from promptvc.training.approaches.reinforcement.rules import OUTPUTS, proposals
from tests.training.approaches.reinforcement.samples import prose, rated, reward, signals_of
from tests.training.makers import a_prompt, an_id


def test_marks_are_what_a_reader_sees() -> None:
    text = "Dear Ada,\n\n- your order 12 is late\n- we apologise!\n\nShall we send it **again**?"
    found = text_marks(reward(1, text, 1.0))
    has = {mark.value for mark in found if mark.kind == "has"}
    assert has == {
        "a greeting", "a list", "a number", "an apology", "an exclamation mark", "bold text", "a question",
        "a closing question",
    }  # fmt: skip
    assert {Mark("begins", "dear ada"), Mark("ends", "it again"), Mark("word", "late")} <= found
    assert Mark("longer", "10") in found
    assert Mark("longer", "20") not in found
    assert Mark("phrase", "late we") not in found


def test_marks_of_json_are_its_keys() -> None:
    found = text_marks(reward(1, json.dumps({"team": "a", "why": "b"}), 1.0))
    assert found == {Mark("has", "JSON"), Mark("key", "team"), Mark("key", "why")}
    assert Mark("has", "JSON") in text_marks(reward(1, "[1, 2]", 1.0))
    assert Mark("has", "JSON") not in text_marks(reward(1, "{not json}", 1.0))


@given(st.text(max_size=300))
def test_any_text_has_marks_or_none(text: str) -> None:
    for mark in text_marks(reward(1, text, 1.0)):
        assert mark.value
        assert "\n" not in mark.value
        assert "{{" not in mark.value


def test_labels_are_few_short_and_recurring() -> None:
    assert are_labels(["billing", "card fraud"] * 10)
    assert not are_labels(["billing", "card fraud"])
    assert not are_labels(["a reply of more than four words"] * 20)
    assert not are_labels(["two\nlines"] * 20)


@pytest.mark.parametrize("mark", ["apology", "question"])
def test_a_mark_of_bad_or_good_outputs_is_found(mark: str) -> None:
    events = rated(160, 3, mark=mark)
    found = contrast(rewarded(signals_of(events)).rewards)
    first = found.findings[0]
    expected = {"apology": ("an apology", True), "question": ("a closing question", False)}
    assert (first.mark.value, first.against) == expected[mark]
    assert first.effect > 0.1
    assert first.users >= 3


def test_of_marks_that_nearly_the_same_outputs_have_the_plainest_is_named() -> None:
    # "we", which they begin with, often tells them apart by a little more than the apology does.
    firsts = [contrast(rewarded(signals_of(rated(160, seed))).rewards).findings[0] for seed in range(20)]
    assert [first.mark.value for first in firsts] == ["an apology"] * 20


def test_a_finding_cites_the_clearest_events_that_carry_it() -> None:
    events = rated(300, 4)
    by_id = {each.id: each for each in events}
    for finding in contrast(rewarded(signals_of(events)).rewards).findings:
        assert 0 < len(finding.because) <= CITED
        assert list(finding.because) == sorted(finding.because)
        for cited in finding.because:
            output = by_id[cited].output
            assert output is not None
            assert finding.mark in text_marks(reward(0, output, 0.0))
            assert by_id[cited].is_negative() == finding.against
        assert len({by_id[cited].data["user"] for cited in finding.because}) == len(finding.because)


def test_shuffled_ratings_show_nothing() -> None:
    found = [contrast(rewarded(signals_of(rated(150, seed, shuffled=True))).rewards) for seed in range(50)]
    assert all(each.tested > 20 for each in found)
    # A rate of false discoveries of 0.1 would allow five.
    assert sum(1 for each in found if each.findings) <= 2


def test_below_the_fewest_nothing_is_tested() -> None:
    rewards = rewarded(signals_of(rated(FEWEST - 1, 5))).rewards
    assert contrast(rewards).labelled == FEWEST - 1
    assert (contrast(rewards).findings, contrast(rewards).tested) == ((), 0)


def test_what_one_user_says_over_and_over_proves_nothing() -> None:
    draw = random.Random(6)
    calm = [reward(number, prose(draw), float(number % 5 > 0)) for number in range(150)]
    loud = [reward(500 + n, f"Zebra party. {prose(draw)}", 0.0, user="loud") for n in range(300)]
    assert contrast([*calm, *loud]).findings == ()
    some = [reward(900 + n, f"Zebra party. {prose(draw)}", 0.0) for n in range(2)]
    assert contrast([*calm, *some, *loud]).findings == ()
    many = [reward(500 + n, f"Zebra party. {prose(draw)}", 0.0) for n in range(60)]
    assert contrast([*calm, *many]).findings[0].mark.value.startswith("zebra party")


def test_several_causes_are_each_found_once() -> None:
    draw = random.Random(7)
    rewards = []
    for number in range(400):
        greeting, link = draw.random() < 0.3, draw.random() < 0.3
        text = (
            ("Hello there! " if greeting else "") + prose(draw) + (" See https://x.example." if link else "")
        )
        rewards.append(reward(number, text, float(draw.random() > (0.9 if greeting or link else 0.1))))
    found = {finding.mark.value for finding in contrast(rewards).findings}
    assert len(found) == 2
    assert "a link" in found
    assert found & {"a greeting", "an exclamation mark"}


def _labels(count: int) -> list[Reward]:
    """A model that answers billing whenever money is named; of charges that is wrong."""
    draw = random.Random(8)
    rewards = []
    for number in range(count):
        charge = draw.random() < 0.3
        text = f"{'an unknown charge' if charge else 'the invoice'} {prose(draw)}"
        right = "card_fraud" if charge else "billing"
        rewards.append(reward(number, "billing", float(not charge), input=text, right=right))
    return rewards + [reward(900 + n, "courier", 1.0, input=prose(draw)) for n in range(count // 4)]


def test_of_labels_the_input_says_where_they_are_wrong() -> None:
    prompt = a_prompt()
    made = [each for each, _ in proposals(contrast(_labels(200)), prompt, OUTPUTS)]
    texts = [each.text for each in made]
    assert texts[0] in {
        f"When the message says \u201c{word}\u201d, answer card_fraud, not billing."
        for word in ("charge", "unknown")
    }
    assert len(texts) == 1


def _with_rules(*texts: str) -> Prompt:
    return replace(a_prompt(), rules=tuple(map(Rule, texts)))


def test_a_rule_that_says_the_opposite_is_reworded_and_one_that_says_it_is_not_said_again() -> None:
    found = contrast(rewarded(signals_of(rated(200, 9))).rewards)
    for rule, expected in (
        ("Apologise.", [("reword_rule", 1, "Do not apologise.")]),
        ("do not apologise", []),
        ("Be kind.", [("add_rule", None, "Do not apologise.")]),
    ):
        made = proposals(found, _with_rules("Other.", rule), OUTPUTS)
        assert [(each.action, each.at, each.text) for each, _ in made] == expected


def test_another_label_for_the_same_word_is_reworded() -> None:
    texts = [each.text or "" for each, _ in proposals(contrast(_labels(200)), a_prompt(), OUTPUTS)]
    prompt = _with_rules("Other.", texts[0].replace("card_fraud, not billing", "courier"))
    made = [each for each, _ in proposals(contrast(_labels(200)), prompt, OUTPUTS)]
    assert [(each.action, each.at, each.text) for each in made] == [("reword_rule", 1, texts[0])]


def test_a_length_is_another_length_reworded() -> None:
    draw = random.Random(10)
    long = [
        reward(n, f"{prose(draw)} {prose(draw)} {prose(draw)} {prose(draw)}", float(n % 10 == 0))
        for n in range(100)
    ]
    short = [reward(200 + n, " ".join(prose(draw).split()[:10]), float(n % 10 > 0)) for n in range(100)]
    prompt = _with_rules("Keep the answer to at most 900 words.")
    made = proposals(contrast([*long, *short]), prompt, OUTPUTS)
    (action, at, text) = (made[0][0].action, made[0][0].at, made[0][0].text)
    assert (action, at) == ("reword_rule", 0)
    assert text in {f"Keep the answer to at most {limit} words." for limit in (10, 20, 40)}
    assert len([each for each, _ in made if "at most" in (each.text or "")]) == 1


def _ids(rewards: Sequence[Reward]) -> list[tuple[str, ...]]:
    return [finding.because for finding in contrast(rewards).findings]


def test_suite_cases_count_and_are_not_cited() -> None:
    draw = random.Random(11)
    rows = [(f"Sorry. {prose(draw)}", 0.0) for _ in range(80)] + [(prose(draw), 1.0) for _ in range(80)]
    events = [Reward(text, value, f"u{n}", (an_id(n),)) for n, (text, value) in enumerate(rows)]
    suite = [Reward(text, value, f"u{n}", ()) for n, (text, value) in enumerate(rows)]
    assert _ids(suite) == []
    assert len(_ids(events)) == 1
    assert set(_ids([*suite[:70], *events[70:]])[0]) <= {an_id(n) for n in range(70, 80)}
