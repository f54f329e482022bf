"""At which level a comparison by hand is made: a trained candidate must not meet a hold-out uncounted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.base.stats import ALPHA
from promptvc.evaluation.suite import Suite
from promptvc.evidence.ledger import Ledger, number
from promptvc.git.objects import blob_id
from promptvc.prompts.edit import with_version
from promptvc.prompts.model import Prompt
from promptvc.store.ledgers import Ledgers
from promptvc.store.versions import Version
from promptvc.training.holdout import divide
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Level:
    """``alpha`` of the one-sided test, and what to say about it."""

    alpha: float = ALPHA
    remark: str | None = None


def level_of(project: Project, candidate: Version, baseline: Version, suite: Suite, prompt: Prompt) -> Level:
    """What comparing ``candidate`` by hand may spend.

    Training chose its candidate, so it has the level of its look, the strictest where it had several. Anything else
    has 0.05; that is said to be uncounted where the ledger knows looks at these cases.

    Args:
        prompt: of the baseline; its variables decide which cases are the same.
    """
    ledger = Ledgers.of(project.resolver, project.settings.remote).read(candidate.name)
    if not ledger.looks:
        return Level()
    digests = _contents(project, candidate, baseline, ledger)
    keys = {
        one.look_key
        for one in ledger.trainings
        if one.candidate is not None and one.candidate.digest == candidate.digest
    }
    own = [one for one in number(ledger.looks) if one.look.candidate in digests or one.look.key in keys]
    if own:
        alpha = min(one.alpha for one in own)
        return Level(alpha, f"a trained candidate: compared at the level of its look, alpha {alpha:.4f}")
    asked = set(divide((), suite.cases, prompt).holdout_keys)
    if any(asked.intersection(look.cases) for look in ledger.looks):
        return Level(remark="by hand: this look is not counted in the ledger")
    return Level()


def _contents(project: Project, candidate: Version, baseline: Version, ledger: Ledger) -> set[str]:
    """Digests that looks may know ``candidate`` by: with the number of what it was trained from in it."""
    numbers = {baseline.version, *(training.baseline.version for training in ledger.trainings)}
    found = {candidate.digest}
    for version in numbers:
        with suppress(InputError):  # a number that no edit can change was put there by no training
            data = with_version(candidate.data, version, file=candidate.path)
            found.add(blob_id(data, project.repository.object_format))
    return found
