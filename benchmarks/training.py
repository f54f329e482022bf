"""What training gains on questions of bank customers, and how often it claims a gain where there is none.

**Gain.** The baseline names 77 labels in its instruction. 1,500 corrections are drawn from the training questions,
1,000 cases from the test questions are the suite, and at most 64 examples may be added. For seeds 0 to 4: accuracy
on the hold-out before and after, through the same parts that ``promptvc train`` uses: events, items, split, training,
edit of the prompt's bytes, paired test. Limits: at least +9 points in the mean, every seed above 0, under 30 s each.

**Null.** The same with shuffled labels, 500 corrections and 300 cases, so that 100 trainings take minutes. An
improvement is claimed when a candidate leaves training and its paired test on the hold-out is significant at the
level of a first look. Limit: none claimed in at least 95 of 100. Twice: with the suite (true answers), and without
one, where the hold-out is 30 % of the same shuffled corrections.

The questions (banking77; Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders", 2020; CC BY 4.0)
are not part of the project. Run from the repository:
``python -m benchmarks.training [--seeds N] [--nulls N] [FOLDER]``; FOLDER, or ``PROMPTVC_BENCH_DATA``, or
``../shared/data`` beside the repository holds ``banking77/train.csv`` and ``test.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.base.paired import paired_test
from promptvc.base.stats import alpha_at
from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event, parse_event
from promptvc.models.offline import OfflineModel
from promptvc.prompts.edit import edit
from promptvc.prompts.model import load_prompt
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.scorer import SessionScorer
from promptvc.training.task import TrainingOptions, TrainingTask
from promptvc.training.train import train

NAME = "bank"
START = datetime(2026, 6, 1, tzinfo=UTC)
Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Result:
    """One training: accuracies on the hold-out (equal without a candidate), and whether a gain was claimed."""

    baseline: float
    candidate: float
    claimed: bool
    left: bool
    examples: int
    calls: int
    seconds: float
    cpu: float


def folder(given: str | None) -> Path:
    """Where the questions are."""
    if given is None:
        given = os.environ.get("PROMPTVC_BENCH_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


def read(path: Path) -> list[tuple[str, str]]:
    """(question, label), with the label as an identifier."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]


def prompt_bytes(labels: Sequence[str]) -> bytes:
    """The baseline: labels only."""
    text = "You sort questions of bank customers. Answer with one label only.\nLabels: " + ", ".join(labels)
    return (
        f"name: {NAME}\nversion: 1\nmodel: offline\nvariables:\n  message: {{required: true}}\n"
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


def one(data: bytes, events: Sequence[Event], suite: Sequence[Case] | None, seed: int) -> Result:
    """Train once and look at the hold-out."""
    started, cpu = time.perf_counter(), time.process_time()
    prompt = load_prompt(data, file="prompts/bank.yaml")
    dataset = build(events, prompt)
    split = divide(dataset.items, suite, prompt)
    session = Session([OfflineModel()])
    scorer = SessionScorer(session)
    options = TrainingOptions(seed=seed, max_examples=64)
    outcome = train(TrainingTask.of(prompt, dataset, split), scorer, options)
    before = [score or 0.0 for score in scorer.scores(prompt, split.holdout)]
    accuracy, claimed = sum(before) / len(before), False
    after = before
    if outcome.edits is not None:
        candidate = load_prompt(edit(data, outcome.edits, file="prompts/bank.yaml"), file="prompts/bank.yaml")
        after = [score or 0.0 for score in scorer.scores(candidate, split.holdout)]
        differences = [new - old for new, old in zip(after, before, strict=True)]
        alpha = alpha_at(1)
        claimed = paired_test(differences, clusters=split.clusters, alpha=alpha).p_greater <= alpha
    return Result(
        accuracy,
        sum(after) / len(after),
        claimed,
        outcome.edits is not None,
        len(outcome.added),
        session.spent.calls,
        time.perf_counter() - started,
        time.process_time() - cpu,
    )


def gain(train_rows: Rows, test_rows: Rows, data: bytes, seeds: int) -> bool:
    """Print the gain by seed; whether all limits hold."""
    results = []
    for seed in range(seeds):
        draw = random.Random(seed)
        events = corrections(draw.sample(train_rows, 1500))
        suite = suite_of(draw.sample(test_rows, 1000))
        result = one(data, events, suite, seed)
        results.append(result)
        print(
            f"gain, seed {seed}: {result.baseline:.3f} -> {result.candidate:.3f}"
            f" ({(result.candidate - result.baseline) * 100:+.1f} points, {result.examples} examples,"
            f" {result.calls} calls, {result.seconds:.1f} s, {result.cpu:.1f} s of CPU, claimed: {result.claimed})",
            flush=True,
        )
    mean = 100 * sum(result.candidate - result.baseline for result in results) / len(results)
    slowest = max(result.seconds for result in results)
    positive = all(result.candidate > result.baseline for result in results)
    good = mean >= 9 and positive and slowest < 30
    print(
        f"gain: mean {mean:+.1f} points (limit +9), all positive: {positive},"
        f" slowest {slowest:.1f} s (limit 30): {_ok(good)}"
    )
    return good


def null(train_rows: Rows, test_rows: Rows, data: bytes, trainings: int, *, with_suite: bool) -> bool:
    """Print how often an improvement is claimed with shuffled labels; whether the limit holds."""
    started, claimed, left = time.perf_counter(), 0, 0
    for seed in range(trainings):
        draw = random.Random(1000 + seed)
        rows = draw.sample(train_rows, 500)
        labels = [label for _, label in rows]
        draw.shuffle(labels)
        events = corrections([(text, label) for (text, _), label in zip(rows, labels, strict=True)])
        suite = suite_of(draw.sample(test_rows, 300)) if with_suite else None
        result = one(data, events, suite, seed)
        claimed += result.claimed
        left += result.left
    limit = trainings * 5 // 100
    good = claimed <= limit
    name = "null, with a suite" if with_suite else "null, without a suite"
    print(
        f"{name}: {trainings} trainings, {left} candidates left training, {claimed} improvements claimed"
        f" (limit {limit}), {time.perf_counter() - started:.0f} s: {_ok(good)}",
        flush=True,
    )
    return good


def _ok(good: bool) -> str:
    return "ok" if good else "MISSED"


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--nulls", type=int, default=100)
    given = parser.parse_args()
    data = folder(given.folder) / "banking77"
    if not (data / "train.csv").is_file():
        print(f"skipped: no questions at {data}; give their folder, or set PROMPTVC_BENCH_DATA")
        return 0
    train_rows, test_rows = read(data / "train.csv"), read(data / "test.csv")
    prompt = prompt_bytes(sorted({label for _, label in train_rows}))
    good = gain(train_rows, test_rows, prompt, given.seeds) if given.seeds else True
    if given.nulls:
        good = null(train_rows, test_rows, prompt, given.nulls, with_suite=True) and good
        good = null(train_rows, test_rows, prompt, given.nulls, with_suite=False) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
