"""What `blame` costs on a prompt of many versions, through the command line: CPU of the process with its git.

``python -m benchmarks.blame [--versions N]``: 100 versions, each of a training that added a rule, with its
comparison of 60 cases, its record in the ledger and the event that its rule cites. "Cold" is the first run after
``.promptvc`` was deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.history import SOURCE, cost, report
from promptvc.base.ids import new_ulid
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.ledger import BRANCH, Events, Training
from promptvc.evidence.ledger import to_bytes as ledger_bytes
from promptvc.evidence.records import path as evidence_path
from promptvc.evidence.records import to_bytes as evidence_bytes
from promptvc.evidence.values import Score, VersionRef
from promptvc.git.objects import blob_id

WARM_MS = 300
NAME = "support/triage"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = ("refund", "card", "invoice", "parcel", "password", "account", "charge", "delay", "broken", "thanks")


def prompt(version: int, events: list[str]) -> bytes:
    """The document of a version: a rule more than the one before, and a few other lines."""
    chance = random.Random(1)
    lines = "".join(
        f"      Line {at} of what the model is told, as of {(version + at) // 20}.\n" for at in range(20)
    )
    rules = "".join(
        f"  - text: When they write {' '.join(chance.choices(_WORDS, k=6))}, answer {_WORDS[at % 10]}.\n"
        f"    because: [{event}]\n"
        for at, event in enumerate(events[:version])
    )
    return (
        f"name: {NAME}\nversion: {version}\nmodel: offline\n"
        "variables:\n  message: {description: what the customer wrote, required: true}\n"
        f"messages:\n  - role: system\n    content: |\n{lines}"
        f'  - role: user\n    content: "{{{{ message }}}}"\nrules:\n{rules}'
    ).encode()


def generate(path: Path, versions: int) -> None:
    """A repository with the prompt, its feedback and evidence on main, and the ledger."""
    git = ["git", "-C", str(path)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    events = [new_ulid(_BEGAN + timedelta(hours=at), b"%010d" % at) for at in range(versions)]
    stream = b"".join([*_main(versions, events), *_ledger(versions, events)])
    subprocess.run([*git, "fast-import", "--quiet"], input=stream, check=True)
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)


def _main(versions: int, events: list[str]) -> Iterator[bytes]:
    for version in range(1, versions + 1):
        event = {
            "id": events[version - 1],
            "time": "2026-01-01T00:00:00Z",
            "prompt": NAME,
            "kind": "correction",
            "source": "human",
            "input": {"message": f"question {version}"},
            "output": "refund",
            "corrected": "card",
        }
        files = {
            f"prompts/{NAME}.yaml": prompt(version, events),
            f"feedback/{NAME}/2026/01/{_id(version, b'segment')}.jsonl": json.dumps(event).encode() + b"\n",
        }
        if version > 1:
            record = _comparison(version, events)
            files[evidence_path(record)] = evidence_bytes(record)
        yield _commit("refs/heads/main", version, files)


def _ledger(versions: int, events: list[str]) -> Iterator[bytes]:
    for version in range(2, versions + 1):
        record = _training(version, events)
        yield _commit(f"refs/heads/{BRANCH}", version, {record.path: ledger_bytes(record)})


def _commit(ref: str, at: int, files: dict[str, bytes]) -> bytes:
    head = b"commit %s\ncommitter Bench <b@example.org> %d +0000\n" % (ref.encode(), 1_767_225_600 + 60 * at)
    message = b"Train %s v%d" % (NAME.encode(), at)
    parts = [head, b"data %d\n%s\n" % (len(message), message)]
    for path, data in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    return b"".join(parts)


def _sides(version: int, events: list[str]) -> tuple[VersionRef, VersionRef]:
    candidate, baseline = (
        VersionRef(number, blob_id(prompt(number, events), "sha1")) for number in (version, version - 1)
    )
    return candidate, baseline


def _comparison(version: int, events: list[str]) -> ComparisonRecord:
    candidate, baseline = _sides(version, events)
    return ComparisonRecord(
        id=_id(version, b"training"),
        time=_BEGAN,
        prompt=NAME,
        candidate=candidate,
        baseline=baseline,
        suite="5" * 40,
        model="offline",
        verdict="improvement",
        recommendation="deploy",
        score=Score(0.5, 0.6, 0.1, 0.05, 0.15, 0.9, 60),
        p=0.01,
        alpha=0.03,
        pairs=tuple(Pair(f"case-{at}", 0.0, 1.0, False, True, "c" * 16) for at in range(60)),
        approach="meta_prompt",
        training=_id(version, b"training"),
    )


def _training(version: int, events: list[str]) -> Training:
    candidate, baseline = _sides(version, events)
    because = [events[version - 1]]
    edit = {"path": "messages[0]", "kind": "changed", "before": "a", "after": "b", "because": because}
    return Training(
        id=_id(version, b"training"),
        time=_BEGAN,
        prompt=NAME,
        approach="meta_prompt",
        seed=0,
        model="offline",
        baseline=baseline,
        candidate=candidate,
        events=Events.of(because),
        promoted=True,
        reason="better",
        calls=1,
        edits=[edit],
        tried=[{"name": f"variant {at}", "cases": 60, "score": 0.5} for at in range(8)],
    )


def _id(version: int, what: bytes) -> str:
    return new_ulid(_BEGAN + timedelta(hours=version), (what + b"%06d" % version)[-10:])


def main() -> int:
    parser = argparse.ArgumentParser(description="measure blame on a prompt of many versions")
    parser.add_argument("--versions", type=int, default=100)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = {"PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{scratch}/compiled"}
        environ = {
            key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
        } | cache
        path = Path(scratch) / "repository"
        generate(path, options.versions)
        (path / "promptvc.yaml").touch()
        met = True
        for label, more, limit in (("blame", (), WARM_MS), ("blame --events", ("--events",), None)):
            command = ["-C", str(path), "blame", NAME, *more]
            cost(command, environ)
            shutil.rmtree(path / ".promptvc")
            report(f"{options.versions} versions: {label}, cold", [cost(command, environ)], None)
            warm = [cost(command, environ) for _ in range(options.runs)]
            met &= report(f"{options.versions} versions: {label}, warm", warm, limit)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
