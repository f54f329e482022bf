"""At which level a comparison by hand is made: a trained candidate must not meet a hold-out uncounted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from promptvc.base.stats import ALPHA
from promptvc.evidence.ledger import Ledger, number


@dataclass(frozen=True, slots=True)
class Level:
    """``alpha`` of the one-sided test, and what to say about it."""

    alpha: float = ALPHA
    remark: str | None = None


def level_of(ledger: Ledger, contents: Collection[str], asked: Collection[str]) -> Level:
    """What comparing a candidate by hand may spend.

    Training chose its candidate, so it has the level of its look, the strictest where it had several. Anything else
    has 0.05; that is said to be uncounted where the ledger knows looks at these cases.

    Args:
        contents: digests that the ledger may know the candidate by: its own, and those of its content with the number
            of what it may have been trained from.
        asked: keys of the cases, as looks remember them.
    """
    keys = {
        one.look_key
        for one in ledger.trainings
        if one.candidate is not None and one.candidate.digest in contents
    }
    own = [one for one in number(ledger.looks) if one.look.candidate in contents or one.look.key in keys]
    if own:
        alpha = min(one.alpha for one in own)
        return Level(alpha, f"a trained candidate: compared at the level of its look, alpha {alpha:.4f}")
    taken = (look for look in ledger.looks if not look.given_back)
    if any(not set(look.cases).isdisjoint(asked) for look in taken):
        return Level(remark="by hand: this look is not counted in the ledger")
    return Level()
