"""What recording costs an application: the calls of eight threads, and what the same calls cost into SQLite.

``python -m benchmarks.recording [--events N]``. Eight threads say 2,000 events a second between them, each after a
short sleep as of a request; every call is timed (limits: p50 50 us, p99 1 ms). In the same run, as the peer: an
INSERT and COMMIT for each event into one SQLite database (WAL, synchronous=FULL), by the same threads at the same pace.
Then how fast the writer is when it never waits, how long it takes from a call until its event is safe from a power
cut, and what a process loses that is killed -9 under that load: it notes each call, and what the spool has not is lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import promptvc
from benchmarks.repositories import generate, prompt_name
from promptvc.feedback.spool import Spool

THREADS, RATE = 8, 2000
P50_US, P99_US = 50.0, 1000.0
NAME = prompt_name(0, 20)
Add = Callable[[int], object]


def values(number: int) -> dict[str, Any]:
    """One event of a customer's question."""
    return {
        "stars": 1 + number % 5,
        "input": {
            "message": f"my order {number} is late, write to n{number}@example.org please, since Tuesday"
        },
        "output": "billing",
        "context": {"model": "offline", "framework": "plain"},
        "tags": ["eu", "email"],
        "latency_ms": number % 900,
        "session": f"s{number % 97}",
    }


def paced(add: Callable[[], Add], events: int, rate: float) -> tuple[list[float], list[float]]:
    """Seconds of every call by eight threads at ``rate`` a second in all; and by how much each woke too late."""
    took: list[float] = []
    late: list[float] = []
    ready = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        call, mine, waited = add(), [], []
        pause = THREADS / rate
        ready.wait()
        due = time.perf_counter() + pause * thread / THREADS
        for number in range(thread, events, THREADS):
            due += pause
            slack = due - time.perf_counter()
            if slack > 0:
                time.sleep(slack)
                waited.append(time.perf_counter() - due)
            begin = time.perf_counter()
            call(number)
            mine.append(time.perf_counter() - begin)
        took.extend(mine)
        late.extend(waited)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sorted(took), sorted(late)


def sqlite(path: Path) -> Callable[[], Add]:
    """An INSERT and COMMIT for each event, a connection for each thread."""
    with sqlite3.connect(path) as making:
        making.execute("pragma journal_mode=wal")
        making.execute("create table event (prompt text, stars real, input text, output text, latency real)")
    making.close()

    def connect() -> Add:
        connection = sqlite3.connect(path, timeout=60)
        connection.execute("pragma synchronous=full")

        def add(number: int) -> None:
            given = values(number)
            row = (NAME, given["stars"], given["input"]["message"], given["output"], given["latency_ms"])
            with connection:
                connection.execute("insert into event values (?, ?, ?, ?, ?)", row)

        return add

    return connect


def at(found: list[float], share: float) -> float:
    return 1e6 * found[min(len(found) - 1, int(share * len(found)))]


def line(name: str, figure: str, limit: str = "", *, met: bool = True) -> bool:
    print(f"{name:<44} {figure:>34}   {limit}{'' if met else '   MISSED'}", flush=True)
    return met


def measure_calls(repository: Path, folder: Path, events: int) -> bool:
    _, idle = paced(lambda: values, events // 4, RATE)
    line("8 threads wake too late, nothing recorded", f"p50 {at(idle, 0.5):.0f} p99 {at(idle, 0.99):.0f} us")
    with promptvc.Recorder.open(repository) as recorder:
        recorder.add(NAME, **values(0))
        recorder.flush()
        took, late = paced(lambda: lambda number: recorder.add(NAME, **values(number)), events, RATE)
        assert recorder.flush(60)
        stats = recorder.stats()
        assert stats.written == events + 1, stats
    p50, p99 = at(took, 0.5), at(took, 0.99)
    figure = f"p50 {p50:.1f} p99 {p99:.1f} max {at(took, 1):.0f} us"
    met = line(
        f"add, 8 threads, {RATE:,} events/s",
        figure,
        "limits 50 us, 1 ms",
        met=p50 <= P50_US and p99 <= P99_US,
    )
    line("  the threads wake too late meanwhile", f"p50 {at(late, 0.5):.0f} p99 {at(late, 0.99):.0f} us")
    peer, _ = paced(sqlite(folder / "peer.db"), events // 4, RATE)
    line(
        "SQLite, insert and commit per event",
        f"p50 {at(peer, 0.5):.1f} p99 {at(peer, 0.99):.1f} max {at(peer, 1):.0f} us",
    )
    return met


def measure_writer(repository: Path, events: int) -> None:
    with promptvc.Recorder.open(repository, bound=events) as recorder:
        recorder.add(NAME, **values(0))
        recorder.flush()
        begin = time.perf_counter()
        for number in range(events):
            recorder.add(NAME, **values(number))
        said = time.perf_counter() - begin
        assert recorder.flush(600)
        took = time.perf_counter() - begin
    line(f"burst of {events:,} events, one thread", f"{1e6 * said / events:.1f} us a call", "")
    line("  redacted, checked, on disk", f"{events / took:,.0f} events/s", "")
    with promptvc.Recorder.open(repository) as recorder:
        recorder.add(NAME, **values(0))
        recorder.flush()
        found = []
        for number in range(500):
            time.sleep(0.002)
            begin = time.perf_counter()
            recorder.add(NAME, **values(number))
            recorder.flush()
            found.append(time.perf_counter() - begin)
    found.sort()
    line(
        "from a call until it is on disk",
        f"p50 {at(found, 0.5) / 1000:.2f} p99 {at(found, 0.99) / 1000:.2f} ms",
    )


CHILD = """
import os, sys
import promptvc
from benchmarks import recording
notes = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
recorder = promptvc.Recorder.open(sys.argv[1])
recorder.add(recording.NAME, **recording.values(0))
recorder.flush()
def add(number):
    recorder.add(recording.NAME, execution=sys.argv[3] + f"-{number}", **recording.values(number))
    os.write(notes, b"x")
print("ready", flush=True)
recording.paced(lambda: add, 10**6, float(sys.argv[4]))
"""


def measure_window(repository: Path, folder: Path, rate: int, rounds: int) -> None:
    lost = []
    for number in range(rounds):
        notes, mark = folder / f"notes-{rate}-{number}", f"kill{rate}x{number}"
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(repository), str(notes), mark, str(rate)],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.7 + 0.05 * number)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        spool = Spool.of(repository / ".git", {}).read()
        there = sum(str(event.data.get("execution", "")).startswith(mark + "-") for event in spool.events)
        lost.append(max(0, notes.stat().st_size - there))
    lost.sort()
    figure = f"median {lost[len(lost) // 2]}, most {lost[-1]} events"
    line(
        f"lost at a kill -9 under {rate:,} events/s",
        figure,
        f"{1000 * lost[-1] / rate:.1f} ms at most, {rounds} kills",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="measure what recording costs an application")
    parser.add_argument("--events", type=int, default=20_000, help="how many calls are timed")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        generate(folder / "repository", 20, 2, 20)
        met = measure_calls(folder / "repository", folder, options.events)
        measure_writer(folder / "repository", options.events)
        for rate in (200, RATE):
            measure_window(folder / "repository", folder, rate, 10)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
