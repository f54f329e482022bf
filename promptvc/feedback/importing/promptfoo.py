"""What people said in promptfoo: its results as JSON, of which the outputs that somebody rated or remarked on count.

Written from promptfoo's types and the code of its table of results. A rating by hand is one of
``gradingResult.componentResults`` whose ``assertion.type`` is ``human``, with ``pass`` and ``score``; a remark is
``gradingResult.comment``, where ``!highlight`` only colours the cell. Results stand in ``results.results``, in older
files in ``results.table.body[].outputs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from promptvc.feedback.importing.documents import Item
from promptvc.feedback.importing.messages import rendered_of, text_of
from promptvc.feedback.importing.objects import Expected, read_objects
from promptvc.feedback.importing.scores import HUMAN
from promptvc.feedback.rows import BadRow, Row

ARRAYS = frozenset({("results", "results"), ("results", "table", "body"), ("results",), ("table", "body")})
_MARK = "!highlight"
_OWN = frozenset({"gradingResult", "response", "outputs", "testCase", "promptIdx"})


def read_promptfoo(path: Path, columns: Mapping[str, str], beside: Path | None) -> Iterator[Row | BadRow]:  # noqa: ARG001 - the signature of a format
    """The outputs of ``path`` that a person rated, as rows."""
    seen: set[str] = set()
    expected = Expected(path, "results of promptfoo", "gradingResult, or prompt and response, or outputs")
    for item in read_objects(path, ARRAYS):
        if isinstance(item, BadRow):
            yield item
            continue
        expected.saw(known=not _OWN.isdisjoint(item.value))
        for output in _outputs(item):
            key = str(output.get("id") or "")
            values = _rated(output)
            # Older files hold every output twice, in the table and beside it.
            if values and not (key and key in seen):
                seen.add(key)
                about = _about(output, item)
                yield Row(item.line, about | values, typed=True, loose=True)
    expected.check()


def _outputs(item: Item) -> Iterator[dict[str, Any]]:
    row = item.value
    outputs = row.get("outputs")
    if not isinstance(outputs, list):
        yield row
        return
    test = row.get("test")
    for output in outputs:
        if isinstance(output, dict):
            yield {"testCase": test, **output}


def _rated(output: Mapping[str, Any]) -> dict[str, Any]:
    """What the person said; empty when nobody said anything."""
    grading = output.get("gradingResult")
    if not isinstance(grading, dict):
        return {}
    found: dict[str, Any] = {}
    comment = grading.get("comment")
    for one in grading.get("componentResults") or ():
        assertion = one.get("assertion") if isinstance(one, dict) else None
        if isinstance(assertion, dict) and assertion.get("type") == "human":
            comment = one.get("comment") or comment
            score = one.get("score")
            if isinstance(one.get("pass"), bool):
                found["thumbs"] = "up" if one["pass"] else "down"
            if isinstance(score, int | float) and not isinstance(score, bool) and 0 < score < 1:
                found["rating"] = score
    if isinstance(comment, str) and (text := comment.replace(_MARK, "").strip()):
        found["comment"] = text
    return found


def _about(output: Mapping[str, Any], item: Item) -> dict[str, Any]:
    prompt, provider, response = output.get("prompt"), output.get("provider"), output.get("response")
    test = output.get("testCase") if isinstance(output.get("testCase"), dict) else {}
    assert isinstance(test, dict)
    usage = output.get("tokenUsage") if isinstance(output.get("tokenUsage"), dict) else {}
    assert isinstance(usage, dict)
    variables = output.get("vars") or test.get("vars")
    given = output.get("text") or (response.get("output") if isinstance(response, dict) else None)
    raw = prompt.get("raw") if isinstance(prompt, dict) else prompt
    label = prompt.get("label") if isinstance(prompt, dict) else None
    tokens = {"input": usage.get("prompt"), "output": usage.get("completion")}
    found: dict[str, Any] = {
        "id": output.get("id"),
        "time": output.get("createdAt") or item.head.get("timestamp") or item.head.get("createdAt"),
        "source": HUMAN,
        "prompt": label,
        "rendered": rendered_of(raw),
        "input": variables if isinstance(variables, dict) and variables else None,
        "output": text_of(given),
        "latency_ms": output.get("latencyMs"),
        "cost": output.get("cost"),
        "tokens": {key: count for key, count in tokens.items() if isinstance(count, int)},
        "execution": item.head.get("evalId"),
        "context": {"model": str(model)} if (model := _model(provider)) else None,
    }
    return {key: value for key, value in found.items() if value not in (None, "", {})}


def _model(provider: Any) -> Any:
    return provider.get("label") or provider.get("id") if isinstance(provider, dict) else provider
