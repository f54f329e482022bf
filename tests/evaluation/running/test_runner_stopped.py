"""A run in a process of its own, interrupted and killed: what was paid for is never paid for again.

The server counts the calls and decides the moment: it signals the process while it holds that call's answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from promptvc.evaluation.running.cache import Cache, Keys
from promptvc.models.messages import ChatMessage
from tests.servers import Reply, Request, Server, echo

ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("run_in_a_process.py")


class Child:
    """One start of the program; ``signal_at`` sends the signal when the server sees that request."""

    def __init__(
        self, server: Server, cache: Path, *, count: int, concurrency: int, grace: float = 30.0
    ) -> None:
        arguments = [server.url, str(cache), str(count), str(concurrency), str(grace)]
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )

    def end(self) -> tuple[int, Any, str]:
        out, errors = self.process.communicate(timeout=120)
        return self.process.returncode, json.loads(out) if out else None, errors


def test_ctrl_c_keeps_every_answer_that_was_paid_for(tmp_path: Path) -> None:
    with Server() as server:
        child: Child | None = None

        def script(request: Request) -> Reply:
            if request.number == 9:
                assert child is not None
                child.process.send_signal(signal.SIGINT)
            return echo(request)

        server.script = script
        child = Child(server, tmp_path, count=40, concurrency=4)
        code, told, errors = child.end()
        paid = server.count
        assert (code, errors) == (130, "")
        assert told["error"].startswith("interrupted after ")
        assert told["error"].endswith(" of 40 tasks; finished calls are kept")
        assert 9 <= paid < 40

        code, told, _ = Child(server, tmp_path, count=40, concurrency=4).end()
    assert (code, told["cached"], told["calls"]) == (0, paid, 40 - paid)
    assert told["texts"] == [f"TEXT {number}" for number in range(40)]
    assert Counter(request.text for request in server.requests) == {f"text {n}": 1 for n in range(40)}


def test_answers_that_do_not_come_are_not_waited_for_long(tmp_path: Path) -> None:
    with Server() as server:
        child: Child | None = None

        def script(request: Request) -> Reply:
            if request.number <= 4:
                return echo(request)
            assert child is not None
            if request.number == 8:
                child.process.send_signal(signal.SIGINT)
            return Reply(hang=True)

        server.script = script
        child = Child(server, tmp_path, count=40, concurrency=4, grace=0.1)
        code, told, errors = child.end()
        assert (code, errors) == (130, "")
        assert "interrupted after 4 of 40 tasks" in told["error"]
    assert len(_stored(tmp_path, server.url, 40)) == 4


def test_killed_runs_pay_again_only_for_what_was_under_way(tmp_path: Path) -> None:
    count, concurrency, kills = 60, 4, [7, 38]
    stored: set[str] = set()
    repaid: set[str] = set()
    with Server() as server:
        child: Child | None = None

        def script(request: Request) -> Reply:
            if request.text in stored:
                repaid.add(request.text)
            if kills and request.number == kills[0]:
                kills.pop(0)
                assert child is not None
                child.process.kill()
            return echo(request)

        server.script = script
        for _ in range(2):
            child = Child(server, tmp_path, count=count, concurrency=concurrency)
            assert child.end()[0] == -signal.SIGKILL
            stored |= _stored(tmp_path, server.url, count)
        code, told, _ = Child(server, tmp_path, count=count, concurrency=concurrency).end()
    assert code == 0
    assert told["texts"] == [f"TEXT {number}" for number in range(count)]
    assert told["cached"] == len(stored)
    assert repaid == set()
    assert len(stored) >= 38 - 2 * concurrency
    assert server.count <= count + 2 * concurrency


def _stored(folder: Path, address: str, count: int) -> set[str]:
    cache, keys = Cache(folder), Keys("openai:test", address)
    texts = [f"text {number}" for number in range(count)]
    found = {text for text in texts if cache.get(keys.key([ChatMessage("user", text)], {}, 0))}
    cache.close()
    return found
