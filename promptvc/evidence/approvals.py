"""The record of one approval: who agreed to what, when, and on which evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from promptvc.base.clock import format_time
from promptvc.evidence.fields import FORMAT, Fields


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A person's decision about a version.

    Attributes:
        id: ULID; with ``prompt`` it makes the path.
        by: name and address of the person, as git knows them.
        action: what was approved: ``baseline``, ``deploy``, ``force``, ...
        environment: where, for a deployment.
        evidence: ids of the records that the decision rests on.
    """

    kind: ClassVar[str] = "approval"

    id: str
    time: datetime
    prompt: str
    version: int | None
    digest: str
    by: str
    action: str
    reason: str | None = None
    environment: str | None = None
    evidence: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            **self.extra,
            "record": self.kind,
            "format": FORMAT,
            "id": self.id,
            "time": format_time(self.time),
            "prompt": self.prompt,
            "version": self.version,
            "digest": self.digest,
            "by": self.by,
            "action": self.action,
            "reason": self.reason,
            "environment": self.environment,
            "evidence": list(self.evidence),
        }

    @classmethod
    def read(cls, fields: Fields) -> ApprovalRecord:
        """The record that ``fields`` holds."""
        return cls(
            id=fields.ulid("id"),
            time=fields.time("time"),
            prompt=fields.text("prompt"),
            version=fields.optional("version", fields.integer),
            digest=fields.text("digest"),
            by=fields.text("by"),
            action=fields.text("action"),
            reason=fields.optional("reason", fields.text),
            environment=fields.optional("environment", fields.text),
            evidence=fields.texts("evidence"),
            extra=fields.rest(),
        )
