"""What a reader of an evaluation should know beside its numbers, a sentence each."""

from __future__ import annotations

from promptvc.evaluation.assembly import Frame
from promptvc.evaluation.cases.sequence import ids_of


def told(frame: Frame, *, trained: int) -> tuple[str, ...]:
    """The remarks on what was asked; ``trained`` cases were left out because training learns from them."""
    remarks = []
    suite, asked = frame.suite, len(frame.cases)
    if suite.generated:
        cases = "1 case was" if asked == 1 else f"{asked:,} cases were"
        remarks.append(
            f"nobody wrote a suite: {cases} generated from the prompt and its feedback, "
            f"and are no evidence; write evaluation/{frame.name}.yaml"
        )
    if asked < frame.of:
        remarks.append(f"{asked:,} of {frame.of:,} cases were asked")
    if trained:
        remarks.append(f"{trained} cases marked `split: train` were left out")
    added = _added(frame)
    if added:
        remarks.append(f"{'1 case is' if added == 1 else f'{added} cases are'} new since the baseline")
    if frame.quarantined:
        held = len(frame.quarantined)
        remarks.append(f"{'1 case is' if held == 1 else f'{held} cases are'} in quarantine and not counted")
    if frame.level.remark is not None:
        remarks.append(frame.level.remark)
    return tuple(remarks)


def _added(frame: Frame) -> int:
    """How many cases are asked that the baseline's own suite had not."""
    if frame.older is None:
        return 0
    before = set(ids_of(frame.older.cases))
    return sum(name not in before for name in ids_of(frame.cases))
