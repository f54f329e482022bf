"""The ratings that count for a way of doing a task, and the query that lists their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.analysis.ranking.relevance import JUDGE
from promptvc.analysis.reporting.traces import RATED, USERS, command_of
from promptvc.base.feedback_settings import Route
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Cell
from promptvc.feedback.query.selection import Query

JOINED = "+"
"""Between techniques that were applied together, in ``context.technique`` of an event."""


@dataclass(frozen=True, slots=True)
class Rates:
    """So many ratings of people, and how many of them positive."""

    positive: int = 0
    rated: int = 0

    @property
    def success(self) -> float | None:
        """The share of positive ones; None of none."""
        return self.positive / self.rated if self.rated else None

    def __add__(self, other: Rates) -> Rates:
        return Rates(self.positive + other.positive, self.rated + other.rated)

    def __sub__(self, other: Rates) -> Rates:
        return Rates(self.positive - other.positive, self.rated - other.rated)

    def to_json(self) -> dict[str, Any]:
        """As `route --json` prints it."""
        return {"positive": self.positive, "rated": self.rated, "success": self.success}


@dataclass(frozen=True, slots=True)
class Row:
    """The ratings of a window that agree in what the events say of the call."""

    prompt: str
    framework: str | None
    model: str | None
    technique: str | None
    rates: Rates

    @property
    def techniques(self) -> frozenset[str]:
        """The techniques that the events name."""
        return frozenset(technique_names((self.technique or "").split(JOINED)))

    def to_json(self) -> list[Any]:
        """As it is kept."""
        return [
            self.prompt,
            self.framework,
            self.model,
            self.technique,
            self.rates.positive,
            self.rates.rated,
        ]

    @classmethod
    def read(cls, given: Sequence[Any]) -> Row:
        """What :meth:`to_json` made."""
        prompt, framework, model, technique, positive, rated = given
        return cls(prompt, framework, model, technique, Rates(positive, rated))


def rows_of(cells: Iterable[Cell]) -> tuple[Row, ...]:
    """The ratings of users in ``cells``, whatever their day, version and kind; in a fixed order."""
    sums: dict[tuple[str, str | None, str | None, str | None], Rates] = {}
    for cell in cells:
        if cell.source == JUDGE or not cell.tally.rated:
            continue
        key = (cell.prompt, cell.framework, cell.model, cell.technique)
        sums[key] = sums.get(key, Rates()) + Rates(cell.tally.positive, cell.tally.rated)
    order = sorted(sums, key=lambda key: tuple((part is not None, part or "") for part in key))
    return tuple(Row(*key, sums[key]) for key in order)


def ways_in(rows: Iterable[Row], prompt: str, min_samples: int) -> list[Route]:
    """The ways of a prompt that ratings know, with ``min_samples`` each at least; the surest success first.

    Each has the confidence that a way has where nothing is configured. Sure is what Wilson's lower bound at 80 % is.
    """
    known = [
        row
        for row in rows
        if row.prompt == prompt and row.rates.rated >= max(1, min_samples) and (row.framework or row.model)
    ]
    known.sort(key=lambda row: -wilson(row.rates.positive, row.rates.rated, 0.8)[0])
    return [
        Route(
            prompt,
            framework=row.framework,
            model=row.model,
            techniques=tuple(row.technique.split(JOINED)) if row.technique else (),
        )
        for row in known
    ]


class Evidence:
    """The ratings of a window, asked for by way.

    A rating counts for a way if it is on its prompt, and names the framework and the model where the way does. Ways
    that differ in techniques only are told apart by ``context.technique``, techniques joined by ``+``.
    """

    def __init__(self, rows: Iterable[Row], routes: Sequence[Route]) -> None:
        self._rows: dict[str, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(row.prompt, []).append(row)
        self._twins: dict[tuple[str, str | None, str | None], set[str]] = {}
        for route in routes:
            self._twins.setdefault(_call(route), set()).add(technique_of(route))

    def rates(self, route: Route) -> Rates:
        """The ratings that count for ``route``."""
        twins, own = self._twins.get(_call(route), set()), technique_of(route)
        rows = self.rows(route)
        return sum((row.rates for row in rows if len(twins) < 2 or _is_of(row, own, twins)), Rates())

    def rows(self, route: Route) -> list[Row]:
        """The ratings on calls such as ``route`` makes, whatever their techniques."""
        return [
            row
            for row in self._rows.get(route.prompt, ())
            if route.framework in {None, row.framework} and route.model in {None, row.model}
        ]

    def query(self, route: Route, since: datetime, until: datetime, tag: str | None = None) -> Query:
        """What finds the events of :meth:`rates`; of a way without techniques also those of its twins with some."""
        twins = self._twins.get(_call(route), set())
        technique = technique_of(route) if len(twins) > 1 else ""
        return Query(
            prompt=route.prompt,
            sources=USERS,
            tags=() if tag is None else (tag,),
            since=since,
            until=until,
            model=route.model,
            framework=route.framework,
            technique=technique or None,
            outcome=RATED.outcome,
        )


def listing(query: Query) -> str:
    """The `promptvc feedback list` that shows the events of a query."""
    return command_of(query, count=False)


def technique_of(route: Route) -> str:
    """What events of a way say in ``context.technique``; empty where it has no techniques."""
    return JOINED.join(route.techniques)


def technique_names(given: Iterable[str]) -> tuple[str, ...]:
    """Techniques by the names that promptvc uses; of an unknown one its own; each once."""
    plain = (name.strip().lower().replace("-", "_").replace(" ", "_") for name in given)
    return tuple(dict.fromkeys(_ALIASES.get(name, name) for name in plain if name))


_ALIASES: Mapping[str, str] = {
    "cot": "chain_of_thought",
    "step_by_step": "chain_of_thought",
    "fewshot": "few_shot",
    "structured": "structured_output",
    "json": "structured_output",
    "persona": "role",
}


def _call(route: Route) -> tuple[str, str | None, str | None]:
    return route.prompt, route.framework, route.model


def _is_of(row: Row, technique: str, twins: set[str]) -> bool:
    return row.technique == technique if technique else (row.technique or "") not in twins - {""}
