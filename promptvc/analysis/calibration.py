"""How far judges agree with people about the same answers: a fold over events, one result for each judge and metric.

Verdicts are read as :mod:`promptvc.analysis.verdicts` says. Where several people judged one answer the majority counts;
a tie says nothing, is left out and counted. See docs/design/judges.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.analysis.agreement import Confusion, mean_difference, spearman
from promptvc.analysis.verdicts import Judge, Verdict, Verdicts
from promptvc.base.config import FeedbackSettings
from promptvc.base.stats import mean, wilson
from promptvc.feedback.events import THRESHOLDS, Event

FEW = 30
"""With fewer pairs nothing is to be trusted: the interval of an agreement of one half is +-17 points wide at 30."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One answer on which people and the judge differ.

    Attributes:
        event: the id of the event that carries the answer.
        people: the mean of what people said, 0..1, yes being 1 and no 0; ``persons`` how many.
        judge: what the judge said, 0..1.
        comment: what a person said with it.
        reason: what the judge said with it.
    """

    event: str
    people: float
    persons: int
    judge: float
    comment: str | None
    reason: str | None

    @property
    def gap(self) -> float:
        """How far apart they are, 0..1."""
        return abs(self.people - self.judge)

    def to_json(self) -> dict[str, Any]:
        """As `judge calibrate --json` prints it."""
        return {key: getattr(self, key) for key in self.__slots__}


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far one judge agrees with people, over the ``n`` answers that both have judged.

    Attributes:
        judge: its model, or ``lexical``.
        metric: what was judged.
        prompt, version, digest, rubric: how it was asked; see :class:`~promptvc.analysis.verdicts.Judge`.
        agreement: the share of equal verdicts, with ``low`` and ``high`` of its 95 % interval (Wilson).
        kappa, mcc: Cohen's and Matthews'; None where one side always says the same.
        confusion: ``tp``, ``fp``, ``fn``, ``tn``: counts by what people said, and then the judge.
        own: of the pairs, those in which people judged the metric itself and not the answer as a whole.
        ties: answers left out because as many people said yes as no.
        scored: of the pairs, those in which people gave a score; the next two are over them.
        rank_correlation: Spearman's, of the scores of both; None where it has no value.
        difference: the mean absolute difference of the scores; None of none.
        disagreements: the pairs with two verdicts, the strongest first.
    """

    judge: str
    metric: str
    n: int
    agreement: float
    low: float
    high: float
    kappa: float | None
    mcc: float | None
    confusion: Mapping[str, int]
    prompt: str | None = None
    version: int | None = None
    digest: str | None = None
    rubric: str | None = None
    own: int = 0
    ties: int = 0
    scored: int = 0
    rank_correlation: float | None = None
    difference: float | None = None
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def few(self) -> bool:
        """Whether there are too few pairs to trust it."""
        return self.n < FEW

    def to_json(self) -> dict[str, Any]:
        """As `judge calibrate --json` prints it."""
        values = {key: getattr(self, key) for key in self.__slots__}
        return values | {
            "confusion": dict(self.confusion),
            "few": self.few,
            "disagreements": [one.to_json() for one in self.disagreements],
        }


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """Which pairs count.

    Attributes:
        metric: only this one; None: all.
        since: only answers of that moment or later, whose events are there; None: all.
        thresholds: where a score is a yes.
    """

    metric: str | None = None
    since: datetime | None = None
    thresholds: FeedbackSettings = THRESHOLDS


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The calibrations, by judge and metric, and what they had to go by.

    Attributes:
        judged: how many answers have a judge's verdict.
        reviewed: how many have a person's.
    """

    calibrations: tuple[Calibration, ...]
    judged: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class _Pair:
    target: str
    people: tuple[Verdict, ...]
    judge: Verdict
    own: bool

    @property
    def majority(self) -> bool | None:
        """What most people say; None in a tie."""
        yes = sum(verdict.good for verdict in self.people)
        return None if 2 * yes == len(self.people) else 2 * yes > len(self.people)

    @property
    def score(self) -> float | None:
        """The mean of the scores that people gave."""
        return mean(verdict.score for verdict in self.people if verdict.score is not None)

    def disagreement(self) -> Disagreement:
        said = sorted(verdict.comment for verdict in self.people if verdict.comment)
        people = mean(verdict.value for verdict in self.people)
        assert people is not None
        return Disagreement(
            event=self.target,
            people=people,
            persons=len(self.people),
            judge=self.judge.value,
            comment=said[0] if said else None,
            reason=self.judge.comment,
        )


def calibrations(events: Iterable[Event], options: CalibrateOptions | None = None) -> tuple[Calibration, ...]:
    """Every judge that people can be compared with; see :func:`calibrate`."""
    return calibrate(events, options).calibrations


def calibrate(events: Iterable[Event], options: CalibrateOptions | None = None) -> Calibrated:
    """Compare judges with people, in the events of one prompt.

    The same events in any order give the same answer, bit for bit.
    """
    options = options or CalibrateOptions()
    verdicts = Verdicts(events, options.thresholds)
    found, judged = [], set()
    for judge in sorted(verdicts.judged, key=lambda judge: judge.sort_key):
        if options.metric not in {None, judge.metric}:
            continue
        targets = [
            target for target in sorted(verdicts.judged[judge]) if _in_time(verdicts, target, options.since)
        ]
        judged.update(targets)
        pairs = [_pair(verdicts, judge, target) for target in targets]
        calibration = _calibration(judge, [pair for pair in pairs if pair.people])
        if calibration is not None:
            found.append(calibration)
    reviewed = sum(_in_time(verdicts, target, options.since) for target in verdicts.reviewed)
    return Calibrated(tuple(found), len(judged), reviewed)


def _in_time(verdicts: Verdicts, target: str, since: datetime | None) -> bool:
    if since is None:
        return True
    event = verdicts.event(target)
    return event is not None and event.time >= since


def _pair(verdicts: Verdicts, judge: Judge, target: str) -> _Pair:
    people, own = verdicts.by_people(target, judge.metric)
    return _Pair(target, people, verdicts.judged[judge][target], own)


def _calibration(judge: Judge, pairs: list[_Pair]) -> Calibration | None:
    decided = [(pair, pair.majority) for pair in pairs]
    kept = [(pair, said) for pair, said in decided if said is not None]
    if not kept:
        return None
    confusion = Confusion.of((said, pair.judge.good) for pair, said in kept)
    low, high = wilson(confusion.agreeing, confusion.n)
    scores = [(pair.score, pair.judge.value) for pair, _ in kept]
    given = [(people, judged) for people, judged in scores if people is not None]
    people, judged = [one for one, _ in given], [one for _, one in given]
    differing = [pair.disagreement() for pair, said in kept if said != pair.judge.good]
    return Calibration(
        judge=judge.model,
        metric=judge.metric,
        n=confusion.n,
        agreement=confusion.agreeing / confusion.n,
        low=low,
        high=high,
        kappa=confusion.kappa,
        mcc=confusion.mcc,
        confusion=confusion.to_json(),
        prompt=judge.prompt,
        version=judge.version,
        digest=judge.digest,
        rubric=judge.rubric,
        own=sum(pair.own for pair, _ in kept),
        ties=len(pairs) - len(kept),
        scored=len(given),
        rank_correlation=spearman(people, judged),
        difference=mean_difference(people, judged),
        disagreements=tuple(sorted(differing, key=lambda one: (-one.gap, one.event))),
    )
