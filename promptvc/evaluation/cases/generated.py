"""A suite that nobody wrote, for a prompt without one: from its feedback, else from its variables.

Where feedback says what a right answer is, a case asks for it: a short text (a label) has to be equalled, JSON has to
be the same value. Of a long text nobody can say how else it might be put, so there the case only asks for an answer,
as where there is no feedback: one that is not empty, or is JSON, valid by the prompt's schema. Ids begin with
``generated-``. Such a suite shows whether a prompt works at all; it is no evidence that one version beats another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from promptvc.evaluation.cases.case import EXPECTED, Case
from promptvc.evaluation.cases.finding import suite_path
from promptvc.evaluation.cases.grammar import OnLine
from promptvc.evaluation.cases.making import CaseMaker
from promptvc.evaluation.cases.suite import Suite
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import placeholders

PREFIX = "generated-"
MOST = 200
"""Cases from feedback, at most: what is asked of a provider by default should not cost much."""
LONGEST_LABEL = 60
"""Characters of an answer that can be expected word for word."""
_FROM_EXAMPLES = 5


def generated_suite(prompt: Prompt, documents: Sequence[Mapping[str, Any]] = ()) -> Suite:
    """A suite for ``prompt``, marked as generated; its ``file`` is where a suite would be.

    Args:
        documents: cases as they would be written, with ``vars`` and ``expected`` (a text), oldest first; the newest
            two hundred are used.

    Raises:
        InputError: the prompt's template is none.
    """
    source = f"generated for {prompt.name}"
    maker = CaseMaker({}, "equals", ())
    cases: dict[str, Case] = {}
    for value in _from_feedback(prompt, documents) if documents else _from_variables(prompt):
        digest = hashlib.sha256(canonical_json(value["vars"])).hexdigest()
        name = PREFIX + digest[:10]
        place = OnLine(source, len(cases) + 1)
        cases[name] = maker.case(value, name, place)
    return Suite(
        file=suite_path(prompt.name),
        cases=tuple(cases.values()),
        description="Generated: nobody wrote these cases.",
        generated=True,
    )


def smoke_assertions(prompt: Prompt) -> list[dict[str, Any]]:
    """What any answer of ``prompt`` has to be, as a suite would write it: not empty; JSON by its schema."""
    if prompt.output.format != "json":
        return [{"type": "regex", "value": r"\S"}]
    schema = prompt.output.schema
    if schema is None or problem(Assertion("is-json", dict(schema))):
        return [{"type": "is-json"}]
    return [{"type": "is-json", "value": dict(schema)}]


def _from_feedback(prompt: Prompt, documents: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    smoke = smoke_assertions(prompt)
    for document in documents[-MOST:]:
        kept = {key: value for key, value in document.items() if key not in {"id", EXPECTED}}
        expected = document.get(EXPECTED)
        value = _comparable(expected, prompt) if isinstance(expected, str) else None
        if value is None:
            yield {**kept, "assert": smoke}
        else:
            yield {**kept, EXPECTED: value, "assert": smoke if prompt.output.format == "json" else []}


def _comparable(expected: str, prompt: Prompt) -> Any:
    """What an answer can be held against: JSON, or a short text; None where there is neither."""
    if "{{" in expected:  # would be taken for a variable
        return None
    if prompt.output.format == "json":
        try:
            return parse_json(expected, file="feedback")
        except InvalidDocument:
            return None
    short = len(expected.strip()) <= LONGEST_LABEL and "\n" not in expected.strip()
    return expected if short and expected.strip() else None


def _from_variables(prompt: Prompt) -> Iterator[dict[str, Any]]:
    """Inputs of the prompt's own examples; without examples one input that says what each variable is."""
    smoke = smoke_assertions(prompt)
    for example in prompt.examples[:_FROM_EXAMPLES]:
        yield {"vars": dict(example.input), "assert": smoke}
    if prompt.examples:
        return
    described = {variable.name: variable.description for variable in prompt.variables}
    optional = {variable.name for variable in prompt.variables if not variable.required}
    names = sorted((placeholders(prompt) | described.keys()) - optional)
    yield {"vars": {name: described.get(name) or name.replace("_", " ") for name in names}, "assert": smoke}
