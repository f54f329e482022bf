"""What kept feedback costs: the size of a repository, a clone and a reading at 1, 10 and 100 months of traffic.

``python -m benchmarks.storage [--months 1 10 100] [--calls N] [--events N] [--small N] [--folder FOLDER]``

A month is ``--calls`` successful calls with latency, tokens and cost, one rating with a remark for every twenty, and a
commit a day; once as raw events and once as hourly rollups. Sizes are those of ``git count-objects -v`` after ``git
gc``, a clone is bare and from the same disk, a reading is ``open_facts`` and all cells, as CPU, in this process after
its imports. Then the same ``--events`` as ten segments and as ``--small``: reading the small ones may take 1.5 times as
long, by each engine.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.fields import ROLLED
from promptvc.feedback.query.duck import DuckFacts, is_installed
from promptvc.feedback.segments import seal
from promptvc.git.commits import Plan, commit
from promptvc.git.repo import Repository
from promptvc.workflows.gathering import open_facts
from promptvc.workflows.project import open_project

START = datetime(2017, 1, 1, tzinfo=UTC)
NAME = "support/triage"
MODELS = ("openai:small", "openai:large")
WORDS = ("refund", "card", "invoice", "parcel", "password", "account", "charge", "delay", "broken", "thanks")
SMALL_TIMES = 1.5


def day_of(number: int, calls: int) -> Iterator[Event]:
    """The events of one day; the same for the same number."""
    chance = random.Random(number)
    for position in range(calls):
        time_ = START + timedelta(days=number, seconds=chance.randrange(86_400))
        about = {
            "id": derived_ulid(time_, b"%d" % position, 0),
            "time": format_time(time_),
            "prompt": NAME,
            "version": 1 + number // 90,
            "context": {"model": chance.choice(MODELS)},
        }
        yield parse_event(
            {
                **about,
                "kind": "success",
                "source": "code",
                "latency_ms": round(chance.lognormvariate(6, 0.5), 1),
                "tokens": {"input": chance.randrange(200, 900), "output": chance.randrange(5, 200)},
                "cost": round(chance.uniform(0.0001, 0.004), 6),
                "session": f"s-{chance.randrange(10**9)}",
            }
        )
        if position % 20 == 0:
            rating = {"kind": "rating", "source": "human", "stars": chance.randint(1, 5)}
            words = " ".join(chance.choices(WORDS, k=12))
            yield parse_event(
                {**about, **rating, "id": derived_ulid(time_, b"r%d" % position, 0), "comment": words}
            )


def repository(folder: Path) -> Repository:
    """An empty one with a prompt."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "gc.auto", "0")
    git(folder, "config", "maintenance.auto", "false")
    (folder / "prompts").mkdir()
    return Repository.discover(folder, os.environ)


def git(folder: Path, *args: str) -> str:
    """What ``git ARGS`` prints."""
    who = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example.org"}
    who |= {"GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@example.org"}
    return subprocess.run(
        ["git", *args], cwd=folder, env=os.environ | who, check=True, capture_output=True, text=True
    ).stdout


def recording(files: Mapping[str, bytes]) -> Callable[[str | None], Plan]:
    """What makes a commit of ``files``."""
    return lambda _: Plan(dict(files), "Record")


def cpu_s() -> float:
    """CPU of this process and of those that it ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def fill(where: Repository, months: int, calls: int, rolled: Sequence[str]) -> int:
    """One commit a day; tells how many lines there are."""
    lines = 0
    for number in range(months * 30):
        ulid = derived_ulid(START + timedelta(days=number + 1), b"batch", 0)
        files = seal(day_of(number, calls // 30), ulid=ulid, rolled=rolled)
        lines += sum(data.count(b"\n") for data in files.values())
        commit(where, None, recording(files))
    return lines


def reading_s(folder: Path, backend: str = "auto") -> tuple[float, str]:
    """Seconds of CPU to open the facts and count everything, and who answered; the best of three."""
    best, engine = float("inf"), ""
    (folder / "promptvc.yaml").write_text(f"analytics: {{backend: {backend}}}\n")
    for _ in range(3):
        with open_project(folder, environ=os.environ, clock=lambda: START) as project:
            begin = cpu_s()
            facts = open_facts(project)
            facts.cells()
            if isinstance(facts, DuckFacts):
                facts.close()
            best, engine = min(best, cpu_s() - begin), facts.engine
    return best, engine


def growth(folder: Path, months: Sequence[int], calls: int) -> None:
    """Print a line for each number of months, raw and rolled up."""
    print(
        f"{'months':>6} {'':>6} {'events':>10} {'lines':>10} {'pack MiB':>9} {'clone s':>8} {'read s':>7}  engine"
    )
    for number in months:
        for label, rolled in (("raw", ()), ("rolled", ROLLED)):
            place = folder / f"{label}-{number}"
            lines = fill(repository(place), number, calls, rolled)
            git(place, "reset", "-q", "--hard")
            git(place, "gc", "-q")
            counts = dict(line.split(": ") for line in git(place, "count-objects", "-v").splitlines())
            begin = time.perf_counter()
            git(folder, "clone", "-q", "--bare", f"file://{place}", str(folder / "clone"))
            clone = time.perf_counter() - begin
            seconds, engine = reading_s(place)
            events = number * 30 * (calls // 30) * 21 // 20
            print(
                f"{number:>6} {label:>6} {events:>10,} {lines:>10,} {int(counts['size-pack']) / 1024:>9.1f} "
                f"{clone:>8.2f} {seconds:>7.2f}  {engine}"
            )
            shutil.rmtree(folder / "clone")
            shutil.rmtree(place)


def scattered(folder: Path, many: int, small: int) -> bool:
    """The same events in ten segments and in many; whether each engine reads the many fast enough."""
    events = [event for number in range(10) for event in day_of(number, many // 10 * 20 // 21)]
    good = True
    for packed in (False, True):
        seconds: dict[tuple[str, int], float] = {}
        for pieces in (10, small):
            place = folder / f"pieces-{pieces}-{packed}"
            where = repository(place)
            size = -(-len(events) // pieces)
            files: dict[str, bytes] = {}
            for start in range(0, len(events), size):
                ulid = derived_ulid(START, b"%d" % start, 0)
                files |= seal(events[start : start + size], ulid=ulid)
            commit(where, None, recording(files))
            git(place, "reset", "-q", "--hard")
            if packed:
                git(place, "gc", "-q")
            for backend in ("python", *(["duckdb"] if is_installed() else [])):
                seconds[backend, pieces] = reading_s(place, backend)[0]
            shutil.rmtree(place)
        for backend in sorted({key[0] for key in seconds}):
            few, most = seconds[backend, 10], seconds[backend, small]
            good &= most <= SMALL_TIMES * few
            print(
                f"{backend:>7}, {'packed' if packed else 'loose'}: {len(events):,} events in 10 segments {few:.2f} s, "
                f"in {small:,} {most:.2f} s, {most / few:.2f} times (limit {SMALL_TIMES})"
            )
    return good


def main() -> int:
    """Measure and print; 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--calls", type=int, default=15_000)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        good = scattered(Path(name), options.events, options.small) if options.small else True
        growth(Path(name), options.months, options.calls)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
