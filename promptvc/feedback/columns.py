"""From the columns of somebody's file to the keys of an event.

A column goes to the key that the column map names (``{"score": "stars"}``, dotted for inner keys:
``{"prompt_tokens": "tokens.input"}``, empty to leave it out), else to the key of its own name. A name that is no
key of an event is kept as it is (:func:`extra_keys` names them). In CSV ``tokens.input`` and its like need no map.
A value that is empty or null is not given.

Text becomes what its key needs: numbers, true and false, lists (``a, b; c`` or JSON), times (RFC 3339, a date,
seconds or milliseconds since 1970, ``20261121103000``; without a zone: UTC), thumbs (up, down, 1, -1, true, false, yes,
no, and the two emoji). Anything else is an error that names the key: nothing is guessed.

Two targets are no keys of an event: ``rating/10`` (also ``effectiveness/100`` and the like) divides a number of another
scale, and ``rendered`` is the finished text, or the messages, that went to the model: by it the prompt is found.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import InvalidDocument, Usage
from promptvc.base.ids import is_ulid
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.fields import FIELDS

_NUMBERS = frozenset(
    {"rating", "effectiveness", "stars", "latency_ms", "cost", "value", "propensity", "version"}
)
_NUMBERS_INSIDE = frozenset({"tokens", "scores"})
_LISTS = frozenset({"tags", "issues", "relevant"})
_WORDS = frozenset({"kind", "source", "prompt", "digest"})
_TEXTS = frozenset({"output", "corrected", "comment", "notes", "label", "query"})
_NAMES = frozenset(
    {"user", "session", "execution", "name", "reviewer", "experiment", "rollout", "arm", "unit", "selected"}
)
_OBJECTS = frozenset({"tokens", "scores", "error", "context", "input"})
_JSON = _OBJECTS | {"options", "chunks"}
_KEYS = (*FIELDS, "external_id")
RENDERED = "rendered"
REST = "_rest"
"""In CSV that `feedback export` wrote: the keys of an event that no cell can hold, as JSON."""
LINE = "line"
"""In Parquet that promptvc wrote: the event as JSON."""
_SCALED = re.compile(r"(rating|effectiveness)/([1-9][0-9]{0,5})")
_INSIDE = (
    "tokens.input",
    "tokens.output",
    "error.type",
    "error.message",
    "context.model",
    "context.framework",
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_EPOCH = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
_COMPACT = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[0-9]{6})?")
_SEPARATORS = re.compile("[,;|]")
_UP = frozenset({"up", "1", "+1", "true", "yes", "thumbs up", "thumbs_up", "thumbsup", "like", "👍"})
_DOWN = frozenset({"down", "-1", "false", "no", "thumbs down", "thumbs_down", "thumbsdown", "dislike", "👎"})


def check_columns(columns: Mapping[str, str]) -> None:
    """Refuse a column map that leads to what is no key of an event.

    Raises:
        Usage: naming the key that was probably meant.
    """
    for theirs, ours in columns.items():
        head, dot, rest = ours.partition(".")
        if ours == RENDERED or _SCALED.fullmatch(ours):
            continue
        if not ours or (ours in _KEYS if not dot else bool(rest) and head in _OBJECTS):
            continue
        known = [head] if head in _KEYS else difflib.get_close_matches(ours.lower(), (*_KEYS, *_INSIDE), n=1)
        hint = f"did you mean {known[0]}?" if known else f"its keys are: {', '.join(_KEYS)}"
        raise Usage(f"column {theirs!r} is mapped to {ours!r}, which is no key of an event", hint=hint)


def extra_keys(value: Mapping[str, Any]) -> set[str]:
    """The keys of ``value`` that say nothing to promptvc: columns that no key of an event takes."""
    extra = set(value).difference(_KEYS, (RENDERED,))
    # What reviewers said in words, by score: ours, as promptvc exports it.
    return extra - {"labels"} if isinstance(value.get("labels"), dict) and "target" in value else extra


def to_event(values: Mapping[str, Any], columns: Mapping[str, str], *, typed: bool) -> dict[str, Any]:
    """The keys of an event from the columns of one row.

    Args:
        columns: theirs to ours; an empty target leaves the column out.
        typed: whether values have types (JSON) or are all text (CSV).

    Raises:
        ValueError: two columns for one key, or a value that its key cannot take; the text is for people.
    """
    if typed and (whole := _whole(values)) is not None:
        return whole
    result: dict[str, Any] = {}
    for theirs, given in values.items():
        if given is None or given == "":
            continue
        if (
            theirs == REST
            and not typed
            and REST not in columns
            and isinstance(rest := _from_json(given), dict)
        ):
            for key, value in rest.items():
                _put(result, [key], value)
            continue
        path = _target(theirs, columns, typed=typed)
        if path and (scaled := _SCALED.fullmatch(path[0])):
            number = _as_number(given, scaled[1])
            if isinstance(number, bool | dict | list):
                raise ValueError(f"{scaled[1]!r} is no number: {_short(given)}")
            _put(result, [scaled[1]], number / int(scaled[2]))
        elif path:
            _put(result, path, _converted(path, given, typed=typed))
    if "id" in result and not is_ulid(result["id"]):
        result["external_id"] = _as_text(result.pop("id"))
    return result


def _whole(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event itself, where a table that promptvc wrote has its line beside the columns."""
    line = values.get(LINE)
    if not isinstance(line, str) or not line.startswith("{") or "id" not in values:
        return None
    value = _from_json(line)
    return value if isinstance(value, dict) and value.get("id") == values["id"] else None


def infer_kind(value: Mapping[str, Any]) -> str | None:
    """The kind that the keys tell, by the first rule that fits; ``None`` when none does.

    ``target``: annotation. ``corrected``: correction. ``error``: error. Any of ``rating``, ``stars``, ``thumbs``,
    ``effectiveness``, ``scores``, ``issues``: rating. ``name`` and ``value``: metric. ``arm``: exposure. ``options``
    and ``selected``: selection. ``query`` and ``chunks``: retrieval. ``comment``: suggestion. ``latency_ms``,
    ``tokens`` or ``cost``: success. Input and output alone tell nothing: a demonstration is an expert's, a log is not.
    """
    rules: tuple[tuple[bool, str], ...] = (
        ("target" in value, "annotation"),
        ("corrected" in value, "correction"),
        ("error" in value, "error"),
        (
            not value.keys().isdisjoint(("rating", "stars", "thumbs", "effectiveness", "scores", "issues")),
            "rating",
        ),
        ("name" in value and "value" in value, "metric"),
        ("arm" in value, "exposure"),
        ("options" in value and "selected" in value, "selection"),
        ("query" in value and "chunks" in value, "retrieval"),
        ("comment" in value, "suggestion"),
        (not value.keys().isdisjoint(("latency_ms", "tokens", "cost")), "success"),
    )
    return next((kind for holds, kind in rules if holds), None)


def _target(theirs: str, columns: Mapping[str, str], *, typed: bool) -> tuple[str, ...]:
    return _path(theirs, columns.get(theirs), typed)


@functools.lru_cache(maxsize=4096)
def _path(theirs: str, mapped: str | None, typed: bool) -> tuple[str, ...]:  # noqa: FBT001 - cached by its arguments
    """Where a column goes; nowhere when it is left out."""
    if mapped is not None:
        return tuple(mapped.split(".")) if mapped else ()
    lowered = theirs.lower()
    ours = lowered if lowered in FIELDS else theirs
    head, dot, rest = ours.partition(".")
    if dot and rest and not typed and head.lower() in _OBJECTS:
        return (head.lower(), *rest.split("."))
    return (ours,)


def _put(result: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = result.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"two columns for {'.'.join(path)!r}")
        result = inner
    if last in result:
        raise ValueError(f"two columns for {'.'.join(path)!r}")
    result[last] = value


def _converted(path: Sequence[str], given: Any, *, typed: bool) -> Any:
    key, shown = path[0], ".".join(path)
    if len(path) > 1:
        numeric = key in _NUMBERS_INSIDE or shown == "context.confidence"
        return _as_number(given, shown) if numeric else given
    if key in _NUMBERS:
        return _as_number(given, key)
    if (convert := _BY_KEY.get(key)) is not None:
        return convert(given)
    if key in _WORDS or key in _NAMES:
        return _as_text(given).strip()
    if key in _TEXTS:
        return _as_text(given)
    if key in _LISTS:
        return _as_list(given)
    return _from_json(given) if key in _JSON and not typed else given


def _as_number(given: Any, key: str) -> Any:
    if not isinstance(given, str):
        return given
    text = given.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{key!r} is no number: {_short(given)}")
    return float(text) if "." in text or "e" in text.lower() else int(text)


def _as_text(given: Any) -> str:
    if isinstance(given, str):
        return given
    return canonical_json(given).decode("utf-8", "surrogatepass")


def _as_list(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("["):
        return _from_json(given)
    return [part.strip() for part in _SEPARATORS.split(given) if part.strip()]


def _from_json(given: Any) -> Any:
    """The object or list that a cell of CSV holds; the text itself when it holds none."""
    if isinstance(given, str) and given.lstrip()[:1] in {"{", "["}:
        try:
            return parse_json(given, file="<cell>")
        except InvalidDocument:
            return given
    return given


def _as_thumbs(given: Any) -> str:
    word = str(given).strip().lower().rstrip("\ufe0f")
    if word in _UP or word.startswith("👍"):
        return "up"
    if word in _DOWN or word.startswith("👎"):
        return "down"
    # 0 is no thumb in some systems and a thumb down in others.
    raise ValueError(f"'thumbs' is none of up, down, 1, -1, true, false: {_short(given)}")


def _as_approved(given: Any) -> Any:
    if isinstance(given, str) and given.strip().lower() in {"true", "yes", "1"}:
        return True
    if isinstance(given, str) and given.strip().lower() in {"false", "no", "0"}:
        return False
    return given


def _as_error(given: Any) -> Any:
    value = _from_json(given)
    return {"message": value} if isinstance(value, str) else value


def _as_time(given: Any) -> str:
    try:
        return format_time(_moment(given))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"'time' is no time such as 2026-11-20T10:30:00Z: {_short(given)}") from None


def _moment(given: Any) -> datetime:
    text = str(given).strip() if isinstance(given, str | int | float) and not isinstance(given, bool) else ""
    if _COMPACT.fullmatch(text):  # as seconds it would be of 1970, as milliseconds of the year 2612
        return parse_time(f"{text[:8]}T{text[8:] or '00'}")
    if _EPOCH.fullmatch(text):
        number = float(text)
        return datetime.fromtimestamp(number / 1000 if number >= 1e11 else number, UTC)
    for zone in (" UTC", " GMT"):
        if text.endswith(zone):
            text = text.removesuffix(zone) + "Z"
    moment = parse_time(text)
    if not 1970 <= moment.year < 9999:
        raise ValueError(text)
    return moment


def _as_id(given: Any) -> Any:
    text = _as_text(given).strip()
    return text.upper() if is_ulid(text.upper()) else text


def _short(given: Any) -> str:
    text = json.dumps(given, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"


_BY_KEY: Mapping[str, Callable[[Any], Any]] = {
    "thumbs": _as_thumbs,
    "approved": _as_approved,
    "error": _as_error,
    "time": _as_time,
    "id": _as_id,
    "target": _as_id,
}
