"""From a prompt and values to the messages that a model gets.

Rules stand at the end of the system message, or where ``{{ rules }}`` stands. Examples become user and
assistant turns before the last user message, or text where ``{{ examples }}`` stands. Both, and the values of
variables, are inserted literally: what was learned from feedback is never a template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.schema_messages import nearest_word
from promptvc.prompts.model import Example, Message, Prompt, Rule
from promptvc.prompts.templates import Template, compile_template

RULES = "rules"
EXAMPLES = "examples"
SPECIAL = frozenset({RULES, EXAMPLES})


def render(prompt: Prompt, variables: Mapping[str, Any]) -> tuple[Message, ...]:
    """The finished messages. For many renderings of one prompt, keep a :class:`Renderer`.

    Raises:
        InputError: a variable is missing or unknown, an example lacks a variable, a Jinja template failed.
    """
    return Renderer(prompt).render(variables)


def placeholders(prompt: Prompt) -> set[str]:
    """The variables that the messages mention, without ``rules`` and ``examples``.

    Raises:
        InputError: a message is not valid Jinja.
    """
    return set().union(*(template.names for template in _templates(prompt))) - SPECIAL


class Renderer:
    """A prompt ready to be rendered many times: templates compiled, rules and examples laid out once.

    Raises:
        InputError: an example lacks a variable, a message is not valid Jinja.
    """

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self._templates = _templates(prompt)
        names: set[str] = set().union(*(template.names for template in self._templates))
        self._names = names - SPECIAL
        self._defaults = {v.name: v.default for v in prompt.variables if not v.required}
        self._required = {v.name for v in prompt.variables if v.required} | (
            self._names - set(self._defaults)
        )
        self._texts = {RULES: rules_text(prompt.rules), EXAMPLES: examples_text(prompt.examples)}
        self._append_rules = bool(prompt.rules) and RULES not in names
        roles = [message.role for message in prompt.messages]
        self._last_user = max((i for i, role in enumerate(roles) if role == "user"), default=len(roles))
        self._system = roles.index("system") if "system" in roles else None
        self._turns = self._example_turns() if EXAMPLES not in names else []

    @property
    def turns(self) -> tuple[Message, ...]:
        """The examples as turns before the last user message; none where ``{{ examples }}`` stands."""
        return tuple(self._turns)

    def render(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """The finished messages for ``variables``, by name.

        Raises:
            InputError: a variable is missing or unknown, a value has no text, a Jinja template failed.
        """
        self._check(variables)
        values = self._defaults | dict(variables) | self._texts
        messages = [
            Message(message.role, template.render(values))
            for message, template in zip(self.prompt.messages, self._templates, strict=True)
        ]
        messages[self._last_user : self._last_user] = self._turns
        return tuple(self._with_rules(messages))

    def _with_rules(self, messages: list[Message]) -> list[Message]:
        if not self._append_rules:
            return messages
        block = f"Rules:\n{self._texts[RULES]}"
        if self._system is None:
            return [Message("system", block), *messages]
        # Example turns stand before a user message; a system message may come after them.
        index = self._system + (len(self._turns) if self._system >= self._last_user else 0)
        content = messages[index].content
        body = content.rstrip("\n")
        end = "\n" if content.endswith("\n") else ""
        messages[index] = Message("system", f"{body}\n\n{block}{end}" if body else block + end)
        return messages

    def _check(self, variables: Mapping[str, Any]) -> None:
        known = self._required | set(self._defaults)
        unknown = sorted(set(variables) - known)
        if unknown:
            near = nearest_word(unknown[0], known)
            said = (
                f"`{self.prompt.name}` takes {', '.join(sorted(known))}" if known else "it takes no variables"
            )
            raise InputError(
                f"`{self.prompt.name}` has no variable `{unknown[0]}`",
                hint=f"did you mean `{near}`?" if near else said,
            )
        missing = sorted(self._required - set(variables))
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise InputError(
                f"`{self.prompt.name}` needs a value for {names}",
                hint=f"give it, for example --var {missing[0]}=TEXT; all it needs: {', '.join(sorted(self._required))}",
            )

    def _example_turns(self) -> list[Message]:
        template = self._templates[self._last_user] if self._last_user < len(self._templates) else None
        turns: list[Message] = []
        for index, example in enumerate(self.prompt.examples):
            turns.append(Message("user", self._example_input(template, example, index)))
            turns.append(Message("assistant", example.output))
        return turns

    def _example_input(self, template: Template | None, example: Example, index: int) -> str:
        if template is None or not template.names & example.input.keys():
            return input_text(example.input)
        # An example's turn repeats the question, not the guidance around it.
        values = self._defaults | dict(example.input) | {RULES: "", EXAMPLES: ""}
        missing = sorted(template.names - values.keys())
        if missing:
            near = nearest_word(missing[0], example.input.keys() - template.names)
            raise InputError(
                f"`examples[{index}].input` has no `{missing[0]}`, which the last user message needs",
                hint=f"did you mean `{near}`?"
                if near
                else "add it to the example, or give the variable a default",
            )
        return template.render(values)


def rules_text(rules: Iterable[Rule]) -> str:
    """The rules as a list, one ``- `` to a rule."""
    return "\n".join(f"- {rule.text}" for rule in rules)


def examples_text(examples: Iterable[Example]) -> str:
    """The examples as text: ``Input:`` and ``Output:`` pairs, a blank line between two."""
    return "\n\n".join(f"Input: {input_text(each.input)}\nOutput: {each.output}" for each in examples)


def input_text(values: Mapping[str, str]) -> str:
    """An input without a template around it: the one value, or ``name: value`` lines."""
    if len(values) == 1:
        return next(iter(values.values()))
    return "\n".join(f"{name}: {value}" for name, value in values.items())


def _templates(prompt: Prompt) -> list[Template]:
    return [
        compile_template(message.content, jinja=prompt.template == "jinja2") for message in prompt.messages
    ]
