"""Which of the slices that got worse tell of one and the same problem, and which of them names it best.

A fall that only one tag has shows in its prompt, too, and often in a model, a version and an issue as well. The slice
that names it is the one without which the rest did not get worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.analysis.reporting.shifts import Shift, find_shifts
from promptvc.analysis.reporting.slices import DAYS, Measure, Rates, Series, Slice, Times
from promptvc.analysis.reporting.year import Year

LEVEL = 0.001
"""How often a year in which nothing got worse may be said to have a problem, over all slices together."""
PAST = 56
"""Days before that a level is told of, in weeks with events."""
NOW = 28
"""Days at the end that a drift's level is told of."""
NEAR = 14
NEAR_ALIKE = 28
"""Days apart of one measure of one prompt: where a slice has few events, the day is vague."""
NEAR_SLOW = 56
REST = 0.25
"""What got worse without a slice, against what did with it, at most, where the slice explains it."""
ORDER: tuple[Measure, ...] = ("success", "errors", "error", "corrections", "issue", "latency")
"""Which measure names a problem that several have."""
SHARED = {"model", "framework", "technique", "error"}
"""Dimensions that prompts have in common."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A series, and when it was worse."""

    series: Series
    shift: Shift

    @property
    def now(self) -> tuple[int, int]:
        """The days that tell what it is like now."""
        first = max(self.shift.start, self.shift.end - NOW) if self.shift.slow else self.shift.start
        return first, self.shift.end

    @property
    def past(self) -> tuple[int, int]:
        """The days that tell what it was like: the last weeks before that had any events, ``PAST`` days of them."""
        first, kept = self.shift.start, 0
        while first > 0 and kept < PAST:
            first = max(0, first - DAYS)
            kept += DAYS * (self.series.n(first, min(first + DAYS, self.shift.start)) > 0)
        return first, self.shift.start


@dataclass(frozen=True, slots=True)
class Cause:
    """One problem.

    Attributes:
        named: what names it: one finding, or the same of several prompts or of several values.
        signs: what else shows it, of other measures.
        version: the version that it came with; ``also``: other slices of the same prompt with the same fall.
    """

    named: tuple[Finding, ...]
    signs: tuple[Finding, ...] = ()
    also: tuple[Slice, ...] = ()
    version: int | None = None

    @property
    def first(self) -> Finding:
        """The one with the largest rise."""
        return self.named[0]


def find_causes(year: Year) -> list[Cause]:
    """Everything that got materially worse in the year, each once."""
    limit = LEVEL / max(1, len(year.series))
    found: dict[str, list[Finding]] = {}
    for (_, part), series in year.series.items():
        shifts = find_shifts(series, limit)
        found.setdefault(part.prompt, []).extend(Finding(series, shift) for shift in shifts)
    causes: list[Cause] = []
    for prompt in sorted(found):
        causes += _joined([_named(year, group) for group in _groups(found[prompt])])
    return _across(causes, len({part.prompt for _, part in year.series}))


def near(one: Finding, other: Finding, days: int = NEAR) -> bool:
    """Whether two began at about the same time."""
    apart = NEAR_SLOW if one.shift.slow or other.shift.slow else days
    close = abs(one.shift.start - other.shift.start) <= apart
    return close and one.shift.start < other.shift.end and other.shift.start < one.shift.end


def _groups(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one prompt by measure and time. Errors by type belong to errors."""
    groups: list[list[Finding]] = []
    for one in sorted(findings, key=lambda one: (_family(one), one.shift.start, one.series.slice)):
        for group in groups:
            if _family(group[0]) == _family(one) and any(near(one, other, NEAR_ALIKE) for other in group):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _family(one: Finding) -> Measure:
    return "errors" if one.series.measure == "error" else one.series.measure


def _named(year: Year, group: Sequence[Finding]) -> Cause:
    """The narrowest slice that explains a group, else the whole prompt, else what fell most."""
    ordered = sorted(group, key=lambda one: (-one.shift.rise, one.series.slice))
    whole = [one for one in ordered if not one.series.slice.dimension]
    parts = [one for one in ordered if one.series.slice.dimension]
    if group[0].series.measure == "issue":
        return _versioned(year, Cause((ordered[0],), tuple(ordered[1:])))
    explaining = [one for one in parts if _explains(year, one)]
    if explaining:
        named = explaining[0]
        rest = (one for one in parts if one is not named)
        twins = [
            one
            for one in rest
            if one.series.slice.dimension == named.series.slice.dimension
            and one.shift.rise >= 0.6 * named.shift.rise
            and named.series.slice.dimension != "version"
        ]
        return _versioned(year, Cause((named,), also=tuple(one.series.slice for one in twins)))
    if whole:
        most = [one for one in parts if one.shift.rise >= 1.5 * whole[0].shift.rise]
        also = tuple(one.series.slice for one in most if one.series.slice.dimension != "version")
        return _versioned(year, Cause((whole[0],), also=also))
    same = [one for one in parts if one.series.slice.dimension == parts[0].series.slice.dimension]
    return _versioned(year, Cause((parts[0],), also=tuple(one.series.slice for one in same[1:])))


def _explains(year: Year, one: Finding) -> bool:
    """Whether the rest of the prompt did not get worse at that time."""
    series, parent = (
        one.series,
        year.whole("errors" if _family(one) == "errors" else _family(one), one.series.slice.prompt),
    )
    if parent is None:
        return False
    rest: Series
    if isinstance(series, Rates) and isinstance(parent, Rates):
        if series.measure == "error":  # its part of all calls: what is left are the other errors
            rest = Rates(
                "errors",
                parent.slice,
                [a - b for a, b in zip(parent.part, series.part, strict=True)],
                parent.whole,
            )
        else:
            rest = parent.plus(_own(series), -1)
    elif isinstance(series, Times) and isinstance(parent, Times):
        rest = parent.plus(_own_times(series), -1)
    else:
        return False
    if rest.n(*one.now) < 0.05 * parent.n(*one.now):
        return False
    rise = risen(rest, one)
    own = risen(series, one)
    return rise is not None and own is not None and own > 0 and rise <= REST * own


def risen(series: Series, one: Finding) -> float | None:
    """How much a series rose where ``one`` did; of a latency as a share."""
    before, now = series.level(*one.past), series.level(*one.now)
    if before is None or now is None:
        return None
    return now / before - 1 if series.measure == "latency" and before > 0 else now - before


def _own(series: Rates) -> Rates:
    """Without the days of what it took the place of."""
    if series.newcomer is None:
        return series
    empty = [0] * series.newcomer
    return Rates(
        series.measure,
        series.slice,
        empty + series.part[series.newcomer :],
        empty + series.whole[series.newcomer :],
    )


def _own_times(series: Times) -> Times:
    if series.newcomer is None:
        return series
    weeks = series.newcomer // 7
    return Times(series.slice, [{} for _ in range(weeks)] + series.counts[weeks:])


def _versioned(year: Year, cause: Cause) -> Cause:
    """With the version that it came with: one that came at the time, and has had most of the traffic since."""
    one = cause.first
    part = one.series.slice
    if one.shift.slow or part.dimension == "version":
        return cause
    measure = "errors" if one.series.measure == "error" else one.series.measure
    measure = "success" if measure == "issue" else measure
    parent = year.whole(measure, part.prompt)
    for (kind, other), series in year.series.items():
        if kind != measure or other.prompt != part.prompt or other.dimension != "version":
            continue
        came = series.newcomer if isinstance(series, Rates | Times) else None
        if came is None or parent is None or abs(came - one.shift.start) > NEAR:
            continue
        if series.n(*one.now) >= 0.5 * parent.n(*one.now):
            return Cause(cause.named, cause.signs, cause.also, int(other.value))
    return cause


def _joined(causes: Sequence[Cause]) -> list[Cause]:
    """Causes of one prompt, those of several measures that began together as one."""
    result: list[Cause] = []
    for cause in sorted(causes, key=lambda cause: ORDER.index(cause.first.series.measure)):
        for place, there in enumerate(result):
            if near(there.first, cause.first) and _compatible(
                there.first.series.slice, cause.first.series.slice
            ):
                signs = (*there.signs, *cause.named, *cause.signs)
                result[place] = Cause(there.named, signs, there.also, there.version or cause.version)
                break
        else:
            result.append(cause)
    return result


def _compatible(one: Slice, other: Slice) -> bool:
    general = {"", "version", "issue", "error"}
    return one == other or one.dimension in general or other.dimension in general


def _across(causes: Sequence[Cause], prompts: int) -> list[Cause]:
    """Causes of several prompts with one model, one framework, ... as one; and what befell most prompts at once."""
    result: list[Cause] = []
    for cause in sorted(causes, key=lambda cause: (-cause.first.shift.rise, cause.first.series.slice)):
        for place, there in enumerate(result):
            if _alike(there.first, cause.first):
                signs = (*there.signs, *cause.signs)
                result[place] = Cause((*there.named, *cause.named), signs)
                break
        else:
            result.append(cause)
    split: list[Cause] = []
    for cause in result:
        if (
            len(cause.named) > 1
            and not cause.first.series.slice.dimension
            and len(cause.named) < max(3, prompts / 2)
        ):
            mine = [one for one in causes if one.first in cause.named]
            split += mine
        else:
            split.append(cause)
    return split


def _alike(one: Finding, other: Finding) -> bool:
    mine, theirs = one.series.slice, other.series.slice
    return (
        one.series.measure == other.series.measure
        and mine.prompt != theirs.prompt
        and mine[1:] == theirs[1:]
        and (mine.dimension in SHARED or not mine.dimension)
        and one.shift.slow == other.shift.slow
        and near(one, other)
    )
