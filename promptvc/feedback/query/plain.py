"""The facts by plain Python, over events in memory: the fastest way up to some ten thousand, and the reference."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS, Event
from promptvc.feedback.query.facts import (
    MILLION,
    Cell,
    Choice,
    Count,
    Label,
    Labelled,
    Latency,
    Said,
    Tally,
    Witnesses,
    bucket,
    middle,
)
from promptvc.feedback.query.rows import in_order, input_text, offered, task_text
from promptvc.feedback.query.selection import Query, error_type, of_context, rating_of, select

EVERYTHING = Query()
MOST_COST = 1e12
"""US dollars: more counts as so much, which whole numbers of 64 bits still hold."""
_SPEAKING = ("correction", "suggestion")


class PlainFacts:
    """Answers over ``events``, each there once."""

    engine = "python"

    def __init__(
        self, events: Iterable[Event], thresholds: FeedbackSettings = THRESHOLDS, *, unread: int = 0
    ) -> None:
        self._events = tuple(events)
        self._thresholds = thresholds
        self.unread = unread

    def counts(self, query: Query = EVERYTHING) -> list[Count]:
        """As :meth:`Facts.counts`."""
        sums = _Sums()
        for event in self._select(query):
            key = (event.version, event.kind, event.source)
            sums.add(key, _scored(event.count, rating_of(event), self._thresholds))
        return [Count(*(*key, tally)) for key, tally in sums.sorted()]

    def cells(self, query: Query = EVERYTHING) -> list[Cell]:
        """As :meth:`Facts.cells`."""
        sums = _Sums()
        for event in self._select(query):
            model, framework, technique = (
                of_context(event, key) for key in ("model", "framework", "technique")
            )
            key = (event.time.date(), event.prompt, event.version, event.kind, event.source)
            sums.add((*key, model, framework, technique), _measure(event, rating_of(event), self._thresholds))
        return [Cell(*(*key, tally)) for key, tally in sums.sorted()]

    def labelled(self, what: Label, query: Query = EVERYTHING) -> list[Labelled]:
        """As :meth:`Facts.labelled`."""
        sums = _Sums()
        for event in self._select(query):
            for label, score in _labels(event, what):
                key = (event.time.date(), event.prompt, event.version, label)
                sums.add(key, _measure(event, score, self._thresholds))
        return [Labelled(*(*key, tally)) for key, tally in sums.sorted()]

    def latencies(self, query: Query = EVERYTHING) -> list[Latency]:
        """As :meth:`Facts.latencies`."""
        counts: Counter[tuple[Any, ...]] = Counter()
        for event in self._select(query):
            key = (event.time.date(), event.prompt, event.version, of_context(event, "model"))
            for lowest, n in _buckets(event):
                counts[*key, lowest] += n
        ordered = sorted(counts, key=in_order)
        return [Latency(*(*key[:-1], middle(key[-1]), counts[key])) for key in ordered]

    def said(self, query: Query = EVERYTHING, *, limit: int = 100_000) -> list[Said]:
        """As :meth:`Facts.said`."""
        found = [one for one in self._select(query) if rating_of(one) is not None or one.kind in _SPEAKING]
        return [_said(event) for event in _newest(found)[:limit]]

    def choices(self, query: Query = EVERYTHING) -> list[Choice]:
        """As :meth:`Facts.choices`."""
        found = [event for event in self._select(query) if event.kind == "selection"]
        return [_choice(event) for event in reversed(_newest(found))]

    def witnesses(self, query: Query = EVERYTHING, *, limit: int = 20) -> Witnesses:
        """As :meth:`Facts.witnesses`."""
        found = list(self._select(query))
        newest = _newest(found)[:limit]
        return Witnesses(
            sum(event.count for event in found),
            tuple(event.id for event in newest),
            newest[0].time if newest else None,
        )

    def _select(self, query: Query) -> Iterator[Event]:
        return select(self._events, query, self._thresholds)


class _Sums:
    """Tallies under construction, by key."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], list[int]] = {}

    def add(self, key: tuple[Any, ...], values: list[int]) -> None:
        there = self._sums.get(key)
        if there is None:
            self._sums[key] = values
        else:
            for place, value in enumerate(values):
                there[place] += value

    def sorted(self) -> Iterator[tuple[tuple[Any, ...], Tally]]:
        for key in sorted(self._sums, key=in_order):
            yield key, Tally(*self._sums[key])


def _newest(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.id), reverse=True)


def _scored(count: int, score: float | None, thresholds: FeedbackSettings) -> list[int]:
    """The first sums of a tally: how many, and how they were rated."""
    if score is None:
        return [count, 0, 0, 0, 0, 0]
    good, bad = int(score >= thresholds.positive), int(score <= thresholds.negative)
    return [count, 1, good, bad, _rounded(score * MILLION), _rounded(score * 1000) ** 2]


def _measure(event: Event, score: float | None, thresholds: FeedbackSettings) -> list[int]:
    """The sums of one event, in the order of a tally."""
    return [*_scored(event.count, score, thresholds), *_amounts(event)]


def _amounts(event: Event) -> tuple[int, ...]:
    data = event.data
    rollup = data.get("rollup")
    if rollup is not None:
        return _rolled(rollup)
    latency, tokens, cost = data.get("latency_ms"), data.get("tokens"), data.get("cost")
    return (
        *((0, 0) if latency is None else (1, math.floor(latency * 1000))),
        *((0, 0, 0) if tokens is None else (1, int(tokens.get("input", 0)), int(tokens.get("output", 0)))),
        *((0, 0) if cost is None else (1, _rounded(min(cost, MOST_COST) * MILLION))),
    )


def _rolled(rollup: Mapping[str, Any]) -> tuple[int, ...]:
    tokens, cost = rollup.get("tokens", {}), rollup.get("cost", {})
    return (
        *(sum(rollup.get("latency", {}).values()), rollup.get("latency_us", 0)),
        *(tokens.get("count", 0), tokens.get("input", 0), tokens.get("output", 0)),
        *(cost.get("count", 0), cost.get("micro", 0)),
    )


def _rounded(value: float) -> int:
    """Half up, as ``floor(x + 0.5)`` is everywhere; rounding half to even is not."""
    return math.floor(value + 0.5)


def _buckets(event: Event) -> Iterator[tuple[int, int]]:
    rollup = event.data.get("rollup")
    if rollup is not None:
        yield from ((int(lowest), n) for lowest, n in rollup.get("latency", {}).items())
    elif (latency := event.data.get("latency_ms")) is not None:
        yield bucket(math.floor(latency * 1000)), 1


def _labels(event: Event, what: Label) -> Iterator[tuple[str, float | None]]:
    if what == "tag":
        yield from ((tag, rating_of(event)) for tag in set(event.tags))
    elif what == "issue":
        yield from ((issue, rating_of(event)) for issue in set(event.data.get("issues", ())))
    elif what == "error":
        if (found := error_type(event)) is not None:
            yield found, rating_of(event)
    else:
        yield from ((name, float(score)) for name, score in event.data.get("scores", {}).items())


def _said(event: Event) -> Said:
    model, framework, technique = (of_context(event, key) for key in ("model", "framework", "technique"))
    return Said(
        id=event.id,
        time=event.time,
        prompt=event.prompt,
        version=event.version,
        kind=event.kind,
        source=event.source,
        score=rating_of(event),
        model=model,
        framework=framework,
        technique=technique,
        input=input_text(event.input),
        output=event.output,
        corrected=event.corrected,
        comment=event.comment,
        tags=event.tags,
        issues=tuple(event.data.get("issues", ())),
    )


def _choice(event: Event) -> Choice:
    options = offered(event.data["options"])
    session, task = event.data.get("session"), task_text(event.input)
    return Choice(event.id, event.time, event.prompt, session, task, options, event.data["selected"])
