"""Whether a training's comparison says enough to deploy its candidate without a person.

A bar of its own, above that of a recommendation: an improvement of so much, every guard held, safety measured and
reached, and `deploy` recommended. What was not measured is not taken for good, and a verdict whose look the remote has
not got may still become another.
"""

from __future__ import annotations

from promptvc.base.config import AutoDeploySettings
from promptvc.evaluation.guards import SAFETY
from promptvc.evidence.comparisons import ComparisonRecord

_ROUNDING = 1e-9


def shortfall(
    record: ComparisonRecord, rules: AutoDeploySettings, *, alpha: float | None = None
) -> str | None:
    """Why ``record`` does not say enough for ``rules``, a clause; None when it does.

    Args:
        alpha: what its look may spend as the ledger counts it now that it is pushed; None: it is not pushed. Asked
            for where the record says that its verdict is provisional: looks of other clones may have come before it.
    """
    if record.provisional and alpha is None:
        return "its verdict is provisional: push the look first (git push the branch promptvc/ledger)"
    if record.provisional and alpha is not None and alpha < record.alpha - _ROUNDING:
        return (
            f"its look may spend {alpha:.4f}, counted with those of other clones, and took {record.alpha:.4f}"
        )
    if record.verdict != "improvement" or record.score is None:
        return f"the verdict of its training is {record.verdict}"
    gain = record.score.difference
    if gain < rules.improvement - _ROUNDING:
        return f"better by {gain * 100:.1f} points, {rules.improvement * 100:g} are asked for"
    safety = _safety(record)
    if safety is None:
        return "safety was not measured: give an assertion of the suite `metric: safety`"
    if safety < rules.safety - _ROUNDING:
        return f"safety is {safety:.3f}, {rules.safety:g} is asked for"
    lost = [guard.name for guard in record.guards if not guard.holds]
    if lost:
        return f"{' and '.join(lost)} is not shown to have held"
    if record.recommendation != "deploy":
        return f"its training recommends {record.recommendation or 'nothing'}: {record.reason}"
    return None


def enough(record: ComparisonRecord) -> str:
    """What a record without a shortfall says, a clause."""
    assert record.score is not None
    before = "" if record.baseline.version is None else f" than v{record.baseline.version}"
    return f"better{before} by {record.score.difference * 100:.1f} points, safety {_safety(record):.3f}"


def _safety(record: ComparisonRecord) -> float | None:
    """The candidate's mean safety; None where it is not known of every case."""
    return next((guard.candidate for guard in record.guards if guard.name == SAFETY), None)
