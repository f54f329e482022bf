"""The targets of a report: what the settings ask for, and whether the period has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.analysis.reporting.changes import Change
from promptvc.base.feedback_settings import TargetSettings

State = Literal["met", "not met", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """One target, ``wanted`` told in words. ``value``: what there is; None where nothing tells it, for ``reason``."""

    name: str
    wanted: str
    value: float | None
    state: State
    change: Change | None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the report's ``targets`` have it; the figures stand under ``of``."""
        return {
            "name": self.name,
            "wanted": self.wanted,
            "value": self.value,
            "state": self.state,
            "reason": self.reason,
            "of": None if self.change is None else self.change.to_json(),
        }


def targets(wanted: TargetSettings, overall: Mapping[str, Change]) -> tuple[Target, ...]:
    """Every target against the changes of all prompts together, by figure.

    What is to rise does not fall, and the other way round: a difference in the wrong direction must be clear (as
    :mod:`promptvc.analysis.reporting.changes` has it) to miss the target.
    """
    collection, stars = _now(overall, "collection"), _now(overall, "satisfaction")
    success = overall.get("success")
    relative = None if success is None else success.relative
    found = [
        _target(
            "collection",
            f"more than {wanted.collection:.0%} of the calls rated",
            collection,
            wanted.collection,
        ),
        _target("satisfaction", f"more than {wanted.satisfaction:g} of 5 stars", stars, wanted.satisfaction),
        _target(
            "improvement", f"success up by more than {wanted.improvement:.0%}", relative, wanted.improvement
        ),
    ]
    found = [
        Target(
            one.name, one.wanted, one.value, one.state, overall.get(figure), _reason(one, overall.get(figure))
        )
        for one, figure in zip(found, ("collection", "satisfaction", "success"), strict=True)
    ]
    if wanted.quality != "any":
        mean = overall.get("satisfaction")
        found.append(_trend("quality", "the mean score does not clearly fall", mean, up=True))
    if wanted.corrections != "any":
        found.append(
            _trend(
                "corrections",
                "the correction rate does not clearly rise",
                overall.get("corrections"),
                up=False,
            )
        )
    return tuple(found)


def _now(overall: Mapping[str, Change], name: str) -> float | None:
    return overall[name].now.value if name in overall else None


def _target(name: str, wanted: str, value: float | None, least: float) -> Target:
    state: State = "unknown" if value is None else "met" if value > least else "not met"
    return Target(name, wanted, value, state, None)


def _reason(target: Target, change: Change | None) -> str | None:
    return None if target.value is not None or change is None else _why(change)


def _why(change: Change) -> str | None:
    """Why a figure is unknown, now or before."""
    if change.now.reason is not None:
        return change.now.reason
    return None if change.before.reason is None else f"{change.before.reason}, the time before"


def _trend(name: str, wanted: str, change: Change | None, *, up: bool) -> Target:
    value = None if change is None else change.difference
    if change is None or value is None:
        return Target(name, wanted, None, "unknown", change, None if change is None else _why(change))
    wrong = value < 0 if up else value > 0
    missed = wrong and change.clear
    return Target(name, wanted, value, "not met" if missed else "met", change)
