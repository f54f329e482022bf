"""Finding patterns: every candidate tested, false discoveries controlled over all of them, the like merged.

Two outcomes are tested for each candidate, a score above 0.8 and one below 0.3, by Fisher's exact test. Of everything
tested in a run, over all prompts, at most one in twenty of what is found is false on average (Benjamini and Hochberg
1995). What is found must also matter: its effect is beyond two points for certain, and patterns are ranked by the end
of the effect's interval that is nearer to nothing. Events are taken as independent: where one person rates a hundred
times, they are one voice too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from promptvc.analysis.patterns.block import Candidate
from promptvc.analysis.patterns.corpus import Corpus, Tested
from promptvc.analysis.patterns.merging import Sighting, bits, merged
from promptvc.analysis.patterns.pattern import HIGH, LOW, Measure, Pattern, Type
from promptvc.analysis.rates import Estimate, adjusted, mean_difference, share_difference, significant
from promptvc.feedback.query.facts import MILLION, Said, Tally

RATE = 0.05
LEAST_EFFECT = 0.02
MOST = 10_000
_EXAMPLES = 5
_ALIASES = 10
_MEASURES: tuple[Measure, ...] = ("high", "low")


@dataclass(frozen=True, slots=True)
class Mined:
    """What was found in scored events.

    Attributes:
        patterns: strongest first, at most :data:`MOST`.
        events: how many scored events were looked at; ``tested``: how many tests were made.
        found: how many stood before the like were merged.
    """

    patterns: tuple[Pattern, ...]
    events: int
    tested: int
    found: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A test that stands."""

    measure: Measure
    test: Tested
    effect: Estimate
    adjusted: float

    @property
    def type(self) -> Type:
        return "success" if self.test.rises == (self.measure == "high") else "failure"

    @property
    def strength(self) -> float:
        """How large the effect is for certain."""
        return max(self.effect.low, -self.effect.high)


def mine(said: Iterable[Said], least: int = 5) -> Mined:
    """The patterns in the scored events among ``said``, by prompt.

    Args:
        said: newest first.
        least: a candidate that fewer events have is not tested.
    """
    scored: dict[str, list[Said]] = {}
    for one in said:
        if one.score is not None:
            scored.setdefault(one.prompt, []).append(one)
    corpora = {prompt: Corpus.of(scored[prompt], least) for prompt in sorted(scored)}
    found, tested = _standing(corpora)
    patterns = [
        pattern for prompt, corpus in corpora.items() for pattern in _patterns(prompt, corpus, found[prompt])
    ]
    patterns.sort(key=_order)
    count = sum(len(corpus.said) for corpus in corpora.values())
    return Mined(tuple(patterns[:MOST]), count, tested, sum(map(len, found.values())))


def _standing(corpora: Mapping[str, Corpus]) -> tuple[dict[str, list[_Found]], int]:
    """What stands, by prompt, and how many tests were made."""
    weak: list[float] = []
    made: list[tuple[str, Measure, Tested]] = []
    for prompt, corpus in corpora.items():
        for measure in _MEASURES:
            for test in corpus.tested(outcome(corpus.said, measure)):
                if test.p >= 1.0:
                    weak.append(1.0)
                else:
                    made.append((prompt, measure, test))
    levels = adjusted([test.p for _, _, test in made] + weak)
    found: dict[str, list[_Found]] = {prompt: [] for prompt in corpora}
    for (prompt, measure, test), level in zip(made, levels, strict=False):
        if level <= RATE:
            effect = share_difference(test.hits, test.n, test.others, test.m)
            one = _Found(measure, test, effect, level)
            if one.strength >= LEAST_EFFECT:
                found[prompt].append(one)
    return found, len(levels)


def outcome(said: Sequence[Said], measure: Measure) -> list[int]:
    """The events whose score is above 0.8, or below 0.3."""
    if measure == "high":
        return [at for at, one in enumerate(said) if one.score is not None and one.score > HIGH]
    return [at for at, one in enumerate(said) if one.score is not None and one.score < LOW]


def _patterns(prompt: str, corpus: Corpus, found: Sequence[_Found]) -> Iterator[Pattern]:
    """The patterns of one prompt, the like merged."""
    if not found:
        return
    looking = _Looking(prompt, corpus)
    for type_ in ("success", "failure"):
        # Of one candidate the stronger of its two measures counts.
        best: dict[Candidate, _Found] = {}
        for one in found:
            candidate = corpus.candidate(one.test.place)
            if one.type == type_ and (candidate not in best or best[candidate].strength < one.strength):
                best[candidate] = one
        ranked = sorted(best, key=lambda candidate: _rank(best[candidate].strength, candidate))
        yield from looking.patterns([best[candidate] for candidate in ranked[: 2 * MOST]])


class _Looking:
    """The events of one prompt, looked at once more for what was found in them."""

    def __init__(self, prompt: str, corpus: Corpus) -> None:
        self._prompt, self._corpus = prompt, corpus
        self._size = len(corpus.said)
        self._scores = [_micro(one.score) for one in corpus.said]
        self._squares = [_milli(one.score) ** 2 for one in corpus.said]
        self._outcomes = {measure: bits(outcome(corpus.said, measure), self._size) for measure in _MEASURES}
        self._bases: dict[int, tuple[Sequence[int], int]] = {}

    def patterns(self, found: Sequence[_Found]) -> Iterator[Pattern]:
        """The patterns of one type, from the strongest."""
        wanted: dict[int, set[int]] = {}
        for one in found:
            block, number = one.test.place
            wanted.setdefault(block, set()).add(number)
        places = {block: self._corpus.blocks[block].places(numbers) for block, numbers in wanted.items()}
        sightings = []
        for one in found:
            block, number = one.test.place
            events = bits(places[block][number], self._size)
            base = self._base(block)[1]
            candidate = self._corpus.candidate(one.test.place)
            sightings.append(Sighting(candidate, one.test.rises, events, base, self._outcomes[one.measure]))
        for at in merged(sightings):
            block, number = found[at].test.place
            pattern = self._pattern(found[at], places[block][number])
            aliases = sightings[at].aliases
            yield replace(pattern, aliases=tuple(aliases[:_ALIASES]), merged=len(aliases))

    def _base(self, block: int) -> tuple[Sequence[int], int]:
        if block not in self._bases:
            base = self._corpus.blocks[block].base()
            self._bases[block] = base, bits(base, self._size)
        return self._bases[block]

    def _pattern(self, found: _Found, events: Sequence[int]) -> Pattern:
        test = found.test
        with_, whole = self._tally(events), self._tally(self._base(test.place[0])[0])
        without = Tally(
            rated=whole.rated - with_.rated,
            score=whole.score - with_.score,
            squares=whole.squares - with_.squares,
        )
        outcomes = self._outcomes[found.measure]
        cited = [at for at in events if not test.rises or outcomes >> at & 1] or events
        return Pattern(
            prompt=self._prompt,
            type=found.type,
            candidate=self._corpus.candidate(test.place),
            measure=found.measure,
            events=test.n,
            hits=test.hits,
            without=test.m,
            without_hits=test.others,
            effect=found.effect,
            difference=mean_difference(with_, without),
            p=significant(test.p),
            adjusted=significant(found.adjusted),
            ids=tuple(self._corpus.said[at].id for at in cited[:_EXAMPLES]),
        )

    def _tally(self, events: Sequence[int]) -> Tally:
        return Tally(
            rated=len(events),
            score=sum(map(self._scores.__getitem__, events)),
            squares=sum(map(self._squares.__getitem__, events)),
        )


def _micro(score: float | None) -> int:
    return round((score or 0.0) * MILLION)


def _milli(score: float | None) -> int:
    return round((score or 0.0) * 1000)


def _rank(strength: float, candidate: Candidate) -> tuple[float, int, tuple[str, str, str]]:
    """By strength, to a point; what is as strong and no phrase first, then the longest phrase, which says most."""
    words = len(candidate.text.split()) if candidate.kind == "phrase" else 99
    return -round(strength, 2), -words, _name(candidate)


def _name(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.kind, candidate.where or "", candidate.text


def _order(pattern: Pattern) -> tuple[object, ...]:
    strength = max(pattern.effect.low, -pattern.effect.high)
    return -strength, pattern.prompt, pattern.type, _name(pattern.candidate)
