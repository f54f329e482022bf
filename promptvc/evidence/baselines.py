"""The approved baseline of a prompt: which evidence later versions are held against, reviewed like code.

``evaluation/baselines/NAME.yaml`` points at one record and repeats of it what a reviewer wants to see, and what must
not change unseen: version, suite, datasets, judge. ``failing`` is the list of known failures. It is the file that
counts there, not the record: a person who accepts a failure adds its case, and one who wants it mended takes it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time, parse_time
from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate
from promptvc.evidence.values import MEAN

FOLDER = "evaluation/baselines/"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was approved.

    Attributes:
        evidence: id of the record.
        version, digest: of the prompt.
        suite: digest of the suite.
        score: 0..1.
        failing: ids of the cases that are known to fail.
        by: who approved, ``Name <mail>``.
        datasets, judge, repeats, reducer: see :class:`~promptvc.evidence.runs.RunRecord`.
    """

    name: str
    evidence: str
    version: int
    digest: str
    suite: str
    model: str
    score: float
    by: str
    time: datetime
    repeats: int = 1
    reducer: str = MEAN
    judge: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    failing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def path(self) -> str:
        """Its file, from the prompt root."""
        return baseline_path(self.name)

    def to_json(self) -> dict[str, Any]:
        """Everything, as the commands print it."""
        return {
            "name": self.name,
            "evidence": self.evidence,
            "version": self.version,
            "digest": self.digest,
            "suite": self.suite,
            "datasets": dict(self.datasets),
            "judge": self.judge,
            "model": self.model,
            "repeats": self.repeats,
            "reducer": self.reducer,
            "score": self.score,
            "failing": list(self.failing),
            "by": self.by,
            "time": format_time(self.time),
            "reason": self.reason,
        }

    def to_bytes(self) -> bytes:
        """The file's content; what is empty is left out."""
        value = {
            key: each for key, each in self.to_json().items() if key != "name" and each not in (None, [], {})
        }
        return dump_yaml(value).encode()


def baseline_path(name: str) -> str:
    """Where the approved baseline of the prompt ``name`` stands, from the prompt root."""
    return f"{FOLDER}{name}.yaml"


def approved_prompt(path: str) -> str | None:
    """The prompt whose approved baseline the file at ``path`` (from the prompt root) is; None if it is none."""
    if not path.startswith(FOLDER) or not path.endswith(".yaml"):
        return None
    return path.removeprefix(FOLDER).removesuffix(".yaml")


def load_baseline(name: str, data: bytes, *, file: str | None = None, memo: Memo | None = None) -> Baseline:
    """Read the approved baseline of the prompt ``name``.

    Raises:
        InvalidDocument: with file and line: not YAML, not by the schema, a time that is none.
    """
    document = load_yaml(data, file=file or baseline_path(name))
    validate(document, "baseline", memo=memo)
    value: dict[str, Any] = document.value
    try:
        time = parse_time(value["time"])
    except ValueError:
        raise InvalidDocument(
            "`time` must be a time such as 2026-11-20T11:47:16Z",
            file=document.file,
            line=document.line("time"),
        ) from None
    return Baseline(
        name=name,
        evidence=value["evidence"],
        version=value["version"],
        digest=value["digest"],
        suite=value["suite"],
        model=value["model"],
        score=value["score"],
        by=value["by"],
        time=time,
        repeats=value.get("repeats", 1),
        reducer=value.get("reducer", MEAN),
        judge=value.get("judge"),
        datasets=value.get("datasets", {}),
        failing=tuple(value.get("failing", ())),
        reason=value.get("reason"),
    )
