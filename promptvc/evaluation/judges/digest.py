"""The digest of the judge of a suite: which models and which judge prompts have a say in its scores.

It follows from the suite, not from what a run happened to ask: a case that fails a cheap assertion never meets its
judge, and that must not look like another judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.registry import AT_ONCE, leaves, needs
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.judges.prompts import NAMES

SIMILAR = "similar"
EMBEDDED = frozenset({SIMILAR, "answer-relevance"})
"""The types that compare embeddings."""


def judge_digest(cases: Iterable[Case], bench: ModelBench) -> str:
    """SHA-256, as hex, of the models and the judge prompts that the assertions of ``cases`` may ask; "" for none."""
    models: set[str] = set()
    types: set[str] = set()
    for case in cases:
        for assertion in case.assertions:
            for leaf in leaves(assertion):
                if leaf.base in AT_ONCE or "code" in needs(leaf):
                    continue
                types.add(leaf.base)
                if leaf.base in EMBEDDED:
                    models.add(
                        f"embeddings {bench.embeddings_name(leaf.provider if leaf.base == SIMILAR else None)}"
                    )
                if leaf.base != SIMILAR:
                    models.add(f"judge {bench.judge_name(leaf.provider)}")
    if not types:
        return ""
    prompts = {name: bench.prompt_digest(name) for name in NAMES if any(_asks(base, name) for base in types)}
    content = {"models": sorted(models), "prompts": prompts, "types": sorted(types)}
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _asks(base: str, prompt: str) -> bool:
    """Whether the assertion type ``base`` asks with ``prompt``: its own, and ``g-eval-steps`` for ``g-eval``."""
    return prompt == base or prompt.startswith(f"{base}-")
