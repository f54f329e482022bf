"""Running a suite's Python code: in kept processes that fork a child for each call, with limits on everything.

The code can compute, read files and import what is installed; it can do no more than that for at most ``cpu_s``
seconds of processor time. What is isolated, and what is not:

- Always: its environment is empty (no keys), its folder is empty and goes away with it, what it prints goes nowhere,
  it has none of our descriptors, its time, memory, files and answer are bounded.
- On Linux (x86-64 and arm64): no other processes, no programs, no signals to others, no network. Elsewhere it may use
  the network, and starts no processes unless it runs as root.
- Never: files. It reads, and could change, what the user who runs promptvc could. So code runs only by leave
  (:mod:`promptvc.store.trust`): a limit is for mistakes, trust is for intentions.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import Unfinished

_WORKER = Path(__file__).with_name("sandbox_worker.py")
_HEADER = struct.Struct(">I")
_GRACE_S = 60.0  # above the wall limit, which the worker itself keeps: for a machine that has much else to do


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take. ``cpu_s`` counts in whole seconds, at least one."""

    cpu_s: float = 5.0
    wall_s: float = 15.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20
    answer_bytes: int = 1 << 20

    def to_json(self) -> str:
        """For the worker's command line."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


class Sandbox:
    """Runs code for several coroutines at once: at most ``workers`` calls at a time, others wait their turn.

    Nothing is started before the first call. Close it when done; calls under way then fail.
    """

    def __init__(self, limits: Limits | None = None, *, workers: int | None = None) -> None:
        self.limits = limits or Limits()
        count = workers or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="promptvc-code")
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._folder: Path | None = None
        self._closed = False

    async def run(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        """What ``code`` says of ``output``: plain data.

        ``code`` is an expression, or statements with a ``return``, both over ``output`` and ``context``; or a module
        with a function ``get_assert(output, context)``, which may be a coroutine.

        Raises:
            Unfinished: it raised, ended, crashed, took too long or too much, or answered with what is no plain data.
        """
        request = json.dumps({"code": code, "output": output, "context": dict(context)}, default=str).encode()
        try:
            pending = asyncio.get_running_loop().run_in_executor(self._threads, self._call, request)
        except RuntimeError:
            raise Unfinished("the sandbox is closed") from None
        reply = await pending
        if "error" in reply:
            raise Unfinished(reply["error"])
        return reply["value"]

    def close(self) -> None:
        """End all processes and remove their folder."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers:
            worker.end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, request: bytes) -> dict[str, Any]:
        worker = self._worker()
        try:
            reply = worker.ask(request, self.limits.wall_s + _GRACE_S)
        except OSError as error:
            with self._lock:
                self._workers.discard(worker)
            worker.end()
            reason = error.strerror or "it ended"
            return {"error": f"the process that runs code failed: {reason}"}
        self._idle.put(worker)
        found: dict[str, Any] = json.loads(reply)
        return found

    def _worker(self) -> _Worker:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._closed:
                raise Unfinished("the sandbox is closed")
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="promptvc-code-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            worker = _Worker(self.limits, self._folder)
            self._workers.add(worker)
            return worker


class _Worker:
    """One kept process. Used by one thread at a time; only :meth:`stop` may come from another."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "utf8", str(_WORKER), limits.to_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=folder,
                env={},
                start_new_session=True,
            )
        except OSError as error:
            raise Unfinished(f"the process that runs code did not start: {error.strerror}") from error

    def ask(self, request: bytes, timeout_s: float) -> bytes:
        """Its answer to one request.

        Raises:
            OSError: it ended, or did not answer in time.
        """
        assert self._process.stdin is not None
        rest = memoryview(_HEADER.pack(len(request)) + request)
        while rest:
            rest = rest[self._process.stdin.write(rest) :]
        until = time.monotonic() + timeout_s
        size = _HEADER.unpack(self._read(_HEADER.size, until))[0]
        return self._read(size, until)

    def stop(self) -> None:
        """Ask it to end, with what it runs; does not wait."""
        self._process.terminate()

    def end(self) -> None:
        """End it and close its pipes."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self, size: int, until: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        data = bytearray()
        while len(data) < size:
            ready = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]
            if not ready:
                raise OSError(0, "it did not answer")
            part = os.read(descriptor, min(size - len(data), 1 << 20))
            if not part:
                raise OSError(0, "it ended")
            data += part
        return bytes(data)
