"""The summary of feedback: counts, means and rates, over everything and by version.

A fold over counts that add up: neither the order of events nor who counted them changes one bit of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.feedback.query.facts import Count, total

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of events says. A rate whose denominator is unknown is ``None``, never 0.

    ``total``
        All events, of every kind.
    ``by_kind``
        How many of each kind; kinds without any are left out.
    ``rated``, ``rating_mean``
        Events with a score, of whatever kind (effectiveness, else rating, else stars, else thumbs; 0..1), and the
        mean of their scores. A judge's (``source: llm_judge``) are not among them: they are no user's.
    ``success_rate``
        Events with a score at or above the positive threshold / ``rated``.
    ``runs``, ``error_rate``
        ``error`` events / (``error`` + ``success`` events). Unknown when nothing in the whole summary reports runs
        that went well (no ``success`` event): errors alone do not say out of how many.
    """

    total: int
    by_kind: Mapping[str, int]
    rated: int
    rating_mean: float | None
    success_rate: float | None
    runs: int | None
    error_rate: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures as an object, with null for what is unknown."""
        return {
            "total": self.total,
            "by_kind": dict(self.by_kind),
            "rated": self.rated,
            "rating_mean": self.rating_mean,
            "success_rate": self.success_rate,
            "runs": self.runs,
            "error_rate": self.error_rate,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of all events, and of each version; ``None`` is the version of events that name none."""

    figures: Figures
    by_version: Mapping[int | None, Figures]

    def to_json(self) -> dict[str, Any]:
        """The object that `feedback summary --json` prints; versions are text there, ``"unknown"`` for none."""
        versions = {
            UNKNOWN if version is None else str(version): figures.to_json()
            for version, figures in self.by_version.items()
        }
        return self.figures.to_json() | {"by_version": versions}


def summarize(counts: Iterable[Count]) -> Summary:
    """Summarize what :meth:`promptvc.feedback.query.facts.Facts.counts` answers."""
    found = list(counts)
    runs_known = any(one.kind == "success" for one in found)
    versions: dict[int | None, list[Count]] = {}
    for one in found:
        versions.setdefault(one.version, []).append(one)
    ordered = sorted(versions, key=lambda version: (version is None, version))
    return Summary(
        figures=_figures(found, runs_known=runs_known),
        by_version={version: _figures(versions[version], runs_known=runs_known) for version in ordered},
    )


def _figures(counts: Sequence[Count], *, runs_known: bool) -> Figures:
    kinds: Counter[str] = Counter()
    for one in counts:
        kinds[one.kind] += one.tally.n
    users = total(one.tally for one in counts if one.source != "llm_judge")
    runs = kinds["error"] + kinds["success"] if runs_known else None
    return Figures(
        total=kinds.total(),
        by_kind={kind: kinds[kind] for kind in sorted(kinds)},
        rated=users.rated,
        rating_mean=users.mean,
        success_rate=users.success,
        runs=runs,
        error_rate=kinds["error"] / runs if runs else None,
    )
