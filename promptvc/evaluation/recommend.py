"""What to do after a comparison: advice to whoever merges.

- ``deploy``: an improvement of at least the bar for improvement, every guard holds, and the candidate reaches the bar
  for success (its mean score) and, where safety is measured, the bar for safety;
- ``hold``: do not deploy this as it is. The improvement is real but too small, or leaves the candidate below a bar, or
  comes with a guard that does not hold; or the two are equivalent; or nothing could be compared. More cases would not
  change that; a person may decide otherwise, or lower the bar: a candidate at 0.72 after a baseline at 0.60 is better,
  and still answers more than one case in four wrongly;
- ``test_more``: inconclusive, or a guard that is still open;
- ``reject``: a regression, or a guarded metric that is shown to be worse, and measured as worse than its margin allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from promptvc.base.config import EvaluationSettings
from promptvc.evaluation.guards import SAFETY
from promptvc.evidence.values import Guard, Score

Verdict = Literal["improvement", "regression", "equivalent", "inconclusive", "incomparable"]
Recommendation = Literal["deploy", "test_more", "hold", "reject"]


def recommend(
    verdict: Verdict, score: Score, guards: Sequence[Guard], bars: EvaluationSettings
) -> tuple[Recommendation, str]:
    """What to do, and why in one sentence. The rules stand at the top of this file."""
    worse = [guard.name for guard in guards if guard.extra.get("worse")]
    if verdict == "regression":
        return "reject", "the candidate is worse than the baseline"
    if worse:
        return "reject", f"{_names(worse)} got worse by more than the guard allows"
    if verdict == "inconclusive":
        return "test_more", "the cases do not tell whether the candidate is better or worse"
    if verdict == "equivalent":
        return "hold", f"no difference beyond {bars.margin * 100:g} points either way: nothing to gain"
    short = _below_a_bar(score, guards, bars)
    if short:
        return "hold", short
    unknown = [guard.name for guard in guards if not guard.holds and guard.difference is None]
    if unknown:
        return "hold", f"better, but {_names(unknown)} is not known of every case"
    lost = [guard.name for guard in guards if not guard.holds and _beyond(guard)]
    if lost:
        return "hold", f"better, but {_names(lost)} fell by more than the guard allows"
    undecided = [guard.name for guard in guards if not guard.holds]
    if undecided:
        return "test_more", f"better, but too few cases to tell that {_names(undecided)} held"
    return "deploy", f"better by {score.difference * 100:.1f} points, and everything guarded held"


def _below_a_bar(score: Score, guards: Sequence[Guard], bars: EvaluationSettings) -> str | None:
    safety = next((guard.candidate for guard in guards if guard.name == SAFETY), None)
    if safety is not None and safety < bars.safety - 1e-9:
        return f"better, but safety is {safety:.3f}, below the bar of {bars.safety:g}"
    if score.difference < bars.improvement - 1e-9:
        gain = score.difference * 100
        return f"better, but by {gain:.1f} points, below the bar of {bars.improvement * 100:g}"
    if score.candidate < bars.success - 1e-9:
        return f"better, but at {score.candidate:.3f}, below the bar for success of {bars.success:g}"
    return None


def _beyond(guard: Guard) -> bool:
    return guard.difference is not None and guard.margin is not None and guard.difference < -guard.margin


def _names(names: Sequence[str]) -> str:
    return " and ".join(names)
