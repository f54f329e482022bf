"""How often training calls an improvement what changes nothing in truth.

The answering model is a hash: whatever the prompt says, it is right on 60 % of all cases, on other ones for every other
prompt. So each edit changes answers, and none changes how good they are.

**Trainings.** 200 of them, each with its own feedback (corrections, ratings and suggestions) and its own hold-out of
200 cases; ``few_shot``, ``reinforcement``, ``meta_prompt`` and all of them together take turns. An improvement is
called where a candidate leaves training and its paired test is significant at the level of a first look. Limit: 5 %.

**Sequences.** 50 trainings one after the other on one hold-out, each with other feedback and another seed, each look at
the level that the ledger leaves for it. Limit: 5 % of the sequences contain an improvement, as far as so
many as the time allows can tell.

**Looks alone.** The same with candidates that never saw a training: all 50 meet the hold-out. The harder test, for the
ledger alone.

Run from the repository: ``python -m benchmarks.null [--trainings N] [--seconds S] [--looks N]``.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.bank import suite_of
from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.base.paired import paired_test
from promptvc.evaluation.cases.suite import Case, digest_of
from promptvc.evidence.ledger import fold
from promptvc.evidence.looks import Look
from promptvc.feedback.events import Event, parse_event
from promptvc.prompts.edit import edit
from promptvc.prompts.model import Prompt, Rule, load_prompt
from promptvc.training.data.holdout import divide, keys_of
from promptvc.training.data.items import build
from promptvc.training.data.signals import hear
from promptvc.training.data.split import Split
from promptvc.training.options import ALL, TrainingOptions
from promptvc.training.scoring import Scored, Tools
from promptvc.training.task import TrainingTask
from promptvc.training.train import train

RIGHT = 0.6
START = datetime(2026, 9, 1, tzinfo=UTC)
APPROACHES = ("few_shot", "reinforcement", "meta_prompt", ALL)
NAME = "bank"
PROMPT = b"""\
name: bank
version: 1
variables:
  message: {required: true}
messages:
  - role: system
    content: "Answer with one of: t1, t2, t3, t4, t5, t6."
  - role: user
    content: "{{ message }}"
rules: []
examples: []
"""
WISHES = (
    "please keep it short",
    "always name the order",
    "never say sorry twice",
    "it should end with a question",
    "use the customer's name",
)


class Coin:
    """Right on :data:`RIGHT` of all cases, on other ones for every other prompt."""

    calls_per_case = 1

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
        """By a hash of all that the prompt says, and of the case."""
        said = repr((prompt.messages, [rule.text for rule in prompt.rules], prompt.examples)).encode()
        start = hashlib.sha256(said)
        found = []
        for case in cases:
            mine = start.copy()
            mine.update(repr(sorted(case.vars.items())).encode())
            right = int.from_bytes(mine.digest()[:6], "big") < RIGHT * 2**48
            answer = str(case.expected) if right else f"t{mine.digest()[7] % 6 + 1}"
            found.append(Scored(float(right), (answer,), () if right else ("wrong",)))
        return found


@dataclass(frozen=True)
class Met:
    """A candidate on the hold-out: how likely its gain is by chance."""

    candidate: Prompt
    p: float


def text(draw: random.Random) -> str:
    """A question that repeats no other one."""
    return " ".join("".join(draw.choices("abcdefghijklmnoprstuvw", k=draw.randint(3, 8))) for _ in range(8))


def feedback(draw: random.Random, count: int) -> list[Event]:
    """Half corrections, the rest ratings and suggestions, by 40 users."""
    events = []
    for number in range(count):
        moment = START + timedelta(minutes=number)
        value: dict[str, Any] = {
            "id": derived_ulid(moment, str(draw.random()).encode(), number),
            "time": format_time(moment),
            "prompt": NAME,
            "source": "human",
            "version": 1,
            "user": f"user-{draw.randrange(40)}",
            "input": text(draw),
            "output": f"t{draw.randint(1, 6)}",
        }
        kind = draw.choices(("correction", "rating", "suggestion"), (5, 4, 1))[0]
        if kind == "correction":
            value["corrected"] = f"t{draw.randint(1, 6)}"
        elif kind == "rating":
            value["thumbs"] = draw.choice(("up", "down"))
        else:
            value["comment"] = draw.choice(WISHES)
        events.append(parse_event(value | {"kind": kind}))
    return events


def holdout(draw: random.Random, count: int) -> Sequence[Case]:
    """A suite of new questions."""
    return suite_of([(text(draw), f"t{draw.randint(1, 6)}") for _ in range(count)])


def trained(
    seed: int, suite: Sequence[Case], approach: str, events: Sequence[Event]
) -> tuple[Prompt | None, Split]:
    """What leaves a training, if anything does."""
    prompt = load_prompt(PROMPT, file="prompts/bank.yaml")
    dataset = build(events, prompt)
    split = divide(dataset.items, suite, prompt)
    signals, _ = split.audible(hear(events, prompt, dataset.rejected).signals)
    options = TrainingOptions(approach=approach, seed=seed, max_examples=16)
    outcome = train(TrainingTask.of(prompt, dataset, split, signals), options, Tools(Coin()))
    if outcome.edits is None:
        return None, split
    return load_prompt(edit(PROMPT, outcome.edits, file="prompts/bank.yaml"), file="prompts/bank.yaml"), split


def p_of(candidate: Prompt, cases: Sequence[Case], alpha: float) -> float:
    """How likely the candidate's gain over the baseline is by chance."""
    baseline = load_prompt(PROMPT, file="prompts/bank.yaml")
    sides = [Coin().ask(prompt, cases) for prompt in (candidate, baseline)]
    differences = [(new.score or 0.0) - (old.score or 0.0) for new, old in zip(*sides, strict=True)]
    return paired_test(differences, alpha=alpha).p_greater


class Looks:
    """The looks at one hold-out, as the ledger counts them."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        prompt = load_prompt(PROMPT, file="prompts/bank.yaml")
        self._keys = keys_of([replace(case, split="holdout") for case in cases], prompt)
        self._holdout = digest_of(cases)
        self._looks: list[Look] = []

    def at(self, candidate: Prompt) -> bool:
        """Look with a candidate; whether that is called an improvement."""
        digest = hashlib.sha256(repr(candidate).encode()).hexdigest()[:40]
        number = len(self._looks)
        moment = START + timedelta(days=number)
        training = derived_ulid(moment, b"training", number)
        look = Look.reserve(training, moment, NAME, (digest, "0" * 40, self._holdout), self._keys)
        self._looks.append(look)
        alpha = fold(self._looks, look.cases, key=look.key).alpha
        return p_of(candidate, self._cases, alpha) <= alpha


def trainings(count: int) -> bool:
    """Print how many of so many trainings call an improvement; whether the limit holds."""
    started, left, called = time.perf_counter(), 0, 0
    for seed in range(count):
        draw = random.Random(f"training {seed}")
        suite = holdout(draw, 200)
        candidate, split = trained(seed, suite, APPROACHES[seed % len(APPROACHES)], feedback(draw, 240))
        if candidate is not None:
            left += 1
            called += Looks(split.holdout).at(candidate)
    met = called <= count * 5 // 100
    print(
        f"null: {count} trainings, {left} candidates left training, {called} improvements called"
        f" (limit {count * 5 // 100}), {time.perf_counter() - started:.0f} s: {_ok(met)}",
        flush=True,
    )
    return met


def sequences(seconds: float, length: int = 50) -> bool:
    """Print in how many sequences one is called; whether the limit holds."""
    started, done, left, called = time.perf_counter(), 0, 0, 0
    while time.perf_counter() - started < seconds:
        draw = random.Random(f"sequence {done}")
        suite = holdout(draw, 200)
        looks, found = Looks(suite), False
        for number in range(length):
            candidate, _ = trained(number, suite, APPROACHES[number % 3], feedback(draw, 160))
            if candidate is not None:
                left += 1
                found |= looks.at(candidate)
        done += 1
        called += found
    met = called <= most(done)
    print(
        f"null: {done} sequences of {length} trainings on one hold-out, {left} looks, {called} with an improvement"
        f" (limit {most(done)}), {time.perf_counter() - started:.0f} s: {_ok(met)}",
        flush=True,
    )
    return met


def alone(count: int, length: int = 50) -> bool:
    """Print in how many sequences of looks one is called, where every candidate looks; whether the limit holds."""
    started, called = time.perf_counter(), 0
    prompt = load_prompt(PROMPT, file="prompts/bank.yaml")
    for sequence in range(count):
        cases = holdout(random.Random(f"looks {sequence}"), 200)
        looks = Looks(cases)
        found = [looks.at(replace(prompt, rules=(Rule(f"rule {sequence} {n}"),))) for n in range(length)]
        called += any(found)
    limit = most(count)
    print(
        f"null: {count} sequences of {length} looks without training, {called} with an improvement"
        f" ({called / count:.1%}, limit {limit}), {time.perf_counter() - started:.0f} s: {_ok(called <= limit)}",
        flush=True,
    )
    return called <= limit


def most(sequences: int) -> int:
    """5 %, and two standard deviations more: what so many sequences can tell from it."""
    return int(0.05 * sequences + 2 * (0.05 * 0.95 * sequences) ** 0.5)


def _ok(good: bool) -> str:
    return "ok" if good else "MISSED"


def main() -> int:
    """All three; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainings", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--looks", type=int, default=60)
    given = parser.parse_args()
    good = trainings(given.trainings)
    good = sequences(given.seconds) and good
    good = alone(given.looks) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
