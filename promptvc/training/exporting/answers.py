"""What records of one input say together: right answers, pairs of a better and a worse one, and marks.

Answers that are the same text are one, with all the events that say so. A right answer has the score 1, one that was
rated the mean of its ratings, one that a correction or a selection put aside 0. Pairs are those that a correction or a
selection made, and of each input its right or highly rated answers against those that were rated low: as many as it
takes for each to be in one. A mark says of one answer whether it is wanted; where events differ most of them decide,
and where they are even there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptvc.training.data.inputs import Form
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.records import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """A right answer; ``users``: pseudonyms of who says so, sorted; ``kind``: of the first event that does."""

    input: Mapping[str, str]
    text: str
    kind: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """``chosen`` is better than ``rejected``; the scores are 0..1."""

    input: Mapping[str, str]
    chosen: str
    rejected: str
    scores: tuple[float, float]
    kind: str
    users: tuple[str, ...]

    @property
    def margin(self) -> float:
        """By how much, 0..1, to six decimals."""
        return round(self.scores[0] - self.scores[1], 6)


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether an answer is ``wanted``."""

    input: Mapping[str, str]
    text: str
    wanted: bool
    kind: str
    users: tuple[str, ...]


def by_input(records: Iterable[Record]) -> dict[Form, list[Record]]:
    """Records by input, in the order in which the inputs were first seen."""
    groups: dict[Form, list[Record]] = {}
    for record in records:
        groups.setdefault(record.form, []).append(record)
    return groups


def right_answer(record: Record, query: DatasetQuery) -> str | None:
    """The answer that a record says is right, in so many words or by a good rating."""
    if record.good is not None:
        return record.good
    rated = record.score is not None and record.score >= query.min_rating
    return record.output if rated else None


def answers(group: Sequence[Record], query: DatasetQuery) -> Iterator[Answer]:
    """The right answers of one input, each once."""
    told: dict[str, list[Record]] = {}
    for record in group:
        text = right_answer(record, query)
        if text is not None:
            told.setdefault(text, []).append(record)
    for text, saying in told.items():
        yield Answer(saying[0].input, text, saying[0].kind, _users(saying))


def pairs(group: Sequence[Record], query: DatasetQuery) -> Iterator[Pair]:
    """The pairs of one input, each once."""
    scores, right = _scores(group), _right(group)
    made: dict[tuple[str, str], list[Record]] = {}
    for record in group:
        if record.good is not None:
            for text in record.bad:
                made.setdefault((record.good, text), []).append(record)
    for (chosen, rejected), saying in made.items():
        # Where events differ on what is right, this one's word is that it is not.
        worth = 0.0 if rejected in right else scores.get(rejected, 0.0)
        yield Pair(saying[0].input, chosen, rejected, (1.0, worth), saying[0].kind, _users(saying))
    paired = {rejected for _, rejected in made}
    low = [text for text, score in scores.items() if score <= query.low and text not in paired]
    high = [text for text, score in scores.items() if score >= query.min_rating]
    if not high or not low:
        return
    for at in range(max(len(high), len(low))):
        chosen, rejected = high[at % len(high)], low[at % len(low)]
        saying = [record for record in group if {chosen, rejected} & {record.good, record.output}]
        both = (scores[chosen], scores[rejected])
        yield Pair(saying[0].input, chosen, rejected, both, "rating", _users(saying))


def marks(group: Sequence[Record], query: DatasetQuery) -> Iterator[Mark]:
    """The marks of one input, one for each answer."""
    votes: dict[str, Counter[bool]] = {}
    saying: dict[tuple[str, bool], list[Record]] = {}
    for record in group:
        for text, wanted in _marked(record, query):
            votes.setdefault(text, Counter())[wanted] += 1
            saying.setdefault((text, wanted), []).append(record)
    for text, count in votes.items():
        if count[True] != count[False]:
            wanted = count[True] > count[False]
            said = saying[text, wanted]
            yield Mark(said[0].input, text, wanted, said[0].kind, _users(said))


def _marked(record: Record, query: DatasetQuery) -> Iterator[tuple[str, bool]]:
    right = right_answer(record, query)
    if right is not None:
        yield right, True
    for text in record.bad:
        yield text, False
    rated_low = record.score is not None and record.score <= query.low
    if rated_low and record.output is not None and record.output not in {right, *record.bad}:
        yield record.output, False


def _right(group: Iterable[Record]) -> frozenset[str]:
    return frozenset(record.good for record in group if record.good is not None)


def _scores(group: Sequence[Record]) -> dict[str, float]:
    """Of each answer of one input: 1 when it is right, else the mean of its ratings; in the order first met."""
    rated: dict[str, list[float]] = {}
    for record in group:
        if record.good is not None:
            rated.setdefault(record.good, [])
        if record.output is not None and record.score is not None:
            rated.setdefault(record.output, []).append(record.score)
    right = _right(group)
    return {
        text: 1.0 if text in right else math.fsum(given) / len(given)
        for text, given in rated.items()
        if given or text in right
    }


def _users(records: Iterable[Record]) -> tuple[str, ...]:
    return tuple(sorted({record.user for record in records if record.user is not None}))
