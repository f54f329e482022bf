"""Leakage: what a prompt shows is found among the cases, exactly where the one comparison of inputs says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.prompts.model import Example, Message, Prompt, Variable
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.data.leakage import Leak, find_leaks

LONG = "Where is the parcel that I have ordered more than three weeks ago"


def prompt(*inputs: dict[str, str], variables: tuple[Variable, ...] = ()) -> Prompt:
    examples = tuple(Example(one, "billing") for one in inputs)
    return Prompt("p", 1, (Message("user", "{{ message }}"),), examples=examples, variables=variables)


def case(name: str, **variables: str) -> Case:
    return Case(name, 7, variables, ())


def test_an_exact_and_a_near_repetition_are_told_apart() -> None:
    shown = prompt({"message": "I was charged twice"}, {"message": LONG})
    cases = [
        case("other", message="Can I have a new card?"),
        case("same", message="I was  CHARGED twice!"),
        case("near", message=LONG + " please"),
    ]
    assert find_leaks(cases, shown) == (Leak("same", None, 7, 1, "exact"), Leak("near", None, 7, 2, "near"))


def test_training_cases_may_repeat_an_example() -> None:
    suite = load_suite(
        b"cases:\n- {id: a, vars: {message: hello there}, expected: x, split: train}\n"
        b"- {id: b, vars: {message: hello  there}, expected: x}\n",
        file="s",
    )
    (leak,) = find_leaks(suite.cases, prompt({"message": "Hello there"}))
    assert (leak.case, leak.line, leak.how) == ("b", 3, "exact")


def test_an_optional_variable_does_not_hide_a_repetition() -> None:
    variables = (Variable("message"), Variable("tone", required=False, default="calm"))
    shown = prompt({"message": "I was charged twice"}, variables=variables)
    found = find_leaks([case("a", message="I was charged twice", tone="angry and rude")], shown)
    assert [(leak.case, leak.how) for leak in found] == [("a", "exact")]


def test_a_prompt_without_examples_shows_nothing() -> None:
    assert find_leaks([case("a", message="x")], prompt()) == ()


@pytest.mark.parametrize("count", [999, 1000, 1001, 2500])
def test_cases_are_found_in_their_order_whatever_their_number(count: int) -> None:
    cases = [case(f"{at}", message=f"{LONG} {at}") for at in range(count)]
    found = find_leaks(cases, prompt({"message": LONG}))
    assert [leak.case for leak in found] == [one.id for one in cases]


words = st.lists(
    st.sampled_from(["charged", "twice", "parcel", "late", "card", "a", "is", "zzzzzz"]), max_size=9
)
texts = words.map(" ".join)


@settings(max_examples=300)
@given(
    st.lists(texts, max_size=8),
    st.lists(texts, min_size=1, max_size=4),
    st.sampled_from(["", "calm", "rude"]),
)
def test_it_finds_what_the_one_comparison_of_inputs_finds(
    asked: list[str], shown: list[str], tone: str
) -> None:
    variables = (Variable("message"), Variable("tone", required=False, default="calm"))
    subject = prompt(*({"message": text} for text in shown), variables=variables)
    cases = [case(str(at), message=text, **({"tone": tone} if tone else {})) for at, text in enumerate(asked)]
    inputs = Inputs.of(subject)
    forms = [inputs.form(one.vars) for one in cases]
    pairs = alike(forms, [inputs.form(one.input) for one in subject.examples])
    assert {leak.case for leak in find_leaks(cases, subject)} == {str(at) for at, _ in pairs}
