"""What is odd about a prompt's templates and variables: for `check`, which reports and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.base.nodes import Path, shown
from promptvc.base.schema_messages import nearest_word
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer, placeholders
from promptvc.prompts.templates import PLACE

_LOOKALIKE = re.compile(r"\{\{[^{}\n]{0,80}\}\}|\{%[^{}\n]{0,80}%\}")


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding: where (keys of the document), what, what to do, and whether rendering would fail."""

    path: Path
    message: str
    hint: str | None = None
    error: bool = False


def template_remarks(prompt: Prompt) -> list[Remark]:
    """Undeclared and unused variables, examples that do not fit, and text that only looks like a place."""
    try:
        used = placeholders(prompt)
        Renderer(prompt)
    except InputError as error:
        index = re.match(r"`examples\[(\d+)\]", error.message)
        path: Path = ("examples", int(index[1])) if index else ("messages",)
        return [Remark(path, error.message, error.hint, error=True)]
    return [*_variable_remarks(prompt, used), *_example_remarks(prompt), *_lookalikes(prompt)]


def _variable_remarks(prompt: Prompt, used: set[str]) -> Iterator[Remark]:
    declared = {variable.name for variable in prompt.variables}
    for name in sorted(used - declared):
        near = nearest_word(name, declared - used)
        hint = f"did you mean `{near}`?" if near else f"add it: `variables: {{{name}: {{required: true}}}}`"
        yield Remark(("messages",), f"the variable `{name}` is used and not declared", hint)
    for variable in prompt.variables:
        if variable.name not in used:
            yield Remark(("variables", variable.name), f"the variable `{variable.name}` is never used")


def _example_remarks(prompt: Prompt) -> Iterator[Remark]:
    known = {variable.name for variable in prompt.variables} | placeholders(prompt)
    for index, example in enumerate(prompt.examples):
        for name in example.input:
            if name not in known:
                near = nearest_word(name, known)
                yield Remark(
                    ("examples", index, "input", name),
                    f"the prompt has no variable `{name}`",
                    f"did you mean `{near}`?" if near else None,
                )


def _lookalikes(prompt: Prompt) -> Iterator[Remark]:
    if prompt.template != "simple":
        return
    names = {variable.name for variable in prompt.variables}
    for index, message in enumerate(prompt.messages):
        seen = set()
        for match in _LOOKALIKE.finditer(message.content):
            if not PLACE.fullmatch(match[0]) and match[0] not in seen:
                seen.add(match[0])
                yield Remark(
                    ("messages", index, "content"),
                    f"{shown(match[0])} is not a placeholder and stays as it is",
                    "a placeholder is {{ name }}; `template: jinja2` allows more",
                )
        for name in sorted(names):
            if re.search(r"(?<!\{)\{" + re.escape(name) + r"\}(?!\})", message.content):
                yield Remark(
                    ("messages", index, "content"),
                    f"{{{name}}} is not a placeholder and stays as it is",
                    f"did you mean {{{{ {name} }}}}?",
                )
