"""A finished text leads back to its prompt, version and values."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.prompts.model import Example, Message, Prompt, Rule, Variable
from promptvc.prompts.recognize import Recogniser
from promptvc.prompts.render import Renderer

SYSTEM = Message("system", "You route customer messages.\nAnswer with one label only.\n")


def prompt(*messages: Message, name: str = "desk/route", version: int = 1, **more: Any) -> Prompt:
    return Prompt(name, version, messages, **more)


ROUTE = prompt(SYSTEM, Message("user", "{{ question }}"))
LATER = prompt(
    SYSTEM,
    Message("user", "{{ question }}"),
    version=2,
    rules=(Rule("A late parcel is alpha."),),
    examples=(Example({"question": "Where?"}, "alpha"),),
)
LETTER = prompt(Message("user", "Dear {{ name }},\n{{ body }}\nYours, {{ name }}"), name="letter")
BARE = prompt(Message("user", "{{ question }}"), name="bare")
CODED = prompt(
    Message("user", "A long literal text {% if x %}{{ x }}{% endif %}"), name="coded", template="jinja2"
)
ALL = Recogniser([(ROUTE, "d1"), (LATER, "d2"), (LETTER, "d3"), (BARE, "d4"), (CODED, "d5")])
WORDS = st.text(st.sampled_from("ab {}.\n0é"), max_size=12).filter(str.strip)


def parts(which: Prompt, **values: str) -> tuple[tuple[str, str], ...]:
    return tuple((message.role, message.content) for message in Renderer(which).render(values))


@settings(max_examples=60)
@given(WORDS, st.sampled_from([ROUTE, LATER]), st.booleans(), st.booleans())
def test_what_a_version_renders_leads_back_to_it(
    question: str, which: Prompt, whole: bool, answered: bool
) -> None:
    rendered = parts(which, question=question)
    if whole:
        found = ALL.find("\n\n".join(content.strip() for _, content in rendered))
    else:
        found = ALL.find((*rendered, ("assistant", "beta")) if answered else rendered)
    assert [(one.prompt, one.version) for one in found] == [("desk/route", which.version)]
    assert found[0].values == {"question": question.strip()}


def test_a_name_twice_has_one_value_and_two_ways_to_read_give_none() -> None:
    (found,) = ALL.find("Dear Ann,\nthe parcel\nYours, Ann")
    assert found.values == {"name": "Ann", "body": "the parcel"}
    assert ALL.find("Dear Ann,\nthe parcel\nYours, Bob") == []
    two = Recogniser([(prompt(Message("user", "Between words: {{ a }} {{ b }}")), "d")])
    assert [one.values for one in two.find("Between words: x y")] == [{"a": "x", "b": "y"}]
    assert [one.values for one in two.find("Between words: x y z")] == [None]


def test_what_says_too_little_or_is_code_is_not_recognised() -> None:
    assert ALL.find("Where is my parcel?") == []
    assert ALL.find((("user", "Where is my parcel?"),)) == []
    assert ALL.find("A long literal text x") == []


def test_roles_and_numbers_of_messages_count() -> None:
    system, user = parts(ROUTE, question="Where?")
    assert ALL.find((("user", system[1]), user)) == []
    assert ALL.find((system, user, ("user", "and when?"))) == []


def test_exports_drop_line_endings_and_blanks() -> None:
    (found,) = ALL.find((("system", SYSTEM.content.replace("\n", "\r\n").strip()), ("user", " Where? ")))
    assert (found.version, found.values) == (1, {"question": "Where?"})


def test_a_name_narrows_and_several_are_all_told() -> None:
    twin = prompt(
        SYSTEM, Message("user", "{{ question }}"), name="desk/twin", variables=(Variable("question"),)
    )
    both = Recogniser([(ROUTE, "d1"), (twin, "d9")])
    rendered = parts(ROUTE, question="Where?")
    assert [one.prompt for one in both.find(rendered)] == ["desk/route", "desk/twin"]
    assert [one.prompt for one in both.find(rendered, "desk/twin")] == ["desk/twin"]
    # The system message alone is enough to tell it, and tells no value.
    assert [(one.prompt, one.values) for one in ALL.find(SYSTEM.content)] == [("desk/route", {})]
