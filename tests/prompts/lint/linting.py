"""A prompt's document and what the linter says of it."""

from __future__ import annotations

from promptvc.base.config import CheckSettings
from promptvc.base.documents import load_yaml
from promptvc.base.findings import Problem
from promptvc.prompts.lint.lint import problem_of, prompt_problems
from promptvc.prompts.lint.raw import raw_remarks
from promptvc.prompts.model import read_prompt

HEAD = "name: a/b\nversion: 1\n"
PLAIN = 'messages:\n  - {role: system, content: Answer.}\n  - {role: user, content: "{{ question }}"}\n'
ASKED = HEAD + "variables: {question: {required: true}}\n" + PLAIN


def lint(text: str | bytes, settings: CheckSettings | None = None) -> list[Problem]:
    """Every finding about one prompt's file."""
    data = text.encode() if isinstance(text, str) else text
    found = [problem_of(remark, "a.yaml") for remark in raw_remarks(data)]
    if any(one.rule == "conflict-markers" for one in found):
        return found
    document = load_yaml(data, file="a.yaml")
    return [*found, *prompt_problems(document, read_prompt(document), settings or CheckSettings())]


def rules_of(text: str | bytes, settings: CheckSettings | None = None) -> list[str]:
    """The rules that found something, in order."""
    return [one.rule for one in lint(text, settings)]


def with_rules(*texts: str) -> str:
    """The plain prompt with rules; texts without quotes and colons."""
    return ASKED + "rules:\n" + "".join(f"  - text: {text}\n" for text in texts)


def user(content: str, *, variables: str = "text") -> str:
    """A prompt of one user message, as a literal text from line 6."""
    lines = "".join(f"      {line}\n" for line in content.split("\n"))
    return f"{HEAD}variables: {{{variables}: {{required: true}}}}\nmessages:\n  - role: user\n    content: |\n{lines}"
