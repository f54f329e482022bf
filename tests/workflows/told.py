"""A small desk whose second version a training wrote: what feedback said, evidence, the ledger and a merge."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from promptvc.base.ids import derived_ulid, new_ulid
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.ledger import Events, Training
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.values import Score, VersionRef
from promptvc.git.objects import Objects
from promptvc.store.ledgers import Ledgers
from tests.builders import Repo

NAME = "desk/why"
FILE = f"prompts/{NAME}.yaml"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRAINING = new_ulid(NOON, b"a training")
SAID, GONE, LINE = (derived_ulid(NOON, word, 0) for word in (b"said", b"gone", b"line"))

V1 = f"""\
name: {NAME}
version: 1
messages:
  - role: system
    content: |
      You route customer messages.
      Answer with one label only.
  - role: user
    content: "{{{{ q }}}}"
rules:
  - text: Never guess.
"""
V2 = (
    V1.replace("version: 1", "version: 2").replace("one label only", "one label of the list")
    + f"  - text: A charge nobody knows is card_fraud.\n    because: [{GONE}, {SAID}]\n"
    + f"examples:\n  - input: {{q: charged twice}}\n    output: billing\n    because: [{SAID}]\n"
)


def event(key: str, **more: Any) -> str:
    value = {"id": key, "time": "2026-02-03T10:00:00Z", "prompt": NAME, "source": "human"} | more
    return json.dumps(value) + "\n"


def digest(repo: Repo, rev: str) -> str:
    return repo.git("rev-parse", f"{rev}:{FILE}")


def tell(repo: Repo) -> Repo:
    """v1 by hand; v2 by a training that added a rule and an example and changed a line, merged."""
    said = event(SAID, kind="correction", input={"q": "charged twice"}, output="refund", corrected="billing")
    said += event(LINE, kind="suggestion", comment="name the list")
    repo.commit(
        {FILE: V1, f"feedback/{NAME}/2026/02/{new_ulid(NOON, b'0' * 10)}.jsonl": said}, "Route by hand"
    )
    repo.git("switch", "-q", "-c", f"promptvc/{NAME}/v2")
    repo.write({FILE: V2})
    before, after = digest(repo, "HEAD"), repo.git("hash-object", FILE)
    record = ComparisonRecord(
        id=TRAINING,
        time=NOON,
        prompt=NAME,
        candidate=VersionRef(2, after),
        baseline=VersionRef(1, before),
        suite="s" * 40,
        model="offline",
        verdict="improvement",
        recommendation="deploy",
        score=Score(0.5, 0.75, 0.25, 0.1, 0.4, 0.9, 40),
        p=0.001,
        alpha=0.03,
        approach="meta_prompt",
        training=TRAINING,
    )
    repo.commit({FILE: V2, path(record): to_bytes(record)}, f"Train {NAME} v2")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge v2", f"promptvc/{NAME}/v2")
    change = {"path": "messages[0]", "kind": "changed", "before": "x", "after": "y", "because": [LINE]}
    training = Training(
        id=TRAINING,
        time=NOON,
        prompt=NAME,
        approach="meta_prompt",
        seed=0,
        model="offline",
        baseline=VersionRef(1, before),
        candidate=VersionRef(2, after),
        events=Events.of([SAID, LINE]),
        promoted=True,
        reason="better",
        calls=1,
        edits=[change],
    )
    opened = repo.repository()
    with Objects(opened) as objects:
        Ledgers(opened, objects, "origin").record(training)
    return repo
