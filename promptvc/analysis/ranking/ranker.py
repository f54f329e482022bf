"""A learned ranker as it is kept: numbers and why it is used, or not, in JSON; never a program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.ranking.features import FEATURES
from promptvc.analysis.ranking.forest import Forest, read_forest
from promptvc.base.config import FeedbackSettings
from promptvc.base.feedback_settings import LearningSettings

EDITION = 1
"""Counted up when the same choices give another ranker."""
REMEMBERED = 50
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ranker:
    """One training of a ranker, used or not.

    Attributes:
        commit: HEAD when it was trained. ``feedback``: the digest of the events that it was trained from.
        as_of: the day after the newest of them, as text. ``choices``: how many there were.
        settings: those that it hangs on.
        backtest: as :class:`Backtest` tells it. ``used``: whether it won; ``reason``: a sentence.
        forest: None where it is not used.
        history: earlier trainings, oldest first: commit, as_of, used, reason.
    """

    commit: str
    feedback: str
    as_of: str
    choices: int
    settings: Mapping[str, Any]
    backtest: Mapping[str, Any]
    used: bool
    reason: str
    forest: Forest | None
    history: tuple[Mapping[str, Any], ...] = ()

    def to_bytes(self) -> bytes:
        """The file: the same for the same training."""
        value = self.to_json() | {
            "edition": EDITION,
            "features": list(FEATURES),
            "forest": None if self.forest is None else self.forest.to_json(),
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"

    def to_json(self) -> dict[str, Any]:
        """All but the trees."""
        return {
            "commit": self.commit,
            "feedback": self.feedback,
            "as_of": self.as_of,
            "choices": self.choices,
            "settings": dict(self.settings),
            "backtest": dict(self.backtest),
            "used": self.used,
            "reason": self.reason,
            "history": [dict(one) for one in self.history],
        }

    def remembered(self) -> tuple[Mapping[str, Any], ...]:
        """The history of the next training: this one at its end."""
        own = {"commit": self.commit, "as_of": self.as_of, "used": self.used, "reason": self.reason}
        return (*self.history, own)[-REMEMBERED:]


def settings_of(learning: LearningSettings, thresholds: FeedbackSettings) -> dict[str, Any]:
    """The settings that a ranker hangs on."""
    return {
        "learning_rate": learning.learning_rate,
        "decay_rate": learning.decay_rate,
        "positive": thresholds.positive,
    }


def read_ranker(data: bytes) -> Ranker:
    """What :meth:`Ranker.to_bytes` wrote.

    Raises:
        ValueError: it is something else, or of another edition.
    """
    value = json.loads(data)
    if (
        not isinstance(value, dict)
        or value.get("edition") != EDITION
        or value.get("features") != list(FEATURES)
    ):
        raise ValueError("no ranker of this edition")
    try:
        forest = value["forest"]
        return Ranker(
            commit=str(value["commit"]),
            feedback=str(value["feedback"]),
            as_of=str(value["as_of"]),
            choices=int(value["choices"]),
            settings=dict(value["settings"]),
            backtest=dict(value["backtest"]),
            used=value["used"] is True and forest is not None,
            reason=str(value["reason"]),
            forest=None if forest is None else read_forest(forest, len(FEATURES)),
            history=tuple(dict(one) for one in value["history"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("no ranker") from error
