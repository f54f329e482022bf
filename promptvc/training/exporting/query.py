"""What a dataset asks for: which events, how sure, and how they are divided. All of it stands in the manifest.

The bars at which a rating counts, and how far back training looks, are taken from the settings when a dataset is
created, and kept: an export does not change when the settings do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import InvalidDocument, Usage

KINDS = ("correction", "demonstration", "rating", "selection")
"""Kinds of events that say what an answer is worth."""
SPLITS = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)
GROUPINGS = ("user", "input")


@dataclass(frozen=True, slots=True)
class DatasetQuery:
    """Which records a dataset has.

    Attributes:
        kinds: of events, some of :data:`KINDS`.
        min_confidence: 0..1; a record of less, or of unknown, confidence is left out.
        min_rating: 0..1; from where on a rated output counts as right. ``low``: down from where as wrong.
        since, until: the events' times; ``since`` is inclusive, ``until`` exclusive.
        reviewed_only: only what a person's annotation approved or corrected.
        with_holdout: also inputs that the prompt is evaluated on. ``days``: how far back the trainings look whose
            hold-out is left out otherwise.
        shares: of :data:`SPLITS`; they add up to 1.
        grouping: ``user``: neither a user nor near-duplicates straddle splits; ``input``: only the latter do not.
    """

    kinds: tuple[str, ...] = KINDS
    min_confidence: float | None = None
    min_rating: float = 0.7
    low: float = 0.3
    since: datetime | None = None
    until: datetime | None = None
    reviewed_only: bool = False
    with_holdout: bool = False
    days: int = 30
    shares: tuple[float, float, float] = SHARES
    grouping: str = "user"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown or not self.kinds:
            said = f"`{unknown[0]}` is no kind" if unknown else "there is no kind"
            raise Usage(f"{said} of event that a dataset is made of", hint=f"one of {', '.join(KINDS)}")
        if any(share < 0 for share in self.shares) or abs(sum(self.shares) - 1) > 1e-9:
            given = "/".join(f"{share:g}" for share in self.shares)
            raise Usage(f"the splits {given} do not add up to 1", hint="for example 0.8/0.1/0.1")
        if self.low >= self.min_rating:
            raise Usage(
                f"a rating of {self.min_rating:g} cannot count as right: up to {self.low:g} it counts as wrong",
                hint=f"--min-rating above {self.low:g}",
            )
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise Usage(
                "nothing is both since and until these times", hint="--since has to be before --until"
            )

    def to_json(self) -> dict[str, Any]:
        """As a manifest keeps it, complete but for filters that ask nothing."""
        value: dict[str, Any] = {
            "kinds": list(self.kinds),
            "min_confidence": self.min_confidence,
            "min_rating": self.min_rating,
            "low": self.low,
            "since": None if self.since is None else format_time(self.since),
            "until": None if self.until is None else format_time(self.until),
            "reviewed_only": self.reviewed_only,
            "with_holdout": self.with_holdout,
            "days": self.days,
            "shares": dict(zip(SPLITS, self.shares, strict=True)),
            "grouping": self.grouping,
        }
        return {key: each for key, each in value.items() if each is not None}


def query_of(value: Mapping[str, Any], *, file: str, line: int | None = None) -> DatasetQuery:
    """The query of a manifest that its schema found valid.

    Raises:
        InvalidDocument: a time that is none, shares that do not add up.
    """
    found = dict(value)
    try:
        times = {key: parse_time(found.pop(key)) for key in ("since", "until") if key in found}
        shares = found.pop("shares")
        first, second, third = (shares[name] for name in SPLITS)
        return DatasetQuery(**found | times | {"kinds": tuple(found["kinds"])}, shares=(first, second, third))
    except ValueError:
        raise InvalidDocument("`since` and `until` must be times", file=file, line=line) from None
    except Usage as error:
        raise InvalidDocument(error.message, hint=error.hint, file=file, line=line) from None
