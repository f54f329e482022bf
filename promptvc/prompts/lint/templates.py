"""Places and variables: undeclared and unused ones, and text that only looks like a place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from promptvc.base.errors import InputError
from promptvc.base.nodes import Path, shown
from promptvc.base.schema_messages import nearest_word
from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer, placeholders
from promptvc.prompts.templates import PLACE

RULE = "template"
_LOOKALIKE = re.compile(r"\{\{[^{}\n]{0,80}\}\}|\{%[^{}\n]{0,80}%\}")


def template_remarks(prompt: Prompt) -> list[Remark]:
    """Undeclared and unused variables, examples that do not fit, and text that only looks like a place."""
    try:
        used = placeholders(prompt)
    except InputError as error:
        return [Remark(RULE, ("messages",), error.message, error.hint, severity="error")]
    return [
        *_faults(prompt),
        *_variable_remarks(prompt, used),
        *_example_remarks(prompt, used),
        *_lookalikes(prompt),
    ]


def _faults(prompt: Prompt) -> Iterator[Remark]:
    """What keeps the prompt from being rendered: the first example that lacks a variable."""
    try:
        Renderer(prompt)
    except InputError as error:
        index = re.match(r"`examples\[(\d+)\]", error.message)
        path: Path = ("examples", int(index[1])) if index else ("messages",)
        yield Remark(RULE, path, error.message, error.hint, severity="error")


def _variable_remarks(prompt: Prompt, used: set[str]) -> Iterator[Remark]:
    declared = {variable.name for variable in prompt.variables}
    for name in sorted(used - declared):
        near = nearest_word(name, declared - used)
        hint = f"did you mean `{near}`?" if near else f"add it: `variables: {{{name}: {{required: true}}}}`"
        message = f"the variable `{name}` is used and not declared"
        yield Remark("undeclared-variable", ("messages",), message, hint)
    for variable in prompt.variables:
        if variable.name not in used:
            message = f"the variable `{variable.name}` is never used"
            yield Remark("unused-variable", ("variables", variable.name), message)


def _example_remarks(prompt: Prompt, used: set[str]) -> Iterator[Remark]:
    known = {variable.name for variable in prompt.variables} | used
    for index, example in enumerate(prompt.examples):
        for name in example.input:
            if name not in known:
                near = nearest_word(name, known)
                yield Remark(
                    RULE,
                    ("examples", index, "input", name),
                    f"the prompt has no variable `{name}`",
                    f"did you mean `{near}`?" if near else None,
                )


def _lookalikes(prompt: Prompt) -> Iterator[Remark]:
    if prompt.template != "simple":
        return
    names = {variable.name for variable in prompt.variables}
    for index, message in enumerate(prompt.messages):
        seen: set[str] = set()
        for match in _LOOKALIKE.finditer(message.content):
            if not PLACE.fullmatch(match[0]) and match[0] not in seen:
                seen.add(match[0])
                yield Remark(
                    RULE,
                    ("messages", index, "content"),
                    f"{shown(match[0])} is not a placeholder and stays as it is",
                    "a placeholder is {{ name }}; `template: jinja2` allows more",
                )
        for name in sorted(names):
            if f"{{{name}}}" in message.content and re.search(
                r"(?<!\{)\{" + re.escape(name) + r"\}(?!\})", message.content
            ):
                yield Remark(
                    RULE,
                    ("messages", index, "content"),
                    f"{{{name}}} is not a placeholder and stays as it is",
                    f"did you mean {{{{ {name} }}}}?",
                )
