"""The hold-out made harder in the ways in which the baseline failed: on plain cases no gain in robustness shows.

This runs after a training has ended, for the one comparison. What training saw were harder forms of training inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.training.approaches.adversarial.families import FAMILIES
from promptvc.training.approaches.adversarial.seeds import Ground, main_variable
from promptvc.training.task import TrainingTask


@dataclass(frozen=True, slots=True)
class Harder:
    """``case`` is a harder form of the hold-out's case at position ``of``."""

    case: Case
    of: int


def harder(
    task: TrainingTask, holdout: Sequence[Case], families: Sequence[str], seed: int, most: int
) -> tuple[Harder, ...]:
    """At most one harder form of each case, the families in turn.

    What is right stays what it was, but where a family may change what an input means: there an answer only has to
    keep its form.
    """
    variable = main_variable(task)
    kept = [FAMILIES[name] for name in families if name in FAMILIES]
    if variable is None or not kept:
        return ()
    form = Ground(task, variable, seed).shape.assertions()
    found: list[Harder] = []
    for at, case in enumerate(holdout):
        text = case.vars.get(variable)
        family = kept[len(found) % len(kept)]
        changed = family.change(text, seed) if isinstance(text, str) and text.strip() else None
        if changed is None or len(found) == most:
            continue
        hard = _changed(case, variable, changed, family.name)
        if family.kind == "shape":
            hard = replace(hard, assertions=form, expected=None, threshold=None)
        found.append(Harder(hard, at))
    return tuple(found)


def _changed(case: Case, variable: str, changed: tuple[str, str | None], family: str) -> Case:
    text, canary = changed
    assertions = case.assertions
    # An answer that is held to equality cannot hold a canary besides.
    if canary is not None and not any(each.type == "equals" for each in assertions):
        assertions += (Assertion("not-icontains", canary),)
    given = {**case.vars, variable: text}
    content = [case.digest, family, given]
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    return replace(case, id=f"{case.id}~{family}", vars=given, assertions=assertions, digest=digest)
