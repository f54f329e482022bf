"""Exports of LangSmith: feedback, joined with the runs that it is about; or runs with their feedback.

Written from LangSmith's documents on the data formats of runs and of feedback, and its export of runs as Parquet:
feedback has ``run_id``, ``key``, ``score`` or ``value``, ``comment``, ``correction`` and ``feedback_source.type``
(``app`` and ``api``: people or programs, ``model`` and ``auto_eval``: a model). A run may hold a list ``feedback``, or
only ``feedback_stats``: then each key makes one event with the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from promptvc.base.clock import parse_time
from promptvc.feedback.importing.messages import from_json, messages_of, rendered_of, text_of
from promptvc.feedback.importing.objects import Expected, Lookup, read_objects
from promptvc.feedback.importing.scores import HUMAN, JUDGE, as_number, said, who_said
from promptvc.feedback.rows import BadRow, Row

ARRAYS = frozenset({("runs",), ("feedback",), ("data",)})
_OBJECTS = (
    "inputs",
    "outputs",
    "extra",
    "tags",
    "feedback",
    "feedback_stats",
    "feedback_source",
    "correction",
)
_RUN = frozenset({"inputs", "outputs", "feedback", "feedback_stats"})
_NAMED = ("prompt_name", "prompt", "lc_hub_repo", "ls_prompt_name")


def read_langsmith(path: Path, columns: Mapping[str, str], beside: Path | None) -> Iterator[Row | BadRow]:
    """The feedback of ``path`` as rows; ``beside`` is a file of runs."""
    lookup = Lookup()
    expected = Expected(path, "LangSmith feedback or runs", "run_id and key, or id and inputs or outputs")
    try:
        if beside is not None:
            for item in read_objects(beside, ARRAYS):
                if not isinstance(item, BadRow) and item.value.get("id"):
                    lookup.put(str(item.value["id"]), _opened(item.value))
        for item in read_objects(path, ARRAYS):
            if isinstance(item, BadRow):
                yield item
                continue
            value = _opened(item.value)
            is_feedback = "key" in value and "run_id" in value
            expected.saw(known=is_feedback or ("id" in value and not _RUN.isdisjoint(value)))
            if is_feedback:
                yield from _rows(item.line, [value], lookup.get(value["run_id"]), columns)
            else:
                yield from _rows(item.line, list(_inside(value)), value, columns)
        expected.check()
    finally:
        lookup.close()


def _opened(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the objects that Parquet and CSV hold as text."""
    return {key: from_json(item) if key in _OBJECTS else item for key, item in value.items()}


def _inside(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = run.get("feedback")
    if isinstance(given, list):
        yield from (_opened(one) for one in given if isinstance(one, dict))
        return
    stats = run.get("feedback_stats")
    for key, one in sorted(stats.items()) if isinstance(stats, dict) else ():
        if isinstance(one, dict) and one.get("n", 1):
            yield _of_stats(run, key, one)


def _of_stats(run: Mapping[str, Any], key: str, one: Mapping[str, Any]) -> dict[str, Any]:
    values = one.get("values")
    comments = [str(text) for text in one.get("comments") or () if text]
    return {
        "id": f"{run.get('id')}:{key}",
        "key": key,
        "score": one.get("avg"),
        "value": max(sorted(values), key=lambda name: values[name])
        if isinstance(values, dict) and values
        else None,
        "comment": "\n".join(comments) or None,
    }


def _rows(
    line: int, given: list[dict[str, Any]], run: Mapping[str, Any], columns: Mapping[str, str]
) -> Iterator[Row | BadRow]:
    for one in given:
        key = str(one.get("key") or "feedback")
        source = _source(one, key)
        score = one.get("score")
        try:
            values = said(key, as_number(one.get("value") if score is None else score), source, columns)
        except ValueError as error:
            yield BadRow(line, str(error), dict(one))
            continue
        if comment := one.get("comment"):
            values["comment"] = f"{values['comment']}. {comment}" if "comment" in values else str(comment)
        if corrected := text_of(one.get("correction")):
            values["corrected"] = corrected
        if values:
            yield Row(line, _about(one, run) | values | {"source": source}, typed=True, loose=True)


def _source(one: Mapping[str, Any], key: str) -> str:
    given = one.get("feedback_source")
    kind = given.get("type") if isinstance(given, dict) else given
    if kind in {"model", "auto_eval"}:
        return JUDGE
    return HUMAN if kind == "app" else who_said(key)


def _about(one: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    extra = run.get("extra")
    metadata = extra.get("metadata") if isinstance(extra, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    source = one.get("feedback_source")
    tags = run.get("tags")
    tokens = {"input": run.get("prompt_tokens"), "output": run.get("completion_tokens")}
    found: dict[str, Any] = {
        "id": one.get("id"),
        "time": one.get("created_at") or run.get("end_time") or run.get("start_time"),
        "prompt": next((str(metadata[key]) for key in _NAMED if metadata.get(key)), None),
        "output": text_of(run.get("outputs")),
        "user": metadata.get("user_id") or (source.get("user_id") if isinstance(source, dict) else None),
        "session": metadata.get("session_id") or metadata.get("thread_id") or metadata.get("conversation_id"),
        "execution": one.get("run_id") or run.get("id"),
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else None,
        "context": _context(run, metadata),
        "latency_ms": _latency(run),
        "tokens": {key: value for key, value in tokens.items() if isinstance(value, int) and value >= 0},
        **_input(run.get("inputs")),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _input(given: Any) -> dict[str, Any]:
    if isinstance(given, dict) and messages_of(given) is None:
        prompts = given.get("prompts")
        if isinstance(prompts, list) and len(prompts) == 1 and isinstance(prompts[0], str):
            return {"rendered": prompts[0]}
        return {"input": given} if given else {}
    rendered = rendered_of(given)
    return {} if rendered is None else {"rendered": rendered}


def _context(run: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, str]:
    found = {"model": metadata.get("ls_model_name"), "run": run.get("name")}
    return {key: str(value) for key, value in found.items() if value}


def _latency(run: Mapping[str, Any]) -> float | None:
    try:
        took = parse_time(str(run["end_time"])) - parse_time(str(run["start_time"]))
    except (KeyError, ValueError):
        return None
    return round(took.total_seconds() * 1000, 3) if took.total_seconds() >= 0 else None
