"""What training gains on questions of bank customers, and how often it claims a gain where there is none.

**Gain.** The baseline names 77 labels in its instruction. 1,500 corrections are drawn from the training questions,
1,000 cases from the test questions are the suite, and at most 64 examples may be added. For seeds 0 to 4: accuracy
on the hold-out before and after, through the same parts that ``promptvc train`` uses: events, items, split, training,
edit of the prompt's bytes, paired test. Limits: at least +9 points in the mean, every seed above 0, under 30 s of CPU
each.

**Null.** The same with shuffled labels, 500 corrections and 300 cases, so that 100 trainings take minutes. An
improvement is claimed when a candidate leaves training and its paired test on the hold-out is significant at the
level of a first look. Limit: none claimed in at least 95 of 100. Twice: with the suite (true answers), and without
one, where the hold-out is 30 % of the same shuffled corrections.

The questions are those of :mod:`benchmarks.bank`. Run from the repository:
``python -m benchmarks.training [--seeds N] [--nulls N] [--alone] [FOLDER]``; FOLDER, or ``PROMPTVC_BENCH_DATA``, holds
the questions. Without ``--alone`` the other benchmarks of training follow: :mod:`benchmarks.null`,
:mod:`benchmarks.optimizers`, :mod:`benchmarks.defects` and :mod:`benchmarks.many_events`.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bank import Rows, corrections, folder, prompt_bytes, read, suite_of
from promptvc.base.paired import paired_test
from promptvc.base.stats import alpha_at
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event
from promptvc.models.offline import OfflineModel
from promptvc.prompts.edit import edit
from promptvc.prompts.model import load_prompt
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.options import TrainingOptions
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask
from promptvc.training.train import train

OTHERS = ("null", "optimizers", "defects", "many_events")
"""Parts in modules of their own."""


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


def one(data: bytes, events: Sequence[Event], suite: Sequence[Case] | None, seed: int) -> Result:
    """Train once and look at the hold-out."""
    started, cpu = time.perf_counter(), time.process_time()
    prompt = load_prompt(data, file="prompts/bank.yaml")
    dataset = build(events, prompt)
    split = divide(dataset.items, suite, prompt)
    session = Session([OfflineModel()])
    scorer = SessionScorer(session)
    options = TrainingOptions(approach="few_shot", seed=seed, max_examples=64)
    outcome = train(TrainingTask.of(prompt, dataset, split), options, Tools(scorer))
    before = [one.score or 0.0 for one in scorer.ask(prompt, split.holdout)]
    accuracy, claimed = sum(before) / len(before), False
    after = before
    if outcome.edits is not None:
        candidate = load_prompt(edit(data, outcome.edits, file="prompts/bank.yaml"), file="prompts/bank.yaml")
        after = [one.score or 0.0 for one in scorer.ask(candidate, split.holdout)]
        differences = [new - old for new, old in zip(after, before, strict=True)]
        alpha = alpha_at(1)
        claimed = paired_test(differences, clusters=split.clusters, alpha=alpha).p_greater <= alpha
    return Result(
        accuracy,
        sum(after) / len(after),
        claimed,
        outcome.edits is not None,
        outcome.count("examples"),
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
    slowest = max(result.cpu for result in results)
    positive = all(result.candidate > result.baseline for result in results)
    good = mean >= 9 and positive and slowest < 30
    print(
        f"gain: mean {mean:+.1f} points (limit +9), all positive: {positive},"
        f" slowest {slowest:.1f} s of CPU (limit 30): {_ok(good)}"
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


def bank(given: argparse.Namespace) -> bool:
    """Both parts on the bank's questions, where there are any; whether all limits hold."""
    data = folder(given.folder) / "banking77"
    if not (data / "train.csv").is_file():
        print(f"skipped: no questions at {data}; give their folder, or set PROMPTVC_BENCH_DATA")
        return True
    train_rows, test_rows = read(data / "train.csv"), read(data / "test.csv")
    prompt = prompt_bytes(sorted({label for _, label in train_rows}))
    good = gain(train_rows, test_rows, prompt, given.seeds) if given.seeds else True
    if given.nulls:
        good = null(train_rows, test_rows, prompt, given.nulls, with_suite=True) and good
        good = null(train_rows, test_rows, prompt, given.nulls, with_suite=False) and good
    return good


def main() -> int:
    """Run both parts, then the others."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--nulls", type=int, default=50)
    parser.add_argument("--alone", action="store_true", help="leave out the parts in other modules")
    given = parser.parse_args()
    good = bank(given)
    for name in () if given.alone else OTHERS:
        print(f"\n-- {name}", flush=True)
        good &= not subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
