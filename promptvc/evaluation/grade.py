"""From an answer to a result: the assertions of a case applied to one outcome.

The score of a case is the mean of its assertions' scores by weight, 0..1. It passes when all of them pass, or when the
score reaches the case's ``threshold``. Where an assertion could not be graded the case is errored: it has no score. An
assertion with weight 0 is only a metric: it neither counts, fails the case nor makes it errored. An ``assert-set``
counts as one assertion: its score is the mean of its members', and it passes in the same two ways.

Grading goes from cheap to dear: first what the answer alone decides; then, only if that passes, what takes a judge, an
embedding or a process; last what compares the answers of several versions or models. An assertion that is not asked,
because the case has failed already, counts 0: failing a cheap assertion never helps a score. Where a threshold
could still be reached all are asked. So is always what has a ``metric`` or weighs nothing: that measures, and a
measure that is there for good answers only would make a guard hold where it should not.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from promptvc.base.errors import OverBudget, ProviderRefused, Refused, Unfinished
from promptvc.evaluation.assertions.assertion import (
    HOLDS,
    NEGATION,
    Answer,
    Assertion,
    Bench,
    Grade,
    Grader,
    JudgedGrader,
)
from promptvc.evaluation.assertions.registry import ASSERT_SET, ASSERTIONS, AT_ONCE, COMPARING, leaves
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evidence.runs import OUTPUT_LIMIT, CaseResult, GradeLine
from promptvc.evidence.values import Tokens

NOT_ASKED = Grade(score=0.0, passed=False, reason="not asked: the case has failed already")
_ROUNDING = 1e-9


class Grading:
    """One answer while it is graded; made for a case and what came of it."""

    def __init__(self, case: Case, outcome: Outcome) -> None:
        self.case = case
        self.outcome = outcome
        completion = outcome.completion
        self.answer: Answer | None = None
        self._leaves: Sequence[Assertion] = case.assertions
        self._grouped = False
        for each in case.assertions:
            if each.members:
                self._leaves = [leaf for each in case.assertions for leaf in leaves(each)]
                self._grouped = True
                break
        self._grades: list[Grade | None] = [None] * len(self._leaves)
        self._open = 0
        if completion is None:
            return
        self.answer = Answer(completion, case.vars, outcome.messages, case.expected)
        for at, leaf in enumerate(self._leaves):
            grader = _immediate(leaf.type)
            if grader is not None:
                self._give(at, grader.grade(self.answer, leaf))
            else:
                self._open += 1

    @property
    def waits(self) -> bool:
        """Whether :meth:`judge` has something to do."""
        return self._open > 0 and any(
            grade is None and leaf.base not in COMPARING
            for leaf, grade in zip(self._leaves, self._grades, strict=True)
        )

    @property
    def compares(self) -> bool:
        """Whether an assertion needs the other answers to this case too."""
        return self._open > 0 and any(leaf.base in COMPARING for leaf in self._leaves)

    async def judge(self, bench: Bench) -> None:
        """Grade what takes calls or a process.

        Raises:
            ProviderRefused, OverBudget: no further call would succeed.
        """
        assert self.answer is not None
        lost = self._lost()
        measures = self._measures() if lost else ()
        for at, leaf in enumerate(self._leaves):
            if self._grades[at] is not None or leaf.base in COMPARING:
                continue
            if lost and not measures[at]:
                self._grades[at] = NOT_ASKED
                continue
            grader = ASSERTIONS[leaf.base]
            assert isinstance(grader, JudgedGrader)
            try:
                found = await grader.judge(self.answer, leaf, bench)
            except (ProviderRefused, OverBudget):
                raise
            except (Unfinished, Refused) as error:
                found = Grade.failed(error.message)
            self._give(at, found)

    def comparing(self) -> Iterator[tuple[int, Assertion]]:
        """The assertions that compare answers, by number."""
        return ((at, leaf) for at, leaf in enumerate(self._leaves) if leaf.base in COMPARING)

    def compared(self, number: int, grade: Grade) -> None:
        """Take the grade of a comparing assertion."""
        self._give(number, grade)

    @property
    def score_so_far(self) -> float:
        """The weighted mean of what is graded; 0 where nothing is, or something is errored."""
        graded = [
            (each, grade)
            for each, grade, _ in self._graded()
            if each.weight > 0 and each.base not in COMPARING
        ]
        if not graded or any(grade.error is not None for _, grade in graded):
            return 0.0
        return _weighted(graded)

    def result(self) -> CaseResult:
        """What came of it. Failed assertions are told in ``extra["failures"]``, one line each."""
        case, outcome, completion = self.case, self.outcome, self.outcome.completion
        if completion is None:
            return CaseResult(
                case=case.id,
                repeat=outcome.repeat,
                score=None,
                passed=None,
                error=outcome.error or "no answer",
                case_digest=case.digest[:16],
            )
        graded = list(self._graded())
        counting = [(each, grade) for each, grade, _ in graded if each.weight > 0]
        errors: list[str] = []
        failures: list[str] = []
        for each, grade in counting:
            if grade.error is not None:
                errors.append(f"{each.type}: {grade.error}")
            elif not grade.passed:
                failures.append(f"{each.type}: {grade.reason}")
        score = None if errors else _weighted(counting)
        text = completion.text
        return CaseResult(
            case=case.id,
            repeat=outcome.repeat,
            score=score,
            passed=None if score is None else not failures or _reaches(score, case.threshold),
            error="; ".join(errors) or None,
            output=text[:OUTPUT_LIMIT],
            output_digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            tokens=Tokens(completion.tokens_in, completion.tokens_out),
            cost=completion.cost,
            latency_ms=completion.latency_ms,
            metrics=self._metrics(graded),
            grades=tuple(line for _, _, lines in graded for line in lines),
            case_digest=case.digest[:16],
            extra={"failures": failures} if failures and not errors else {},
        )

    def _give(self, at: int, grade: Grade) -> None:
        name = self._leaves[at].type
        self._grades[at] = grade.negated(name) if name.startswith(NEGATION) else grade

    def _measures(self) -> list[bool]:
        """For each leaf whether it measures, whatever became of the case: it or its set has a metric or weight 0."""
        return [
            each.weight * leaf.weight == 0 or each.metric is not None or leaf.metric is not None
            for each in self.case.assertions
            for leaf in leaves(each)
        ]

    def _lost(self) -> bool:
        """Whether nothing that is still to be asked can make the case pass, or give it a score."""
        if self.case.threshold is not None:
            return False
        at = 0
        for each in self.case.assertions:
            own = list(leaves(each))
            grades = self._grades[at : at + len(own)]
            at += len(own)
            if each.weight == 0 or (each.threshold is not None and each.members):
                continue
            if any(
                grade is not None and not grade.passed and leaf.weight > 0
                for leaf, grade in zip(own, grades, strict=True)
            ):
                return True
        return False

    def _graded(self) -> Iterator[tuple[Assertion, Grade, tuple[GradeLine, ...]]]:
        """Each assertion of the case with its grade, and the lines that tell of it and its members."""
        if not self._grouped:
            for each, found in zip(self._leaves, self._grades, strict=True):
                grade = found or Grade.failed("not graded")
                yield each, grade, (_line(each, grade),)
            return
        at = 0
        for each in self.case.assertions:
            if each.base != ASSERT_SET:
                grade = self._grades[at] or Grade.failed("not graded")
                at += 1
                yield each, grade, (_line(each, grade),)
                continue
            members = [
                (member, self._grades[at + n] or Grade.failed("not graded"))
                for n, member in enumerate(each.members)
            ]
            at += len(members)
            grade = _of_set(each, members)
            yield each, grade, (_line(each, grade), *(_line(member, found) for member, found in members))

    def _metrics(
        self, graded: Sequence[tuple[Assertion, Grade, tuple[GradeLine, ...]]]
    ) -> Mapping[str, float]:
        """Mean scores by metric; by weight, or evenly where all weights of a metric are 0. Errored ones are missing."""
        if all(leaf.metric is None for leaf in self._leaves) and not self._grouped:
            return {}
        named: defaultdict[str, list[GradeLine]] = defaultdict(list)
        for _, _, lines in graded:
            for line in lines:
                if line.metric is not None:
                    named[line.metric].append(line)
        return {
            name: _mean([(line.weight, line.score or 0.0) for line in lines])
            for name, lines in sorted(named.items())
            if all(line.error is None for line in lines)
        }


@lru_cache(maxsize=1024)
def _immediate(name: str) -> Grader | None:
    """The grader of the type ``name`` (negated or not) where it grades at once."""
    return AT_ONCE.get(name.removeprefix(NEGATION))


def grade_outcome(case: Case, outcome: Outcome) -> CaseResult:
    """Grade what came of one task, where every assertion is graded from the answer alone."""
    return Grading(case, outcome).result()


@lru_cache(maxsize=1024)
def _holding(name: str, weight: float, metric: str | None) -> GradeLine:
    """The line of an assertion that simply holds: most do, and one value serves all of them."""
    return GradeLine(name=name, score=1.0, passed=True, weight=weight, metric=metric)


def _line(assertion: Assertion, grade: Grade) -> GradeLine:
    if grade is HOLDS:
        return _holding(assertion.type, assertion.weight, assertion.metric)
    errored = grade.error is not None
    return GradeLine(
        name=assertion.type,
        score=None if errored else grade.score,
        passed=None if errored else grade.passed,
        weight=assertion.weight,
        metric=assertion.metric,
        reason=grade.reason,
        error=grade.error,
        measure=grade.measure,
    )


def _of_set(each: Assertion, members: Sequence[tuple[Assertion, Grade]]) -> Grade:
    counting = [(member, grade) for member, grade in members if member.weight > 0]
    errors = [f"{member.type}: {grade.error}" for member, grade in counting if grade.error is not None]
    if errors:
        return Grade.failed("; ".join(errors))
    score = _weighted(counting)
    failed = [f"{member.type}: {grade.reason}" for member, grade in counting if not grade.passed]
    passed = not failed or _reaches(score, each.threshold)
    return Grade(score=score, passed=passed, reason="" if passed else "; ".join(failed))


def _weighted(graded: Sequence[tuple[Assertion, Grade]]) -> float:
    return _mean([(assertion.weight, grade.score) for assertion, grade in graded])


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    if len(weighted) == 1:
        return weighted[0][1]
    total = math.fsum([weight for weight, _ in weighted])
    if total == 0:
        return math.fsum([score for _, score in weighted]) / len(weighted)
    score = math.fsum([weight * score for weight, score in weighted]) / total
    return min(1.0, max(0.0, score))


def _reaches(score: float, threshold: float | None) -> bool:
    return threshold is not None and score >= threshold - _ROUNDING
