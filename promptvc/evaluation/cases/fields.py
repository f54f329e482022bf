"""What a row of a dataset may hold: hand-written checks that accept what `schemas/suite.json` accepts of a case.

A schema validator takes some hundred microseconds a case, these checks one or two, and a dataset has 100,000. They only
say yes or no; what is wrong is then asked of the schema, so that a row is explained in the same words as a case in a
suite. A test generates values and holds both against each other, so neither can drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

_LONGEST_NAME = 200
_LONGEST_METRIC = 100


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _name(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _LONGEST_NAME
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _metric(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_METRIC


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) and tag for tag in value)


def _split(value: Any) -> bool:
    return isinstance(value, str) and value in {"train", "holdout"}


def _expected(value: Any) -> bool:
    return value is not None


def _anything(value: Any) -> bool:  # noqa: ARG001 - a check
    return True


def _assertion(value: Any) -> bool:
    if not isinstance(value, dict) or "type" not in value:
        return False
    for key, item in value.items():
        check = ASSERTION.get(key)
        if check is None or not check(item):
            return False
    return True


def _assertions(value: Any) -> bool:
    return isinstance(value, list) and all(map(_assertion, value))


ASSERTION: Mapping[str, Check] = {
    "type": _filled,
    "value": _anything,
    "threshold": _amount,
    "weight": _amount,
    "metric": _metric,
    "provider": _filled,
    "assert": _assertions,
}

CASE: Mapping[str, Check] = {
    "id": _name,
    "description": _text,
    "vars": _object,
    "expected": _expected,
    "assert": _assertions,
    "threshold": _share,
    "tags": _tags,
    "cluster": _name,
    "split": _split,
    "metadata": _object,
}


def is_case(value: Any) -> bool:
    """Whether ``value`` is a case by the schema."""
    if not isinstance(value, dict):
        return False
    checks = CASE
    for key, item in value.items():
        check = checks.get(key)
        if check is None or not check(item):
            return False
    return True
