"""The cache keeps what it was given, and never stands in the way."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.running.cache import FILE, Cache
from promptvc.models.messages import Completion

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]

numbers = st.none() | st.floats(0, 1e9)
counts = st.none() | st.integers(0, 10**12)
completions = st.builds(
    Completion,
    text=st.text(st.characters(exclude_categories=()), max_size=200),
    tokens_in=counts,
    tokens_out=counts,
    cost=numbers,
    latency_ms=st.floats(0, 1e9),
    finish_reason=st.none() | st.text(max_size=10),
    cached=st.just(True),
)
ONE = Completion("billing", 12, 3, None, 4.5, "stop", cached=True)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    opened = Cache(tmp_path / "cache")
    yield opened
    opened.close()


@given(st.dictionaries(st.binary(min_size=32, max_size=32), completions, max_size=5))
def test_what_was_put_is_found_by_the_next_process(
    tmp_path_factory: pytest.TempPathFactory, stored: dict[bytes, Completion]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    first = Cache(folder)
    first.put_many(list(stored.items()))
    first.close()
    second = Cache(folder)
    assert {name: second.get(name) for name in stored} == stored
    assert second.get(b"\xff" * 32) is None or b"\xff" * 32 in stored
    assert second.warning is None
    second.close()
    shutil.rmtree(folder)


def test_the_last_answer_to_one_request_counts(cache: Cache) -> None:
    cache.put_many([(key(1), Completion("old", 1, 1, None, 1.0, None))])
    cache.put_many([(key(1), Completion("new", 1, 1, None, 1.0, None))])
    found = cache.get(key(1))
    assert found is not None
    assert (found.text, found.cached) == ("new", True)


def test_a_fresh_run_sees_only_what_it_stored(tmp_path: Path) -> None:
    now = [NOON]
    cache = Cache(tmp_path, clock=lambda: now[0])
    cache.put_many([(key(1), ONE)])
    now[0] = NOON + timedelta(seconds=5)
    cache.put_many([(key(2), ONE)])
    assert cache.get(key(1), since=NOON + timedelta(seconds=5)) is None
    assert cache.get(key(2), since=NOON + timedelta(seconds=5)) == ONE
    assert cache.get(key(1)) == cache.get(key(1), since=NOON) == ONE
    cache.close()


def test_a_damaged_row_is_a_miss_and_is_written_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put_many([(key(1), ONE), (key(2), ONE)])
    cache.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(
            "UPDATE completions SET payload = ? WHERE key = ?", (b'["refunds",1,1,null,1,null]', key(1))
        )
    connection.close()
    cache = Cache(tmp_path)
    assert cache.get(key(1)) is None
    assert cache.get(key(2)) == ONE
    cache.put_many([(key(1), ONE)])
    assert cache.get(key(1)) == ONE
    cache.close()


@pytest.mark.parametrize("damage", ["not a database", "", "cut", "scribbled"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    cache.put_many([(key(number), ONE) for number in range(2000)])
    cache.close()
    path = tmp_path / FILE
    data = path.read_bytes()
    middle = {"cut": data[: len(data) // 2], "scribbled": data[:4096] + os.urandom(len(data) - 4096)}
    path.write_bytes(middle.get(damage, (damage * 1000).encode()))
    cache = Cache(tmp_path)
    for number in range(2000):
        assert cache.get(key(number)) in {None, ONE}
    cache.put_many([(key(7), ONE)])
    assert cache.get(key(7)) == ONE
    assert cache.warning is None
    cache.close()


def test_a_file_damaged_while_it_is_open_is_begun_anew_by_the_writer(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put_many([(key(number), ONE) for number in range(500)])
    cache.close()
    cache = Cache(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:4096] + os.urandom(300_000))
    cache.put_many([(key(number), ONE) for number in range(500, 600)])
    assert cache.get(key(550)) == ONE
    assert cache.warning is None
    cache.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_means_no_cache(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        _useless(tmp_path / "cache")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_made_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    _useless(tmp_path / "file" / "cache")


def test_a_folder_in_place_of_the_file_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    _useless(tmp_path)


def _useless(folder: Path) -> None:
    cache = Cache(folder)
    assert cache.warning is not None
    assert "running without the completion cache" in cache.warning
    cache.put_many([(key(1), ONE)])
    assert cache.get(key(1)) is None
    cache.close()


_FULL = """
import json, resource, signal, sys
from pathlib import Path
from promptvc.evaluation.running.cache import Cache
from promptvc.models.messages import Completion
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cache = Cache(Path(sys.argv[1]))
cache.put_many([((1).to_bytes(32, "big"), Completion("kept", 1, 1, None, 1.0, None))])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for number in range(2, 40):
    cache.put_many([(number.to_bytes(32, "big"), Completion("x" * 20_000, 1, 1, None, 1.0, None))])
print(json.dumps([cache.warning, cache.get((39).to_bytes(32, "big")) is None]))
"""


def test_a_full_disk_means_no_cache_from_then_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )
    warning, gone = json.loads(done.stdout)
    assert "running without the completion cache" in warning
    assert gone
    cache = Cache(tmp_path)
    found = cache.get(key(1))
    assert found is not None
    assert found.text == "kept"
    cache.close()


_WRITE = """
import sys
from pathlib import Path
from promptvc.evaluation.running.cache import Cache
from promptvc.models.messages import Completion
cache = Cache(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    cache.put_many([(number.to_bytes(32, "big"), Completion(str(number), 1, 1, None, 1.0, None))])
    print(number, flush=True)
assert cache.warning is None, cache.warning
"""


def _writer(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(folder), str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )


def test_eight_processes_that_begin_one_file_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [_writer(tmp_path, number * 50, number * 50 + 50) for number in range(8)]
    for writer in writers:
        writer.communicate(timeout=120)
    assert [writer.returncode for writer in writers] == [0] * 8
    cache = Cache(tmp_path)
    assert [getattr(cache.get(key(number)), "text", None) for number in range(400)] == [
        str(n) for n in range(400)
    ]
    cache.close()


@pytest.mark.parametrize("lines", [1, 17, 60])
def test_what_was_stored_before_a_kill_is_there(tmp_path: Path, lines: int) -> None:
    writer = _writer(tmp_path, 0, 100_000)
    assert writer.stdout is not None
    for _ in range(lines):
        told = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    cache = Cache(tmp_path)
    assert all(cache.get(key(number)) is not None for number in range(told + 1))
    assert cache.warning is None
    cache.close()
