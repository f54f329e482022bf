"""`check --fix` as laws: it says the same afterwards, but once; twice is once; nothing fixable is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.prompts.edit import edit
from promptvc.prompts.lint.mending import mended
from promptvc.prompts.lint.repeats import example_key, rule_key
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import render
from tests.prompts.handwritten import DOCUMENTS
from tests.prompts.lint.linting import ASKED, lint

EVENTS = [f"01JD3M8Z6VQW4N9T2X5KAB7C{number:02d}" for number in range(4)]
words = st.sampled_from(
    ["Be brief.", "be  brief.", "Be brief.  ", "Say please", "say please", "Never shout", "Use `a`: always"]
)
because = st.lists(st.sampled_from(EVENTS), max_size=3, unique=True)


def item(**parts: object) -> dict[str, object]:
    return {key: value for key, value in parts.items() if value}


rule = st.builds(lambda text, events: item(text=text, because=events), words, because)
example = st.builds(
    lambda question, output, events: item(input={"question": question}, output=output, because=events),
    st.sampled_from(["hi", "hi ", "HI", "a  b", "a b"]),
    st.sampled_from(["yes", "no", "yes "]),
    because,
)
documents = st.builds(
    lambda rules, examples, marked, windows: (
        ("\ufeff" if marked else "")
        + (ASKED + dump_yaml({"rules": rules, "examples": examples})).replace(
            "\n", "\r\n" if windows else "\n"
        )
    ).encode(),
    st.lists(rule, max_size=5),
    st.lists(example, max_size=5),
    st.booleans(),
    st.booleans(),
)


def once(prompt: Prompt) -> tuple[dict[str, set[str]], dict[object, set[str]]]:
    """Rules and examples without repeats, each with all of its events."""
    rules: dict[str, set[str]] = {}
    for each in prompt.rules:
        rules.setdefault(rule_key(each.text), set()).update(each.because)
    examples: dict[object, set[str]] = {}
    for one in prompt.examples:
        examples.setdefault(example_key(one), set()).update(one.because)
    return rules, examples


@given(documents)
def test_mending(data: bytes) -> None:
    before = load_prompt(data, file="a.yaml")
    result = mended(data, lint(data), file="a.yaml")
    after = load_prompt(result.data, file="a.yaml")
    assert [one for one in lint(result.data) if one.fixable] == []
    assert mended(result.data, lint(result.data), file="a.yaml").data == result.data
    assert after.messages == before.messages
    assert once(after) == once(before)
    assert len(after.rules) == len(once(before)[0])
    assert len(after.examples) == len(once(before)[1])
    texts = [each.text for each in before.rules]
    assert [each.text for each in after.rules] == [
        t for i, t in enumerate(texts) if rule_key(t) not in map(rule_key, texts[:i])
    ]
    if len(before.rules) == len(after.rules) and len(before.examples) == len(after.examples):
        assert render(after, {"question": "q"}) == render(before, {"question": "q"})


@given(documents)
def test_only_what_was_reported_is_mended(data: bytes) -> None:
    """What a comment silences, or the settings turn off, is not among the findings."""
    assert mended(data, [], file="a.yaml").data == data
    (*some,) = (one for one in lint(data) if one.rule == "duplicate-rule")
    result = mended(data, some, file="a.yaml")
    prompt = load_prompt(data, file="a.yaml")
    assert load_prompt(result.data, file="a.yaml").examples == prompt.examples
    assert (b"\r\n" in result.data) == (b"\r\n" in data)
    assert {one.rule for one in result.fixed} <= {"duplicate-rule"}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_hand_written_prompts_keep_their_comments_and_their_values(name: str) -> None:
    data = DOCUMENTS[name]
    result = mended(data, lint(data), file="a.yaml")
    marked = result.data.removeprefix(b"\xef\xbb\xbf")
    assert marked == result.data
    if not any(one.rule.startswith("duplicate") for one in result.fixed):
        assert load_yaml(result.data, file="a").value == load_yaml(data, file="a").value
        assert result.data == data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def test_a_repeat_inside_an_alias_stays_and_stays_a_finding() -> None:
    text = ASKED + "rules:\n  - &one {text: Be brief.}\n  - text: Other\n  - *one\nmetadata: {kept: *one}\n"
    found = [one for one in lint(text) if one.rule == "duplicate-rule"]
    result = mended(text.encode(), found, file="a.yaml")
    prompt = load_prompt(result.data, file="a.yaml")
    gone = len(found) - len([one for one in lint(result.data) if one.rule == "duplicate-rule"])
    assert len(result.fixed) == gone
    assert [each.text for each in prompt.rules] == ["Be brief.", "Other", "Be brief."][: 3 - gone]


def test_comments_around_what_goes_stay_where_they_are_about_something_else() -> None:
    text = (
        ASKED
        + "rules:\n  # first\n  - text: Be brief.   # one\n  # second\n  - text: Be brief.\n  - text: Last   # two\n"
    )
    result = mended(text.encode(), lint(text), file="a.yaml")
    assert (
        result.data.decode()
        == ASKED + "rules:\n  # first\n  - text: Be brief.   # one\n  - text: Last   # two\n"
    )
    assert edit(result.data, [], file="a.yaml") == result.data


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rules:\n  - text: Answer `YES` for consent.\n", "  - text: Answer `yes` for consent.\n"),
        ("rules:\n  - text: Route IT tickets to ops.\n", "  - text: Route it tickets to ops.\n"),
        ("rules:\n  - text: 'Indent by \"  \".'\n", "  - text: 'Indent by \" \".'\n"),
        (
            "examples:\n  - {input: {question: hi}, output: 'a\\n  b'}\n".replace("'", '"'),
            "  - {input: {question: hi}, output: 'a\\nb'}\n".replace("'", '"'),
        ),
        (
            "examples:\n  - {input: {question: 'a\\nb'}, output: x}\n".replace("'", '"'),
            "  - {input: {question: a b}, output: x}\n",
        ),
    ],
)
def test_what_only_looks_the_same_is_for_a_person(one: str, other: str) -> None:
    data = (ASKED + one + other).encode()
    found = lint(data)
    assert [(problem.rule.partition("-")[0], problem.fixable) for problem in found] == [("duplicate", False)]
    assert mended(data, found, file="a.yaml").data == data
