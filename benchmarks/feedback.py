"""What feedback costs: importing and committing it, appending to the spool, summarizing a million events.

``python -m benchmarks.feedback [--events N] [--folder FOLDER]``. Import: a CSV of 1,000 rows with things to redact
into the spool, sealed and committed in a repository of 1,000 prompts, in one process after its imports; limit 1 s.
Append: one event at a time; a durable one may
take 1 ms more than a bare write and fsync on the same disk. Summary: 1,000,000 events in ten segments on disk, read,
checked and folded; beside it, where the package is there, DuckDB's scan of the same files.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.repositories import generate, prompt_name
from promptvc.analysis.summary import Summary, summarize
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.ingest import ImportOptions, import_file
from promptvc.feedback.query.plain import PlainFacts
from promptvc.feedback.redact import Redactor
from promptvc.feedback.segments import Problem, read_lines
from promptvc.feedback.spool import Spool
from promptvc.git.commits import Plan, commit
from promptvc.git.repo import Repository

START = datetime(2026, 1, 1, tzinfo=UTC)
IMPORT_S, DURABLE_MS = 1.0, 1.0
WORDS = [
    *("refund", "card", "invoice", "parcel", "password", "account", "charge", "delay", "broken", "thanks"),
    *("when", "where", "please", "twice", "today"),
]
REMARKS = ("", "", "", "write to {n}@example.org", "call 555-{n:03d}-4567", "order 0123-4567{n} is late")


def text(chance: random.Random, words: int) -> str:
    """Something like what a customer writes."""
    return (
        " ".join(chance.choices(WORDS, k=words))
        + " "
        + chance.choice(REMARKS).format(n=chance.randrange(200, 999))
    )


def csv_file(path: Path, rows: int) -> None:
    """Ratings, corrections and remarks of a home-grown system."""
    chance = random.Random(1)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["when", "score", "message", "answer", "should be", "remark", "tags"])
        for number in range(rows):
            wrong = chance.random() < 0.3
            writer.writerow(
                [
                    # No row lies ahead of today: it would be refused.
                    (START + timedelta(minutes=7 * number % 400_000)).isoformat(),
                    chance.randrange(1, 6),
                    text(chance, 20),
                    "billing",
                    "card_fraud" if wrong else "",
                    text(chance, 8) if chance.random() < 0.5 else "",
                    "email,eu",
                ]
            )


def import_and_commit(repository: Repository, path: Path, spool: Spool) -> tuple[float, float, int]:
    """Seconds to import into the spool, seconds to seal and commit, and the events committed."""
    columns = {"when": "time", "score": "stars", "message": "input.message", "answer": "output"}
    columns |= {"should be": "corrected", "remark": "comment"}
    begin = time.perf_counter()
    known = {event.id: event for event in spool.read().events}
    result = import_file(path, ImportOptions(prompt_name(0, 20), columns), redactor=Redactor(), known=known)
    spool.append(result.events, durable=True)
    imported = time.perf_counter()
    with spool.seal(now=datetime.now(UTC)) as batch:
        done = commit(repository, None, lambda _: Plan(dict(batch.segments), "Commit feedback"))
        batch.done()
    end = time.perf_counter()
    assert done is not None
    return imported - begin, end - imported, len(batch.events)


def latency(spool: Spool, count: int, *, durable: bool) -> list[float]:
    """Milliseconds of each append of one event, sorted."""
    found = []
    for event in generated(count):
        begin = time.perf_counter()
        spool.append([event], durable=durable)
        found.append(1000 * (time.perf_counter() - begin))
    return sorted(found)


def generated(count: int, offset: int = 0) -> Iterator[Event]:
    """Events of several kinds and versions; the same arguments give the same."""
    chance = random.Random(offset)
    for number in range(offset, offset + count):
        value: dict[str, object] = {"prompt": "support/triage", "source": "code", "version": 1 + number % 5}
        if number % 10 < 6:
            value |= {"kind": "rating", "stars": chance.randrange(1, 6), "comment": text(chance, 12)}
        elif number % 10 < 9:
            tokens = {"input": chance.randrange(500), "output": chance.randrange(90)}
            value |= {
                "kind": "success",
                "latency_ms": chance.randrange(2000),
                "tokens": tokens,
                "cost": 0.0004,
            }
        else:
            value |= {"kind": "error", "error": {"type": "Timeout", "message": text(chance, 8)}}
        value |= {"input": {"message": text(chance, 16)}, "context": {"model": "offline"}, "tags": ["eu"]}
        moment = START + timedelta(seconds=20 * number)
        yield parse_event(stamped({**value, "id": derived_ulid(moment, b"", number)}, now=moment))


def write_segments(folder: Path, events: int) -> list[Path]:
    """Ten files of events below ``folder``, made unless they are there."""
    paths = []
    for part in range(10):
        path = folder / f"events-{events}-{part}.jsonl"
        if not path.exists():
            made = generated(events // 10, part * (events // 10))
            path.write_bytes(b"".join(event.line() for event in made))
        paths.append(path)
    return paths


def read(paths: list[Path]) -> Iterator[Event]:
    """The events of files, each file held in memory only while it is read."""
    for path in paths:
        for _, found in read_lines(path.read_bytes(), file=path.name):
            assert not isinstance(found, Problem), found
            yield found


def duckdb_seconds(paths: list[Path], summary: Summary) -> float | None:
    """Seconds of the same fold by DuckDB on two threads; ``None`` where it is not installed."""
    if importlib.util.find_spec("duckdb") is None:
        return None
    duckdb: Any = importlib.import_module("duckdb")

    begin = time.perf_counter()
    columns = "{kind: 'VARCHAR', version: 'INTEGER', stars: 'DOUBLE'}"
    rows = duckdb.sql(
        f"select version, kind, count(*), avg((stars - 1) / 4), avg(((stars - 1) / 4 >= 0.7)::int) "
        f"from read_json({[str(path) for path in paths]}, format='newline_delimited', columns={columns}) "
        "group by version, kind"
    ).fetchall()
    took = time.perf_counter() - begin
    assert sum(row[2] for row in rows) == summary.figures.total
    return took


def line(name: str, figure: str, limit: str = "", *, met: bool = True) -> bool:
    print(f"{name:<44} {figure:>24}   {limit}{'' if met else '   MISSED'}")
    return met


def measure_import(folder: Path) -> bool:
    repository = generate(folder / "repository", 1000, 2, 20)
    spool, path = Spool(folder / "spool"), folder / "rows.csv"
    csv_file(path, 1000)
    took, committing, events = import_and_commit(repository, path, spool)
    assert events == 1000
    whole = took + committing
    figure = f"{1000 * took:,.0f} + {1000 * committing:,.0f} ms"
    return line("1,000 events: import + commit", figure, f"limit {IMPORT_S:.0f} s", met=whole <= IMPORT_S)


def bare_fsync(path: Path, count: int) -> float:
    """Median milliseconds of a write and fsync of 300 bytes: what the disk asks of anybody."""
    found = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(count):
        begin = time.perf_counter()
        os.write(descriptor, b"x" * 300)
        os.fsync(descriptor)
        found.append(1000 * (time.perf_counter() - begin))
    os.close(descriptor)
    return statistics.median(found)


def measure_append(folder: Path) -> bool:
    for durable in (False, True):
        found = latency(Spool(folder / f"append-{durable}"), 2000, durable=durable)
        p50, p99 = statistics.median(found), found[len(found) * 99 // 100]
        line("append one event" + (", durable" if durable else ""), f"p50 {p50:.3f} p99 {p99:.3f} ms")
    bare = bare_fsync(folder / "bare", 2000)
    more = p50 - bare
    limit = f"limit {DURABLE_MS:.0f} ms; bare: {bare:.3f} ms"
    return line("  above a bare write and fsync", f"p50 {more:.3f} ms", limit, met=more <= DURABLE_MS)


def measure_summary(folder: Path, events: int) -> None:
    paths = write_segments(folder, events)
    size = sum(path.stat().st_size for path in paths) / 1e6
    begin = time.perf_counter()
    summary = summarize(PlainFacts(read(paths)).counts())
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert summary.figures.total == events
    line(f"read and summarize {events:,} events", f"{took:.1f} s", f"{size:,.0f} MB, peak {peak:,.0f} MB")
    some = PlainFacts(read(paths[:1]))
    begin = time.perf_counter()
    summarize(some.counts())
    each = (time.perf_counter() - begin) / (events / 10)
    line("  of which the fold alone", f"{1e6 * each:.2f} us an event")
    other = duckdb_seconds(paths, summary)
    if other is None:
        line("  DuckDB on the same files", "not installed")
    else:
        line("  DuckDB on the same files", f"{other:.2f} s", f"{took / other:.1f} x")


def main() -> int:
    parser = argparse.ArgumentParser(description="measure import, append and summary of feedback")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many the summary reads")
    parser.add_argument("--folder", type=Path, help="keep the generated events here and use them again")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as scratch:
        met = measure_import(Path(scratch))
        met &= measure_append(Path(scratch))
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        measure_summary(folder, options.events)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
