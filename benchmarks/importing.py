"""What importing costs: 100,000 rows with 100,000 events known, twice; then a tenth of the rows, for the memory.

``python -m benchmarks.importing [--rows N]``. The rows are those of ``benchmarks.feedback``: two texts each, a third
of them with something to redact. Limit 10 s of processor time for 100,000 rows; a second import of the same file, which
adds nothing, must not take longer; memory must not grow with the file. Each import is a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import promptvc
from benchmarks.feedback import csv_file, generated, line
from benchmarks.repositories import generate, prompt_name
from promptvc.feedback.spool import Spool

LIMIT_S = 10.0
COLUMNS = {"when": "time", "score": "stars", "message": "input.message", "answer": "output"}
COLUMNS |= {"should be": "corrected", "remark": "comment"}


def one_import(folder: Path, rows: Path, answer: SimpleQueue[tuple[float, float, int, int, float]]) -> None:
    """Seconds of the processor, seconds, imported, known, and the peak of memory in MB."""
    begin, clock = time.process_time(), time.perf_counter()
    with promptvc.open(folder) as library:
        report = library.import_feedback(rows, prompt=prompt_name(0, 20), columns=COLUMNS).report
    # Not ru_maxrss, which a new process takes over from the one that made it.
    status = Path("/proc/self/status").read_text("ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    answer.put(
        (time.process_time() - begin, time.perf_counter() - clock, report.imported, report.duplicates, peak)
    )


def measured(folder: Path, rows: Path) -> tuple[float, float, int, int, float]:
    """:func:`one_import` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answer: SimpleQueue[tuple[float, float, int, int, float]] = context.SimpleQueue()
    process = context.Process(target=one_import, args=(folder, rows, answer))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(1)
    return answer.get()


def repository(folder: Path, known: int) -> Path:
    """A repository with ``known`` committed events of other rows."""
    made = generate(folder, 20, 2, 20)
    spool = Spool.of(made.common_dir, {})
    events = generated(known)
    while part := [event for _, event in zip(range(5000), events, strict=False)]:
        spool.append(part)
    with promptvc.open(folder) as library:
        library.commit_feedback()
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description="measure the import of feedback")
    parser.add_argument("--rows", type=int, default=100_000, help="how many are imported, and known")
    rows = parser.parse_args().rows
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as scratch:
        folder, whole, part = Path(scratch), Path(scratch) / "rows.csv", Path(scratch) / "part.csv"
        csv_file(whole, rows)
        csv_file(part, rows // 10)
        there = repository(folder / "one", rows)
        processor, clock, imported, known, peak = measured(there, whole)
        assert (imported, known) == (rows, 0)
        met = processor <= LIMIT_S * rows / 100_000
        figure = f"{processor:.1f} s, wall {clock:.1f} s"
        line(f"{rows:,} rows, {rows:,} events known", figure, f"limit {LIMIT_S:.0f} s for 100,000", met=met)
        again, clock, imported, known, _ = measured(there, whole)
        assert (imported, known) == (0, rows)
        met &= line("  the same again", f"{again:.1f} s, wall {clock:.1f} s", met=again <= processor * 1.2)
        _, _, _, _, small = measured(repository(folder / "two", rows), part)
        grown = peak - small
        met &= line(
            "  memory above a tenth of the rows",
            f"{grown:.0f} of {peak:.0f} MB",
            "limit 64 MB",
            met=grown <= 64,
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
