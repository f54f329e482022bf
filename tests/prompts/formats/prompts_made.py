"""Prompts for laws: texts with everything that a template language could trip over, and values for their variables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from promptvc.prompts.model import Example, Message, OutputFormat, Prompt, Role, Rule, Variable
from promptvc.prompts.render import placeholders

NAMES = ("question", "team", "x", "größe", "role", "history", "type", "this", "_private2")
PARTS = (
    "Answer.", " ", "\n", "{", "}", "{{", "}}", "{{{", "\\", "\\\\", "{%", "%}", "{#", "#}", "$", "a: b",
    "- x", '"', "'",
    "{{#if x}}", "{{ not a name }}", "{{/if}}", "<b>", "&amp;", "é", "日本", "---\n", "system\n", "\t", "# h\n",
    "file://x",     "{x}", "{0}", "%s", "{{!c}}", "{{{x}}}", "`", "~",
)  # fmt: skip
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
VALUES = st.text(st.sampled_from("ab{}%#\\ \n\"'<&é:"), max_size=12).map(lambda text: f"<{text}>")


@st.composite
def texts(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    """A template: places, and texts between them that mean something elsewhere."""
    pieces = draw(st.lists(st.sampled_from([*PARTS, *(f"{{{{ {name} }}}}" for name in names)]), max_size=7))
    return "".join(pieces) + draw(st.sampled_from(["end", "end.\n", "{{ " + names[0] + " }}"]))


@st.composite
def prompts(draw: st.DrawFn, *, bare: bool = False) -> Prompt:
    """A prompt that could be a file; ``bare``: with messages and variables alone."""
    names = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)))
    roles: list[Role] = draw(
        st.sampled_from(
            [
                ["user"],
                ["system", "user"],
                ["system", "user", "assistant", "user"],
                ["system"],
                ["user", "system"],
            ]
        )
    )
    messages = tuple(Message(role, draw(texts(names))) for role in roles)
    variables = tuple(
        Variable(name) if draw(st.booleans()) else Variable(name, required=False, default=draw(VALUES))
        for name in names
    )
    prompt = Prompt("support/triage", 3, messages, variables=variables)
    if bare:
        return prompt
    rules = tuple(
        Rule(text) for text in draw(st.lists(st.sampled_from(["Be {{ kind }}.", "No %s {x}."]), max_size=2))
    )
    given = dict.fromkeys((*names, "x"), "in {{ y }}")
    examples = tuple(
        Example(given, text) for text in draw(st.lists(st.sampled_from(["out", "{a}"]), max_size=2))
    )
    more: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "description": st.sampled_from(["Sort: it", "yes"]),
                "model": st.sampled_from(["openai:gpt-4o", "anthropic:claude-4-5", "offline", "ollama:qwen3:8b"]),
                "parameters": st.sampled_from([
                    {"temperature": 0.5, "max_tokens": 100}, {"top_p": 1, "stop": ["a", "b"], "seed": 4}, {"top_k": 3},
                ]),
                "output": st.sampled_from([
                    OutputFormat("json"),
                    OutputFormat("json", SCHEMA),
                ]),
                "tags": st.just(("one", "two")),
                "metadata": st.sampled_from([{"owner": "team"}, {"authors": ["ada"], "version": "1.0"}]),
                "type": st.just("system"),
            },
        )
    )  # fmt: skip
    return replace(prompt, rules=rules, examples=examples, **more)


def values_for(prompt: Prompt, value: str) -> dict[str, str]:
    """A text for every variable that is required."""
    given = {variable.name for variable in prompt.variables if not variable.required}
    asked = {variable.name for variable in prompt.variables} | placeholders(prompt)
    return dict.fromkeys(asked - given, value)
