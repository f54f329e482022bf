"""What is written, read by the tool that it is for, where its package is here."""

from __future__ import annotations

import json
import warnings
from typing import Any

from hypothesis import given, settings

from promptvc.prompts.formats.langchain import LangChain
from promptvc.prompts.formats.prompty import Prompty
from promptvc.prompts.model import Message, Prompt
from promptvc.prompts.render import render
from tests.prompts.formats.prompts_made import VALUES, prompts, values_for

ROLES = {"system": "system", "human": "user", "ai": "assistant"}


@settings(max_examples=60)
@given(prompt=prompts(), value=VALUES)
def test_langchain_renders_our_manifest_alike(prompt: Prompt, value: str) -> None:
    from langchain_core.load import load  # here alone: what is loaded was written by us

    ((_, data),) = LangChain().write(prompt).files.items()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is in beta, and says so
        template: Any = load(json.loads(data), allowed_objects="core")
    values = values_for(prompt, value)
    theirs = [(ROLES[each.type], each.content) for each in template.invoke(values).to_messages()]
    assert theirs == [(each.role, each.content) for each in render(prompt, values)]


def test_langchains_own_dump_is_read() -> None:
    from langchain_core.load import dumps
    from langchain_core.messages import SystemMessage
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate

    template = ChatPromptTemplate(
        [
            SystemMessage("Literal {x}"),
            ("human", "Say {{this}} {what}"),
            MessagesPlaceholder("past"),
            ("ai", "ok"),
        ],
        partial_variables={"what": "it"},
    )
    found = LangChain().read(dumps(template).encode(), file="a.json")
    assert [(each.role, each.content) for each in render(found.prompts[0].prompt, {})] == [
        ("system", "Literal {x}"), ("user", "Say {this} it"), ("assistant", "ok"),
    ]  # fmt: skip
    assert [loss.what for loss in found.losses] == ["past"]
    for language, text in (
        ("mustache", "Hi {{{name}}}"),
        ("jinja2", "Hi {% if name %}{{ name }}{% endif %}"),
    ):
        one = PromptTemplate.from_template(text, template_format=language)  # type: ignore[arg-type]
        read = LangChain().read(dumps(one).encode(), file="a.json").prompts[0].prompt
        assert render(read, {"name": "Ada"})[0].content == "Hi Ada"


def test_a_prompty_body_is_what_jinja_and_their_roles_make_of_it() -> None:
    import jinja2

    texts = "{{ '{{' }} x }} {{ '{%' }} y %} {{ '{#' }} z #} {{ '{{{' }}"
    source = Prompt("a/b", 1, (Message("system", texts), Message("user", "q")), template="jinja2")
    ((_, data),) = Prompty().write(source).files.items()
    body = data.decode().split("---\n", 2)[2]
    text = jinja2.Environment(keep_trailing_newline=True, autoescape=False).from_string(body).render()
    assert text == "system:\n{{ x }} {% y %} {# z #} {{{\n\nuser:\nq\n"
