"""Candidate against baseline: is it better.

The verdict, by one paired test (:mod:`promptvc.base.paired`) of the scores, each direction at ``alpha``:

- ``improvement``: the interval lies above 0;
- ``regression``: below 0;
- ``equivalent``: neither, and inside +-margin;
- ``inconclusive``: anything else, with how many more cases would probably decide;
- ``incomparable``: a case is missing, is there twice or ran another number of repeats; or cases are errored, more than
  1 % of them or so that the verdict would not stand if all of them went as badly for the candidate as they could.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from promptvc.base.config import EvaluationSettings
from promptvc.base.paired import PairedTest, paired_test
from promptvc.base.power import cases_needed, detectable
from promptvc.base.stats import ALPHA, mean
from promptvc.evaluation.guards import RELATIVE, Pairs, check_guard, keys, margins, measured
from promptvc.evaluation.recommend import Recommendation, Verdict, recommend
from promptvc.evaluation.reduce import CaseScore
from promptvc.evidence.comparisons import Pair
from promptvc.evidence.values import Expense, Guard, Score, Took

ERRORS_ALLOWED = 0.01
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """How to compare.

    Attributes:
        alpha: level of the one-sided test: 0.05, or what this look at a hold-out may spend.
        seed: of Monte Carlo draws.
        bars: margin of equivalence, default margin of guards, and the bars of the recommendation.
        guards: margins by metric, as the suite names them.
        provisional: the look is not pushed yet.
    """

    alpha: float = ALPHA
    seed: int = 0
    bars: EvaluationSettings = field(default_factory=EvaluationSettings)
    guards: Mapping[str, float] = field(default_factory=dict)
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        score: both means, their difference and its interval; None when incomparable.
        p, p_worse: one-sided, for "the candidate is better" and "is worse"; None when incomparable.
        exact: whether p was counted rather than drawn.
        clusters: how many groups were independent; equal to ``score.n`` without clusters.
        fixed, broken: cases that only the candidate passes, that only the baseline passes.
        removed: cases that the baseline's suite has and this one has not.
        errored: cases without a score on a side.
        needed: how many more cases would decide, with a chance of 80 % if the difference and the spread stay as seen;
            None unless inconclusive.
        detectable: the smallest true difference that this many cases find with that chance; None when incomparable, or
            when these cases could not even find the largest there can be.
        reason: one sentence for the recommendation.
        took: what an answer took on both sides; None where nothing is known.
    """

    verdict: Verdict
    recommendation: Recommendation
    reason: str
    alpha: float
    score: Score | None = None
    p: float | None = None
    p_worse: float | None = None
    exact: bool = True
    clusters: int = 0
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    errored: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    needed: int | None = None
    detectable: float | None = None
    provisional: bool = False
    pairs: tuple[Pair, ...] = ()
    took: Took | None = None


def compare(
    candidate: Sequence[CaseScore],
    baseline: Sequence[CaseScore],
    options: CompareOptions | None = None,
    *,
    removed: Sequence[str] = (),
) -> Comparison:
    """Compare two sides that answered the same cases. The order of the cases does not matter."""
    options = options or CompareOptions()
    pairs, wrong = _paired(candidate, baseline)
    listed = tuple(
        Pair(after.case, before.score, after.score, before.passed, after.passed, after.digest)
        for after, before in pairs
    )
    errored = tuple(after.case for after, before in pairs if after.score is None or before.score is None)
    whole = [pair for pair in pairs if pair[0].case not in set(errored)]
    test = None if wrong or not whole else _test(whole, options)
    if not wrong:
        wrong = _errors_decide(pairs, test, options)
    if wrong or test is None:
        return Comparison(
            verdict="incomparable",
            recommendation="hold",
            reason=wrong or "no case has a score on both sides",
            alpha=options.alpha,
            removed=tuple(removed),
            errored=errored,
            provisional=options.provisional,
            pairs=listed,
        )
    verdict = verdict_of(test, options.bars.margin)
    named = margins(whole, options.guards, options.bars.guard_margin)
    guards = tuple(check_guard(name, margin, whole, seed=options.seed) for name, margin in named.items())
    score = _score(whole, test)
    needed = _needed(whole, test, options) if verdict == "inconclusive" else None
    recommendation, reason = recommend(verdict, score, guards, options.bars)
    return Comparison(
        verdict=verdict,
        recommendation=recommendation,
        reason=reason,
        alpha=options.alpha,
        score=score,
        p=test.p_greater,
        p_worse=test.p_less,
        exact=test.exact,
        clusters=test.clusters,
        fixed=tuple(after.case for after, before in whole if after.passed and not before.passed),
        broken=tuple(after.case for after, before in whole if before.passed and not after.passed),
        removed=tuple(removed),
        errored=errored,
        guards=guards,
        needed=needed,
        detectable=_detectable(whole, test, options.alpha),
        provisional=options.provisional,
        pairs=listed,
        took=_took(whole),
    )


def verdict_of(test: PairedTest, margin: float) -> Verdict:
    """What an interval says."""
    if test.low > 0:
        return "improvement"
    if test.high < 0:
        return "regression"
    return "equivalent" if -margin < test.low and test.high < margin else "inconclusive"


def _paired(candidate: Sequence[CaseScore], baseline: Sequence[CaseScore]) -> tuple[Pairs, str]:
    """The pairs in the candidate's order, and what forbids comparing them; empty if nothing does."""
    before = {score.case: score for score in baseline}
    pairs = [(score, before[score.case]) for score in candidate if score.case in before]
    twice = [
        case
        for side in (candidate, baseline)
        for case, n in Counter(each.case for each in side).items()
        if n > 1
    ]
    if twice:
        return pairs, f"there twice: {_some(twice)}"
    missing = sorted({score.case for score in candidate} ^ set(before))
    if missing:
        return pairs, f"on one side only: {_some(missing)}"
    uneven = [after.case for after, other in pairs if after.repeats != other.repeats]
    if uneven:
        return pairs, f"not repeated equally often: {_some(uneven)}"
    return pairs, "" if pairs else "there are no cases"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def _errors_decide(pairs: Pairs, test: PairedTest | None, options: CompareOptions) -> str:
    """Why the errored pairs forbid a verdict; empty when they do not."""
    errored = sum(after.score is None or before.score is None for after, before in pairs)
    if not errored:
        return ""
    said = f"{errored} of {len(pairs)} cases errored"
    if errored > ERRORS_ALLOWED * len(pairs) or test is None:
        return f"{said}, more than {ERRORS_ALLOWED:.0%}"
    verdict = verdict_of(test, options.bars.margin)
    if verdict_of(_test(pairs, options), options.bars.margin) != verdict:
        return f"{said}, and the verdict hangs on them"
    return ""


def _test(pairs: Pairs, options: CompareOptions) -> PairedTest:
    """The paired test, an unknown score standing for the worst for the candidate."""
    return paired_test(
        _differences(pairs),
        clusters=keys([after.cluster for after, _ in pairs]),
        alpha=options.alpha,
        seed=options.seed,
    )


def _differences(pairs: Pairs) -> list[float]:
    return [
        (0.0 if after.score is None else after.score) - (1.0 if before.score is None else before.score)
        for after, before in pairs
    ]


def _score(pairs: Pairs, test: PairedTest) -> Score:
    candidate = mean(after.score for after, _ in pairs if after.score is not None)
    baseline = mean(before.score for _, before in pairs if before.score is not None)
    assert candidate is not None
    assert baseline is not None
    return Score(
        baseline=baseline,
        candidate=candidate,
        difference=test.mean,
        low=test.low,
        high=test.high,
        level=test.level,
        n=test.n,
    )


def _took(pairs: Pairs) -> Took | None:
    sides = [Expense(*(_known(side, key) for key in RELATIVE)) for side in zip(*pairs, strict=True)]
    candidate, baseline = sides
    return None if candidate == baseline == Expense() else Took(baseline, candidate)


def _known(scores: Sequence[CaseScore], name: str) -> float | None:
    """The mean; None where it is not known of every case."""
    values = [measured(score, name) for score in scores]
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None


def _sums(pairs: Pairs) -> list[tuple[float, int]]:
    """Sum of the differences and number of cases of each group that moves together: a cluster, or one case."""
    groups: defaultdict[object, list[float]] = defaultdict(list)
    names = keys([after.cluster for after, _ in pairs]) or range(len(pairs))
    for name, difference in zip(names, _differences(pairs), strict=True):
        groups[name].append(difference)
    return [(math.fsum(group), len(group)) for group in groups.values()]


def _spread(sums: Sequence[tuple[float, int]], mean: float) -> float:
    """Standard deviation of a case's difference, as large as it acts on the mean when clusters move together."""
    n = sum(size for _, size in sums)
    return math.sqrt(math.fsum((total - size * mean) ** 2 for total, size in sums) / n)


def _unit(sums: Sequence[tuple[float, int]]) -> float:
    """The smallest difference that was seen, as a case's: 1, as between right and wrong, where none was."""
    size = sum(size for _, size in sums) / len(sums)
    return min((abs(total) / size for total, _ in sums if abs(total) > _NOTHING), default=1.0)


def _detectable(pairs: Pairs, test: PairedTest, alpha: float) -> float | None:
    sums = _sums(pairs)
    # As many independent differences as there are clusters, each the sum of its cases' over a typical number of them.
    spread = _spread(sums, test.mean) * math.sqrt(len(sums) / test.n)
    found = detectable(len(sums), spread, alpha, unit=_unit(sums))
    return found if found <= 1 else None


def _needed(pairs: Pairs, test: PairedTest, options: CompareOptions) -> int | None:
    sums = _sums(pairs)
    total = cases_needed(
        test.mean, _spread(sums, test.mean), options.bars.margin, options.alpha, unit=_unit(sums)
    )
    return None if total is None else max(1, total - test.n)
