"""Rendering: places, values, rules and examples; what is inserted is never a template."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import InputError
from promptvc.prompts.lint.templates import template_remarks
from promptvc.prompts.model import Example, Message, Prompt, Rule, Variable
from promptvc.prompts.render import Renderer, placeholders, render

SYSTEM = Message("system", "You route.\n")
USER = Message("user", "{{ message }}")


def prompt(*messages: Message, **parts: Any) -> Prompt:
    return Prompt("a/b", 1, messages or (SYSTEM, USER), **parts)


def user(text: str, **parts: Any) -> Prompt:
    return prompt(Message("user", text), **parts)


def refused(what: Prompt, variables: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        render(what, variables)
    return caught.value


@pytest.mark.parametrize("place", ["{{name}}", "{{ name }}", "{{  name\t}}", "{{{name}}}", '{"a": {{name}}}'])
def test_places(place: str) -> None:
    assert render(user(place), {"name": "X"})[0].content == re.sub(r"\{\{\s*name\s*\}\}", "X", place)


@pytest.mark.parametrize(
    "text",
    ["{name}", "{{ a.b }}", "{{ a|upper }}", "{{ 1a }}", "{{ }}", "{{\nname }}", "{% if x %}", "{# c #}", "$name",
     "{{ a b }}", "{{'x'}}", "{{ a-b }}"],
)  # fmt: skip
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert render(user(text), {})[0].content == text
    assert placeholders(user(text)) == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", ""),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (["a", 1], '["a", 1]'),
        ({"ü": None}, '{"ü": null}'),
    ],
)
def test_values_are_written_plainly(value: Any, text: str) -> None:
    assert render(user("<{{ x }}>"), {"x": value})[0].content == f"<{text}>"


def test_null_and_other_objects_are_no_text() -> None:
    assert "must be text, not null" in refused(user("{{ x }}"), {"x": None}).message
    assert "must be text, not a object" in refused(user("{{ x }}"), {"x": object()}).message


def test_rules_stand_at_the_end_of_the_system_message_or_in_their_place() -> None:
    rules = (Rule("one"), Rule("two"))
    assert render(prompt(rules=rules), {"message": "m"})[0].content == "You route.\n\nRules:\n- one\n- two\n"
    assert render(user("{{ rules }}!", rules=rules), {})[0].content == "- one\n- two!"
    assert render(user("hi", rules=rules), {})[0] == Message("system", "Rules:\n- one\n- two")
    assert render(user("<{{ rules }}>"), {})[0].content == "<>"
    assert (
        render(prompt(Message("system", ""), USER, rules=rules), {"message": "m"})[0].content
        == "Rules:\n- one\n- two"
    )
    assert render(prompt(), {"message": "m"})[0].content == "You route.\n"


def test_examples_are_turns_before_the_last_user_message() -> None:
    examples = (Example({"message": "a"}, "A"), Example({"message": "b"}, "B"))
    first = Message("user", "Hello")
    what = prompt(
        SYSTEM, first, Message("assistant", "Hi"), Message("user", "Q: {{ message }}"), examples=examples
    )
    assert render(what, {"message": "m"}) == (
        SYSTEM, first, Message("assistant", "Hi"),
        Message("user", "Q: a"), Message("assistant", "A"), Message("user", "Q: b"), Message("assistant", "B"),
        Message("user", "Q: m"),
    )  # fmt: skip


def test_examples_are_text_where_their_place_stands() -> None:
    examples = (Example({"message": "a"}, "A"), Example({"x": "1", "y": "2"}, "B"))
    content = render(user("{{ examples }}\n{{ message }}", examples=examples), {"message": "m"})[0].content
    assert content == "Input: a\nOutput: A\n\nInput: x: 1\ny: 2\nOutput: B\nm"


def test_examples_without_a_user_message_or_a_place_for_their_input() -> None:
    examples = (Example({"message": "a"}, "A"),)
    turns = (Message("user", "a"), Message("assistant", "A"))
    assert render(prompt(SYSTEM, examples=examples), {}) == (SYSTEM, *turns)
    assert render(user("Go.", examples=examples), {}) == (*turns, Message("user", "Go."))


def test_a_system_message_after_the_examples_still_gets_the_rules() -> None:
    what = prompt(USER, SYSTEM, rules=(Rule("r"),), examples=(Example({"message": "a"}, "A"),))
    rendered = render(what, {"message": "m"})
    assert [each.role for each in rendered] == ["user", "assistant", "user", "system"]
    assert rendered[3].content.endswith("- r\n")


def test_an_example_turn_uses_defaults_and_no_rules() -> None:
    what = user(
        "{{ rules }}{{ message }}/{{ language }}",
        variables=(Variable("language", required=False, default="en"),),
        rules=(Rule("r"),),
        examples=(Example({"message": "a"}, "A"),),
    )
    assert [each.content for each in render(what, {"message": "m", "language": "de"})] == [
        "a/en",
        "A",
        "- rm/de",
    ]


def test_an_example_that_lacks_a_variable_is_named() -> None:
    what = user("{{ a }}{{ b }}", examples=(Example({"a": "1", "b": "2"}, "x"), Example({"a": "1"}, "x")))
    error = refused(what, {"a": "1", "b": "2"})
    assert error.message == "`examples[1].input` has no `b`, which the last user message needs"


def test_missing_and_unknown_variables_are_named() -> None:
    what = user(
        "{{ message }} {{ language }}",
        variables=(Variable("message"), Variable("language", required=False, default="en")),
    )
    assert render(what, {"message": "m"})[0].content == "m en"
    missing = refused(what, {})
    assert missing.message == "`a/b` needs a value for `message`"
    assert "--var message=TEXT" in (missing.hint or "")
    unknown = refused(what, {"mesage": "m"})
    assert unknown.message == "`a/b` has no variable `mesage`"
    assert unknown.hint == "did you mean `message`?"
    assert "`rules`" in refused(what, {"message": "m", "rules": "x"}).message


TEMPLATES = st.text("{} %rulesxampm_#|\n'", max_size=30) | st.sampled_from(
    [
        "{{ rules }}",
        "{{ examples }}",
        "{{ message }}",
        "{% raw %}",
        "{{message}}",
        "{{ 7 * 7 }}",
        "\\1",
        "\\g<0>",
    ]
)


@given(st.lists(TEMPLATES, min_size=1, max_size=3), TEMPLATES, TEMPLATES, TEMPLATES, st.booleans())
def test_what_was_learned_is_never_a_template(
    rules: list[str], given_input: str, output: str, value: str, in_text: bool
) -> None:
    examples = (Example({"message": given_input}, output),)
    parts: dict[str, Any] = {"rules": tuple(map(Rule, rules)), "examples": examples}
    block = "\n".join(f"- {rule}" for rule in rules)
    if in_text:
        what = prompt(Message("user", "{{ rules }}|{{ examples }}|{{ message }}"), **parts)
        expected = f"{block}|Input: {given_input}\nOutput: {output}|{value}"
        assert render(what, {"message": value}) == (Message("user", expected),)
    else:
        assert render(prompt(**parts), {"message": value}) == (
            Message("system", f"You route.\n\nRules:\n{block}\n"), Message("user", given_input),
            Message("assistant", output), Message("user", value),
        )  # fmt: skip


def test_a_renderer_gives_the_same_again() -> None:
    renderer = Renderer(prompt(rules=(Rule("r"),), examples=(Example({"message": "a"}, "A"),)))
    assert renderer.render({"message": "m"}) == renderer.render({"message": "m"})
    assert renderer.render({"message": "n"})[-1].content == "n"


def test_a_rendering_beyond_reason_is_refused() -> None:
    assert "characters" in refused(user("{{ x }}" * 100), {"x": "y" * 1_000_000}).message


def test_remarks_tell_what_is_odd() -> None:
    what = prompt(
        Message("system", "{mesage} {{ a.b }} {message} {% if %} {{ other }}"), USER,
        variables=(Variable("message"), Variable("unused"), Variable("othr")),
        examples=(Example({"message": "a", "mesage": "b"}, "x"),),
    )  # fmt: skip
    found = {(each.path, each.message, each.hint) for each in template_remarks(what)}
    content = ("messages", 0, "content")
    assert found == {
        (("messages",), "the variable `other` is used and not declared", "did you mean `othr`?"),
        (("variables", "unused"), "the variable `unused` is never used", None),
        (("variables", "othr"), "the variable `othr` is never used", None),
        (("examples", 0, "input", "mesage"), "the prompt has no variable `mesage`", "did you mean `message`?"),
        (content, "'{{ a.b }}' is not a placeholder and stays as it is",
         "a placeholder is {{ name }}; `template: jinja2` allows more"),
        (content, "'{% if %}' is not a placeholder and stays as it is",
         "a placeholder is {{ name }}; `template: jinja2` allows more"),
        (content, "{message} is not a placeholder and stays as it is", "did you mean {{ message }}?"),
    }  # fmt: skip
    assert not any(each.error for each in template_remarks(what))
    broken = template_remarks(user("{{ a }}{{ b }}", examples=(Example({"a": "1"}, "x"),)))
    assert [each.path for each in broken if each.error] == [("examples", 0)]
    assert len(broken) == 3, "what else is odd is told in the same run"


def test_a_misspelt_place_is_told_with_everything_else() -> None:
    what = user("{{ tikcet }} of {{ customer }}, {team}", variables=(Variable("ticket"), Variable("team")),
                examples=(Example({"ticket": "1", "customer": "c"}, "x"),))  # fmt: skip
    found = [(each.message, each.hint) for each in template_remarks(what)]
    assert found == [
        ("`examples[0].input` has no `tikcet`, which the last user message needs", "did you mean `ticket`?"),
        (
            "the variable `customer` is used and not declared",
            "add it: `variables: {customer: {required: true}}`",
        ),
        ("the variable `tikcet` is used and not declared", "did you mean `ticket`?"),
        ("the variable `ticket` is never used", None),
        ("the variable `team` is never used", None),
        ("{team} is not a placeholder and stays as it is", "did you mean {{ team }}?"),
    ]
    assert template_remarks(prompt(variables=(Variable("message"),))) == []
