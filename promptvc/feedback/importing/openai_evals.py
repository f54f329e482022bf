"""Results of OpenAI evals: the log of a run by ``oaieval``, or the output items of the API's evals.

Written from ``evals/record.py`` of openai/evals and the reference of the output items. A log is JSON Lines: a line
``{"spec": ...}``, events (``sampling`` says what went in and came out, ``match`` and ``metrics`` how it was graded, and
``sample_id`` ties them together), a line ``{"final_report": ...}``. An output item has ``sample.input`` and ``.output``
as messages and one of ``results`` for each grader. What a grader says is a program's word, of a model grader a model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from promptvc.feedback.importing.messages import rendered_of, text_of
from promptvc.feedback.importing.objects import Expected, Lookup, read_objects
from promptvc.feedback.importing.scores import CODE, JUDGE
from promptvc.feedback.rows import BadRow, Row

ARRAYS = frozenset({("data",)})
_WHOLE = ("score", "accuracy", "correct")
_SPEC = "spec"
_OWN = frozenset({"spec", "final_report", "datasource_item", "sample_id", "event_id"})


def read_openai_evals(path: Path, columns: Mapping[str, str], beside: Path | None) -> Iterator[Row | BadRow]:  # noqa: ARG001 - the signature of a format
    """The graded samples of ``path`` as rows."""
    samples = Lookup()
    expected = Expected(path, "OpenAI evals results", "type and data (a log), or datasource_item and results")
    try:
        for item in read_objects(path, ARRAYS):
            if isinstance(item, BadRow):
                yield item
                continue
            value = item.value
            expected.saw(known=not _OWN.isdisjoint(value))
            if value.get("object") == "eval.run.output_item" or "datasource_item" in value:
                yield _item(item.line, value)
            elif _SPEC in value and isinstance(value[_SPEC], dict):
                samples.put(_SPEC, value[_SPEC])
            elif value.get("type") == "sampling" and isinstance(value.get("data"), dict):
                samples.put(f"sample {value.get('sample_id')}", value["data"])
            elif value.get("type") in {"match", "metrics"} and isinstance(value.get("data"), dict):
                known = samples.get(f"sample {value.get('sample_id')}")
                found = _graded(value, known, samples.get(_SPEC))
                if found:
                    yield Row(item.line, found, typed=True, loose=True)
        expected.check()
    finally:
        samples.close()


def _graded(
    event: Mapping[str, Any], sample: Mapping[str, Any], spec: Mapping[str, Any]
) -> dict[str, Any] | None:
    data = event["data"]
    scores = {name: float(value) for name, value in data.items() if _is_share(value)}
    if not scores:
        return None
    whole = next((scores[name] for name in _WHOLE if name in scores), None)
    models = spec.get("completion_fns")
    sampled = sample.get("sampled")
    found: dict[str, Any] = {
        "id": f"{event.get('run_id')}:{event.get('event_id')}",
        "time": event.get("created_at"),
        "source": CODE,
        "rating": whole,
        "scores": scores,
        "rendered": rendered_of(sample.get("prompt")),
        "output": text_of(sampled[0] if isinstance(sampled, list) and sampled else sampled)
        or text_of(data.get("picked")),
        "execution": event.get("run_id"),
        "context": {
            key: str(value)
            for key, value in {
                "model": models[0] if isinstance(models, list) and models else None,
                "eval": spec.get("eval_name"),
                "sample": event.get("sample_id"),
                "expected": text_of(data.get("expected")),
            }.items()
            if value
        },
    }
    return {key: value for key, value in found.items() if value not in (None, "", {})}


def _item(line: int, value: Mapping[str, Any]) -> Row | BadRow:
    results = [one for one in value.get("results") or () if isinstance(one, dict)]
    scores: dict[str, float] = {}
    for number, one in enumerate(results, 1):
        score = one.get("score")
        share: Any = score if _is_share(score) else one.get("passed")
        if _is_share(share):
            scores[str(one.get("name") or f"grader {number}")] = float(share)
    if not scores:
        return BadRow(line, "an output item without a grader's result from 0 to 1", dict(value))
    sample = value.get("sample") if isinstance(value.get("sample"), dict) else {}
    assert isinstance(sample, dict)
    usage = sample.get("usage") if isinstance(sample.get("usage"), dict) else {}
    assert isinstance(usage, dict)
    tokens = {"input": usage.get("prompt_tokens"), "output": usage.get("completion_tokens")}
    models = any("model" in str(one.get("type")) for one in results)
    found: dict[str, Any] = {
        "id": value.get("id"),
        "time": value.get("created_at"),
        "source": JUDGE if models else CODE,
        "rating": sum(scores.values()) / len(scores),
        "scores": scores,
        "rendered": rendered_of(sample.get("input")),
        "input": value.get("datasource_item"),
        "output": text_of(sample.get("output")),
        "tokens": {key: count for key, count in tokens.items() if isinstance(count, int)},
        "execution": value.get("run_id"),
        "context": {"model": str(sample["model"])} if sample.get("model") else {},
    }
    return Row(
        line, {key: one for key, one in found.items() if one not in (None, "", {})}, typed=True, loose=True
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, bool | int | float) and 0 <= value <= 1
