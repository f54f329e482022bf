"""The values of a prompt and of its suite as a ``.prompt.yml``: what :mod:`reading` kept comes back as it was written.

Something that was kept is used only while it still means what the prompt says now: an edited prompt is written as it
is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.losses import Loss, Losses
from promptvc.base.schema_messages import key_text
from promptvc.prompts.formats.github.models import PARAMETERS, READ_THERE, THEIR_PARAMETERS, id_of, model_of
from promptvc.prompts.formats.github.places import ours, theirs
from promptvc.prompts.formats.github.reading import KEYS, NAMES, ONLY_ASSERTED, schema_of
from promptvc.prompts.formats.github.rows import KEPT, gradable, rows_of
from promptvc.prompts.formats.github.testing import ANSWERED, EXPECTED, assertion_of, evaluator_of

_PLAIN_KEYS = frozenset({"type", "value", "metric", "provider", "threshold"})
_NO_WORD = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(slots=True)
class Writing:
    """A document, and what is not in it."""

    value: dict[str, Any] = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)

    @property
    def lost(self) -> tuple[Loss, ...]:
        """What was dropped or changed."""
        return self.losses.all()


def write(name: str, prompt: Mapping[str, Any], suite: Mapping[str, Any] | None) -> Writing:
    """The document that ``prompt`` and ``suite`` are there.

    Args:
        name: of the prompt; its title where none was kept.
        prompt: as `prompts/<name>.yaml` writes it; no rules and no examples: they are messages by now.
        suite: as `evaluation/<name>.yaml` writes it, with all cases written out.
    """
    made = Writing()
    metadata = prompt.get("metadata") or {}
    kept: Mapping[str, Any] = metadata.get(KEPT) or {}
    table: Mapping[str, str] = metadata.get(NAMES) or {}
    if "name" in kept or KEPT not in metadata:  # what was read without a title has none
        made.value["name"] = kept.get("name", name)
    if prompt.get("description") is not None or kept.get("description", "-") is None:
        made.value["description"] = prompt.get("description")
    _model(prompt, kept, made)
    _parameters(prompt, kept, made)
    _output(name, prompt, kept, made)
    made.value["messages"] = _messages(prompt, kept, table)
    _testing(suite, kept, table, made)
    for key, item in kept.items():
        if key not in KEYS:
            made.value[key] = item
    for key, item in metadata.items():
        if key not in {KEPT, NAMES}:
            made.losses.add(f"metadata.{key}", item, "there is no metadata there")
    _rest(prompt, table, made)
    return made


def _model(prompt: Mapping[str, Any], kept: Mapping[str, Any], made: Writing) -> None:
    spec = prompt.get("model")
    if "model" in kept:
        written = kept["model"]
        if (model_of(written).spec if isinstance(written, str) else None) == spec:
            made.value["model"] = written
            return
    if spec is None:
        return
    found = id_of(spec)
    if found is None:
        made.losses.add("model", spec, "GitHub's catalogue had no such model: name one of its own")
    else:
        made.value["model"] = found


def _parameters(prompt: Mapping[str, Any], kept: Mapping[str, Any], made: Writing) -> None:
    now: dict[str, Any] = dict(prompt.get("parameters") or {})
    found: dict[str, Any] = {}
    said: set[str] = set()
    for key, item in (kept.get("modelParameters") or {}).items():
        name = PARAMETERS.get(key, key)
        if name in said or name not in THEIR_PARAMETERS or item is None:
            found[key] = item  # it never meant anything here
        elif name in now:
            found[key] = now[name]
            said.add(name)
    for name, item in now.items():
        if name not in said:
            key = THEIR_PARAMETERS.get(name, name)
            found[key] = item
            if key not in READ_THERE:
                why = f"their tools do not read `{key}`: it is written all the same"
                made.losses.add(f"parameters.{name}", item, why)
    if found or kept.get("modelParameters", "-") in (None, {}):
        made.value["modelParameters"] = found or kept["modelParameters"]


def _output(name: str, prompt: Mapping[str, Any], kept: Mapping[str, Any], made: Writing) -> None:
    output = prompt.get("output") or {}
    written = {key: kept[key] for key in ("responseFormat", "jsonSchema") if key in kept}
    if written and _meaning(written) == (output.get("format", "text"), output.get("schema")):
        made.value.update(written)
        return
    if output.get("format", "text") == "text":
        return
    if output.get("schema") is None:
        made.value["responseFormat"] = "json_object"
        return
    label = _NO_WORD.sub("_", name.rpartition("/")[2]) or "answer"
    holder = {"name": label, "schema": output["schema"]}
    made.value["responseFormat"] = "json_schema"
    made.value["jsonSchema"] = json.dumps(holder, ensure_ascii=False, indent=2) + "\n"


def _meaning(written: Mapping[str, Any]) -> tuple[str, Any]:
    form = written.get("responseFormat")
    if form not in {"json_object", "json_schema"}:
        return "text", None
    return "json", schema_of(written.get("jsonSchema")) if form == "json_schema" else None


def _messages(
    prompt: Mapping[str, Any], kept: Mapping[str, Any], table: Mapping[str, str]
) -> list[dict[str, Any]]:
    messages = prompt["messages"]
    rests = kept.get("messages") or ()
    fits = len(rests) == len(messages)
    found = []
    for index, message in enumerate(messages):
        rest = (rests[index] if fits else None) or {}
        role, content = message["role"], message["content"]
        written = {
            "role": rest["role"] if str(rest.get("role", "")).lower() == role else role,
            "content": theirs(content, table),
        }
        if isinstance(rest.get("content"), str) and ours(rest["content"], table) == content:
            written["content"] = rest["content"]
        found.append({**{key: item for key, item in rest.items() if key not in written}, **written})
    return found


def _testing(
    suite: Mapping[str, Any] | None, kept: Mapping[str, Any], table: Mapping[str, str], made: Writing
) -> None:
    said: Mapping[str, Any] = suite or {}
    default: Mapping[str, Any] = said.get("default", {})
    cases = said.get("cases", ())
    rows, lost = rows_of(cases, table, default)
    for place, what, why in lost:
        made.losses.add(key_text(place), what, why)
    if rows or "testData" in kept:
        made.value["testData"] = rows or kept["testData"]
    assertions = _assertions(default, cases)
    left = [one for _, one in assertions]
    found = _kept_evaluators(left, kept, rows, table)
    for path, one in assertions:
        if one in left:
            left.remove(one)
            found += _evaluator(path, one, made)
    if found or "evaluators" in kept:
        made.value["evaluators"] = found or ([] if kept["evaluators"] is not None else None)
    if any(EXPECTED in case for case in cases) and not any(_names_expected(one) for _, one in assertions):
        why = "no evaluator there compares with `expected`: nothing does"
        made.losses.add("match", said.get("match", "equals"), why)
    for key in ("description", "guards", "repeat", "reduce"):
        if key in said:
            made.losses.add(key, said[key], "test data has no such thing there")
    if "threshold" in default:
        made.losses.add("default.threshold", default["threshold"], "there every evaluator has to pass")


def _assertions(
    default: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Every assertion once, with its place in the suite: those of all cases, then those of some."""
    found = [(f"default.assert[{index}]", one) for index, one in enumerate(default.get("assert", ()))]
    for number, case in enumerate(cases):
        for index, one in enumerate(case.get("assert", ())):
            if one != ANSWERED and one not in [known for _, known in found]:
                found.append((f"cases[{number}].assert[{index}]", one))
    return found


def _kept_evaluators(
    left: list[Mapping[str, Any]],
    kept: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    table: Mapping[str, str],
) -> list[Any]:
    """What was kept, in its order, as far as it still means one of ``left``, or could never mean anything here.

    What it means is taken out of ``left``.
    """
    columns = dict.fromkeys(column for row in rows for column in row)
    found: list[Any] = []
    for original in kept.get("evaluators") or ():
        meant = assertion_of(original, columns, table)
        if meant.assertion in left:
            left.remove(meant.assertion)
        elif meant.assertion is not None and any(gradable(row, meant.columns) for row in rows):
            continue
        found.append(original)
    return found


def _evaluator(path: str, one: Mapping[str, Any], made: Writing) -> list[Any]:
    """The evaluator that an assertion is there, or none."""
    found, changed = evaluator_of(one)
    if changed is not None:
        made.losses.add(path, one, changed)
    if found is None:
        return []
    for key in one:
        if key not in _PLAIN_KEYS or (key == "threshold" and "llm" not in found):
            made.losses.add(f"{path}.{key}", one[key], "an evaluator has no such thing there")
    if path.startswith("cases"):
        made.losses.add(path, one, "there every evaluator is for all rows")
    if "llm" in found and one.get("provider"):
        model = id_of(one["provider"])
        if model is None:
            made.losses.add(f"{path}.provider", one["provider"], "GitHub's catalogue had no such model")
        else:
            found["llm"] = {"modelId": model, **found["llm"]}
    return [found]


def _names_expected(assertion: Mapping[str, Any]) -> bool:
    return re.search(r"\{\{\s*expected\s*\}\}", json.dumps(assertion, default=str)) is not None


def _rest(prompt: Mapping[str, Any], table: Mapping[str, str], made: Writing) -> None:
    """What a prompt has and a document has no place for."""
    if prompt.get("type", "user") != "user":
        made.losses.add("type", prompt["type"], "there is no such thing there")
    if prompt.get("tags"):
        made.losses.add("tags", prompt["tags"], "there are no tags there")
    if prompt.get("template", "simple") != "simple":
        made.losses.add(
            "template", prompt["template"], "there a placeholder is {{name}} and nothing else: text stays"
        )
    for name, variable in (prompt.get("variables") or {}).items():
        said = variable or {}
        if said.get("description") and said["description"] != ONLY_ASSERTED:
            made.losses.add(
                f"variables.{name}.description", said["description"], "placeholders are not declared there"
            )
        if (
            "default" in said
            and said["default"] != ""
            and said["default"] != theirs(f"{{{{{name}}}}}", table)
        ):
            made.losses.add(f"variables.{name}.default", said["default"], "there are no defaults there")
