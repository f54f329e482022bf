"""The questions of bank customers as prompt, feedback and suite, for the benchmarks of training.

77 intents (banking77; Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders", 2020; CC BY 4.0). The
questions are not part of the project: ``PROMPTVC_BENCH_DATA``, or ``../shared/data`` beside the repository, holds
``banking77/train.csv`` and ``test.csv``.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.feedback.events import Event, parse_event

NAME = "bank"
START = datetime(2026, 6, 1, tzinfo=UTC)
Rows = Sequence[tuple[str, str]]


def folder(given: str | None) -> Path:
    """Where the questions are."""
    if given is None:
        given = os.environ.get("PROMPTVC_BENCH_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


def read(path: Path) -> list[tuple[str, str]]:
    """(question, label), with the label as an identifier."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]


def prompt_bytes(labels: Sequence[str], model: str = "offline") -> bytes:
    """The baseline: labels only."""
    text = "You sort questions of bank customers. Answer with one label only.\nLabels: " + ", ".join(labels)
    return (
        f"name: {NAME}\nversion: 1\nmodel: {model}\nvariables:\n  message: {{required: true}}\n"
        f"messages:\n  - role: system\n    content: {json.dumps(text)}\n  - role: user\n"
        '    content: "{{ message }}"\nrules: []\nexamples: []\n'
    ).encode()


def corrections(rows: Rows) -> list[Event]:
    """One correction a row, by different users, a minute apart."""
    events = []
    for number, (text, label) in enumerate(rows):
        moment = START + timedelta(minutes=number)
        value = {
            "id": derived_ulid(moment, text.encode(), number),
            "time": format_time(moment),
            "prompt": NAME,
            "kind": "correction",
            "source": "human",
            "version": 1,
            "input": text,
            "corrected": label,
        }
        events.append(parse_event(value))
    return events


def suite_of(rows: Rows) -> Sequence[Case]:
    """The suite of ``rows``."""
    cases = [
        {"id": f"case-{n}", "vars": {"message": text}, "expected": label}
        for n, (text, label) in enumerate(rows)
    ]
    return load_suite(json.dumps({"cases": cases}).encode(), file="evaluation/bank.yaml").cases
