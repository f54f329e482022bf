"""How much a prompt says: what growth is measured by."""

from __future__ import annotations

from promptvc.prompts.model import Example, Prompt
from promptvc.prompts.render import input_text

TURN_TOKENS = 8
"""What an example weighs besides its texts: the marks of two turns."""


def tokens_of(example: Example) -> int:
    """The weight of an example in tokens, four characters each."""
    return TURN_TOKENS + -(-(len(input_text(example.input)) + len(example.output)) // 4)


def instructions_length(prompt: Prompt) -> int:
    """Characters of all messages and rules."""
    return sum(len(message.content) for message in prompt.messages) + sum(
        len(rule.text) for rule in prompt.rules
    )


def length(prompt: Prompt) -> int:
    """Characters of messages, rules and examples."""
    examples = sum(len(input_text(each.input)) + len(each.output) for each in prompt.examples)
    return instructions_length(prompt) + examples
