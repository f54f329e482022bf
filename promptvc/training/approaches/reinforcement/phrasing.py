"""Rules in words: what a mark of good or bad outputs asks of the next ones."""

from __future__ import annotations

import re

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.reinforcement.marks import Mark
from promptvc.training.data.inputs import Inputs

_CONTENTS = {
    "a list": ("Do not answer with a list.", "Answer with a list."),
    "a number": ("Do not give numbers.", "Give the number."),
    "an exclamation mark": ("Do not use exclamation marks.", "Use an exclamation mark."),
    "an apology": ("Do not apologise.", "Apologise."),
    "a greeting": ("Do not begin with a greeting.", "Begin with a greeting."),
    "thanks": ("Do not thank.", "Say thanks."),
    "a link": ("Do not give links.", "Give the link."),
    "code": ("Do not use code blocks.", "Put code into a code block."),
    "bold text": ("Do not use bold text.", "Put what matters in bold."),
    "a heading": ("Do not use headings.", "Use headings."),
    "an emoji": ("Do not use emojis.", "Use an emoji."),
    "a question": ("Do not ask questions.", "Ask a question."),
    "a closing question": ("Do not end with a question.", "End with a question."),
    "JSON": ("Do not answer in JSON.", "Answer in JSON."),
}
"""By content the rule against it and the rule for it."""

_LENGTH = {
    True: re.compile(r"Keep the answer to at most \d+ words\."),
    False: re.compile(r"Answer in more than \d+ words\."),
}


def rule_of(mark: Mark, *, against: bool, prompt: Prompt, right: str | None = None) -> str | None:
    """The rule ``against`` a mark of bad outputs, or for one of good outputs; None where no rule makes sense.

    Args:
        right: the label that is right instead, where people say so.
    """
    if mark.kind == "answer":
        return _label(mark, against=against, prompt=prompt, right=right)
    if mark.kind == "has":
        return _CONTENTS[mark.value][0 if against else 1]
    value = f"\u201c{mark.value}\u201d"
    known = {
        "longer": (
            f"Keep the answer to at most {mark.value} words.",
            f"Answer in more than {mark.value} words.",
        ),
        "begins": (f"Do not begin with {value}.", f"Begin with {value}."),
        "ends": (f"Do not end with {value}.", f"End with {value}."),
        "key": (f"Leave out the key {value}.", f"Give the key {value}."),
    }
    return known.get(mark.kind, (f"Do not say {value}.", f"Say {value}."))[0 if against else 1]


def _label(mark: Mark, *, against: bool, prompt: Prompt, right: str | None) -> str | None:
    label, other = _named(mark.value), right and _named(right)
    if not mark.when:
        if not against:
            return None
        if other is None:
            return f"Answer {label} only where it clearly fits."
        return f"Where both {label} and {other} could fit, answer {other}."
    when = _when(mark, prompt)
    if not against:
        return f"{when} answer {label}."
    return f"{when} do not answer {label}." if other is None else f"{when} answer {other}, not {label}."


def _named(label: str) -> str:
    """As a sentence names it: a label of one word needs no quotes."""
    return label if label.replace("_", "").replace("-", "").isalnum() else f"\u201c{label}\u201d"


def same_subject(text: str, mark: Mark, *, against: bool, prompt: Prompt) -> bool:
    """Whether ``text`` is such a rule with another number of words, or with another label for the same word."""
    if mark.kind == "longer":
        return _LENGTH[against].fullmatch(text) is not None
    return bool(mark.when) and text.startswith(f"{_when(mark, prompt)} ")


def _when(mark: Mark, prompt: Prompt) -> str:
    required = Inputs.of(prompt).required
    what = required[0].replace("_", " ") if len(required) == 1 else "input"
    return f"When the {what} says \u201c{mark.when}\u201d,"
