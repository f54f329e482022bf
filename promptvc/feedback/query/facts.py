"""What can be asked of events, and what the answers are: counts that add up, in whole numbers.

An answer is a fold, so that the engines agree to the last bit, whatever order they read events in: scores are summed
in millionths, latencies in microseconds, costs in millionths of a dollar. Every mean and rate is computed from these
sums by who asks. A latency goes to the bucket of its two leading digits, which is within five per cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal, Protocol

from promptvc.feedback.query.selection import Query

MILLION = 1_000_000
Label = Literal["tag", "issue", "error", "dimension"]
"""What a label is: a tag, a reported issue, the type of an error, a dimension of ``scores``."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over some events.

    Attributes:
        n: how many; a rollup counts for as many as it stands for.
        rated: those with a score; annotations, which are no users' ratings, have none here. ``positive`` and
            ``negative``: by the thresholds of the settings.
        score: sum of the scores, in millionths. ``squares``: sum of the squares of the scores in thousandths.
        timed, latency: how many have a latency, and its sum in microseconds.
        metered, tokens_in, tokens_out: how many tell their tokens, and the sums.
        priced, cost: how many tell their cost, and its sum in millionths of a US dollar.
    """

    n: int = 0
    rated: int = 0
    positive: int = 0
    negative: int = 0
    score: int = 0
    squares: int = 0
    timed: int = 0
    latency: int = 0
    metered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    priced: int = 0
    cost: int = 0

    @property
    def mean(self) -> float | None:
        """The mean score, 0..1; None where nothing has one."""
        return self.score / (MILLION * self.rated) if self.rated else None

    @property
    def success(self) -> float | None:
        """The share of positive scores among all; None where nothing has one."""
        return self.positive / self.rated if self.rated else None


MEASURES = tuple(field.name for field in fields(Tally))


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    sums = [0] * len(MEASURES)
    for tally in tallies:
        for place, name in enumerate(MEASURES):
            sums[place] += getattr(tally, name)
    return Tally(*sums)


@dataclass(frozen=True, slots=True)
class Cell:
    """The events of one day that agree in everything named here. ``model`` and so on: None where not told."""

    day: date
    prompt: str
    version: int | None
    kind: str
    source: str
    model: str | None
    framework: str | None
    technique: str | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Count:
    """The events that agree in version, kind and source. The tally tells of scores, and of nothing else."""

    version: int | None
    kind: str
    source: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Labelled:
    """The events of one day, prompt and version that carry a label; an event counts under each that it carries.

    Of a dimension the scores are those of the dimension, not of the event.
    """

    day: date
    prompt: str
    version: int | None
    label: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Latency:
    """How many events of one day, of any kind, have a latency of ``milliseconds``, the middle of a bucket.

    A rating that tells how long its call took counts as a call that says so.
    """

    day: date
    prompt: str
    version: int | None
    model: str | None
    milliseconds: float
    n: int


@dataclass(frozen=True, slots=True)
class Said:
    """One scored event, correction or suggestion with its texts; of several variables ``input`` is the JSON."""

    id: str
    time: datetime
    prompt: str
    version: int | None
    kind: str
    source: str
    score: float | None
    model: str | None
    framework: str | None
    technique: str | None
    input: str | None
    output: str | None
    corrected: str | None
    comment: str | None
    tags: tuple[str, ...]
    issues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One ``selection`` event: what was offered, in that order, and what was taken."""

    id: str
    time: datetime
    prompt: str
    session: str | None
    task: str | None
    options: tuple[tuple[str, float | None], ...]
    selected: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The events behind a figure: how many, the ids of the newest, and the time of the very newest."""

    n: int
    ids: tuple[str, ...]
    newest: datetime | None = None


class Facts(Protocol):
    """Events that can be asked. Every list comes in one order, the same from every engine.

    Attributes:
        unread: committed lines that are no events.
        engine: who answers: ``python``, ``duckdb``, ``spark``, ...
    """

    @property
    def unread(self) -> int: ...

    @property
    def engine(self) -> str: ...

    def counts(self, query: Query = ...) -> Sequence[Count]:
        """How many events there are, and how they were rated: the cheapest question."""
        ...

    def cells(self, query: Query = ...) -> Sequence[Cell]:
        """Everything that can be counted, by day and by what the events say of themselves."""
        ...

    def labelled(self, what: Label, query: Query = ...) -> Sequence[Labelled]:
        """The same by label."""
        ...

    def latencies(self, query: Query = ...) -> Sequence[Latency]:
        """How long calls took."""
        ...

    def said(self, query: Query = ..., *, limit: int = ...) -> Sequence[Said]:
        """The newest ``limit`` events that have a score or are a correction or a suggestion; newest first."""
        ...

    def choices(self, query: Query = ...) -> Sequence[Choice]:
        """What people chose, oldest first."""
        ...

    def witnesses(self, query: Query = ..., *, limit: int = ...) -> Witnesses:
        """How many events a query finds, and the newest of them."""
        ...


def bucket(microseconds: int) -> int:
    """The bucket of a latency: its two leading digits, in microseconds."""
    digits = str(microseconds)
    return int(digits[:2] + "0" * (len(digits) - 2))


def middle(lowest: int) -> float:
    """The middle of a bucket, in milliseconds."""
    width = 10 ** (len(str(lowest)) - 2) if lowest >= 100 else 1
    return (lowest + (width - 1) / 2) / 1000
