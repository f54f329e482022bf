"""One case of a suite as a frozen value, and the digest of a set of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from promptvc.evaluation.assertions.assertion import Assertion

EXPECTED = "expected"
Split = Literal["train", "holdout"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, complete: defaults merged, variables filled in. What it holds is not to be changed.

    Attributes:
        line: where it stands in its file.
        digest: SHA-256, as hex, of all that decides how an answer scores: id, vars, assertions, threshold, cluster.
        file: the dataset that it stands in; None for the suite's own file.
    """

    id: str
    line: int
    vars: Mapping[str, Any]
    assertions: tuple[Assertion, ...]
    expected: Any = None
    threshold: float | None = None
    cluster: str | None = None
    split: Split = "holdout"
    tags: tuple[str, ...] = ()
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    file: str | None = None


def digest_of_digests(digests: Iterable[str]) -> str:
    """SHA-256, as hex, of a set of cases by their digests, whatever their order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
