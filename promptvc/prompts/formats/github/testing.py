"""``evaluators`` as assertions, and back.

What each does is read from ``cmd/eval/eval.go`` of github/gh-models: the answer is trimmed; of a string evaluator's
keys the first of equals, contains, startsWith, endsWith counts, and all but equals ignore case; an LLM's grade is the
first choice that its answer contains, and passes above 0; the built-in evaluators are such prompts, with one to five
stars.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from promptvc.prompts.formats.github.models import model_of
from promptvc.prompts.formats.github.places import is_word, names_in, ours

ANSWERED = {"type": "regex", "value": r"\S", "metric": "answered"}
"""What a row of test data asserts that nothing else does: that there is an answer at all."""
EXPECTED = "expected"
KINDS = ("equals", "contains", "startsWith", "endsWith")
_KEYS = frozenset({"name", "string", "llm", "uses"})
_LLM_KEYS = frozenset({"modelId", "prompt", "systemPrompt", "choices"})
_LONGEST_METRIC = 100
_ANY_CASE = "(?i)"
_SPECIAL = r"[\\.^$*+?{}\[\]|()]"
_PLACE = r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}"
_COMPLETION = r"\{\{[ \t]*completion[ \t]*\}\}"
_STARS = "there a model gives one to five stars, of which two pass"
BUILT_IN: dict[str, tuple[str, str]] = {
    "github/coherence": ("The answer is coherent: its ideas follow from each other in a logical order.", ""),
    "github/fluency": ("The answer is fluent: grammar and choice of words are right, and it reads well.", ""),
    "github/relevance": ("The answer is about what was asked: correct, complete and to the point.", ""),
    "github/groundedness": (
        "Every statement of the answer is supported by this context:\n{{ expected }}",
        EXPECTED,
    ),
}
"""Those that a rubric stands for: its text, and the column that it names."""


class Evaluator(NamedTuple):
    """What an evaluator means here.

    Attributes:
        assertion: None where it means nothing.
        columns: the test data's that it needs, by their own names.
        changes: keys below the evaluator, and what became of them.
    """

    assertion: Mapping[str, Any] | None
    columns: frozenset[str] = frozenset()
    changes: tuple[tuple[tuple[str, ...], str], ...] = ()


def assertion_of(value: Mapping[str, Any], columns: Collection[str], table: Mapping[str, str]) -> Evaluator:
    """What the evaluator ``value`` asserts.

    Args:
        columns: of the test data.
        table: their names of columns -> ours, where these differ.
    """
    changes: list[tuple[tuple[str, ...], str]] = [
        ((key,), "it is kept, and means nothing here") for key in value if key not in _KEYS
    ]
    kinds = [key for key in ("string", "llm", "uses") if value.get(key) not in (None, "")]
    changes += [((key,), f"an evaluator is one thing: `{kinds[0]}` counts") for key in kinds[1:]]
    changes += [
        ((key,), "it is empty") for key in ("string", "llm", "uses") if key in value and key not in kinds
    ]
    found = Evaluator(None)
    if not kinds:
        changes.append((("name",) if "name" in value else (), "it says nothing about the answer"))
    elif kinds[0] == "string":
        found = _string(value["string"], columns, table)
    elif kinds[0] == "llm":
        found = _llm(value["llm"], columns, table)
    else:
        found = _built_in(str(value["uses"]))
    if found.assertion is None:
        whole = ((), "it asserts nothing here: it is kept")
        return Evaluator(None, changes=(*changes, *found.changes, whole))
    metric, name = {}, value.get("name")
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_METRIC:
        metric = {"metric": name}
    elif name is not None:
        changes.append((("name",), "a metric has a name of 1 to 100 characters"))
    return Evaluator({**found.assertion, **metric}, found.columns, (*changes, *found.changes))


def evaluator_of(assertion: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """The evaluator that ``assertion`` means there, None where there is none; and what changed, None if nothing."""
    kind, value = assertion["type"], assertion.get("value")
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
    named = {"name": str(assertion.get("metric") or kind)}
    if kind == "similar" and isinstance(value, str) and _is_expected(value):
        return {**named, "uses": "github/similarity"}, f"it is graded otherwise: {_STARS}"
    for uses, (rubric, _) in BUILT_IN.items():
        if kind == "llm-rubric" and value == rubric:
            return {**named, "uses": uses}, f"it is graded otherwise: {_STARS}"
    if kind == "regex" and text is not None:
        for key, pattern in (("startsWith", _starting), ("endsWith", _ending)):
            literal = _literal(text)
            if literal is not None and pattern(literal) == text:
                return {**named, "string": {key: literal}}, None
    if kind in {"equals", "icontains", "contains", "starts-with"} and text:
        key = {"equals": "equals", "starts-with": "startsWith"}.get(kind, "contains")
        changed = names_in(text)
        if any(is_word(name) for name in changed):
            return None, "an evaluator's text is compared as it is written: nothing is filled in there"
        cased = kind in {"contains", "starts-with"} and text.lower() != text.upper()
        return {**named, "string": {key: text}}, "case does not count there" if cased else None
    if kind == "llm-rubric" and text:
        return _asked(named, text), "a model is asked for yes or no there"
    return None, "there is no such evaluator there"


def _string(value: Any, columns: Collection[str], table: Mapping[str, str]) -> Evaluator:
    if not isinstance(value, Mapping):
        return Evaluator(None, changes=((("string",), "it is no mapping"),))
    changes: list[tuple[tuple[str, ...], str]] = []
    given = [key for key in KINDS if value.get(key) not in (None, "")]
    for key in value:
        if key not in given[:1]:
            why = f"`{given[0]}` counts alone" if key in given else "it says nothing there either"
            changes.append((("string", key), why))
    if not given:
        changes.append((("string",), "it compares with nothing"))
        return Evaluator(None, changes=tuple(changes))
    key = given[0]
    raw = value[key]
    if isinstance(raw, bool):
        raw = "true" if raw else "false"
    text = str(raw)
    used = [name for name in names_in(text, columns) if name in columns]
    if used:
        changes.append(
            (("string", key), "its places are filled in from the case; there they are compared as they are")
        )
        filled = ours(text, table)
        kind = {"equals": "equals", "contains": "icontains", "startsWith": "starts-with"}.get(key, "regex")
        assertion = {"type": kind, "value": _ending(filled, quote=False) if kind == "regex" else filled}
        return Evaluator(assertion, frozenset(used), tuple(changes))
    plain = "{{" not in text
    if key == "equals":
        assertion = {"type": "equals", "value": text} if plain else {"type": "regex", "value": _whole(text)}
    elif key == "contains":
        assertion = (
            {"type": "icontains", "value": text}
            if plain
            else {"type": "regex", "value": _ANY_CASE + _quoted(text)}
        )
    else:
        pattern = _starting(text) if key == "startsWith" else _ending(text)
        assertion = {"type": "regex", "value": pattern}
    return Evaluator(assertion, changes=tuple(changes))


def _llm(value: Any, columns: Collection[str], table: Mapping[str, str]) -> Evaluator:
    if not isinstance(value, Mapping) or not isinstance(value.get("prompt"), str):
        return Evaluator(None, changes=((("llm",), "it has no prompt"),))
    changes: list[tuple[tuple[str, ...], str]] = [
        (("llm", str(key)), "it is kept, and means nothing here") for key in value if key not in _LLM_KEYS
    ]
    texts = [value.get("systemPrompt"), value["prompt"]]
    written = "\n\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())
    body = re.sub(_COMPLETION, "(the answer)", written)
    used = {name for name in names_in(body, columns) if name in columns}
    body = ours(body, table)
    known = {table.get(name, name) for name in columns}
    # What nobody gives is a text with braces, as it is there.
    body = re.sub(_PLACE, lambda match: match[0] if match[1] in known else f"{{ {match[0][1:-1]} }}", body)
    scores, bad = _scores(value.get("choices"))
    if bad:
        changes.append((("llm", "choices"), bad))
    lines = [f"- {choice}: {score:g}" for choice, score in scores]
    if lines:
        body += "\n\nThe score is that of the first of these grades that holds:\n" + "\n".join(lines)
    assertion: dict[str, Any] = {"type": "llm-rubric", "value": body.strip() or "(nothing is asked)"}
    least = min((score for _, score in scores if score > 0), default=None)
    if least is not None:
        assertion["threshold"] = least
    changes.append(
        (
            ("llm",),
            "promptvc's own judge prompt asks, with this as its rubric: a grade and a score from 0 to 1",
        )
    )
    model = value.get("modelId")
    if isinstance(model, str) and model:
        found = model_of(model)
        if found.spec is not None:
            assertion["provider"] = found.spec
        if found.why is not None:
            changes.append((("llm", "modelId"), found.why))
    return Evaluator(assertion, frozenset(used), tuple(changes))


def _scores(value: Any) -> tuple[list[tuple[str, float]], str | None]:
    """(choice, score 0..1) of each, and what is odd about them."""
    found: list[tuple[str, float]] = []
    odd = None
    for item in value if isinstance(value, list) else ():
        score = item.get("score") if isinstance(item, Mapping) else None
        number = isinstance(score, int | float) and not isinstance(score, bool)
        if number and score is not None and isinstance(item.get("choice"), str | int | float):
            found.append((str(item["choice"]), float(score)))
        else:
            odd = "a choice has a `choice` and a `score`"
    most = max((score for _, score in found), default=0.0)
    if most > 1:
        found = [(choice, score / most) for choice, score in found]
        odd = f"scores are divided by {most:g}: they go from 0 to 1 here"
    if any(score < 0 for _, score in found):
        found = [(choice, max(0.0, score)) for choice, score in found]
        odd = "a score below 0 is 0 here"
    return found, odd if found or odd else "it names no choices: the judge gives a score of its own"


def _built_in(uses: str) -> Evaluator:
    if uses == "github/similarity":
        change = (("uses",), f"it is the similarity of embeddings here; {_STARS}")
        return Evaluator({"type": "similar", "value": "{{ expected }}"}, frozenset({EXPECTED}), (change,))
    if uses in BUILT_IN:
        rubric, column = BUILT_IN[uses]
        change = (("uses",), f"a judge is asked with a rubric here; {_STARS}")
        assertion = {"type": "llm-rubric", "value": rubric, "threshold": 0.25}
        return Evaluator(assertion, frozenset({column} if column else ()), (change,))
    return Evaluator(None, changes=((("uses",), "there is no such evaluator here"),))


def _asked(named: dict[str, Any], rubric: str) -> dict[str, Any]:
    prompt = f"{rubric}\n\nThe answer:\n{{{{completion}}}}\n\nDoes the answer meet this? Say yes or no."
    choices = [{"choice": "yes", "score": 1}, {"choice": "no", "score": 0}]
    return {**named, "llm": {"prompt": prompt, "choices": choices}}


def _is_expected(value: str) -> bool:
    return value.replace(" ", "") == "{{expected}}"


def _quoted(text: str) -> str:
    return re.sub(_SPECIAL, r"\\\g<0>", text).replace("\n", "\\n")


def _whole(text: str) -> str:
    return rf"\A\s*{_quoted(text.strip())}\s*\Z"


def _starting(text: str) -> str:
    return rf"{_ANY_CASE}\A\s*{_quoted(text)}"


def _ending(text: str, *, quote: bool = True) -> str:
    return rf"{_ANY_CASE}{_quoted(text) if quote else text}\s*\Z"


def _literal(pattern: str) -> str | None:
    """The text that a pattern of :func:`_starting` or :func:`_ending` was made of; None where it was not."""
    body = pattern.removeprefix(_ANY_CASE).removeprefix(r"\A\s*").removesuffix(r"\s*\Z")
    return re.sub(r"\\([\\.^$*+?{}\[\]|()])", r"\1", body.replace("\\n", "\n")) if body != pattern else None
