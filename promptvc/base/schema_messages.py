"""What a schema's objection means, in a sentence with the key, the wish and the fact."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any

from promptvc.base.nodes import Path, shown

_TYPES = {
    "object": "a mapping", "array": "a list", "string": "text", "integer": "an integer",
    "number": "a number", "boolean": "true or false", "null": "empty",
}  # fmt: skip


def key_text(path: Path) -> str:
    """``rules[2].text``: a path as a reader would write it; indices count from 0. Empty for the whole."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text if len(text) <= 120 else f"{text[:116]}..."


def nearest_word(word: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that ``word`` was probably meant to be, or None."""
    if len(word) > 200:
        return None
    folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.7)
    return folded[found[0]] if found else None


def explain(error: Any, *, whole: str = "the document") -> tuple[Path, str, str | None]:
    """Where, what and perhaps what to do, of one of jsonschema's validation errors."""
    while error.validator in {"anyOf", "oneOf"} and "x-message" not in error.schema:
        inner = _likeliest(error)
        if inner is None:
            break
        error = inner
    path: Path = tuple(error.absolute_path)
    own = error.schema.get("x-message") if isinstance(error.schema, dict) else None
    subject = f"`{key_text(path)}`" if path else whole
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, error.instance)
        subject = f"the name of `{key_text(path)}`"
    if own and error.validator not in {"required", "type"}:
        return path, f"{subject} {own}, not {shown(error.instance)}", None
    teller = _TELLERS.get(error.validator)
    if teller:
        return teller(path, subject, error)
    return path, f"{subject}: {error.message[:200]}", None


def _likeliest(error: Any) -> Any:
    """Of an alternative's errors, the one of the branch that agrees on the type, so that it says most."""
    if not error.context:
        return None
    top = [each for each in error.context if len(each.path) == 0 and each.validator == "type"]
    rest = [each for each in error.context if each not in top]
    branches = {each.schema_path[0] for each in rest} - {each.schema_path[0] for each in top}
    candidates = [each for each in rest if each.schema_path[0] in branches]
    return candidates[0] if len(branches) == 1 and candidates else None


def _type(path: Path, subject: str, error: Any) -> tuple[Path, str, str | None]:
    wanted = error.validator_value
    names = [_TYPES.get(name, name) for name in ([wanted] if isinstance(wanted, str) else wanted)]
    value = error.instance
    fact = (
        _TYPES["object"] if isinstance(value, dict) else _TYPES["array"] if isinstance(value, list) else None
    )
    if value is None:
        fact = "empty"
    hint = None
    if names == ["text"] and isinstance(value, (int, float)):
        fact = str(value).lower() if isinstance(value, bool) else shown(value)
        hint = f'quote it: "{fact}"'
    return path, f"{subject} must be {' or '.join(names)}, not {fact or shown(value)}", hint


def _required(path: Path, _subject: str, error: Any) -> tuple[Path, str, str | None]:
    missing = next((key for key in error.validator_value if key not in error.instance), "?")
    near = nearest_word(missing, [key for key in error.instance if isinstance(key, str)])
    hint = f"is `{near}` meant?" if near else None
    return path, f"`{key_text((*path, missing))}` is missing", hint


def _additional(path: Path, subject: str, error: Any) -> tuple[Path, str, str | None]:
    named = error.schema.get("properties", {})
    extra = next((key for key in error.instance if key not in named), None)
    if extra is None:
        return path, f"{subject}: {error.message[:200]}", None
    near = nearest_word(extra, named)
    own = error.schema.get("x-additional")
    message = f"`{key_text((*path, extra))}` {own or 'is not a known key here'}"
    known = f"known are {', '.join(named)}" if named else None
    return (*path, extra), message, f"did you mean `{near}`?" if near else known


def _enum(path: Path, subject: str, error: Any) -> tuple[Path, str, str | None]:
    allowed = [each for each in error.validator_value if isinstance(each, str)]
    choices = ", ".join("null" if each is None else str(each) for each in error.validator_value)
    near = nearest_word(error.instance, allowed) if isinstance(error.instance, str) else None
    return (
        path,
        f"{subject} must be one of {choices}, not {shown(error.instance)}",
        f"did you mean `{near}`?" if near else None,
    )


def _plain(wish: str) -> Callable[[Path, str, Any], tuple[Path, str, str | None]]:
    def tell(path: Path, subject: str, error: Any) -> tuple[Path, str, str | None]:
        limit = shown(error.validator_value)
        return path, f"{subject} must {wish.format(limit)}, not {shown(error.instance)}", None

    return tell


def _sized(wish: str) -> Callable[[Path, str, Any], tuple[Path, str, str | None]]:
    def tell(path: Path, subject: str, error: Any) -> tuple[Path, str, str | None]:
        if error.validator_value == 1 and error.validator.startswith("min"):
            return path, f"{subject} must not be empty", None
        size = len(error.instance)
        return path, f"{subject} must have {wish} {error.validator_value}, not {size}", None

    return tell


_TELLERS: dict[str, Callable[[Path, str, Any], tuple[Path, str, str | None]]] = {
    "type": _type,
    "required": _required,
    "additionalProperties": _additional,
    "enum": _enum,
    "const": _plain("be {}"),
    "minimum": _plain("be at least {}"),
    "maximum": _plain("be at most {}"),
    "exclusiveMinimum": _plain("be more than {}"),
    "exclusiveMaximum": _plain("be less than {}"),
    "multipleOf": _plain("be a multiple of {}"),
    "pattern": _plain("match {}"),
    "format": _plain("be a {}"),
    "minItems": _sized("a length of at least"),
    "maxItems": _sized("a length of at most"),
    "minLength": _sized("a length of at least"),
    "maxLength": _sized("a length of at most"),
    "minProperties": _sized("a number of keys of at least"),
    "maxProperties": _sized("a number of keys of at most"),
}
