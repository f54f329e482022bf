"""What answering costs: 1,000,000 events by DuckDB and by plain Python, beside SQLite, pandas and DuckDB's own scan.

``python -m benchmarks.engines [--events N] [--folder FOLDER]``. All are asked the same: how many events there are by
version, kind and source, and the mean of their scores. CPU and wall seconds, the smallest of three; peers that are not
installed are left out. Limit: 1.5 times DuckDB's scan of the same files with the same columns. Then from how many
lines on DuckDB, loaded anew, is faster than plain Python.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.feedback import line, read, write_segments
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.plain import PlainFacts

LIMIT = 1.5
SCORE = (
    "CASE WHEN effectiveness IS NOT NULL THEN effectiveness WHEN rating IS NOT NULL THEN rating "
    "WHEN stars IS NOT NULL THEN (stars - 1) / 4 WHEN thumbs = 'up' THEN 1.0 WHEN thumbs = 'down' THEN 0.0 END"
)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def best(work: Callable[[], Any], times: int = 3) -> tuple[float, float, Any]:
    """CPU and wall seconds of ``work``, the smallest of some runs, and its answer."""
    found = []
    for _ in range(times):
        begin, used = time.perf_counter(), cpu()
        answer = work()
        found.append((cpu() - used, time.perf_counter() - begin))
    return min(one[0] for one in found), min(one[1] for one in found), answer


def by_duck(paths: list[Path]) -> int:
    with DuckFacts(paths) as facts:
        return sum(count.tally.n for count in facts.counts())


def by_scan(paths: list[Path]) -> int:
    """DuckDB alone: the same columns, no duplicates looked for, no broken line told."""
    duckdb: Any = importlib.import_module("duckdb")
    columns = "{version: 'INTEGER', kind: 'VARCHAR', source: 'VARCHAR', thumbs: 'VARCHAR', rollup: 'JSON', "
    columns += "rating: 'DOUBLE', effectiveness: 'DOUBLE', stars: 'DOUBLE'}"
    count = "CASE WHEN rollup IS NULL THEN 1 ELSE CAST(rollup->>'$.count' AS BIGINT) END"
    rows = duckdb.sql(
        f"SELECT version, kind, source, SUM({count}), COUNT({SCORE}), AVG({SCORE}), AVG(({SCORE} >= 0.7)::INT) "
        f"FROM read_json({[str(path) for path in paths]}, format='newline_delimited', columns={columns}) GROUP BY ALL"
    ).fetchall()
    return int(sum(row[3] for row in rows))


def by_sqlite(paths: list[Path]) -> tuple[float, float]:
    """Seconds to load the lines, and to ask."""
    begin = time.perf_counter()
    with sqlite3.connect(":memory:") as table:
        table.execute("CREATE TABLE e (version INT, kind TEXT, source TEXT, score REAL)")
        for path in paths:
            rows = (json.loads(text) for text in path.read_bytes().splitlines())
            values = ((row.get("version"), row["kind"], row["source"], row.get("stars")) for row in rows)
            table.executemany("INSERT INTO e VALUES (?, ?, ?, ?)", values)
        loaded = time.perf_counter()
        table.execute(
            "SELECT version, kind, source, COUNT(*), AVG((score - 1) / 4) FROM e GROUP BY 1, 2, 3"
        ).fetchall()
        return loaded - begin, time.perf_counter() - loaded


def by_pandas(paths: list[Path]) -> int:
    pandas: Any = importlib.import_module("pandas")
    frame = pandas.concat([pandas.read_json(path, lines=True) for path in paths])
    return int(frame.groupby(["version", "kind", "source"]).agg({"stars": ["size", "mean"]}).sum().iloc[0])


def crossing(folder: Path) -> None:
    """Whole processes, so that loading DuckDB counts."""
    for count in (2_000, 5_000, 10_000, 20_000, 50_000):
        paths = write_segments(folder, count)
        took = {}
        for name, made in (
            ("python", "PlainFacts(event for path in paths for event in read([path]))"),
            ("duckdb", "DuckFacts(paths)"),
        ):
            code = (
                "import sys, time; from pathlib import Path; from benchmarks.feedback import read\n"
                "from promptvc.feedback.query.duck import DuckFacts\n"
                "from promptvc.feedback.query.plain import PlainFacts\n"
                f"paths = [Path(one) for one in sys.argv[1:]]; b = time.process_time(); {made}.cells()\n"
                "print(time.process_time() - b)"
            )
            command = [sys.executable, "-c", code, *map(str, paths)]
            runs = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3)]
            took[name] = min(runs)
        size = sum(path.stat().st_size for path in paths) / 1e6
        line(
            f"  {count:,} lines ({size:.1f} MB), CPU",
            f"{took['python']:.2f} s",
            f"DuckDB {took['duckdb']:.2f} s",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="measure the engines that answer questions about events")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keep the generated events here and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        paths = write_segments(folder, options.events)
        scan_cpu, scan_wall, counted = best(lambda: by_scan(paths))
        own_cpu, own_wall, answer = best(lambda: by_duck(paths))
        assert answer == counted == options.events
        line(f"DuckDB's own scan of {options.events:,} events", f"{scan_wall:.2f} s, CPU {scan_cpu:.2f}")
        met = own_cpu <= LIMIT * scan_cpu
        line(
            "  summary by promptvc, ids told apart",
            f"{own_wall:.2f} s, CPU {own_cpu:.2f}",
            f"limit {LIMIT} x: {own_cpu / scan_cpu:.2f} x in CPU",
            met=met,
        )
        _, cells, _ = best(lambda: DuckFacts(paths).cells(), 1)
        line("  every figure by day, model and technique", f"{cells:.2f} s")
        begin = time.perf_counter()
        PlainFacts(read(paths)).counts()
        line("  the same by plain Python", f"{time.perf_counter() - begin:.1f} s")
        loading, asking = by_sqlite(paths)
        line("  SQLite, loading and asking", f"{loading:.1f} + {asking:.2f} s")
        if importlib.util.find_spec("pandas") is not None:
            _, wall, _ = best(lambda: by_pandas(paths), 1)
            line("  pandas", f"{wall:.1f} s")
        line(
            "peak memory of all together",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB",
        )
        crossing(folder)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
