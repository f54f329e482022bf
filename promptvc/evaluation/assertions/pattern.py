"""The regex assertion, with a limit of time that holds for every pattern.

Matching in-process cannot be stopped, and a library with a timeout checks it only here and there. So only patterns
that are known to be cheap in a text of that length are tried here (:mod:`promptvc.evaluation.assertions.pattern_cost`
says how that is known). All others are tried in a process of their own, started with the first one and kept: the
kernel ends it when a match has used its processor time, and the next match gets a new one. A match there costs some 30
microseconds on top. Nothing else goes on while a match runs, so a pattern may be out of time once: after that it is an
error at once, in every text, as long as promptvc runs.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold, shown
from promptvc.evaluation.assertions.pattern_cost import cheap

LIMIT_S = 1.0
_START_S = 30.0
_PATIENCE = 10  # a busy machine may take so many times the limit on the wall clock

# SIGPROF ends a process that does not handle it: the limit needs nobody's co-operation.
_WORKER = """
import json, re, resource, signal, sys, warnings
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
limit = float(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    pattern, text = json.loads(line)
    try:
        signal.setitimer(signal.ITIMER_PROF, limit)
        reply = re.search(pattern, text) is not None
        signal.setitimer(signal.ITIMER_PROF, 0)
    except (MemoryError, RecursionError, OverflowError, re.error) as error:
        reply = str(error)[:200] or type(error).__name__
    print(json.dumps(reply), flush=True)
"""


class Matcher:
    """Searches in a kept process. Safe for threads, which take turns.

    A pattern that was out of time once is not tried again.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._slow: set[str] = set()

    def search(self, pattern: str, text: str) -> bool | str:
        """Whether ``pattern`` is found in ``text``; a text says why that is not known."""
        with self._lock:
            if pattern in self._slow:
                return self._late(pattern)
            try:
                process = self._running()
                assert process.stdin is not None
                process.stdin.write(json.dumps([pattern, text]).encode() + b"\n")
                process.stdin.flush()
                reply = _line(process, self.limit_s * _PATIENCE)
            except OSError as error:
                self._end()
                return f"the process that tries patterns failed: {error.strerror}"
            except BaseException:
                self._end()  # Ctrl-C between question and answer: the next question needs a clean pipe
                raise
            if reply is None:
                self._end()
                self._slow.add(pattern)
                return self._late(pattern)
            found: bool | str = json.loads(reply)
            return found

    def close(self) -> None:
        """End the process; a later search starts a new one."""
        with self._lock:
            self._end()

    def _late(self, pattern: str) -> str:
        return f"trying {shown(pattern)} took more than {self.limit_s:g} s"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid():
            return self._process
        if self._process is None:
            atexit.register(self.close)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WORKER, str(self.limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )
        self._owner = os.getpid()
        if _line(self._process, _START_S) is None:
            raise OSError(0, "it did not start")
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was still to be written has no reader any more
        atexit.unregister(self.close)


def _line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes | None:
    """The next line; None when the process ended, or took too long."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    until = time.monotonic() + timeout_s
    data = b""
    while not data.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        part = os.read(descriptor, 65_536) if ready else b""
        if not part:
            return None
        data += part
    return data


@dataclass(frozen=True, slots=True)
class Regex:
    """The pattern ``value`` (Python's syntax) is found somewhere in the answer. A match out of time is an error."""

    matcher: Matcher = field(default_factory=Matcher)
    templates: ClassVar[Templates] = "pattern"

    def problem(self, assertion: Assertion) -> str | None:
        """A pattern that compiles, and no threshold."""
        value = assertion.value
        if assertion.threshold is not None:
            return no_threshold(assertion)
        if not isinstance(value, str) or not value:
            return "needs a pattern as its `value`"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(value)
        except re.error as error:
            return f"needs a regular expression: {error.msg}" + (f" at {error.pos}" if error.pos else "")
        except (RecursionError, OverflowError) as error:
            return f"needs a regular expression: {error}"
        return None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        found = self._search(assertion.value, answer.text)
        if isinstance(found, str):
            return Grade.failed(found)
        return Grade.of(found, f"{shown(answer.text.strip())} does not match {shown(assertion.value)}")

    def _search(self, pattern: str, text: str) -> bool | str:
        known = cheap(pattern)
        if known.compiled is not None and len(text) <= known.longest:
            return known.compiled.search(text) is not None
        return self.matcher.search(pattern, text)
