"""The offline model: what it answers from, and that it always answers the same."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.models.messages import ChatMessage, ImmediateModel
from promptvc.models.offline import OfflineModel

ROOT = Path(__file__).resolve().parents[2]
LABELS = "Answer with one of: billing, delivery, fraud."


def chat(*turns: tuple[str, str]) -> list[ChatMessage]:
    return [ChatMessage(role, content) for role, content in turns]


def ask(*turns: tuple[str, str]) -> str:
    return OfflineModel().answer(chat(*turns), {}).text


def shots(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    return [turn for asked, answer in pairs for turn in (("user", asked), ("assistant", answer))]


def test_answers_with_the_closest_example() -> None:
    examples = shots(("the parcel never came", "delivery"), ("charged twice for one order", "billing"))
    assert ask(*examples, ("user", "my parcel has not come yet")) == "delivery"
    assert ask(*examples, ("user", "you charged me two times")) == "billing"


def test_answers_with_a_label_that_the_instructions_name() -> None:
    assert ask(("system", LABELS), ("user", "when will it be delivered?")) == "delivery"


def test_reads_the_description_of_a_label() -> None:
    system = "Answer with exactly one of these labels:\n- money: invoices, refunds\n- boxes: late parcels, tracking"
    assert ask(("system", system), ("user", "where can I see the tracking?")) == "boxes"
    assert ask(("system", system), ("user", "a copy of the invoices please")) == "money"


def test_a_rule_speaks_for_the_label_that_it_affirms() -> None:
    rule = "Rules:\n- A payment the customer does not recognise is fraud, never billing."
    asked = ("user", "I see a payment I do not recognise")
    assert ask(("system", f"{LABELS}\n\n{rule}"), asked) == "fraud"
    assert ask(("system", LABELS), asked) == "billing"  # the first one, as nothing is close


def test_examples_and_labels_compete() -> None:
    turns = [("system", LABELS), *shots(("my card was stolen on the train", "fraud"))]
    assert ask(*turns, ("user", "they have stolen my card")) == "fraud"
    assert ask(*turns, ("user", "delivery of a card")) == "delivery"


def test_gives_back_a_long_output_as_it_is() -> None:
    answer = json.dumps({"team": "billing", "why": "money"})
    assert ask(*shots(("charged twice", answer)), ("user", "charged twice again")) == answer


def test_instructions_and_input_in_one_message() -> None:
    assert ask(("user", f"{LABELS}\n\nMessage: the delivery is late")) == "delivery"
    assert ask(("user", f"Message: the delivery is late\n\n{LABELS}")) == "delivery"


def test_instructions_in_every_user_turn() -> None:
    turn = f"{LABELS}\n\nMessage: {{}}"
    one = shots((turn.format("nobody rang the bell"), "delivery"))
    two = [*one, *shots((turn.format("wrong sum on the invoice"), "billing"))]
    for examples in (one, two):
        assert ask(*examples, ("user", turn.format("why did nobody ring the bell"))) == "delivery"
        assert ask(*examples, ("user", turn.format("this is fraud"))) == "fraud"


def test_examples_written_as_text() -> None:
    text = "Input: the parcel\nnever came\nOutput: delivery\n\nInput: charged twice\nOutput: billing"
    assert ask(("system", f"Be brief.\n\n{text}"), ("user", "the parcel came late")) == "delivery"
    assert ask(("system", LABELS), ("user", f"{text}\n\nMessage: charged too much")) == "billing"
    assert ask(("user", f"{text}\n\nMessage: the parcel came late")) == "delivery"


def test_without_labels_and_examples_it_says_what_it_is() -> None:
    answer = ask(("system", "Be kind."), ("user", "word " * 50))
    assert answer.startswith("[offline model: this prompt shows no labels and no examples")
    assert answer.count("word") == 30
    assert answer.endswith("...")
    assert ask() == ask(("system", "")) == answer[: answer.index("]") + 1]


def test_a_tie_goes_to_what_is_shown_first() -> None:
    assert ask(*shots(("a b c", "one"), ("a b c", "two")), ("user", "a b c")) == "one"
    assert ask(("system", LABELS), ("user", "!?")) == "billing"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("Où est mon colis ?", "fr"), ("我的包裹在哪里", "zh"), ("wo ist mein pakett", "de")],
)
def test_other_languages_and_misspellings(asked: str, answer: str) -> None:
    examples = shots(
        ("où est le colis", "fr"),
        ("包裹还没有到", "zh"),
        ("mein Paket ist nicht da", "de"),
        ("where is it", "en"),
    )
    assert ask(*examples, ("user", asked)) == answer


def test_the_account() -> None:
    completion = OfflineModel().answer(chat(("system", LABELS), ("user", "a delivery")), {"temperature": 2})
    assert (completion.tokens_in, completion.tokens_out) == (-(-len(LABELS) // 4) + 3, 2)
    assert completion.cost == 0.0
    assert completion.latency_ms > 0
    assert completion.finish_reason == "stop"


def test_both_ways_to_ask_agree() -> None:
    model = OfflineModel()
    assert isinstance(model, ImmediateModel)
    messages = chat(("system", LABELS), ("user", "a late delivery"))
    assert asyncio.run(model.complete(messages, {}, repeat=3)).text == model.answer(messages, {}).text
    asyncio.run(model.close())


def test_what_is_kept_is_bounded() -> None:
    model = OfflineModel()
    for number in range(200):
        model.answer(chat(("system", f"{LABELS} {number}"), ("user", f"question {number}")), {})
    assert len(model._memories._values) <= 32
    for number in range(9000):
        model._bag(f"text {number}")
    assert len(model._bags._values) <= 8192
    model._bag("x" * 100_000)
    assert not any(len(text) > 2000 for text in model._bags._values)


_ROLES = st.sampled_from(["system", "user", "assistant"])
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([LABELS, "Input: a\nOutput: b", "- a: b\n- c: d", "Labels: `x`, `y`", "\n\n", "Output:"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_ROLES, _TEXTS), max_size=8))
def test_any_conversation_gets_the_same_answer_again(turns: Sequence[tuple[str, str]]) -> None:
    model = OfflineModel()
    first = model.answer(chat(*turns), {}).text
    assert model.answer(chat(*turns), {}).text == first
    assert ask(*turns) == first


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=20), st.sampled_from("abc")), min_size=1, max_size=6),
    st.text(max_size=30),
)
def test_the_answer_is_always_one_that_was_shown(pairs: Sequence[tuple[str, str]], asked: str) -> None:
    assert ask(*shots(*pairs), ("user", asked)) in {answer for _, answer in pairs}


_SCRIPT = """
import json, random
from promptvc.models.offline import OfflineModel
from promptvc.models.messages import ChatMessage
draw = random.Random(5)
words = "card parcel late lost charged twice refund login app error spoiled milk recipe pause plan code".split()
def text(): return " ".join(draw.choice(words) for _ in range(draw.randint(2, 9)))
model, answers = OfflineModel(), []
for _ in range(60):
    turns = [ChatMessage("system", "Labels: " + ", ".join(draw.sample(words, 6)))]
    for _ in range(draw.randint(0, 8)):
        turns += [ChatMessage("user", text()), ChatMessage("assistant", draw.choice(words))]
    answers.append(model.answer([*turns, ChatMessage("user", text())], {}).text)
print(json.dumps(answers))
"""


def test_the_seed_of_hashes_has_no_influence() -> None:
    answers = [
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "4711")
    ]
    assert len(set(answers)) == 1
    assert len(set(json.loads(answers[0]))) > 5
