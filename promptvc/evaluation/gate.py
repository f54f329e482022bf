"""The gate: what an approved baseline passed, and this evaluation does not. New regressions only.

Cases are held against each other one by one, by the digest of the case. A case that says something else now than when
the baseline was approved, or is judged by another judge, cannot be compared. It opens nothing; but if it had to pass
and fails now it closes the gate, else whoever edits a case of an approved suite would switch it off unseen. Where the
record is older than case digests, the suite and its datasets have to be the same as a whole. If nothing is left to
compare, the gate is closed: a gate that saw nothing must not say yes.

What was known to fail, is new, is in quarantine, was not asked or is gone from the suite decides nothing. It is told,
for to remove a case or to set it aside is for a reviewer to see. A regression of a case whose repeats disagree counts
only if most of its repeats fail. A case that could not be graded is no pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import at_once, leaves, needs
from promptvc.evaluation.cases.sequence import digests_of, ids_of
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.flaky import is_flaky
from promptvc.evaluation.reduce import CaseScore, parse_reducer, reduce_repeats
from promptvc.evidence.baselines import Baseline
from promptvc.evidence.records import ComparisonRecord, RunRecord
from promptvc.evidence.values import MEAN

Kind = Literal["failed", "flaky", "errored", "changed"]

NAMED = 3
_DIGITS = 16  # of a case's digest, as records have them


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved baseline with the cases of its record.

    Attributes:
        passed: by case id, whether it has to pass: False for a known failure.
        digests: by case id, the first 16 digits of the case's digest, where the record has them.
        quarantined: ids that did not count.
    """

    baseline: Baseline
    passed: Mapping[str, bool]
    digests: Mapping[str, str] = field(default_factory=dict)
    quarantined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Manner:
    """How this evaluation was made.

    Attributes:
        suite: digest of the suite.
        judge: digest of the judge; None or "" where none was asked.
        datasets: digests of the suite's files of cases, by path.
        quarantined: by case id, why it does not count.
    """

    suite: str
    model: str
    repeats: int = 1
    reducer: str = MEAN
    judge: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    quarantined: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Regression:
    """A case that has to pass and does not.

    ``kind`` is ``changed`` for one that was graded, and is not the question it was when the baseline was approved.
    """

    case: str
    kind: Kind
    passes: int
    repeats: int
    error: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it closes the gate: not if half or more of its repeats passed and none was lost."""
        return self.kind in {"failed", "errored"} or 2 * self.passes < self.repeats

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {
            "case": self.case,
            "kind": self.kind,
            "counts": self.counts,
            "passes": self.passes,
            "repeats": self.repeats,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """What holding an evaluation against the approved baseline found; case ids, in the suite's order.

    Attributes:
        compared: how many cases could be held against each other.
        known: fail, as they did when the baseline was approved; mended: known failures that pass now.
        new: the baseline has not seen these and they fail.
        quarantined: do not count, and had to pass or fail now.
        removed: the baseline has these and the suite has not.
        unasked: of the suite, and not asked this time.
        incomparable: asked, and not the same question as then; those that had to pass and fail are regressions too.
        differs: what is not as it was, in a few words each.
    """

    baseline: Baseline
    regressions: tuple[Regression, ...] = ()
    compared: int = 0
    known: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    incomparable: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def counting(self) -> tuple[Regression, ...]:
        """The regressions that close the gate."""
        return tuple(one for one in self.regressions if one.counts)

    @property
    def open(self) -> bool:
        """Whether this may pass: something was compared, and nothing that has to pass fails."""
        return self.compared > 0 and not self.counting

    @property
    def reason(self) -> str:
        """Why it is open or closed, and what it could not hold against the baseline, in one line."""
        return "; ".join([self._finding(), *self._left_out()])

    @property
    def advice(self) -> str | None:
        """What to do where the gate is closed because the suite or the judge changed; None elsewhere."""
        if self.compared and not any(one.kind == "changed" for one in self.counting):
            return None
        return f"if that is meant, approve it: promptvc baseline approve {self.baseline.name}"

    @property
    def apart(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What a reader has to know beside what closes it: in words what it is, and which cases; none is empty.

        The last is no list of cases but :attr:`differs`.
        """
        flaky = tuple(one.case for one in self.regressions if not one.counts)
        lists = (
            ("flaky, and pass half the time or more", flaky),
            ("known failures", self.known),
            ("mended", self.mended),
            ("new cases that fail", self.new),
            ("in quarantine", self.quarantined),
            ("removed since it was approved", self.removed),
            ("changed since it was approved", self.incomparable),
            ("not asked", self.unasked),
            ("not as it was approved", self.differs),
        )
        return tuple((what, found) for what, found in lists if found)

    def _finding(self) -> str:
        version = f"v{self.baseline.version}"
        if not self.compared:
            return f"nothing can be compared with the approved {version}"
        if not self.counting:
            return f"no new regression against the approved {version}"
        names = [f"{one.case} (changed)" if one.kind == "changed" else one.case for one in self.counting]
        new = "1 new regression" if len(names) == 1 else f"{len(names):,} new regressions"
        return f"{new} against the approved {version}: {named(names)}"

    def _left_out(self) -> list[str]:
        edited = {"removed": self.removed, "changed": self.incomparable}
        told = [f"{len(cases):,} {what}" for what, cases in edited.items() if cases]
        said = [f"{', '.join(told)} since it was approved"] if told else []
        aside = {"in quarantine": self.quarantined, "not asked": self.unasked}
        said += [f"{len(cases):,} {what}" for what, cases in aside.items() if cases]
        return [*said, named(self.differs)] if self.differs else said

    def to_json(self) -> dict[str, Any]:
        """As `evaluate --gate --json` prints it."""
        return {
            "open": self.open,
            "reason": self.reason,
            "baseline": {"version": self.baseline.version, "evidence": self.baseline.evidence},
            "compared": self.compared,
            "regressions": [one.to_json() for one in self.regressions],
            "known": list(self.known),
            "mended": list(self.mended),
            "new": list(self.new),
            "quarantined": list(self.quarantined),
            "removed": list(self.removed),
            "unasked": list(self.unasked),
            "incomparable": list(self.incomparable),
            "differs": list(self.differs),
        }


def named(names: Sequence[str]) -> str:
    """The first :data:`NAMED` of ``names``, and how many more there are: ``a, b, c and 9 more``."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def cases_of(record: RunRecord | ComparisonRecord) -> tuple[CaseScore, ...]:
    """The cases of a run, or of the candidate of a comparison, its repeats brought together.

    Of a comparison from before it kept passes, a case passes where its score is 1.
    """
    if isinstance(record, RunRecord):
        return reduce_repeats(record.cases, record.clusters, parse_reducer(record.reducer))
    return tuple(
        CaseScore(
            case=pair.case,
            score=pair.candidate,
            passed=pair.candidate == 1 if pair.candidate_passed is None else pair.candidate_passed,
            repeats=record.repeats,
            cluster=record.clusters.get(pair.case),
            error="no score" if pair.candidate is None else None,
            digest=pair.case_digest,
        )
        for pair in record.pairs
    )


def approved(baseline: Baseline, record: RunRecord | ComparisonRecord) -> Approved:
    """What ``baseline`` asks for, by the cases of its ``record`` and its own list of known failures."""
    scores = cases_of(record)
    known = set(baseline.failing)
    return Approved(
        baseline=baseline,
        passed={score.case: score.case not in known for score in scores},
        digests={score.case: score.digest for score in scores if score.digest is not None},
        quarantined=frozenset(record.quarantined),
    )


def regressions(
    approved: Approved, scores: Sequence[CaseScore], cases: Sequence[Case], manner: Manner
) -> Gate:
    """Hold an evaluation against the approved baseline.

    Args:
        scores: of the cases that were asked.
        cases: all that the suite has to ask. None is kept: there may be very many.
    """
    found = _Holding(approved, cases, manner)
    for score in scores:
        found.take(score)
    asked = {score.case for score in scores}
    baseline = approved.baseline
    return Gate(
        baseline=baseline,
        regressions=tuple(found.regressions),
        compared=found.compared,
        known=tuple(found.known),
        mended=tuple(found.mended),
        new=tuple(found.new),
        quarantined=tuple(found.quarantined),
        removed=tuple(case for case in approved.passed if case not in found.digests),
        unasked=tuple(case for case in found.digests if case not in asked),
        incomparable=tuple(found.incomparable),
        differs=found.differs,
    )


class _Holding:
    """Cases sorted into the lists of a gate, one after another."""

    def __init__(self, approved: Approved, cases: Sequence[Case], manner: Manner) -> None:
        self.approved = approved
        self.manner = manner
        self.digests = {
            case: digest[:_DIGITS] for case, digest in zip(ids_of(cases), digests_of(cases), strict=True)
        }
        then = approved.baseline
        # Where no judge was asked, because cheaper assertions decided, what was found owes nothing to a judge.
        self.other_judge = bool(manner.judge and then.judge) and manner.judge != then.judge
        self.judged = _judged(cases) if self.other_judge else frozenset()
        self.other_suite = manner.suite != then.suite or dict(manner.datasets) != dict(then.datasets)
        self.differs = tuple(self._differences())
        self.regressions: list[Regression] = []
        self.compared = 0
        self.known: list[str] = []
        self.mended: list[str] = []
        self.new: list[str] = []
        self.quarantined: list[str] = []
        self.incomparable: list[str] = []

    def take(self, score: CaseScore) -> None:
        """Sort one case in."""
        case = score.case
        known = case in self.approved.passed and case not in self.approved.quarantined
        must = known and self.approved.passed[case]
        if case in self.manner.quarantined:
            if must or not score.passed:
                self.quarantined.append(case)
        elif not known:
            if not score.passed:
                self.new.append(case)
        elif self._another_question(case):
            self.incomparable.append(case)
            if must and not score.passed:
                self._regressed(score, "changed")
        else:
            self.compared += 1
            self._compare(score, must=must)

    def _compare(self, score: CaseScore, *, must: bool) -> None:
        if score.passed:
            if not must:
                self.mended.append(score.case)
        elif not must:
            self.known.append(score.case)
        else:
            self._regressed(score, "flaky" if is_flaky(score) else "failed")

    def _regressed(self, score: CaseScore, kind: Kind) -> None:
        kind = kind if score.error is None else "errored"
        self.regressions.append(Regression(score.case, kind, score.passes, score.repeats, score.error))

    def _another_question(self, case: str) -> bool:
        here = self.digests.get(case)
        before = self.approved.digests.get(case)
        if here is None or before is None:
            return self.other_suite or self.other_judge
        return here != before[:_DIGITS] or case in self.judged

    def _differences(self) -> list[str]:
        then, now = self.approved.baseline, self.manner
        found = []
        if now.suite != then.suite:
            found.append("the suite is another")
        paths = sorted({*now.datasets, *then.datasets})
        found += [f"{path} is another" for path in paths if now.datasets.get(path) != then.datasets.get(path)]
        if self.other_judge:
            found.append("the judge is another")
        if now.model != then.model:
            found.append(f"the model is {now.model}, not {then.model}")
        if (now.repeats, now.reducer) != (then.repeats, then.reducer):
            found.append(f"{now.reducer} of {now.repeats}, not {then.reducer} of {then.repeats} repeats")
        return found


def _judged(cases: Sequence[Case]) -> frozenset[str]:
    """The ids of the cases in which a model may have a say."""
    return frozenset(
        name
        for name, case in zip(ids_of(cases), cases, strict=True)
        if any(_takes_a_model(each) for each in case.assertions)
    )


def _takes_a_model(assertion: Assertion) -> bool:
    """Whether a judge or an embedding may have a say: what is neither decided at once nor run as code."""
    return any(not at_once(leaf) and "code" not in needs(leaf) for leaf in leaves(assertion))
