"""What saved evidence says of one case: on which versions it passed, and on which it did not.

Only what certainly is about the same question counts: the case by its digest, on the same model. Of a case that a model
grades evidence says nothing, for another judge may see it differently. A failure over several repeats counts where
each of them failed; where they disagree the case is flaky there, and has to be asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from promptvc.evaluation.bisecting import State, is_flaky, majority
from promptvc.evaluation.cases.suite import Case
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.records import Record
from promptvc.evidence.runs import RunRecord
from promptvc.evidence.values import MEAN

_DIGITS = 16


@dataclass(slots=True)
class Witnessed:
    """By digest of a version's content: its state, and those whose repeats disagreed."""

    states: dict[str, State] = field(default_factory=dict)
    flaky: set[str] = field(default_factory=set)


def witnessed(records: Iterable[Record], case: Case, suite: str, models: Mapping[str, str]) -> Witnessed:
    """What ``records``, oldest first, say of ``case``; the newest word on a version counts.

    Args:
        suite: digest of the suite that the case is in: records that are older than the digests of cases go by it.
        models: by digest, the model that a version is asked on.
    """
    found = Witnessed()
    for record in records:
        for digest, passes in _passes(record, case, suite):
            if models.get(digest) != getattr(record, "model", None):
                continue
            found.states.pop(digest, None)
            if is_flaky(passes):
                found.flaky.add(digest)
            elif passes:
                found.states[digest] = majority(passes)
                found.flaky.discard(digest)
    return found


def _passes(record: Record, case: Case, suite: str) -> Iterator[tuple[str, list[bool]]]:
    """Digest of a version, and whether the case passed there in each repeat, as far as that is certain."""
    if isinstance(record, RunRecord):
        mine = [one for one in record.cases if one.case == case.id]
        if mine and all(_same(one.case_digest, case, record.suite == suite) for one in mine):
            passes = [one.passed for one in mine if one.passed is not None]
            if len(passes) == len(mine):
                yield record.digest, passes
    if isinstance(record, ComparisonRecord):
        pair = next((one for one in record.pairs if one.case == case.id), None)
        if pair is not None and _same(pair.case_digest, case, record.suite == suite):
            yield from _of_pair(record, pair)


def _same(digest: str | None, case: Case, same_suite: bool) -> bool:  # noqa: FBT001 - the fallback
    return same_suite if digest is None else digest == case.digest[:_DIGITS]


def _of_pair(record: ComparisonRecord, pair: Pair) -> Iterator[tuple[str, list[bool]]]:
    known = {"candidate": pair.candidate_passed, "baseline": pair.baseline_passed}
    if pair.case in record.fixed:
        known = {"candidate": True, "baseline": False}
    if pair.case in record.broken:
        known = {"candidate": False, "baseline": True}
    for side, digest, score in (
        ("candidate", record.candidate.digest, pair.candidate),
        ("baseline", record.baseline.digest, pair.baseline),
    ):
        passed = known[side]
        # By the mean a case passes where every repeat does. One that does not may still have passed sometimes.
        certain = record.repeats == 1 or (record.reducer == MEAN and (passed or score == 0))
        if passed is not None and score is not None and certain:
            yield digest, [passed]
