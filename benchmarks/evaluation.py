"""What a run costs beside the provider client's own call, and how fast the cache answers.

A model server on loopback answers at once, from a process of its own; 64 calls are under way. ``bare`` is LangChain's
client on the same transport, called by 64 workers and nothing else. CPU is this process's, a case. Run from the
repository: ``python -m benchmarks.evaluation [CASES]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from promptvc.base.config import ModelSettings
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, RunResult, Task
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion

CONCURRENCY = 64
ROUNDS = 3
KEY = "sk-none"
RULES = ChatMessage("system", "You route customer messages. Answer with one label only.\n" + "A rule. " * 60)
# With 32 shown examples, as training writes them: about 4 KB of messages a case.
SHOWN = (
    RULES,
    *(
        turn
        for n in range(32)
        for turn in (
            ChatMessage("user", f"I was charged {n} times for it"),
            ChatMessage("assistant", "billing"),
        )
    ),
)


def tasks(count: int, head: tuple[ChatMessage, ...] = (RULES,)) -> Iterator[Task]:
    """Cases that differ in their last message."""
    parameters = {"temperature": 0}
    for number in range(count):
        turns = (*head, ChatMessage("user", f"message number {number}, about a parcel"))
        yield Task(f"case-{number}", 0, turns, parameters)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a server that answers at once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def measured(action: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


async def bare(url: str, count: int) -> None:
    """LangChain's client, 64 workers, no retries, nothing kept."""
    import openai
    from langchain.chat_models import init_chat_model

    try:
        http = openai.DefaultAioHttpClient()
    except RuntimeError:
        http = openai.DefaultAsyncHttpxClient()
    client = init_chat_model(
        "test-model",
        model_provider="openai",
        base_url=url,
        api_key=KEY,
        temperature=0,
        max_retries=0,
        use_responses_api=False,
        http_async_client=http,
    )
    source = tasks(count)

    async def worker() -> None:
        for task in source:
            await client.ainvoke([(message.role, message.content) for message in task.messages])

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    await http.aclose()


def ours(url: str, count: int, cache: Cache) -> RunResult:
    """The same cases, through promptvc, every completion on the disk before it counts."""
    environ = {"OPENAI_API_BASE": url, "OPENAI_API_KEY": KEY}
    model = open_model("openai:test-model", settings=ModelSettings(local_only=True), environ=environ)
    result = run(tasks(count), model, RunOptions(concurrency=CONCURRENCY, cache=cache))
    assert result.errors == 0
    return result


class _Remote:
    """A model that costs nothing, to see the runner and the cache alone."""

    name = "nothing"
    answered = Completion("billing", None, None, None, 0.0, "stop")

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        del messages, parameters, repeat
        return self.answered

    async def close(self) -> None:
        return


class _Here(_Remote):
    """The same, asked without an event loop, as the offline model is."""

    def answer(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        del messages, parameters, repeat
        return self.answered


def show(what: str, figure: str, limit: str, *, met: bool) -> None:
    print(f"{what:<58} {figure:>14}   limit {limit:<14} {'ok' if met else 'MISSED'}")


def calls(url: str, count: int, folder: Path) -> None:
    """Both ways in turn, the best of some rounds each."""
    asyncio.run(bare(url, 200))
    best_bare = best_ours = (float("inf"), float("inf"))
    for number in range(ROUNDS):
        best_bare = min(best_bare, measured(lambda: asyncio.run(bare(url, count))), key=lambda pair: pair[1])
        cache = Cache(folder / str(number))
        best_ours = min(best_ours, measured(lambda: ours(url, count, cache)), key=lambda pair: pair[1])  # noqa: B023
        cache.close()
    bare_ms, ours_ms = (pair[1] / count * 1000 for pair in (best_bare, best_ours))
    print(f"bare LangChain: {bare_ms:.2f} ms CPU a case, {count / best_bare[0]:.0f} cases/s")
    print(f"promptvc:       {ours_ms:.2f} ms CPU a case, {count / best_ours[0]:.0f} cases/s")
    above = ours_ms - bare_ms
    show("CPU a case above the client's own call", f"{above:.3f} ms", "1 ms", met=above <= 1)


def many_from_the_cache(folder: Path, count: int) -> None:
    """100,000 cases that the cache knows: speed, and how much memory the process has ever used."""
    cache = Cache(folder / "many")
    remote = _Remote()
    run(tasks(count, SHOWN), remote, RunOptions(concurrency=256, cache=cache))
    again = RunOptions(concurrency=CONCURRENCY, cache=cache)
    wall, cpu = measured(lambda: run(tasks(count, SHOWN), remote, again))
    print(f"from the cache: {cpu / count * 1e6:.1f} us CPU a case, {count / wall:,.0f} cases/s on the clock")
    rate = count / cpu
    show(f"cases a CPU second from the cache, {count:,} cases", f"{rate:,.0f}", "20,000", met=rate >= 20_000)
    cache.close()
    _, cpu = measured(lambda: run(tasks(count), _Here()))
    each = cpu / count * 1e6
    show("CPU a case around a model that answers in-process", f"{each:.1f} us", "50 us", met=each <= 50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(f"memory after {count:,} cases", f"{peak:.0f} MB", "300 MB", met=peak <= 300)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{count:,} cases, {CONCURRENCY} at once, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name, server() as url:
        calls(url, count, Path(name))
        many_from_the_cache(Path(name), 100_000)


if __name__ == "__main__":
    main()
