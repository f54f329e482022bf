"""Reported issues, ranked: how often, among what scores, more or less often than before, and with which words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from promptvc.analysis.figures import USERS
from promptvc.analysis.patterns.corpus import Corpus
from promptvc.analysis.patterns.mining import RATE
from promptvc.analysis.rates import (
    Estimate,
    adjusted,
    mean_difference,
    mean_of,
    optional,
    share,
    share_difference,
    significant,
)
from promptvc.analysis.reporting.tails import days_differ, unevenness
from promptvc.feedback.query.facts import Cell, Labelled, Said, Tally, total

MOST_WITH_WORDS = 20
"""Issues whose words are looked for, the most frequent; each is one more pass over the texts."""

_WORDS = 5
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Word:
    """A phrase that is more frequent where the issue is reported: in ``hits`` of the ``events`` that have it."""

    where: str
    text: str
    events: int
    hits: int
    adjusted: float

    def to_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return {
            "where": self.where,
            "text": self.text,
            "events": self.events,
            "hits": self.hits,
            "adjusted": self.adjusted,
        }


@dataclass(frozen=True, slots=True)
class Issue:
    """One category.

    Attributes:
        count: ratings that report it; ``share``: of all ratings in the window.
        rated: of those that report it, how many have a score; ``rated_share``: of all with a score.
        mean, others: the mean score with it and without it; ``difference``: the one minus the other.
        before: ratings of the period before that report it; ``change``: the share now minus the share then; None
            where there were no ratings then; its interval takes ratings for independent. ``adjusted``: of the test of
            that, over all issues, which also counts how days and weeks differ.
        rising: the share changed beyond chance, upwards: True; downwards: False; else None.
        ids: the newest that report it.
    """

    issue: str
    count: int
    share: Estimate | None
    rated: int
    rated_share: Estimate | None
    mean: Estimate | None
    others: Estimate | None
    difference: Estimate | None
    before: int
    change: Estimate | None
    adjusted: float | None
    rising: bool | None
    words: tuple[Word, ...]
    ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `issues --json` prints it."""
        return {
            "issue": self.issue,
            "count": self.count,
            "share": optional(self.share),
            "rated": self.rated,
            "rated_share": optional(self.rated_share),
            "mean": optional(self.mean),
            "others": optional(self.others),
            "difference": optional(self.difference),
            "before": self.before,
            "change": optional(self.change),
            "adjusted": self.adjusted,
            "rising": self.rising,
            "words": [word.to_json() for word in self.words],
            "ids": list(self.ids),
        }


@dataclass(frozen=True, slots=True)
class Period:
    """The ratings of a window, and those with each issue; both of the kind ``rating`` by users only."""

    cells: Sequence[Cell]
    labelled: Sequence[Labelled]

    @property
    def whole(self) -> Tally:
        """All ratings."""
        return total(cell.tally for cell in self.cells if cell.source in USERS)

    def by_day(self, issue: str) -> dict[date, tuple[int, int]]:
        """By day, the ratings with an issue, and all of them; in order."""
        days: dict[date, tuple[int, int]] = {}
        for cell in self.cells:
            if cell.source in USERS and cell.tally.n:
                days[cell.day] = 0, days.get(cell.day, (0, 0))[1] + cell.tally.n
        for one in self.labelled:
            if one.label == issue and one.day in days:
                part, whole = days[one.day]
                days[one.day] = min(whole, part + one.tally.n), whole
        return dict(sorted(days.items()))

    def by_issue(self) -> dict[str, Tally]:
        """The ratings with each issue."""
        found: dict[str, list[Tally]] = {}
        for one in self.labelled:
            found.setdefault(one.label, []).append(one.tally)
        return {issue: total(found[issue]) for issue in sorted(found)}


def rank(now: Period, before: Period, said: Sequence[Said]) -> tuple[Issue, ...]:
    """The issues of a window, the most frequent first.

    Args:
        before: the period before, as long as this one.
        said: what was said in the window, newest first.
    """
    whole, past = now.whole, before.whole
    found, then = now.by_issue(), before.by_issue()
    order = sorted((issue for issue in found if found[issue].n), key=lambda issue: (-found[issue].n, issue))
    tests = [_change_p(issue, now, before) for issue in order]
    levels = adjusted(tests)
    words = dict(_words(order[:MOST_WITH_WORDS], said))
    result = []
    for issue, level in zip(order, levels, strict=True):
        tally, earlier = found[issue], then.get(issue, Tally())
        without = _minus(whole, tally)
        change = share_difference(tally.n, whole.n, min(earlier.n, past.n), past.n) if past.n else None
        beyond = change is not None and level <= RATE
        result.append(
            Issue(
                issue=issue,
                count=tally.n,
                share=share(tally.n, whole.n),
                rated=tally.rated,
                rated_share=share(tally.rated, whole.rated),
                mean=mean_of(tally),
                others=mean_of(without),
                difference=mean_difference(tally, without),
                before=earlier.n,
                change=change,
                adjusted=significant(level) if past.n else None,
                rising=change.value > 0 if change is not None and beyond else None,
                words=words.get(issue, ()),
                ids=tuple(one.id for one in said if issue in one.issues)[:_EXAMPLES],
            )
        )
    return tuple(result)


def _change_p(issue: str, now: Period, before: Period) -> float:
    """The p-value of a change: days and weeks of one time differ by more than chance between ratings has it."""
    sides = [period.by_day(issue) for period in (before, now)]
    if not all(sides):
        return 1.0
    weeks = [week for days in sides for week in _weeks(days)]
    days = [list(side.values()) for side in sides]
    found = days_differ(days[0], days[1], unevenness(weeks))
    return 1.0 if found is None else found


def _weeks(days: Mapping[date, tuple[int, int]]) -> list[tuple[int, int]]:
    first = min(days)
    weeks: dict[int, tuple[int, int]] = {}
    for day, (part, whole) in days.items():
        one = (day - first).days // 7
        weeks[one] = weeks.get(one, (0, 0))[0] + part, weeks.get(one, (0, 0))[1] + whole
    return [weeks[one] for one in sorted(weeks)]


def _words(issues: Sequence[str], said: Sequence[Said]) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """The phrases that go with each issue, false discoveries controlled over all of them."""
    corpus = Corpus.of(said, phrases_only=True)
    tests = [
        (issue, test)
        for issue in issues
        for test in corpus.tested([at for at, one in enumerate(said) if issue in one.issues])
    ]
    levels = adjusted([test.p for _, test in tests])
    found: dict[str, list[tuple[float, Word]]] = {}
    for (issue, test), level in zip(tests, levels, strict=True):
        if level <= RATE and test.rises:
            strength = share_difference(test.hits, test.n, test.others, test.m).low
            one = corpus.candidate(test.place)
            word = Word(one.where or "", one.text, test.n, test.hits, significant(level))
            found.setdefault(issue, []).append((strength, word))
    for issue, words in found.items():
        yield issue, tuple(_strongest(words))


def _strongest(found: Iterable[tuple[float, Word]]) -> list[Word]:
    """The strongest, none that is a part of one before it or has one as its part."""
    kept: list[Word] = []
    for _, word in sorted(found, key=lambda one: (-round(one[0], 2), -len(one[1].text.split()), one[1].text)):
        inside = any(_overlap(word, other) for other in kept)
        if not inside and len(kept) < _WORDS:
            kept.append(word)
    return kept


def _overlap(one: Word, other: Word) -> bool:
    return one.where == other.where and bool(set(one.text.split()) & set(other.text.split()))


def _minus(whole: Tally, part: Tally) -> Tally:
    return Tally(
        n=whole.n - part.n,
        rated=whole.rated - part.rated,
        positive=whole.positive - part.positive,
        negative=whole.negative - part.negative,
        score=whole.score - part.score,
        squares=whole.squares - part.squares,
    )
