"""The spool under concurrent writers and kill -9, with real processes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from promptvc.feedback.events import Event
from promptvc.feedback.segments import read_segments
from promptvc.feedback.spool import Spool

ROOT = Path(__file__).parents[2]
MAKE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from promptvc.base.files import write_atomic
from promptvc.feedback.events import parse_event, stamped
from promptvc.feedback.spool import Spool

NOW = datetime(2026, 11, 20, tzinfo=UTC)

def make(writer, number):
    value = {"prompt": f"p{number % 2}", "kind": "rating", "source": "code", "rating": 0.5}
    value["comment"] = "x" * (number % 400)
    return parse_event(stamped(value, now=NOW, random=bytes([writer]) + number.to_bytes(9, "big")))

def commit(batch, repository):
    # Stands for a git commit: whole or absent, and the same path is never written with other bytes.
    for path, content in batch.segments.items():
        target = repository / path
        assert not target.exists() or target.read_bytes() == content
        write_atomic(target, content, durable=False)
"""
# Appends as fast as it can, and notes each id only after append has returned.
WRITER = """
writer, first, last, torn = map(int, sys.argv[3:7])
spool = Spool(Path(sys.argv[1]))
notes = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
real = os.write

def killed_while_writing(descriptor, data):
    real(descriptor, data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

for number in range(first, last):
    event = make(writer, number)
    if number == torn:
        os.write = killed_while_writing
    if number % 2:
        spool.append_lines([event.line()])
    else:
        spool.append([event])
    real(notes, event.id.encode() + b"\\n")
"""
SEALER = """
import time
spool, repository = Spool(Path(sys.argv[1])), Path(sys.argv[2])
while True:
    with spool.seal(now=datetime.now(UTC)) as batch:
        commit(batch, repository)
        batch.done()
    print(len(batch.events), flush=True)
"""
# Forks a child for each step that sealing takes, and kills the child at that step.
STEPS = """
base = Path(sys.argv[1])
for step in range(1, 400):
    spool, repository = Spool(base / str(step) / "spool"), base / str(step) / "repository"
    spool.append([make(0, 0)])
    child = os.fork()
    if child == 0:
        left = step

        def hook(name, arguments):
            global left
            if name.startswith(("open", "os.", "fcntl.", "shutil.", "pathlib.")):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        spool.append([make(0, 1)])
        spool.append_lines([make(0, 2).line()])
        os.write(1, b"acknowledged %d\\n" % step)
        with spool.seal(now=NOW) as batch:
            commit(batch, repository)
            batch.done()
        spool.append([make(0, 3)])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        os.write(1, b"whole %d\\n" % step)
        break
"""


def start(script: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    code = MAKE + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def committed(repository: Path) -> dict[str, bytes]:
    files = repository.rglob("*.jsonl")
    return {path.relative_to(repository).as_posix(): path.read_bytes() for path in files}


def seal_the_rest(spool: Spool, repository: Path) -> list[Event]:
    """Seal and "commit" what is left, as the next `feedback commit` would; all events, as often as they are there."""
    process = start(
        """
        with Spool(Path(sys.argv[1])).seal(now=NOW) as batch:
            commit(batch, Path(sys.argv[2]))
            batch.done()
        """,
        spool.directory,
        repository,
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert spool.read().events == ()
    files = committed(repository)
    reading = read_segments(files)
    assert not reading.problems
    assert not reading.conflicts
    assert sum(content.count(b"\n") for content in files.values()) == len(reading.events), "written twice"
    return list(reading.events)


def test_eight_writers_a_sealer_and_random_kills_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    spool, repository = Spool(tmp_path / "spool"), tmp_path / "repository"
    writers, each, torn_lines = 8, 400, 3
    notes = [tmp_path / f"{writer}.notes" for writer in range(writers)]
    torn_at = [150 + writer % 2 if writer < torn_lines else -1 for writer in range(writers)]
    running = [
        start(WRITER, spool.directory, notes[w], str(w), "0", str(each), str(torn_at[w]))
        for w in range(writers)
    ]
    sealer = start(SEALER, spool.directory, repository)
    alive = list(range(torn_lines, writers))
    deadline = time.monotonic() + 60
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        # Waiting for the sealer's next round is the clock here: no sleep.
        assert sealer.stdout is not None
        if not sealer.stdout.readline() or chance.random() < 0.3:
            sealer.send_signal(signal.SIGKILL)
            sealer.communicate()
            sealer = start(SEALER, spool.directory, repository)
        if len(alive) > 4 and chance.random() < 0.2:
            running[alive.pop(chance.randrange(len(alive)))].send_signal(signal.SIGKILL)
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode in {0, -signal.SIGKILL}, errors.decode()
    sealer.send_signal(signal.SIGKILL)
    sealer.communicate()
    events = seal_the_rest(spool, repository)
    acknowledged = {line for note in notes if note.exists() for line in note.read_text().split()}
    found = [event.id for event in events]
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    # Beyond what was acknowledged: at most the one event that each killed writer had just written.
    assert len(found) <= len(acknowledged) + writers
    assert len(acknowledged) >= (len(alive)) * each
    torn = b"".join(path.read_bytes() for path in spool.set_aside())
    assert torn.count(b"\n") == torn_lines


def test_killed_at_any_step_of_append_seal_commit_and_done(tmp_path: Path) -> None:
    process = start(STEPS, tmp_path)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    *_, last = output.decode().splitlines()
    assert last.startswith("whole"), "no step was the last one"
    steps = int(last.split()[1])
    assert steps > 15
    acknowledged = {int(line.split()[1]) for line in output.decode().splitlines() if line.startswith("ack")}
    for step in range(1, steps + 1):
        spool, repository = Spool(tmp_path / str(step) / "spool"), tmp_path / str(step) / "repository"
        files = committed(repository) if repository.exists() else {}
        waiting = spool.read()
        assert waiting.problems == ()
        there = {event.id[-1] for event in (*read_segments(files).events, *waiting.events)}
        assert "0" in there
        if step in acknowledged:
            assert {"0", "1", "2"} <= there
        assert there <= {"0", "1", "2", "3"}


def test_after_any_kill_the_next_seal_commits_each_event_once(tmp_path: Path) -> None:
    process = start(STEPS, tmp_path)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    steps = int(output.decode().splitlines()[-1].split()[1])
    again = """
    for step in sorted(map(int, os.listdir(sys.argv[1]))):
        base = Path(sys.argv[1]) / str(step)
        with Spool(base / "spool").seal(now=NOW) as batch:
            commit(batch, base / "repository")
            batch.done()
    """
    process = start(again, tmp_path)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    acknowledged = {int(line.split()[1]) for line in output.decode().splitlines() if line.startswith("ack")}
    for step in range(1, steps + 1):
        assert Spool(tmp_path / str(step) / "spool").read().events == ()
        files = committed(tmp_path / str(step) / "repository")
        reading = read_segments(files)
        assert not reading.problems
        assert not reading.conflicts
        assert sum(content.count(b"\n") for content in files.values()) == len(reading.events)
        found = {event.id[-1] for event in reading.events}
        assert found >= ({"0", "1", "2"} if step in acknowledged else {"0"})
        assert not list((tmp_path / str(step) / "spool").glob("batch-*"))
