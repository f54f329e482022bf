"""What each key of an event may hold: hand-written checks that say what `schemas/event.json` says.

A schema validator takes some fifty microseconds an event, these checks two, and a summary reads a million
events. A test generates values and holds both against each other, so neither can drift.

A check takes a value and returns ``None``, or what is wrong with it, to be read after the key's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str | None]

KINDS = (
    "rating",
    "correction",
    "suggestion",
    "error",
    "success",
    "metric",
    "demonstration",
    "annotation",
    "exposure",
    "selection",
    "retrieval",
    "usage",
)
SOURCES = ("human", "llm_judge", "code")
ALWAYS = ("id", "time", "prompt", "kind", "source")

# What a kind cannot do without, and of which keys it needs at least one.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "correction": ("input", "corrected"),
    "suggestion": ("comment",),
    "error": ("error",),
    "metric": ("name",),
    "demonstration": ("input", "output"),
    "annotation": ("target",),
    "exposure": ("arm",),
    "selection": ("options", "selected"),
    "retrieval": ("query", "chunks"),
}
ANY_OF: Mapping[str, tuple[str, ...]] = {
    "rating": ("rating", "stars", "thumbs", "effectiveness", "scores", "issues", "comment", "expired"),
    "annotation": ("scores", "label", "corrected", "approved", "expired"),
    "exposure": ("experiment", "rollout"),
}
# What a single event of a kind needs besides, and a rollup of such events tells by sums.
SINGLE: Mapping[str, tuple[str, ...]] = {"metric": ("value",), "exposure": ("unit",)}
ROLLED = ("success", "usage", "exposure", "metric")
"""The kinds that come in masses: an hourly rollup is of one of them."""

# Kinds that are their texts: once `feedback retain` has taken these out, the event is what is left.
EXPIRING = frozenset({"correction", "suggestion", "error", "demonstration", "retrieval"})

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}").fullmatch
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z"
).fullmatch
_PROMPT = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*").fullmatch
_DIGEST = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?").fullmatch
_BUCKET = re.compile(r"0|[1-9][0-9]{0,18}").fullmatch
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?").fullmatch
_MOST = 1e15
_MOST_SUM = 9e18  # within 63 bits
_HIGHEST = 1_000_000_000


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _name(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be text, and not empty"


def _names(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return None
    return "must be a list of texts"


def _text_or_object(value: Any) -> str | None:
    return None if isinstance(value, str | dict) else "must be text or an object"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(low: float, high: float, words: str) -> Check:
    def check(value: Any) -> str | None:
        return None if _is_number(value) and low <= value <= high else f"must be {words}"

    return check


def _whole(low: int, high: float, words: str) -> Check:
    def check(value: Any) -> str | None:
        ok = _is_number(value) and low <= value <= high and value == int(value)
        return None if ok else f"must be {words}"

    return check


def _matching(match: Callable[[str], object], words: str, limit: int = 200) -> Check:
    def check(value: Any) -> str | None:
        ok = isinstance(value, str) and len(value) <= limit and match(value)
        return None if ok else f"must be {words}"

    return check


def _one_of(*choices: str) -> Check:
    def check(value: Any) -> str | None:
        ok = isinstance(value, str) and value in choices
        return None if ok else f"must be one of {', '.join(choices)}"

    return check


def _time(value: Any) -> str | None:
    # That the day exists is found out where the text becomes a datetime.
    ok = isinstance(value, str) and _TIME(value)
    return None if ok else "must be a time in UTC such as 2026-11-20T10:30:00Z"


_share = _between(0, 1, "a number from 0 to 1")
_count = _whole(0, _MOST, "a whole number, 0 or more")
_amount = _between(0, _MOST, "a number, 0 or more")
_rank = _whole(1, _HIGHEST, "a whole number, 1 or more")


def _propensity(value: Any) -> str | None:
    return None if _is_number(value) and 0 < value <= 1 else "must be a number above 0, at most 1"


def _approved(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _scores(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "must be an object of numbers from 0 to 1"
    for name, score in value.items():
        if problem := _share(score):
            return f"{name!r} {problem}"
    return None


def _object(checks: Mapping[str, Check], *, any_of: tuple[str, ...] = (), required: str = "") -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        if any_of and not any(key in value for key in any_of):
            return f"needs {' or '.join(any_of)}"
        if required and required not in value:
            return f"needs {required}"
        for key, inner in checks.items():
            if key in value and (problem := inner(value[key])):
                return f"{key!r} {problem}"
        return None

    return check


def _list_of(inner: Check, words: str) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"must be a list of {words}"
        for number, item in enumerate(value, 1):
            if problem := inner(item):
                return f"item {number} {problem}"
        return None

    return check


def _by_name(inner: Check, words: str, match: Callable[[str], object] = bool) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, dict) or not all(match(name) for name in value):
            return f"must be an object of {words}"
        for name, item in value.items():
            if problem := inner(item):
                return f"{name!r} {problem}"
        return None

    return check


def _members(value: Any) -> str | None:
    return None if isinstance(value, str) and _BASE64(value) else "must be base64"


_sum = _whole(0, _MOST_SUM, "a whole number, 0 or more")
_any = _between(-1e300, 1e300, "a number")


def _some(value: Any) -> str | None:
    return None if not _name(value) or not _names(value) else "must be text or a list of texts"


FIELDS: Mapping[str, Check] = {
    "id": _matching(_ULID, "a ULID: 26 characters of 0-9 and A-Z without I, L, O, U"),
    "time": _time,
    "prompt": _matching(_PROMPT, "a prompt's name such as support/triage"),
    "kind": _one_of(*KINDS),
    "source": _one_of(*SOURCES),
    "version": _whole(1, _HIGHEST, "a whole number, 1 or more"),
    "digest": _matching(_DIGEST, "a git object id of 40 or 64 hex digits"),
    "rating": _share,
    "effectiveness": _share,
    "stars": _between(1, 5, "a number from 1 to 5"),
    "thumbs": _one_of("up", "down"),
    "scores": _scores,
    "issues": _names,
    "input": _text_or_object,
    "output": _text,
    "corrected": _text,
    "comment": _text,
    "notes": _text,
    "error": _object({"type": _text, "message": _text}, any_of=("type", "message")),
    "latency_ms": _amount,
    "cost": _amount,
    "tokens": _object({"input": _count, "output": _count}),
    "name": _name,
    "value": _any,
    "target": _matching(_ULID, "the id of an event"),
    "label": _text,
    "approved": _approved,
    "reviewer": _name,
    "experiment": _name,
    "rollout": _name,
    "arm": _name,
    "unit": _name,
    "propensity": _propensity,
    "options": _list_of(_object({"name": _name, "confidence": _share}, required="name"), "objects"),
    "selected": _name,
    "query": _text,
    "chunks": _list_of(_object({"rank": _rank, "relevant": _approved}, required="rank"), "objects"),
    "relevant": _names,
    "user": _name,
    "aka": _some,
    "session": _name,
    "execution": _name,
    "derived_from": _some,
    "tags": _names,
    "context": _text_or_object,
    "rollup": _object(
        {
            "count": _whole(1, _HIGHEST, "a whole number, 1 or more"),
            "latency_us": _sum,
            "latency": _by_name(_count, "counts by bucket", _BUCKET),
            "tokens": _object({"input": _sum, "output": _sum, "count": _count}),
            "cost": _object({"micro": _sum, "count": _count}),
            "value": _object({"sum": _any, "squares": _any, "low": _any, "high": _any}),
            "units": _by_name(_count, "counts by unit"),
            "members": _members,
        },
        required="count",
    ),
    "expired": _time,
}


def problem_in(value: Mapping[str, Any]) -> str | None:
    """The first thing wrong with an event, naming its key; ``None`` when all is well."""
    for key in ALWAYS:
        if key not in value:
            return f"the key {key!r} is missing"
    checks = FIELDS
    for key, item in value.items():
        check = checks.get(key)
        if check is not None and (problem := check(item)):
            return f"{key!r} {problem}"
    return _missing(value)


def _missing(value: Mapping[str, Any]) -> str | None:
    """What its kind needs and an event has not."""
    kind = value["kind"]
    if "expired" not in value or kind not in EXPIRING:
        for key in REQUIRED.get(kind, ()):
            if key not in value:
                return f"the key {key!r} is missing: a {kind} needs it"
    if "rollup" in value:
        if kind not in ROLLED:
            return f"a rollup is of one of {', '.join(ROLLED)}, and never of a {kind}"
    else:
        for key in SINGLE.get(kind, ()):
            if key not in value:
                return f"the key {key!r} is missing: a {kind} needs it"
    wanted = ANY_OF.get(kind)
    if wanted is not None and not any(key in value for key in wanted):
        return f"a {kind} needs at least one of {', '.join(key for key in wanted if key != 'expired')}"
    return None
