"""Prompts that opt in to Jinja: sandboxed, bounded, and never from learned text."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from promptvc.base.errors import InputError
from promptvc.prompts import jinja, templates
from promptvc.prompts.lint.templates import template_remarks
from promptvc.prompts.model import Example, Message, Prompt, Rule, Variable
from promptvc.prompts.render import placeholders, render


def prompt(text: str, **parts: Any) -> Prompt:
    return Prompt("a/b", 1, (Message("user", text),), template="jinja2", **parts)


def rendered(text: str, **values: Any) -> str:
    return render(prompt(text), values)[-1].content


def refused(text: str, **values: Any) -> str:
    with pytest.raises(InputError) as caught:
        render(prompt(text), values)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("{% if x %}yes{% else %}no{% endif %}", {"x": ""}, "no"),
        ("{% for x in xs %}{{ loop.index }}/{{ loop.length }}{{ x }} {% endfor %}", {"xs": ["a", "b"]}, "1/2a 2/2b "),
        ("{{ x | upper | replace('A', 'b') }}{{ xs | join('-') }}", {"x": "a", "xs": [1, 2]}, "b1-2"),
        ("{{ 'a' ~ (1 + 1) }} {{ 2 ** 8 }} {{ 'ab' * 2 }} {{ 7 % 4 }} {{ [1] + [2] }}", {}, "a2 256 abab 3 [1, 2]"),
        ("{{ x.a }} {{ x['a'] }}", {"x": {"a": 1}}, "1 1"),
        ("{% set y = x | trim %}{{ y }}\n", {"x": " a "}, "a\n"),
        ("{% for i in range(3) if i != 1 %}{{ i }}{% else %}none{% endfor %}", {}, "02"),
        ("{{ x | tojson }}", {"x": {"a": [1]}}, '{"a": [1]}'),
        ("{{ d | default('z') }}", {"d": "x"}, "x"),
        ("{# nothing #}{% raw %}{{ x }}{% endraw %}", {}, "{{ x }}"),
    ],
)  # fmt: skip
def test_what_jinja_is_for(text: str, values: dict[str, Any], result: str) -> None:
    assert rendered(text, **values) == result


def test_learned_text_and_values_are_inserted_literally() -> None:
    hostile = "{{ 7 * 7 }}{% for %}"
    what = prompt(
        "{{ rules }}|{{ message }}",
        rules=(Rule(hostile),),
        examples=(Example({"message": hostile}, hostile),),
    )
    assert [each.content for each in render(what, {"message": hostile})] == [
        f"|{hostile}", hostile, f"- {hostile}|{hostile}"
    ]  # fmt: skip


def test_variables_are_found_and_missing_ones_named() -> None:
    what = prompt("{% for x in xs %}{{ x }}{{ y }}{% endfor %}{{ range(2) }}{{ rules }}")
    assert placeholders(what) == {"xs", "y"}
    assert "needs a value for `xs`, `y`" in refused("{% for x in xs %}{{ x }}{{ y }}{% endfor %}")
    assert "failed: 'dict object' has no attribute 'b'" in refused("{{ x.b }}", x={})
    given_default = prompt("{{ y }}", variables=(Variable("y", required=False, default="d"),))
    assert render(given_default, {})[0].content == "d"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ x.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ ''|attr('__class__') }}", "{{ cycler.__init__.__globals__.os }}", "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}", "{% extends 'x' %}", "{{ lipsum() }}",
    ],
)  # fmt: skip
def test_the_sandbox_holds(text: str) -> None:
    with pytest.raises(InputError):
        render(prompt(text), {"x": len} if "x." in text else {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "loops take more than"),
        ("{% for i in range(10**9) %}{% endfor %}", "Range too big"),
        ("{{ 'a' * 10**9 }}", "a text or list of more than"),
        ("{{ [1] * 10**9 }}", "a text or list of more than"),
        ("{% set a = 10**300 %}" + "{% set a = a * a %}" * 20 + "{{ a }}", "a very large number"),
        ("{{ 9 ** 9999 }}", "a very large number"),
        ("{{ '%999999999d' % 1 }}", "formats with %"),
        ("{{ '{:>999999999}'.format(1) }}", "the text method format()"),
        ("{{ 'a'['center'](10**9) }}", "the text method center()"),
        ("{% set a = 'x' * 16 %}" + "{% set a = a ~ a %}" * 40, "a text or list of more than"),
        ("{% set a = 'x' * 16 %}" + "{% set a = a + a %}" * 40, "a text or list of more than"),
        ("{% set a = 'x' * 999 %}" + "{% set a = a | replace('x', a) %}" * 3, "a text or list of more than"),
        ("{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}", "a text or list of more than"),
        ("{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a | string }}", "a text or list of more than"),
        ("{% for i in range(99999) %}" + "x" * 999 + "{% endfor %}", "its output exceeds"),
        ("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}", "a Jinja prompt has no macro"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "no recursive loops"),
        ("{{ (" * 500 + ")}}" * 500, "nested too deeply"),
        ("{% for", "not a Jinja template"),
        ("{{ x|center(5) }}", "No filter named 'center'"),
    ],
)  # fmt: skip
def test_templates_that_ask_for_too_much_are_stopped(text: str, words: str) -> None:
    assert words in refused(text, **({"x": "1"} if "{{ x" in text else {}))


def test_check_reports_a_broken_template() -> None:
    found = template_remarks(prompt("line one\n{% if %}"))
    assert len(found) == 1
    assert found[0].error
    assert "in line 2 of the message" in found[0].message


def test_without_jinja_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setitem(sys.modules, "jinja2.sandbox", None)
    jinja._environment.cache_clear()
    templates.compile_template.cache_clear()
    with pytest.raises(InputError) as caught:
        render(prompt("{{ x }}"), {"x": "1"})
    assert caught.value.hint == "pip install 'promptvc[jinja2]'"
    jinja._environment.cache_clear()
