"""The recorder across forks, at the end of a process, and under kill -9: with real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from promptvc.feedback.events import Event
from promptvc.feedback.spool import Spool

ROOT = Path(__file__).parents[2]
MAKE = """
import multiprocessing, os, signal, sys, threading
from pathlib import Path
from promptvc.feedback.quarantine import Quarantine
from promptvc.feedback.recording.place import Place
from promptvc.feedback.recording.recorder import BaseRecorder
from promptvc.feedback.redact import Redactor
from promptvc.feedback.spool import Spool

def opening():
    base = Path(sys.argv[1])
    about = lambda name: {"prompt": name}
    return Place(
        Spool(base / "spool"), Quarantine(base / "quarantine"), Redactor, Redactor, str, about, lambda: None
    )

recorder = BaseRecorder(opening)

def say(who, count):
    for number in range(count):
        assert recorder.add("p", stars=4, execution=f"{who}-{number}")
"""
FORKS = """
def hurried(process):
    say(f"mp{process}", 30)  # and ends, without a word to the recorder

say("parent", 200)
child = os.fork()
if child == 0:
    assert recorder.stats().recorded == 0
    say("child", 50)
    grandchild = os.fork()
    if grandchild == 0:
        say("grandchild", 20)
        assert recorder.flush()
        os._exit(0)
    os.waitpid(grandchild, 0)
    assert recorder.close()
    assert recorder.stats().written == 50
    os._exit(0)
_, status = os.waitpid(child, 0)
context = multiprocessing.get_context("fork")
pool = [context.Process(target=hurried, args=(one,)) for one in range(2)]
busy = threading.Thread(target=say, args=("thread", 100))
busy.start()
for process in pool:
    process.start()
for process in pool:
    process.join()
busy.join()
say("last", 10)
print(status, *(process.exitcode for process in pool))
# No close, no flush: the interpreter's exit writes what waits.
"""
KILLED = """
for number in range(10**9):
    say(number, 7)
    if number % 3 == 0:
        assert recorder.flush()
        os.write(1, b"%d\\n" % number)
"""


def start(script: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE + script, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(events: tuple[Event, ...]) -> Counter[str]:
    return Counter(str(event.data["execution"]) for event in events)


def test_parents_children_and_exits_write_each_event_once(tmp_path: Path) -> None:
    process = start(FORKS, tmp_path)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert output.split() == [b"0", b"0", b"0"], errors.decode()
    assert errors == b""
    counts = {"parent": 200, "child": 50, "grandchild": 20, "mp0": 30, "mp1": 30, "thread": 100, "last": 10}
    wanted = {f"{who}-{number}" for who, count in counts.items() for number in range(count)}
    found = said(Spool(tmp_path / "spool").read().events)
    assert found == Counter(wanted)


def test_what_flush_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    processes = [start(KILLED, tmp_path / str(number)) for number in range(2)]
    for number, process in enumerate(processes):
        assert process.stdout is not None
        acknowledged = -1
        for _ in range(10 + 7 * number):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        acknowledged = max([acknowledged, *map(int, rest.split())])
        reading = Spool(tmp_path / str(number) / "spool").read()
        assert not reading.problems
        found = said(reading.events)
        assert set(found.values()) == {1}
        assert found.keys() >= {f"{one}-{n}" for one in range(acknowledged + 1) for n in range(7)}
        # A kill in the middle of a write leaves a spool that goes on.
        Spool(tmp_path / str(number) / "spool").append(reading.events[:1])
