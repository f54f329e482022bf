"""How to train, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from promptvc.base.config import APPROACHES, FeedbackSettings, SelectionSettings, TriggerSettings

AUTO = "auto"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a training may spend; None is no bound.

    What a cache has is counted as well, so that a plan does not depend on a cache. The comparison on the hold-out is
    no part of it.

    Attributes:
        calls: answers asked of models, the optimizer's included.
        tokens: in and out, of all answers.
        cost: US dollars.
        seconds: of wall time; the only bound that another machine reaches elsewhere.
        reserved: calls of the comparison on the hold-out that follows; their tokens and cost are kept free.
        blocks: of races, over the whole training: where an earlier training stopped for lack of time.
        proposals: of the optimizer, which then fails: where it did in an earlier training.
    """

    calls: int = 20000
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None
    reserved: int = 0
    blocks: int | None = None
    proposals: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    Attributes:
        approach: a name, ``auto`` or ``all``.
        enabled: what ``auto`` and ``all`` may take, the first first.
        selection: where ``auto`` takes which.
        triggers: where which one would have fired, for a training that was asked for.
        trigger: what made the training due: ``errors``, ``ratings``, ``suggestions`` or ``volume``; None: nothing did.
        thresholds: where a score of feedback counts as positive and as negative.
        seed: of the folds and of every draw; the same task, seed and answers give the same edits.
        max_examples: how many examples the prompt may have in the end, those it has included.
        max_tokens: what all its examples may weigh together, counted as four characters a token.
        max_growth: by how much instructions and rules may grow in characters, as a share of the baseline's.
        min_gain: what a candidate has to gain on training cases to leave.
        variants: how many an approach proposes in a round; ``rounds``: how many rounds there are at most.
        batch: how many failures or pieces of feedback the optimizer is shown at once.
        bounds: what it may spend.
    """

    approach: str = AUTO
    enabled: tuple[str, ...] = APPROACHES
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    triggers: TriggerSettings = field(default_factory=TriggerSettings)
    trigger: str | None = None
    thresholds: FeedbackSettings = field(default_factory=FeedbackSettings)
    seed: int = 0
    max_examples: int = 32
    max_tokens: int = 4000
    max_growth: float = 0.25
    min_gain: float = 0.02
    variants: int = 3
    rounds: int = 3
    batch: int = 10
    bounds: Bounds = field(default_factory=Bounds)
