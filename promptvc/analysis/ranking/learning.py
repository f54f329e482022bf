"""The settings of learning, with what the environment says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from promptvc.base.errors import Usage
from promptvc.base.feedback_settings import LearningSettings

ENABLED = "PROMPTVC_LEARNING_ENABLED"
RATE = "PROMPTVC_LEARNING_RATE"
DECAY_RATE = "PROMPTVC_LEARNING_DECAY_RATE"
MIN_SAMPLES = "PROMPTVC_LEARNING_MIN_SAMPLES"
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def learning_of(settings: LearningSettings, environ: Mapping[str, str]) -> LearningSettings:
    """``settings``, where the environment says nothing else; an empty variable says nothing.

    Raises:
        Usage: a variable that is no such value.
    """
    changes: dict[str, Any] = {}
    if given := environ.get(ENABLED):
        if given.strip().lower() not in _WORDS:
            raise _wrong(ENABLED, given, "1 or 0")
        changes["enabled"] = _WORDS[given.strip().lower()]
    if given := environ.get(RATE):
        rate = changes["learning_rate"] = _number(given)
        if not 0 < rate <= 1:
            raise _wrong(RATE, given, "a number above 0, at most 1")
    if given := environ.get(DECAY_RATE):
        decay = changes["decay_rate"] = _number(given)
        if not 0 <= decay < 1:
            raise _wrong(DECAY_RATE, given, "a number from 0, below 1")
    if given := environ.get(MIN_SAMPLES):
        digits = given.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9 and int(digits) >= 1):
            raise _wrong(MIN_SAMPLES, given, "a whole number from 1")
        changes["min_samples"] = int(digits)
    return replace(settings, **changes)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _wrong(name: str, given: str, wanted: str) -> Usage:
    return Usage(f"{name} is {given!r}", hint=f"set it to {wanted}, or leave it out")
