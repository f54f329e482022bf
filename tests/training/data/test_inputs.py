"""What counts as the same input, whoever gives it and whatever optional variables come with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.prompts.model import Prompt
from promptvc.training.data.holdout import divide
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.data.items import build
from tests.training.makers import PROMPT, a_prompt, event, questions

MANY = PROMPT.replace(
    b"  message:", b"  lang: {required: false, default: en}\n  order: {required: true}\n  message:"
).replace(b'"{{ message }}"', b'"{{ lang }} {{ order }} {{ message }}"')
ONE = MANY.replace(b"  order: {required: true}\n", b"").replace(b"{{ order }}", b"")


def suite(*inputs: dict[str, Any]) -> Sequence[Case]:
    cases = [{"id": f"c{at}", "vars": given, "expected": "t1"} for at, given in enumerate(inputs)]
    return load_suite(json.dumps({"cases": cases}).encode(), file="evaluation/x.yaml").cases


def corrected(*inputs: Any, prompt: Prompt) -> Any:
    return build([event(at, input=given, corrected="t1") for at, given in enumerate(inputs)], prompt)


def test_an_optional_variable_does_not_hide_a_hold_out_input() -> None:
    """Events that say what the hold-out says, without its optional values, with others, or as text alone."""
    prompt = a_prompt(ONE)
    texts = [text for text, _ in questions(40, 5)]
    cases = suite(*({"message": text, "lang": "German, and very formal please"} for text in texts))
    for more in ({}, {"lang": "en"}, {"lang": "fr"}, {"lang": "German, and very formal please"}):
        dataset = corrected(*({"message": text, **more} for text in texts), prompt=prompt)
        assert len(dataset.items) == 40
        split = divide(dataset.items, cases, prompt)
        assert (split.items, dict(split.dropped)) == ((), {"repeat a hold-out input": 40})
    split = divide(corrected(*texts, "quite another thing", prompt=prompt).items, cases, prompt)
    assert [item.text for item in split.items] == ["quite another thing"]
    near = corrected(*(f"{text} {text} again." for text in texts), prompt=prompt)
    assert (
        divide(
            near.items, suite(*({"message": f"{t} {t} again!", "lang": "it"} for t in texts)), prompt
        ).items
        == ()
    )


def test_training_cases_of_the_suite_do_not_repeat_it_either() -> None:
    prompt = a_prompt(ONE)
    held, marked = suite({"message": "where is my box", "lang": "de"}), suite({"message": "Where is my box?"})
    learnt = load_suite(
        json.dumps(
            {"cases": [{"id": "t", "vars": dict(marked[0].vars), "expected": "t1", "split": "train"}]}
        ).encode(),
        file="evaluation/x.yaml",
    ).cases
    assert divide([], (*held, *learnt), prompt).cases == ()


@pytest.mark.parametrize("order", [4711, 4711.5, True, "4711"])
def test_numbers_and_truth_values_are_text(order: object) -> None:
    prompt = a_prompt(MANY)
    dataset = corrected({"order": order, "message": "where"}, prompt=prompt)
    (item,) = dataset.items
    assert all(isinstance(value, str) for value in item.input.values())
    assert dataset.left_out == {}
    written = {"order": order, "message": "where"}
    assert divide([item], suite(written), prompt).items == ()
    text = {**written, "order": "true" if order is True else str(order)}
    assert divide([item], suite(text), prompt).items == ()
    assert divide([item], suite({**written, "order": 12}), prompt).items == (item,)
    keys = [divide([], suite(given), prompt).holdout_keys for given in (written, text)]
    assert keys[0] == keys[1]


def test_a_list_or_nothing_is_no_text() -> None:
    prompt = a_prompt(MANY)
    dataset = corrected(
        {"order": ["a"], "message": "b"},
        {"order": None, "message": "b"},
        {"order": "1", "message": "b", "lang": ["de"]},
        {"order": "1", "message": "b", "lang": None},
        "text alone",
        prompt=prompt,
    )
    assert [dict(item.input) for item in dataset.items] == [{"message": "b", "order": "1"}]
    assert dataset.left_out == {"lack the prompt's variables": 4}


def test_a_default_that_is_given_is_as_none_given() -> None:
    inputs = Inputs.of(a_prompt(ONE))
    assert inputs.form({"message": "Hi"}) == inputs.form({"lang": "en", "message": "hi!"})
    assert inputs.form({"message": "hi", "lang": "de"}).key != inputs.form({"message": "hi"}).key
    assert inputs.form({"message": "hi", "lang": "de"}).core == inputs.form({"message": "hi"}).core
    assert inputs.text({"lang": "de", "message": "hi"}) == "lang: de\nmessage: hi"


def test_without_required_variables_the_whole_counts() -> None:
    inputs = Inputs.of(a_prompt(ONE.replace(b"{required: true}", b"{required: false, default: none}")))
    forms = [inputs.form(given) for given in ({"message": "a"}, {"lang": "b"}, {"message": "a", "lang": "b"})]
    assert alike(forms) == []
    assert alike(forms, forms) == [(0, 0), (1, 1), (2, 2)]
