"""From a named score of another tool to the keys of an event.

======================================  ==========================================================================
the score                               becomes
======================================  ==========================================================================
named in the column map                 the key that it says: ``--map NAME=stars``; ``--map NAME=`` leaves it out
yes or no, by a person                  ``thumbs``, and ``scores`` under its name
0 to 1, by a person                     ``rating``, and ``scores`` under its name
yes or no, or 0 to 1, by a program      ``scores`` under its name: whether more of it is better is not known
any other number                        a ``metric`` with its name and value
a word for up or down, by a person      ``thumbs``
any other text                          ``comment``: ``name: text``
======================================  ==========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptvc.feedback.columns import to_event

HUMAN, JUDGE, CODE = "human", "llm_judge", "code"
_PERSON = re.compile(r"(?i)user|human|feedback|thumb|rating|review|csat|satisf|star|vote|like")


def who_said(name: str) -> str:
    """Whose a score is that came by an API: a person's when its name says so, else a program's."""
    return HUMAN if _PERSON.search(name) else CODE


def said(name: str, value: Any, source: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """The keys of an event that say what a score says; empty when it says nothing or is to be left out.

    Raises:
        ValueError: it is mapped to a key that cannot take it.
    """
    if value is None or value == "":
        return {}
    if name in columns:
        return to_event({name: value}, {name: columns[name]}, typed=True)
    if isinstance(value, bool):
        return _share(name, float(value), source, {"thumbs": "up" if value else "down"})
    if isinstance(value, int | float):
        if 0 <= value <= 1:
            return _share(name, value, source, {"rating": value})
        return {"kind": "metric", "name": name, "value": value}
    if isinstance(value, str):
        if source == HUMAN:
            try:
                return to_event({"thumbs": value}, {}, typed=True)
            except ValueError:
                pass
        return {"comment": f"{name}: {value}"}
    return {}


def as_number(value: Any) -> Any:
    """A number out of the text of a CSV cell; anything else as it is."""
    if isinstance(value, str):
        try:
            return float(value) if re.search("[.eE]", value) else int(value)
        except ValueError:
            return value
    return value


def _share(name: str, value: float, source: str, human: dict[str, Any]) -> dict[str, Any]:
    scores = {"scores": {name: value}}
    return human | scores if source == HUMAN else scores
