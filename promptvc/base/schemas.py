"""JSON Schema checks with messages for people. The home of jsonschema, imported only when a check runs.

The schemas are files in ``promptvc/schemas/<name>.json`` (Draft 2020-12). Two habits of theirs matter here:

- An object whose schema names ``properties`` and does not say ``additionalProperties`` accepts other keys;
  :func:`unknown_keys` lists them, for ``check``. ``additionalProperties: true`` welcomes any key.
- ``x-message`` beside a keyword such as ``pattern`` replaces the generated message: "must ...".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.documents import Document
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.nodes import Path as KeyPath
from promptvc.base.nodes import shown
from promptvc.base.plain_schemas import plain_checker
from promptvc.base.schema_messages import explain, key_text, nearest_word
from promptvc.base.slow_patterns import slow_patterns

__all__ = ["Memo", "Problem", "check_value", "problems", "unknown_keys", "validate", "value_checker"]

_DIRECTORY = Path(__file__).parent.parent / "schemas"
_MOST_REPORTED = 50
_TOO_DEEP = "the schema or the value is nested too deeply, or the schema refers to itself without end"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where it is, in keys and as a line (None without a document), and a whole sentence."""

    path: KeyPath
    line: int | None
    message: str
    hint: str | None = None


def problems(value: Any, schema_name: str, *, document: Document | None = None) -> list[Problem]:
    """What the schema ``schema_name`` has against ``value``, in the order of the text; at most fifty."""
    if _surely_valid(schema_name)(value):
        return []
    found = []
    for error in _validator(schema_name).iter_errors(value):
        path, message, hint = explain(error)
        line = document.line(*path) if document else None
        found.append(Problem(path, line, message, hint))
        if len(found) == _MOST_REPORTED:
            break
    return sorted(found, key=lambda problem: (problem.line or 0, problem.message))


def validate(document: Document, schema_name: str, *, memo: Memo | None = None) -> None:
    """Check ``document`` against a schema of promptvc.

    With a ``memo``, a text already found valid by this very schema is not checked again. The memo is a
    convenience and no authority: anybody can write one, so what must hold for safety is checked elsewhere.

    Raises:
        InvalidDocument: the first problem, with file, line and key.
    """
    digest = ""
    if memo is not None:
        digest = _digest(document, schema_name)
        if memo.knows(digest):
            return
    found = problems(document.value, schema_name, document=document)
    if found:
        first = found[0]
        raise InvalidDocument(first.message, hint=first.hint, file=document.file, line=first.line)
    if memo is not None:
        memo.remember(digest)


def unknown_keys(value: Any, schema_name: str, *, document: Document | None = None) -> list[Problem]:
    """Keys that the schema does not name, where it neither forbids nor welcomes others."""
    root = _schema(schema_name)
    found = []
    for path, known in _unnamed(value, root, root, ()):
        near = nearest_word(str(path[-1]), known)
        hint = f"did you mean `{near}`?" if near else None
        line = document.line(*path) if document else None
        found.append(Problem(path, line, f"`{key_text(path)}` is not a key that promptvc knows", hint))
    return found


def check_value(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What a schema given by a user has against ``value``: one sentence each, none when it is valid.

    Nothing is ever fetched: a ``$ref`` to another document is a problem. So is a schema that is not one, that
    refers to itself without end, or whose pattern could keep a processor busy for ever; these begin with
    "the schema".
    """
    return value_checker(schema)(value)


def value_checker(schema: Mapping[str, Any]) -> Callable[[Any], list[str]]:
    """:func:`check_value` for many values of one schema, which is prepared once; do not change it afterwards."""
    from jsonschema import exceptions, validators

    content = dict(schema)
    try:
        kind = validators.validator_for(content, default=validators.Draft202012Validator)
        kind.check_schema(content)
        slow = slow_patterns(content)
    except exceptions.SchemaError as error:
        where = key_text(tuple(error.absolute_path))
        wrong = f"the schema is not valid{f' at `{where}`' if where else ''}: {error.message[:200]}"
        return lambda _: [wrong]
    except RecursionError:
        return lambda _: [_TOO_DEEP]
    if slow:
        never = f"the schema's pattern {shown(slow[0])} repeats in a way that may never end: not tried"
        return lambda _: [never]
    return functools.partial(_objections, kind(content, registry=_registry()))


def _objections(validator: Any, value: Any) -> list[str]:
    from referencing.exceptions import Unresolvable

    try:
        return [
            explain(error, whole="the value")[1]
            for error, _ in zip(validator.iter_errors(value), range(_MOST_REPORTED), strict=False)
        ]
    except Unresolvable as error:
        return [f"the schema refers to {shown(error.ref)}, which is not in it; nothing is ever fetched"]
    except re.error as error:
        return [f"the schema's pattern {shown(error.pattern)} is not a regular expression: {error.msg}"]
    except ArithmeticError as error:
        return [f"the schema cannot be applied to this number: {error}"]
    except RecursionError:
        return [_TOO_DEEP]


def _unnamed(
    value: Any, schema: Any, root: Mapping[str, Any], path: KeyPath
) -> Iterator[tuple[KeyPath, list[str]]]:
    if not isinstance(value, (list, dict)):
        return
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping):
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unnamed(item, schema.get("items"), root, (*path, index))
    else:
        named = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for key, item in value.items():
            if key in named:
                yield from _unnamed(item, named[key], root, (*path, key))
            elif isinstance(others, Mapping):
                yield from _unnamed(item, others, root, (*path, key))
            elif others is None and named:
                yield (*path, key), list(named)


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    while isinstance(schema, Mapping) and str(schema.get("$ref", "")).startswith("#/"):
        target: Any = root
        for step in schema["$ref"][2:].split("/"):
            target = target[step]
        schema = target
    return schema


@functools.cache
def _schema_bytes(name: str) -> bytes:
    return (_DIRECTORY / f"{name}.json").read_bytes()


@functools.cache
def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(_schema_bytes(name))
    return schema


@functools.cache
def _surely_valid(name: str) -> Callable[[Any], bool]:
    return plain_checker(_schema(name))


@functools.cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_schema(name), registry=_registry())


@functools.cache
def _registry() -> Any:
    """Nothing: a reference to another document fails instead of being fetched, which is the default."""
    from referencing import Registry

    return Registry()


def _digest(document: Document, schema_name: str) -> str:
    import hashlib  # costs git's merge driver, which has no memo, 3 ms

    digest = hashlib.sha256(_schema_bytes(schema_name))
    digest.update(b"\0" + document.text.encode())
    return digest.hexdigest()
