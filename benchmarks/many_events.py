"""100,000 events: how long until a training asks its first question, and how much memory it takes until then.

Corrections, ratings and suggestions by 1,000 users, inputs of 20 to 200 characters, committed in a repository. The
command is ``promptvc train`` itself; its model is a server on loopback that takes the time of the first request and
answers nothing, and with it the measurement ends. Then the same with 1,000 corrections and a suite of many cases.
Limits, for the events: 5 seconds, 1 GB. Run from the repository: ``python -m benchmarks.many_events [EVENTS [CASES]]``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import parse_event
from promptvc.feedback.segments import seal

ROOT = Path(__file__).resolve().parents[1]
SECONDS, MEGABYTES = 5.0, 1000
LONGEST = 300.0
NAME = "desk"
PROMPT = """\
name: desk
version: 1
model: openai:test-model
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
KINDS = ("correction", "rating", "suggestion")
SHARES = (5, 4, 1)


@dataclass(frozen=True)
class Took:
    """Seconds until the first request, processor seconds and megabytes at the peak until then."""

    wall: float
    cpu: float
    memory: float


class Words:
    """Texts of made-up words, few of them often and most of them seldom (Zipf), by a seed."""

    def __init__(self, seed: int, different: int = 8000) -> None:
        self.draw = random.Random(seed)
        self._words = [
            "".join(self._syllable() for _ in range(self.draw.randint(1, 4))) for _ in range(different)
        ]
        total, self._weights = 0.0, list[float]()
        for number in range(different):
            total += 1 / (number + 3)
            self._weights.append(total)

    def _syllable(self) -> str:
        return (
            self.draw.choice("bcdfghklmnprstvw")
            + self.draw.choice("aeiou")
            + self.draw.choice(("", "", "n", "s"))
        )

    def text(self, least: int = 20, most: int = 200) -> str:
        """One of ``least`` to ``most`` characters."""
        length = self.draw.randint(least, most)
        return " ".join(self.draw.choices(self._words, cum_weights=self._weights, k=length // 3 + 1))[:length]


def events(count: int, words: Words, kinds: tuple[str, ...] = KINDS) -> Iterator[dict[str, Any]]:
    """So many events, seven seconds apart."""
    draw, start = words.draw, datetime(2026, 9, 1, tzinfo=UTC)
    for number in range(count):
        moment = start + timedelta(seconds=7 * number)
        kind = draw.choices(kinds, SHARES[: len(kinds)])[0]
        value = {
            "id": derived_ulid(moment, b"event", number),
            "time": format_time(moment),
            "prompt": NAME,
            "kind": kind,
            "source": "human",
            "version": 1,
            "user": f"user-{draw.randrange(1000)}",
            "input": words.text(),
        }
        right = f"t{draw.randint(1, 6)}"
        if kind == "correction":
            value |= {"output": "t1", "corrected": right}
        elif kind == "rating":
            value |= {"output": right, "stars": draw.randint(1, 5)}
        else:
            value |= {"comment": f"please {words.text(20, 80)}"}
        yield value


def repository(folder: Path, values: Iterator[dict[str, Any]], cases: list[dict[str, Any]]) -> dict[str, str]:
    """A repository with the prompt, the events and, if there are any, the cases; the environment of its user."""
    environ = dict(os.environ, HOME=str(folder), GIT_CONFIG_NOSYSTEM="1", PYTHONPATH=str(ROOT))
    files = {f"prompts/{NAME}.yaml": PROMPT.encode()}
    files |= seal(
        map(parse_event, values), ulid=derived_ulid(datetime(2026, 10, 1, tzinfo=UTC), b"segment", 0)
    )
    if cases:
        files[f"evaluation/{NAME}.yaml"] = f"cases: {NAME}.cases.jsonl\n".encode()
        lines = [json.dumps(case) + "\n" for case in cases]
        files[f"evaluation/{NAME}.cases.jsonl"] = "".join(lines).encode()
        files["promptvc.yaml"] = f"training: {{max_calls: {20 * len(cases)}}}\n".encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    who = ("-c", "user.name=B", "-c", "user.email=b@example.org")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Start")):
        subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True)
    return environ


def until_first_call(folder: Path, environ: Mapping[str, str]) -> Took | None:
    """Start a training, stop it when it asks; None when it ended, or took minutes, without asking."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0.2)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        mine = dict(environ, OPENAI_API_BASE=url, OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-none")
        arguments = [sys.executable, "-m", "promptvc", "train", NAME, "--json"]
        started = time.perf_counter()
        with (folder.parent / "out.txt").open("w+") as out:
            process = subprocess.Popen(arguments, cwd=folder, env=mine, stdout=out, stderr=subprocess.STDOUT)
            asked = None
            while asked is None and time.perf_counter() - started < LONGEST and not _ended(process):
                with contextlib.suppress(TimeoutError):
                    listening.accept()[0].close()
                    asked = time.perf_counter() - started
            os.kill(process.pid, signal.SIGKILL)  # Popen.kill would collect one that has ended
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            out.seek(0)
            printed = out.read()
    if asked is None:
        print(f"no question was asked: {printed[-2000:]}")
        return None
    return Took(asked, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Without collecting it: what it took is still to be read."""
    found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found is not None


def main() -> int:
    """Measure both; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=int, nargs="?", default=100_000)
    parser.add_argument("cases", type=int, nargs="?", default=20_000)
    given = parser.parse_args()
    words = Words(1)
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "events"
        took = until_first_call(folder, repository(folder, events(given.events, words), []))
        met = took is not None and took.wall <= SECONDS and took.memory <= MEGABYTES
        good &= met
        if took is not None:
            print(
                f"{given.events:,} events: first question after {took.wall:.1f} s (limit {SECONDS:.0f};"
                f" {took.cpu:.1f} s of CPU), {took.memory:.0f} MB (limit {MEGABYTES}): {'ok' if met else 'MISSED'}",
                flush=True,
            )
        folder = Path(scratch) / "cases"
        cases = [
            {"id": f"case-{n}", "vars": {"message": words.text()}, "expected": "t1"}
            for n in range(given.cases)
        ]
        few = events(1000, words, ("correction",))
        took = until_first_call(folder, repository(folder, few, cases))
        good &= took is not None
        if took is not None:
            print(
                f"{given.cases:,} cases: first question after {took.wall:.1f} s"
                f" ({took.cpu:.1f} s of CPU), {took.memory:.0f} MB (no limit)"
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
