"""One cell of a CSV's ``__expected`` columns, in promptfoo's grammar, as the assertion that a suite would write.

::

    billing                         the answer equals it
    contains: billing               a type, a colon, its value; not-contains: billing
    similar(0.8): a late parcel     a threshold in brackets
    is-json                         a type that needs no value
    contains-any: billing, refund   lists are separated by commas
    grade: is polite                llm-rubric
    python: len(output) < 80        code; or a file with code: file://checks/polite.py:polite

Source: https://www.promptfoo.dev/docs/configuration/guide (CSV), and the defaults of its ``assertionFromString``. Two
habits differ. What promptfoo would take for an assertion that cannot work (``python`` alone, which may well be a
label) is not guessed at but named. A threshold that a type does not take is left out, as promptfoo ignores it.
"""

from __future__ import annotations

import re
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion
from promptvc.evaluation.assertions.registry import ASSERT_SET, ASSERTIONS, problem

THEIRS = frozenset({
    "agent-rubric", "answer-relevance", "assert-set", "bleu", "classifier", "contains", "contains-all", "contains-any",
    "contains-html", "contains-json", "contains-sql", "contains-xml", "context-faithfulness", "context-recall",
    "context-relevance", "conversation-relevance", "cost", "equals", "factuality", "finish-reason", "g-eval", "gleu",
    "guardrails", "human", "icontains", "icontains-all", "icontains-any", "is-html", "is-json", "is-refusal", "is-sql",
    "is-valid-function-call", "is-valid-openai-function-call", "is-valid-openai-tools-call", "is-xml", "javascript",
    "latency", "levenshtein", "llm-rubric", "max-score", "meteor", "model-graded-closedqa", "model-graded-factuality",
    "moderation", "perplexity", "perplexity-score", "pi", "python", "regex", "rouge-n", "ruby", "search-rubric",
    "select-best", "similar", "starts-with", "tool-call-f1", "trace-error-spans", "trace-span-count",
    "trace-span-duration", "webhook", "word-count",
})  # fmt: skip
"""promptfoo's names, so that a name which is none of ours is not taken for a text."""

ALIASES = {"grade": "llm-rubric", "model-graded-factuality": "factuality"}
_LISTS = frozenset({"contains-all", "contains-any", "icontains-all", "icontains-any"})
_SCHEMAS = frozenset({"is-json", "contains-json"})
_THRESHOLDS = dict.fromkeys(
    (
        "answer-relevance", "classifier", "context-faithfulness", "context-recall", "context-relevance",
        "levenshtein", "rouge-n",
    ),
    0.75,
) | {"similar": 0.8}  # fmt: skip

_JAVASCRIPT = re.compile(r"(?:javascript|fn|eval):|file://[^:]*\.[cm]?[jt]s(?::|\Z)", re.IGNORECASE)
_PYTHON_FILE = re.compile(r"file://.+\.py(?::\w+)?")
_TYPED = re.compile(r"(not-)?([a-z][a-z0-9-]*)(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?", re.DOTALL)


def parse_expected(text: str) -> dict[str, Any] | str:
    """The assertion that ``text`` stands for, with the keys of a suite: ``type``, ``value``, ``threshold``.

    Returns:
        a mapping that a suite accepts as it is, or a text: the reason why there is none, as a clause that follows
        the cell's own words ("JavaScript is not run ...").
    """
    cell = text.strip()
    if _JAVASCRIPT.match(cell):
        return "JavaScript is not run: write the assertion as `python`"
    if _PYTHON_FILE.fullmatch(cell):
        return _checked({"type": "python", "value": cell}, cell)
    typed = _TYPED.fullmatch(cell)
    if typed is None:
        return {"type": "equals", "value": text}
    negation, name, threshold, rest = typed.groups()
    known = name in THEIRS or name in ASSERTIONS or (name in ALIASES and rest is not None)
    if not known:
        return {"type": "equals", "value": text}
    base = ALIASES.get(name, name)
    if base == ASSERT_SET or base not in ASSERTIONS:
        return f"promptvc has no assertion `{name}` in a cell"
    found: dict[str, Any] = {"type": f"{NEGATION if negation else ''}{base}"}
    value = _value(base, rest)
    if isinstance(value, _Fault):
        return value.reason
    if value is not None:
        found["value"] = value
    limit = float(threshold) if threshold is not None else _THRESHOLDS.get(base)
    if limit is not None:
        found["threshold"] = limit
    return _checked(found, cell)


class _Fault:
    """Why a value cannot be read."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _value(base: str, rest: str | None) -> Any:
    if rest is None or not rest.strip():
        return None
    if base in _LISTS:
        return [part for part in (each.strip() for each in rest.split(",")) if part]
    if base in _SCHEMAS:
        try:
            return load_yaml(rest.strip().encode(), file="schema").value
        except InvalidDocument as error:
            return _Fault(f"its schema is not JSON: {error.message}")
    return rest.strip()


def _checked(found: dict[str, Any], cell: str) -> dict[str, Any] | str:
    """The assertion itself, without a threshold that its type does not take; else what is wrong with it."""
    wrong = problem(Assertion(**found))
    if wrong is None:
        return found
    bare = {key: value for key, value in found.items() if key != "threshold"}
    if "threshold" in found and problem(Assertion(**bare)) is None:
        return bare
    return wrong if ":" in cell else f"{wrong}; `equals: {cell}` is the text itself"
