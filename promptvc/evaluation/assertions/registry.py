"""The assertion types by promptfoo's names, and what is done with one as it is written: check it, fill it in.

Every type has a ``not-`` form, which flips pass and makes the score 1 - score; an errored grader stays an error. A new
type is a grader (:mod:`promptvc.evaluation.assertions.assertion` has the three kinds) and an entry in
:data:`ASSERTIONS`.

``{{ name }}`` in a value stands for the case's variable of that name, ``{{ expected }}`` for what the case expects:
inserted literally, once (and escaped in a pattern), and nothing else is template syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from promptvc.evaluation.assertions.assertion import (
    AnyGrader,
    Assertion,
    ComparingGrader,
    Grader,
    Requirement,
)
from promptvc.evaluation.assertions.code import Python
from promptvc.evaluation.assertions.counting import WordCount
from promptvc.evaluation.assertions.distance import Levenshtein
from promptvc.evaluation.assertions.html import ContainsHtml, IsHtml
from promptvc.evaluation.assertions.limits import COST, LATENCY, FinishReason
from promptvc.evaluation.assertions.markup import Xml
from promptvc.evaluation.assertions.overlap import BLEU, GLEU, METEOR, ROUGE_N
from promptvc.evaluation.assertions.pattern import Regex
from promptvc.evaluation.assertions.similar import Similar
from promptvc.evaluation.assertions.sql import Sql
from promptvc.evaluation.assertions.structure import ContainsJson, IsJson
from promptvc.evaluation.assertions.text import (
    Equals,
    ManyTexts,
    OneText,
    as_text,
    contains,
    icontains,
    starts_with,
)
from promptvc.evaluation.assertions.tools import ToolCallF1, ValidToolsCall
from promptvc.evaluation.judges.answer_relevance import AnswerRelevance
from promptvc.evaluation.judges.classes import Classifier, Moderation
from promptvc.evaluation.judges.context import ContextFaithfulness, ContextRecall, ContextRelevance
from promptvc.evaluation.judges.g_eval import GEval
from promptvc.evaluation.judges.refusal import IsRefusal
from promptvc.evaluation.judges.rubric import ClosedQa, Factuality, LlmRubric
from promptvc.evaluation.judges.selecting import MaxScore, SelectBest

ASSERT_SET = "assert-set"

ASSERTIONS: dict[str, AnyGrader] = {
    "equals": Equals(),
    "contains": OneText(contains, "contain"),
    "icontains": OneText(icontains, "contain"),
    "contains-all": ManyTexts(ignore_case=False, every=True),
    "contains-any": ManyTexts(ignore_case=False, every=False),
    "icontains-all": ManyTexts(ignore_case=True, every=True),
    "icontains-any": ManyTexts(ignore_case=True, every=False),
    "starts-with": OneText(starts_with, "start with"),
    "regex": Regex(),
    "word-count": WordCount(),
    "levenshtein": Levenshtein(),
    "is-json": IsJson(),
    "contains-json": ContainsJson(),
    "is-xml": Xml(whole=True),
    "contains-xml": Xml(whole=False),
    "is-html": IsHtml(),
    "contains-html": ContainsHtml(),
    "is-sql": Sql(whole=True),
    "contains-sql": Sql(whole=False),
    "bleu": BLEU,
    "gleu": GLEU,
    "meteor": METEOR,
    "rouge-n": ROUGE_N,
    "similar": Similar(),
    "latency": LATENCY,
    "cost": COST,
    "finish-reason": FinishReason(),
    "is-valid-openai-tools-call": ValidToolsCall(),
    "tool-call-f1": ToolCallF1(),
    "llm-rubric": LlmRubric(),
    "g-eval": GEval(),
    "factuality": Factuality(),
    "model-graded-closedqa": ClosedQa(),
    "answer-relevance": AnswerRelevance(),
    "context-faithfulness": ContextFaithfulness(),
    "context-recall": ContextRecall(),
    "context-relevance": ContextRelevance(),
    "classifier": Classifier(),
    "moderation": Moderation(),
    "is-refusal": IsRefusal(),
    "python": Python(),
    "select-best": SelectBest(),
    "max-score": MaxScore(),
}

NAMES = (*ASSERTIONS, ASSERT_SET)
AT_ONCE: dict[str, Grader] = {
    name: grader for name, grader in ASSERTIONS.items() if isinstance(grader, Grader)
}
COMPARING = frozenset(name for name, grader in ASSERTIONS.items() if isinstance(grader, ComparingGrader))

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def problem(assertion: Assertion) -> str | None:
    """What is wrong with an assertion as written, in a sentence; None if nothing."""
    if assertion.base == ASSERT_SET:
        found = _set_problem(assertion)
    elif assertion.members:
        found = f"takes no `assert`: that is for `{ASSERT_SET}`"
    else:
        grader = ASSERTIONS.get(assertion.base)
        if grader is None:
            return f"there is no assertion `{assertion.type}`"
        found = grader.problem(assertion)
        if found is None and assertion.provider is not None and isinstance(grader, Grader):
            found = "takes no `provider`: it is graded without a model"
    return f"`{assertion.type}` {found}" if found else None


def leaves(assertion: Assertion) -> Iterator[Assertion]:
    """The assertion itself, or the members of a set, and theirs."""
    if assertion.base == ASSERT_SET:
        for member in assertion.members:
            yield from leaves(member)
    else:
        yield assertion


def at_once(assertion: Assertion) -> bool:
    """Whether it is graded from the answer alone, without a call or a process."""
    return all(leaf.base in AT_ONCE for leaf in leaves(assertion))


def needs(assertion: Assertion) -> set[Requirement]:
    """What grading it cannot do without."""
    found: set[Requirement] = set()
    for leaf in leaves(assertion):
        grader = ASSERTIONS[leaf.base]
        need = None if isinstance(grader, Grader) else grader.needs(leaf)
        if need is not None:
            found.add(need)
    return found


def placeholders(assertion: Assertion) -> set[str]:
    """The names of the variables in its value, or in its members' values."""
    names: set[str] = set()

    def note(text: str) -> str:
        names.update(_PLACEHOLDER.findall(text))
        return text

    for leaf in leaves(assertion):
        if ASSERTIONS[leaf.base].templates != "none":
            _each_text(leaf.value, note)
    return names


def filled(assertion: Assertion, variables: Mapping[str, Any]) -> Assertion:
    """The same with its variables filled in.

    Raises:
        KeyError: a variable that is not among ``variables``, or is a list or a mapping.
    """
    if not placeholders(assertion):
        return assertion
    if assertion.members:
        return replace(assertion, members=tuple(filled(member, variables) for member in assertion.members))
    escape = ASSERTIONS[assertion.base].templates == "pattern"

    def one(match: re.Match[str]) -> str:
        plain = as_text(variables[match[1]])
        if plain is None:
            raise KeyError(match[1])
        return re.escape(plain) if escape else plain

    return replace(assertion, value=_each_text(assertion.value, lambda text: _PLACEHOLDER.sub(one, text)))


def _set_problem(assertion: Assertion) -> str | None:
    if assertion.negated:
        return "has no `not-` form: negate its members"
    if not assertion.members:
        return "needs members under `assert`"
    if assertion.value is not None or assertion.provider is not None:
        return "takes no `value` and no `provider`: its members do"
    if assertion.threshold is not None and assertion.threshold > 1:
        return "takes a `threshold` from 0 to 1"
    if not any(member.weight > 0 for member in assertion.members):
        return "asserts nothing: give a member a weight above 0"
    for member in assertion.members:
        if member.base == ASSERT_SET:
            return "holds another set: one level is enough"
        if member.base in COMPARING:
            return f"cannot hold `{member.type}`, which compares several answers"
        found = problem(member)
        if found:
            return f"has a member that is wrong: {found}"
    return None


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_each_text(part, change) for part in value]
    if isinstance(value, Mapping):
        return {key: _each_text(part, change) for key, part in value.items()}
    return value
