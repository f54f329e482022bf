"""Everything that is odd about one prompt."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.base.config import CheckSettings
from promptvc.base.documents import Document
from promptvc.base.findings import Problem
from promptvc.base.rules import RULES
from promptvc.base.schemas import unknown_keys
from promptvc.prompts.lint.contradictions import contradiction_remarks
from promptvc.prompts.lint.placement import placement_remarks
from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.lint.repeats import repeat_remarks
from promptvc.prompts.lint.templates import template_remarks
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import examples_text, rules_text


def prompt_remarks(prompt: Prompt, settings: CheckSettings) -> Iterator[Remark]:
    """What its templates, rules and examples show; :func:`raw.raw_remarks` reads the bytes."""
    yield from template_remarks(prompt)
    yield from placement_remarks(prompt, settings.trusted)
    yield from repeat_remarks(prompt)
    if len(prompt.rules) > 1:
        yield from contradiction_remarks(prompt)
    yield from _size(prompt, settings.max_characters)
    for index, message in enumerate(prompt.messages):
        if not message.content.strip():
            hint = "write its text, or take the message out"
            yield Remark("empty-message", ("messages", index, "content"), "the message has no text", hint)


def prompt_problems(document: Document, prompt: Prompt, settings: CheckSettings) -> Iterator[Problem]:
    """The same as findings with their lines, and keys that promptvc does not know."""
    for one in unknown_keys(document.value, "prompt", document=document):
        yield Problem("unknown-key", "warning", document.file, one.line, one.message, one.hint)
    for remark in prompt_remarks(prompt, settings):
        yield problem_of(remark, document.file, document)


def problem_of(remark: Remark, file: str, document: Document | None = None) -> Problem:
    """``remark`` as a finding in ``file``."""
    line = remark.line
    if line is None and document is not None and remark.path:
        line = _line(document, remark)
    severity = remark.severity or RULES[remark.rule].severity
    message, hint = remark.message, remark.hint
    return Problem(remark.rule, severity, file, line, message, hint, remark.column, remark.fixable)


def _line(document: Document, remark: Remark) -> int:
    """The line of the key, or within a literal text the line that is meant."""
    node = document.node(*remark.path)
    if remark.at is None or node is None or node.style != "|" or node.alias is not None:
        return document.line(*remark.path)
    return node.line + 1 + str(node.data).count("\n", 0, remark.at)


def _size(prompt: Prompt, most: int) -> Iterator[Remark]:
    parts = [message.content for message in prompt.messages]
    size = sum(map(len, parts)) + len(rules_text(prompt.rules)) + len(examples_text(prompt.examples))
    if size > most:
        message = f"{size:,} characters before any variable is filled in, more than {most:,}"
        hint = "shorten it; fewer examples may do as well"
        yield Remark("oversize", ("messages",), message, hint)
