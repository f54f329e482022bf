"""A ``.prompt.yml`` as the values of a prompt and of its suite.

::

    name, description, model, modelParameters {maxTokens, temperature, topP}, responseFormat, jsonSchema
    messages    [{role, content}]          {{name}} is a placeholder
    testData    [{input, expected, ...}]   a column for each placeholder, and any others
    evaluators  [{name, string | llm | uses}]

Source: ``pkg/prompt/prompt.go`` of github/gh-models and GitHub's own page on prompts in repositories. What has no key
here is kept under ``metadata.prompt_yml``, as it was written, so that it can be written back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from promptvc.base.errors import InvalidDocument
from promptvc.base.nodes import Document, Path
from promptvc.prompts.formats.github.models import PARAMETERS, model_of
from promptvc.prompts.formats.github.places import names_in, ours, renamed
from promptvc.prompts.formats.github.rows import KEPT, Rows
from promptvc.prompts.formats.github.testing import EXPECTED, assertion_of

NAMES = "prompt_yml_names"
"""The key of a prompt's metadata: their names of places and columns -> ours, of those that differ."""
ONLY_ASSERTED = "a column that only evaluators name"
KEYS = frozenset({
    "name", "description", "model", "modelParameters", "responseFormat", "jsonSchema", "messages", "testData",
    "evaluators",
})  # fmt: skip
_STRANGE = "there is no such key here: it is kept, means nothing, and is written back behind the others"
_BLANK = r"\{\{[ \t]|[ \t]\}\}"
_ALLOWED = frozenset(PARAMETERS.values())
_NEVER_KEPT = (
    r"(?i)api.?key|access.?key|secret|passw|credential|bearer|authorization|(?:access|auth|api|refresh)[_-]?token"
    r"|endpoint|base.?url|(?:^|_)url$|headers?$"
)


class Dropped(NamedTuple):
    """A loss with its place in the document. ``informs``: it does its work, in another way."""

    path: Path
    what: Any
    why: str
    informs: bool = False


class Reading:
    """What a document means here.

    Attributes:
        prompt: as `prompts/<name>.yaml` writes it, without name and version.
        suite: as `evaluation/<name>.yaml` writes it; None where there is no test data.
        places: a path in the prompt or the suite -> the one in the document that it came from.
        dropped: what changed or means nothing here.
    """

    def __init__(self) -> None:
        self.prompt: dict[str, Any] = {}
        self.suite: dict[str, Any] | None = None
        self.places: dict[Path, Path] = {}
        self.dropped: list[Dropped] = []


def read(document: Document) -> Reading:
    """What ``document``, valid by the schema ``prompt_yml``, means here.

    Raises:
        InvalidDocument: ``jsonSchema`` is no JSON.
    """
    value: Mapping[str, Any] = document.value
    reading = Reading()
    kept: dict[str, Any] = {}
    _heading(value, reading, kept)
    _parameters(value, reading, kept)
    table = _messages(value, reading, kept)
    reading.prompt["output"] = _output(value, document, reading, kept)
    rows = Rows(value.get("testData") or (), table, frozenset(_places_of(value)))
    _evaluators(value, reading, kept, rows, table)
    _variables(value, reading, rows, table)
    for key, item in value.items():
        if key not in KEYS:
            _keep(kept, reading, (key,), item, _STRANGE)
    reading.prompt["metadata"] = {KEPT: kept} | ({NAMES: table} if table else {})
    reading.prompt = {key: item for key, item in reading.prompt.items() if item not in (None, {}, [])}
    return reading


def _heading(value: Mapping[str, Any], reading: Reading, kept: dict[str, Any]) -> None:
    if "name" in value:
        kept["name"] = value["name"]
    reading.prompt["description"] = value.get("description")
    if value.get("description", "-") is None:
        kept["description"] = None
    written = value.get("model")
    if "model" in value:
        kept["model"] = written
    if isinstance(written, str):
        found = model_of(written)
        reading.prompt["model"] = found.spec
        if found.why is not None:
            reading.dropped.append(Dropped(("model",), written, found.why))


def _parameters(value: Mapping[str, Any], reading: Reading, kept: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for key, item in (value.get("modelParameters") or {}).items():
        name, path = PARAMETERS.get(key, key), ("modelParameters", key)
        if item is None or (name in _ALLOWED and name not in found):
            whole[key] = item
            if item is not None:
                found[name] = item
                reading.places["parameters", name] = path
        else:
            why = (
                "it is said twice"
                if name in found
                else "it is not a parameter that a prompt may set: it is kept"
            )
            _keep(whole, reading, path, item, why)
    if "modelParameters" in value:
        kept["modelParameters"] = whole if value["modelParameters"] is not None else None
    reading.prompt["parameters"] = found


def _messages(value: Mapping[str, Any], reading: Reading, kept: dict[str, Any]) -> dict[str, str]:
    """Adds the messages; their names of places and columns -> ours, of those that differ."""
    columns = _columns(value)
    used = _places_of(value)
    # Columns that no message names come after, so that a placeholder keeps its name where one of two has to give way.
    table = renamed([*used, *(column for column in columns if column not in used)])
    found, rests = [], []
    for index, message in enumerate(value["messages"]):
        path: Path = ("messages", index)
        role, content = message["role"].lower(), message["content"]
        text = ours(content, table)
        found.append({"role": role, "content": text})
        rest: dict[str, Any] = {}
        if role != message["role"]:
            rest["role"] = message["role"]
        if re.search(_BLANK, content):
            rest["content"] = content
        for name, loose in names_in(content, columns).items():
            if loose:
                why = "with blanks it is no placeholder there, and is one here"
                reading.dropped.append(Dropped((*path, "content"), f"{{{{ {name} }}}}", why))
            if name in table:
                why = f"the placeholder is called {table[name]} here"
                reading.dropped.append(Dropped((*path, "content"), f"{{{{{name}}}}}", why))
        for key, item in message.items():
            if key not in {"role", "content"}:
                _keep(rest, reading, (*path, key), item, "a message has a role and a content: it is kept")
        rests.append(rest or None)
    if any(rests):
        kept["messages"] = rests
    reading.prompt["messages"] = found
    return table


def _output(
    value: Mapping[str, Any], document: Document, reading: Reading, kept: dict[str, Any]
) -> dict[str, Any] | None:
    form, written = value.get("responseFormat"), value.get("jsonSchema")
    for key in ("responseFormat", "jsonSchema"):
        if key in value:
            kept[key] = value[key]
    reading.places["output",] = ("jsonSchema" if written is not None else "responseFormat",)
    if form != "json_schema":
        if written is not None:
            why = "it counts with `responseFormat: json_schema` only: it is kept"
            reading.dropped.append(Dropped(("jsonSchema",), written, why))
        return {"format": "json"} if form == "json_object" else None
    if written is None:
        reading.dropped.append(
            Dropped(("responseFormat",), form, "there is no `jsonSchema`: any JSON will do")
        )
        return {"format": "json"}
    schema = schema_of(written)
    if schema is None:
        raise InvalidDocument(
            "`jsonSchema` must be a JSON object, or a text that holds one",
            hint='for example \'{"name": "answer", "schema": {"type": "object"}}\'',
            file=document.file,
            line=document.line("jsonSchema"),
        )
    holder = _json(written)
    if holder is not schema and set(holder) > {"schema"}:
        rest = sorted(str(key) for key in holder if key != "schema")
        why = "only its `schema` counts here; the rest is kept"
        reading.dropped.append(Dropped(("jsonSchema",), ", ".join(rest), why))
    return {"format": "json", "schema": schema}


def schema_of(written: Any) -> Mapping[str, Any] | None:
    """The JSON Schema in ``jsonSchema``, which is one or holds one under ``schema``; None where it is none."""
    holder = _json(written)
    if not isinstance(holder, Mapping):
        return None
    inner = holder.get("schema")
    return inner if isinstance(inner, Mapping) else holder


def _json(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _evaluators(
    value: Mapping[str, Any], reading: Reading, kept: dict[str, Any], rows: Rows, table: Mapping[str, str]
) -> None:
    written = _scrubbed(value.get("evaluators"), ("evaluators",), reading)
    found: list[tuple[int, Mapping[str, Any], frozenset[str]]] = []
    for index, one in enumerate(written or ()):
        meant = assertion_of(one, rows.columns, table)
        for path, why in meant.changes:
            here: Path = ("evaluators", index, *path)
            works = meant.assertion is not None and path in {("llm",), ("uses",)}
            reading.dropped.append(Dropped(here, _at(one, path), why, works))
        if meant.assertion is not None:
            found.append((index, meant.assertion, meant.columns))
    if "evaluators" in value:
        kept["evaluators"] = written
    if "testData" in value and not value["testData"]:
        kept["testData"] = value["testData"]
    if not value.get("testData"):
        for index, _, _ in found:
            why = "without test data nothing is asked: it is kept"
            reading.dropped.append(Dropped(("evaluators", index), (written or ())[index], why))
        return
    reading.suite, places, lost = rows.suite([(assertion, columns) for _, assertion, columns in found])
    reading.dropped += [
        Dropped(path, what, why, path == ("testData",) and what == EXPECTED) for path, what, why in lost
    ]
    for place, at in places.items():
        # An evaluator is told by its place among those that mean something.
        known = at[0] == "evaluators" and isinstance(at[1], int)
        reading.places[place] = ("evaluators", found[int(at[1])][0]) if known else at


def _variables(value: Mapping[str, Any], reading: Reading, rows: Rows, table: Mapping[str, str]) -> None:
    """What is required is what every row gives; where one does not, the placeholder stays as it is, as there."""
    variables: dict[str, dict[str, Any]] = {}
    for name, where in _places_of(value).items():
        word = table.get(name, name)
        lacking = rows.lacking(name)
        if lacking:
            variables[word] = {"required": False, "default": f"{{{{{name}}}}}"}
            why = f"{_count(lacking, 'row')} of `testData` lack it: it then stays as it is written, as it does there"
            reading.dropped.append(Dropped(("messages", where, "content"), f"{{{{{name}}}}}", why))
        else:
            variables[word] = {"required": True}
        reading.places["variables", word] = ("messages", where)
    for name in rows.only_asserted:
        variables[table.get(name, name)] = {
            "description": ONLY_ASSERTED, "required": False, "default": ""
        }  # fmt: skip
    reading.prompt["variables"] = variables


def _places_of(value: Mapping[str, Any]) -> dict[str, int]:
    """The places of all messages, by their own names, with the first message that has each."""
    columns = _columns(value)
    found: dict[str, int] = {}
    for index, message in enumerate(value["messages"]):
        for name in names_in(message["content"], columns):
            found.setdefault(name, index)
    return found


def _columns(value: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(str(key) for row in value.get("testData") or () for key in row)


def _keep(target: dict[str, Any], reading: Reading, path: Path, item: Any, why: str) -> None:
    """Keep ``item`` under the last of ``path``, but no address and no key: those never come into a prompt."""
    key = str(path[-1])
    if re.search(_NEVER_KEPT, key):
        why = "endpoints and keys never come from a prompt: set them in the environment; it is not kept"
        reading.dropped.append(Dropped(path, key, why))
        return
    target[key] = _scrubbed(item, path, reading)
    reading.dropped.append(Dropped(path, target[key], why))


def _scrubbed(item: Any, path: Path, reading: Reading) -> Any:
    if isinstance(item, Mapping):
        found = {}
        for key, value in item.items():
            if re.search(_NEVER_KEPT, str(key)) and not isinstance(value, Mapping | list):
                why = (
                    "endpoints and keys never come from a prompt: set them in the environment; it is not kept"
                )
                reading.dropped.append(Dropped((*path, str(key)), str(key), why))
            else:
                found[key] = _scrubbed(value, (*path, str(key)), reading)
        return found
    if isinstance(item, list):
        return [_scrubbed(value, (*path, index), reading) for index, value in enumerate(item)]
    return item


def _at(value: Any, path: tuple[str, ...]) -> Any:
    """What is at ``path``; what should hold it where it is not there."""
    for key in path:
        if key not in value:
            break
        value = value[key]
    return value


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
