"""Techniques: what each one adds to a prompt, and which of them ratings speak for.

What is added is a fixed text. Feedback decides whether it stands there, never what it says: an answer that users
liked becomes an example by training and review only.

| technique | adds |
|---|---|
| ``few_shot`` | nothing: the version's own examples are there already, or there are none |
| ``chain_of_thought`` | :data:`STEPS`, at the end of the system message |
| ``structured_output`` | :data:`JSON`, with the version's JSON Schema, at its end; nothing where the output is text |
| ``role`` | :data:`ROLE`, at its beginning |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.analysis.routing.rated import Rates, Row, technique_names
from promptvc.base.stats import fisher_exact
from promptvc.prompts.model import Message, Prompt

STEPS = (
    "Work through the task step by step before you answer: what is asked, what is given, what follows."
    " Then answer in the form that is asked for."
)
JSON = "Answer with one JSON value and nothing else: no code fence, no words around it."
ROLE = "You are an expert in this task and take care to get it right."
FEW_SHOT, CHAIN_OF_THOUGHT, STRUCTURED_OUTPUT, ROLE_NAME = (
    "few_shot",
    "chain_of_thought",
    "structured_output",
    "role",
)
KNOWN = (FEW_SHOT, CHAIN_OF_THOUGHT, STRUCTURED_OUTPUT, ROLE_NAME)
ADDED = (CHAIN_OF_THOUGHT, STRUCTURED_OUTPUT, ROLE_NAME)
"""Those that evidence may add."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Enhanced:
    """The finished messages, and what is to be said of techniques that add nothing to them."""

    messages: tuple[Message, ...]
    remarks: tuple[str, ...]


def better(rows: Sequence[Row], min_samples: int) -> tuple[tuple[str, str], ...]:
    """The techniques that ratings speak for, each with why.

    A technique does better if its share of good ratings is above that of events without it, with ``min_samples``
    ratings on both sides, by Fisher's exact test at 0.05 over the number of techniques (Bonferroni).
    """
    found = []
    for name in ADDED:
        with_it = sum((row.rates for row in rows if name in row.techniques), Rates())
        without = sum((row.rates for row in rows if name not in row.techniques), Rates())
        if min(with_it.rated, without.rated) < max(1, min_samples):
            continue
        shares = (with_it.success or 0.0), (without.success or 0.0)
        p = fisher_exact(
            with_it.positive,
            with_it.rated - with_it.positive,
            without.positive,
            without.rated - without.positive,
        )
        if shares[0] > shares[1] and p <= ALPHA / len(ADDED):
            told = (
                f"{with_it.positive:,} of {with_it.rated:,} ratings with {name} are good,"
                f" {without.positive:,} of {without.rated:,} without"
            )
            found.append((name, told))
    return tuple(found)


def enhanced(prompt: Prompt, messages: Iterable[Message], techniques: Sequence[str]) -> Enhanced:
    """``messages``, which ``prompt`` gave, with the texts of ``techniques``; one that adds none is told."""
    finished, remarks = list(messages), []
    for name in technique_names(techniques):
        text = _added(prompt, name)
        if text is not None:
            finished = _in_system(finished, text, first=name == ROLE_NAME)
        elif name != FEW_SHOT or not prompt.examples:
            remarks.append(_nothing(name))
    return Enhanced(tuple(finished), tuple(remarks))


def _added(prompt: Prompt, name: str) -> str | None:
    if name == CHAIN_OF_THOUGHT:
        return STEPS
    if name == ROLE_NAME:
        return ROLE
    if name != STRUCTURED_OUTPUT or prompt.output.format != "json":
        return None
    if prompt.output.schema is None:
        return JSON
    schema = json.dumps(prompt.output.schema, ensure_ascii=False, sort_keys=True)
    return f"{JSON} It has to be valid by this JSON Schema:\n{schema}"


def _nothing(name: str) -> str:
    if name == FEW_SHOT:
        return "few_shot: the version has no examples; promptvc train finds some"
    if name == STRUCTURED_OUTPUT:
        return "structured_output: the version's output is text, and nothing is added"
    return f"{name}: no technique that promptvc has a text for ({', '.join(KNOWN)}); nothing is added"


def _in_system(messages: Sequence[Message], text: str, *, first: bool) -> list[Message]:
    at = next((at for at, one in enumerate(messages) if one.role == "system"), None)
    if at is None:
        return [Message("system", text), *messages]
    body = messages[at].content.rstrip("\n")
    joined = "\n\n".join(part for part in ((text, body) if first else (body, text)) if part)
    return [*messages[:at], Message("system", joined), *messages[at + 1 :]]
