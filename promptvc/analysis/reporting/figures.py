"""The figures of a period, of one prompt or of several: each with the events that it is made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from promptvc.analysis.rates import percentile_of, rounded
from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.traces import GOOD, RATED, USERS, Count
from promptvc.analysis.reporting.year import Year
from promptvc.feedback.query.facts import MILLION
from promptvc.feedback.query.selection import Query

Daily = Mapping[date, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; None where nothing tells it. ``counts``: by name the events that it is made of.

    ``days``: of a rate its part and whole by day, of a mean the sum of the scores (0..1) and how many. ``reason``: why
    it is unknown, where that is not plain.
    """

    value: float | None
    counts: Mapping[str, Count]
    days: Daily = field(default_factory=dict, repr=False)
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """``{"value", "reason", "counts": {name: {"count", "trace"}}}``."""
        counts = {name: one.to_json() for name, one in self.counts.items()}
        return {"value": self.value, "reason": self.reason, "counts": counts}

    def n(self, name: str) -> int:
        """How many events of a name there are."""
        return self.counts[name].n if name in self.counts else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A prompt in a period, or all of them (``prompt`` None).

    Figures: ``events``, ``calls``, ``rated`` (numbers of events); ``success`` (good / rated), ``satisfaction`` (mean
    score in stars, 1..5), ``errors``, ``corrections`` and ``collection`` (errors, corrections and ratings / calls),
    ``p50`` and ``p95`` (milliseconds). ``by_kind``: events of each kind.

    Where a prompt has more errors, ratings or corrections than calls, not every call is counted: what is a share of its
    calls is unknown, and that of all prompts is of the others.
    """

    prompt: str | None
    figures: Mapping[str, Figure]
    by_kind: Mapping[str, Count]

    def to_json(self) -> dict[str, Any]:
        """``{"prompt", "figures", "by_kind"}``."""
        return {
            "prompt": self.prompt,
            "figures": {name: one.to_json() for name, one in self.figures.items()},
            "by_kind": {kind: one.to_json() for kind, one in self.by_kind.items()},
        }


@dataclass(slots=True)
class _Sums:
    """What is counted of one prompt."""

    kinds: Counter[str] = field(default_factory=Counter)
    rated: int = 0
    good: int = 0
    score: int = 0
    days: dict[str, dict[date, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    latency: Counter[float] = field(default_factory=Counter)


class Figures:
    """The figures of the days from ``start`` to before ``end``."""

    def __init__(self, year: Year, start: date, end: date, asked: str | None) -> None:
        self._counted, self._timed, self._asked = year.counted, year.timed, asked
        self._since, self._until = midnight(start), midnight(end)
        self._sums: dict[str, _Sums] = {}
        days = [start + timedelta(days=number) for number in range((end - start).days)]
        for cell in (cell for day in days for cell in year.cells.get(day, ())):
            sums = self._sums.setdefault(cell.prompt, _Sums())
            tally, kind = cell.tally, cell.kind
            sums.kinds[kind] += tally.n
            calls = year.counted[cell.prompt]
            if tally.rated and cell.source in USERS:
                sums.rated += tally.rated
                sums.good += tally.positive
                sums.score += tally.score
                _add(sums.days["success"], cell.day, tally.positive, tally.rated)
                _add(sums.days["satisfaction"], cell.day, tally.score, tally.rated)
            if kind in calls or kind == "error":
                _add(sums.days["errors"], cell.day, tally.n * (kind == "error"), tally.n * (kind in calls))
            if kind in calls or kind == "correction":
                _add(
                    sums.days["corrections"],
                    cell.day,
                    tally.n * (kind == "correction"),
                    tally.n * (kind in calls),
                )
        for day in days:
            for prompt, counts in year.latencies.get(day, {}).items():
                self._sums[prompt].latency.update(counts)

    @property
    def prompts(self) -> list[str]:
        """The prompts that have any event."""
        return sorted(self._sums)

    def of(self, prompt: str | None = None) -> Standing:
        """Of one prompt, or of all together."""
        chosen = self.prompts if prompt is None else [one for one in (prompt,) if one in self._sums]
        kinds: Counter[str] = Counter()
        for one in chosen:
            kinds.update(self._sums[one].kinds)
        by_kind = {kind: self._count(chosen, Query(kinds=(kind,)), kinds[kind]) for kind in sorted(kinds)}
        found = {"events": self._number("events", self._count(chosen, Query(), sum(kinds.values())))}
        found |= self._rated(chosen) | self._called(chosen) | self._latency(chosen)
        return Standing(prompt, found, by_kind)

    def _rated(self, prompts: Sequence[str]) -> dict[str, Figure]:
        rated = self._count(prompts, RATED, sum(self._sums[one].rated for one in prompts))
        good = self._count(prompts, GOOD, sum(self._sums[one].good for one in prompts))
        score = sum(self._sums[one].score for one in prompts)
        stars = rounded(1 + 4 * score / (MILLION * rated.n)) if rated.n else None
        return {
            "rated": self._number("rated", rated),
            "success": _rate("good", good, "rated", rated, self._days(prompts, "success")),
            "satisfaction": Figure(stars, {"rated": rated}, self._scores(prompts)),
        }

    def _called(self, prompts: Sequence[str]) -> dict[str, Figure]:
        known = [one for one in prompts if self._counted.get(one)]
        calls = self._calls(known)
        sound = [one for one in known if self._uncounted(one) is None]
        of_sound = self._calls(sound)
        corrected = self._kinds(sound, ("correction",))
        rated = self._count(sound, RATED, sum(self._sums[one].rated for one in sound))
        reasons = [reason for one in known if (reason := self._uncounted(one)) is not None]
        reason = min(reasons, default=None) if not sound else None
        running = [one for one in known if not self._more(one, "errors", self._sums[one].kinds["error"])]
        errors, runs = self._kinds(running, ("error",)), self._calls(running)
        unknown = min(
            (self._more(one, "errors", self._sums[one].kinds["error"]) for one in known), default=""
        )
        return {
            "calls": Figure(float(calls.n) if known else None, {"calls": calls} if known else {}),
            "collection": replace(_rate("rated", rated, "calls", of_sound), reason=reason),
            "corrections": replace(
                _rate("corrections", corrected, "calls", of_sound, self._days(sound, "corrections")),
                reason=reason,
            ),
            "errors": replace(
                _rate("errors", errors, "calls", runs, self._days(running, "errors")),
                reason=unknown or None,
            ),
        }

    def _uncounted(self, prompt: str) -> str | None:
        """Why the calls of a prompt are not all that there were; None where nothing says so."""
        sums = self._sums[prompt]
        found = self._more(prompt, "corrections", sums.kinds["correction"])
        return found or self._more(prompt, "ratings", sums.rated) or None

    def _more(self, prompt: str, what: str, n: int) -> str:
        """In words that there are more than calls of a prompt; empty where there are not."""
        calls = sum(self._sums[prompt].kinds[kind] for kind in self._counted[prompt])
        return f"more {what} than calls: not every call is counted" if n > calls else ""

    def _latency(self, prompts: Sequence[str]) -> dict[str, Figure]:
        counts: Counter[float] = Counter()
        for one in prompts:
            counts.update(self._sums[one].latency)
        timed = [one for one in prompts if self._sums[one].latency]
        calls = {"calls": self._ways(timed, self._timed)} if timed else {}
        return {f"p{q}": Figure(percentile_of(counts, q), calls) for q in (50, 95)}

    def _calls(self, prompts: Sequence[str]) -> Count:
        return self._ways(prompts, self._counted)

    def _ways(self, prompts: Sequence[str], kinds: Mapping[str, tuple[str, ...]]) -> Count:
        """The events of the kinds of each prompt."""
        ways = sorted({kinds[one] for one in prompts})
        parts = [self._kinds([one for one in prompts if kinds[one] == way], way) for way in ways]
        return Count(sum(one.n for one in parts), tuple(query for one in parts for query in one.queries))

    def _kinds(self, prompts: Sequence[str], kinds: tuple[str, ...]) -> Count:
        return self._count(
            prompts, Query(kinds=kinds), sum(self._sums[p].kinds[k] for p in prompts for k in kinds)
        )

    def _count(self, prompts: Sequence[str], query: Query, n: int) -> Count:
        """With one query where it is about every prompt that there is, else with one for each."""
        base = replace(query, since=self._since, until=self._until)
        if len(prompts) == len(self._sums):
            return Count(n, (replace(base, prompt=self._asked),))
        return Count(n, tuple(replace(base, prompt=one) for one in prompts))

    def _number(self, name: str, count: Count) -> Figure:
        return Figure(float(count.n), {name: count})

    def _scores(self, prompts: Sequence[str]) -> Daily:
        return {day: (sum_ / MILLION, n) for day, (sum_, n) in self._days(prompts, "satisfaction").items()}

    def _days(self, prompts: Sequence[str], name: str) -> dict[date, tuple[int, int]]:
        total: dict[date, list[int]] = {}
        for one in prompts:
            for day, (part, whole) in self._sums[one].days[name].items():
                _add(total, day, part, whole)
        return {day: (part, whole) for day, (part, whole) in sorted(total.items())}


def _add(days: dict[date, list[int]], day: date, part: int, whole: int) -> None:
    there = days.setdefault(day, [0, 0])
    there[0] += part
    there[1] += whole


def _rate(part_name: str, part: Count, whole_name: str, whole: Count, days: Daily | None = None) -> Figure:
    if not whole.n:
        return Figure(None, {})
    return Figure(rounded(part.n / whole.n), {part_name: part, whole_name: whole}, days or {})
