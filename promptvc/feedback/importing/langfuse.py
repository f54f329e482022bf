"""Exports of Langfuse: scores, joined with the traces or observations that they are about; or these with their scores.

Written from the fields of the export that the web interface makes (camelCase), of the scheduled export to blob storage
(snake_case) and of the public API (``{"data": [...]}``), as JSON, JSON Lines or CSV: keys are read without regard to
case and underscores. A score of the source ANNOTATION is a person's, of EVAL a model's; one that came by the API is a
person's when its name says so (``user_feedback``, ``thumbs``, ``rating``, ...), else a program's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from promptvc.feedback.importing.messages import from_json, rendered_of, text_of
from promptvc.feedback.importing.objects import Expected, Lookup, read_objects
from promptvc.feedback.importing.scores import HUMAN, JUDGE, as_number, said, who_said
from promptvc.feedback.rows import BadRow, Row

ARRAYS = frozenset({("data",), ("scores",), ("traces",), ("observations",)})
_CALL = frozenset({"input", "output", "scores"})
_SOURCES = {"ANNOTATION": HUMAN, "EVAL": JUDGE}


def read_langfuse(path: Path, columns: Mapping[str, str], beside: Path | None) -> Iterator[Row | BadRow]:
    """The scores of ``path`` as rows; ``beside`` is a file of traces or observations."""
    lookup = Lookup()
    expected = Expected(
        path, "Langfuse scores or traces", "name and value, or id and input, output or scores"
    )
    try:
        if beside is not None:
            for item in read_objects(beside, ARRAYS):
                if not isinstance(item, BadRow) and (key := _flat(item.value).get("id")):
                    lookup.put(str(key), _flat(item.value))
        for item in read_objects(path, ARRAYS):
            if isinstance(item, BadRow):
                yield item
                continue
            flat = _flat(item.value)
            is_score = "name" in flat and ("value" in flat or "stringvalue" in flat)
            expected.saw(known=is_score or ("id" in flat and not _CALL.isdisjoint(flat)))
            if is_score:
                yield from _scores(item.line, [flat], _call(flat, lookup), columns)
            else:
                found = from_json(flat.get("scores"))
                yield from _scores(item.line, list(_inside(found)), flat, columns)
        expected.check()
    finally:
        lookup.close()


def _call(score: Mapping[str, Any], lookup: Lookup) -> dict[str, Any]:
    """What is known of the call that a score is about: of the observation, then of the trace."""
    inner = score.get("trace")
    # Scores of the public API bring the user and the tags of their trace, and nothing else of it.
    found = _flat(inner) if isinstance(inner, dict) else {}
    for key in (score.get("traceid") or found.get("id"), score.get("observationid")):
        known = lookup.get(key) if key else {}
        found |= {name: value for name, value in known.items() if value not in (None, "", [], {})}
    return found


def _inside(scores: Any) -> Iterator[dict[str, Any]]:
    """The scores that stand in a trace: a list of them, or values by name, one or many."""
    if isinstance(scores, list):
        yield from (_flat(one) for one in scores if isinstance(one, dict))
    elif isinstance(scores, dict):
        for name, values in scores.items():
            for value in values if isinstance(values, list) else [values]:
                yield {"name": name, "value": value}


def _scores(
    line: int, scores: list[dict[str, Any]], call: Mapping[str, Any], columns: Mapping[str, str]
) -> Iterator[Row | BadRow]:
    for score in scores:
        name = str(score.get("name") or "score")
        source = _SOURCES.get(str(score.get("source", "")).upper()) or who_said(name)
        try:
            values = _event(name, _value(score), source, columns)
        except ValueError as error:
            yield BadRow(line, str(error), dict(score))
            continue
        comment = score.get("comment")
        if comment:
            values["comment"] = f"{values['comment']}. {comment}" if "comment" in values else comment
        if not values:
            continue
        yield Row(line, _about(score, call) | values | {"source": source}, typed=True, loose=True)


def _event(name: str, value: Any, source: str, columns: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(value, tuple):  # a correction: the answer that should have been
        return {"corrected": value[0]}
    return said(name, value, source, columns)


def _value(score: Mapping[str, Any]) -> Any:
    kind = str(score.get("datatype") or "").upper()
    value, text = as_number(score.get("value")), score.get("stringvalue")
    if kind == "BOOLEAN":
        return bool(value) if value in {0, 1} else str(text).lower() == "true"
    if kind == "CORRECTION":
        return (str(text),) if text else None
    if kind in {"CATEGORICAL", "TEXT"}:
        return text if text not in {None, ""} else value
    return value if value not in {None, ""} else text


def _about(score: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    tags = from_json(score.get("tracetags") or call.get("tags") or call.get("tracetags"))
    user = score.get("userid") or score.get("traceuserid") or call.get("userid")
    found: dict[str, Any] = {
        "id": score.get("id"),
        "time": score.get("timestamp")
        or score.get("createdat")
        or call.get("timestamp")
        or call.get("starttime"),
        "prompt": call.get("promptname"),
        "output": text_of(call.get("output")),
        "user": user,
        "reviewer": score.get("authorusername") or score.get("authoruserid"),
        "session": score.get("sessionid") or call.get("sessionid"),
        "execution": score.get("observationid") or score.get("traceid") or call.get("id"),
        "tags": [str(one) for one in tags] if isinstance(tags, list) else None,
        "context": _context(score, call),
        "latency_ms": _milliseconds(call.get("latency")),
        **_input(call.get("input")),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _input(given: Any) -> dict[str, Any]:
    value = from_json(given)
    rendered = rendered_of(value)
    if rendered is not None:
        return {"rendered": rendered}
    return {"input": value} if isinstance(value, dict) else {}


def _context(score: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "model": call.get("providedmodelname") or call.get("model"),
        "environment": score.get("environment") or call.get("environment"),
        "release": call.get("release"),
        "trace": score.get("tracename") or call.get("tracename"),
    }
    return {key: str(value) for key, value in found.items() if value}


def _milliseconds(seconds: Any) -> float | None:
    number = as_number(seconds)
    return round(number * 1000, 3) if isinstance(number, int | float) and number >= 0 else None


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same with keys that do not depend on which of Langfuse's exports it is."""
    return {key.lower().replace("_", ""): item for key, item in value.items()}
