"""A year of traffic, three planted problems, one report: are they named, how long does it take, is it quiet otherwise?

Ten million events of 24 prompts (:mod:`benchmarks.traffic`) go through the real seal, with its hourly rollups, into a
repository; ``promptvc report`` runs there as a process. Then the same year without problems; then, from counts alone,
every weekly and monthly report of years in which nothing got worse, with several seeds: each problem told there is a
false alarm. Limits: 60 seconds, all three named, none besides, no false alarm. Run from the repository:
``python -m benchmarks.year [--events N] [--seeds N]``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.traffic import QUANTILES, THREE, WEIGHTS, Group, Plan, counted, groups, medians, named
from promptvc.analysis.reporting.periods import Kind, last_complete, midnight
from promptvc.analysis.reporting.problems import find_problems
from promptvc.analysis.reporting.year import read_year
from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event
from promptvc.feedback.segments import seal

ROOT = Path(__file__).resolve().parents[1]
SECONDS, MEGABYTES = 60.0, 1000
ROLLED = ("success", "usage", "exposure", "metric")
PROMPT = """\
name: {name}
version: 1
model: offline
messages:
  - role: user
    content: Do it.
"""


@dataclass(frozen=True)
class Told:
    """What a report as a process took and said."""

    seconds: float
    cpu: float
    megabytes: float
    problems: list[dict[str, Any]]


def events(plan: Plan) -> Iterator[list[Event]]:
    """The events of a plan, month by month and prompt by prompt, valid and each with its own id."""
    draw, typical = random.Random(plan.seed), medians(plan)
    serial = 0
    month: dict[tuple[str, int, int], list[Event]] = {}
    last = plan.start
    for one in groups(plan):
        day = plan.start + timedelta(days=one.day)
        if (day.year, day.month) != (last.year, last.month):
            yield from month.values()
            month, last = {}, day
        place = month.setdefault((one.prompt, day.year, day.month), [])
        for kind, more in _said(one, draw, typical[one.prompt]):
            serial += 1
            moment = midnight(day) + timedelta(seconds=min(86_399, max(0, draw.gauss(50_000, 15_000))))
            place.append(_event(one, moment, serial, kind, more))
    yield from month.values()


def _said(one: Group, draw: random.Random, typical: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """The kind and the own keys of each event of a group."""
    failed = sum(one.errors.values())
    for factor in draw.choices(QUANTILES, WEIGHTS, k=max(0, one.calls - failed)):
        yield "success", {"latency_ms": round(typical * factor * one.slow * draw.uniform(0.97, 1.03), 1)}
    for kind, n in one.errors.items():
        for _ in range(n):
            yield "error", {"error": {"type": kind, "message": "the call failed"}}
    reported = [[kind] for kind, n in one.issues.items() for _ in range(n)]
    for number in range(one.rated):
        stars = draw.choice((4, 5)) if number < one.good else draw.choice((1, 2, 3))
        issues = reported.pop() if number >= one.good and reported else []
        yield "rating", {"stars": stars, "tags": [one.tag]} | ({"issues": issues} if issues else {})
    for _ in range(one.corrections):
        yield (
            "correction",
            {"input": "a question", "output": "one answer", "corrected": "another", "tags": [one.tag]},
        )


def _event(one: Group, moment: datetime, serial: int, kind: str, more: dict[str, Any]) -> Event:
    source = "code" if kind in {"success", "error"} else "human"
    data = {
        "id": derived_ulid(moment, b"year", serial),
        "time": format_time(moment),
        "prompt": one.prompt,
        "kind": kind,
        "source": source,
        "version": one.version,
        "context": {"model": one.model, "framework": "plain"},
        **more,
    }
    return Event(data["id"], moment, one.prompt, kind, source, one.version, None, data)


def repository(folder: Path, plan: Plan) -> tuple[int, dict[str, str]]:
    """A repository with all of it, committed; how many events, and the environment to run in."""
    folder.mkdir()
    environ = dict(os.environ, HOME=str(folder.parent), GIT_CONFIG_NOSYSTEM="1", PYTHONPATH=str(ROOT))
    (folder / "promptvc.yaml").write_text("{}\n")
    for at in range(plan.prompts):
        place = folder / "prompts" / f"{plan.name(at)}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(PROMPT.format(name=plan.name(at)))
    count = 0
    for number, some in enumerate(events(plan)):
        count += len(some)
        ulid = derived_ulid(datetime(2026, 11, 20, tzinfo=UTC), b"segment", number)
        for path, content in seal(some, ulid=ulid, rolled=ROLLED).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    who = ("-c", "user.name=B", "-c", "user.email=b@example.org")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Start")):
        subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True)
    return count, environ


def run_report(folder: Path, environ: dict[str, str], as_of: str, *more: str) -> Told:
    """``promptvc report`` as a process."""
    command = [sys.executable, "-m", "promptvc", "report", "--as-of", as_of, "--json", *more]
    started = time.perf_counter()
    with (folder.parent / "report.json").open("w+") as out:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"promptvc report ended with {process.returncode}")
        out.seek(0)
        value = json.load(out)
    return Told(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, value["problems"])


def measured(plan: Plan, label: str) -> bool:
    """Whether a year's report is in time and says what was planted, and nothing else."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "repo"
        count, environ = repository(folder, plan)
        as_of = (plan.start + timedelta(days=plan.days)).isoformat()
        told = run_report(folder, environ, as_of, "--output", str(folder.parent / "report.html"))
    sentences = [problem["told"] for problem in told.problems]
    found = [one for one in plan.planted if named(sentences, one)]
    wrong = [said for said in sentences if not any(named([said], one) for one in plan.planted)]
    good = (
        len(found) == len(plan.planted)
        and not wrong
        and told.seconds <= SECONDS
        and told.megabytes <= MEGABYTES
    )
    print(
        f"{label}: {count:,} events, {told.seconds:.1f} s (limit {SECONDS:.0f}; {told.cpu:.1f} of CPU), "
        f"{told.megabytes:.0f} MB (limit {MEGABYTES}), named {len(found)} of {len(plan.planted)}, falsely "
        f"{len(wrong)}: {'ok' if good else 'MISSED'}",
        flush=True,
    )
    for said in sentences:
        print(f"    {said}", flush=True)
    return good


def false_alarms(seed: int, calls: int) -> list[str]:
    """What the 52 weekly and 12 monthly reports of the second of two years without problems say all the same."""
    plan = Plan(seed=seed, days=735, calls=2 * calls)
    facts = counted(plan)
    ends: list[tuple[Kind, datetime]] = [
        ("weekly", midnight(plan.start + timedelta(days=371 + 7 * week))) for week in range(52)
    ]
    ends += [("monthly", midnight(plan.start + timedelta(days=372 + 30 * month))) for month in range(12)]
    said = []
    for kind, end in ends:
        period = last_complete(kind, end)
        said += [f"{period.label}: {one.told()}" for one in find_problems(read_year(facts, period))]
    return said


def main() -> int:
    """Measure all three; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only-quiet", action="store_true", help="only look for false alarms")
    given = parser.parse_args()
    calls = round(given.events / 1.13)  # ratings and corrections are events, too
    good = True
    if not given.only_quiet:
        good &= measured(Plan(calls=calls, planted=THREE), "a year with three problems")
        good &= measured(Plan(seed=2, calls=calls), "a year without problems")
    for seed in range(11, 11 + given.seeds):
        alarms = false_alarms(seed, calls)
        good &= not alarms
        print(
            f"64 reports of a quiet year, seed {seed}: {len(alarms)} false alarms: {'MISSED' if alarms else 'ok'}"
        )
        for said in alarms:
            print(f"    {said}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
