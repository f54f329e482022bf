"""What an evaluation costs beside the client's own calls, how fast the cache answers, how much memory it takes.

A model server on loopback answers at once, or after 20 ms, from a process of its own; 64 calls are under way; two text
assertions a case. ``aiohttp`` is a bare loop over the same requests, ``LangChain`` its client on the same transport,
``promptfoo`` the command of that name where it is on PATH. ``promptvc`` is the command itself: suite, cache on the
disk, grading, report. CPU is the measured process's own. Run from the repository:
``python -m benchmarks.evaluation [CASES]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.evaluation.cases.finding import Shelf
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.tasks import RunOptions
from promptvc.evaluation.sessions.session import Session
from promptvc.models.messages import ChatMessage, Completion
from promptvc.prompts.model import load_prompt

CONCURRENCY = 64
MANY = 100_000
ROOT = Path(__file__).resolve().parents[1]
MODEL = "test-model"
PROMPT = """\
name: desk
version: 1
model: openai:test-model
parameters: {temperature: 0}
variables:
  message: {required: true}
messages:
  - role: system
    content: You route customer messages. Answer with one label only.
  - role: user
    content: "{{ message }}"
"""
SUITE = "default:\n  assert: [{type: icontains, value: BILL}]\ncases: desk.cases.jsonl\n"


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, CPU seconds of the process, and its peak memory in MB."""

    wall: float
    cpu: float
    memory: float


@contextlib.contextmanager
def server(delay_ms: int = 0) -> Iterator[str]:
    """The address of a server that answers every request with one label."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers", str(delay_ms)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def message(number: int) -> str:
    """What a case asks."""
    return f"message number {number}, about a parcel"


def repository(folder: Path, count: int) -> dict[str, str]:
    """A repository with one prompt and ``count`` cases; the environment of its user."""
    environ = dict(os.environ, HOME=str(folder), GIT_CONFIG_NOSYSTEM="1", PYTHONPATH=str(ROOT))
    (folder / "prompts").mkdir()
    (folder / "evaluation").mkdir()
    (folder / "prompts" / "desk.yaml").write_text(PROMPT)
    (folder / "evaluation" / "desk.yaml").write_text(SUITE)
    with (folder / "evaluation" / "desk.cases.jsonl").open("w") as stream:
        for number in range(count):
            case = {"id": f"case-{number}", "vars": {"message": message(number)}, "expected": "billing"}
            stream.write(json.dumps(case) + "\n")
    who = ("-c", "user.name=B", "-c", "user.email=b@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "Start")):
        subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True)
    return environ


def command(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> tuple[Took, str]:
    """Run one command to its end; what it took, and what it printed."""
    started = time.perf_counter()
    with (folder / "out.txt").open("w+") as out:
        process = subprocess.Popen(
            arguments, cwd=folder, env=dict(environ), stdout=out, stderr=subprocess.STDOUT
        )
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        out.seek(0)
        printed = out.read()
    wall = time.perf_counter() - started
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), printed


def promptvc(folder: Path, environ: Mapping[str, str], url: str, *more: str) -> Took:
    """`promptvc evaluate` on all cases; fails unless all of them pass."""
    keys = {"OPENAI_API_BASE": url, "OPENAI_API_KEY": "sk-none"}
    arguments = ["evaluate", "desk", "--repeat", "1", "--concurrency", str(CONCURRENCY), "--json", *more]
    took, printed = command([sys.executable, "-m", "promptvc", *arguments], folder, {**environ, **keys})
    value = json.loads(printed)
    assert value["passed"] == value["cases"], printed
    return took


async def with_aiohttp(url: str, count: int) -> None:
    """The same requests from a bare loop."""
    import aiohttp

    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

        async def worker() -> None:
            for number in numbers:
                turns = [
                    {"role": "system", "content": "You route customer messages. Answer with one label only."},
                    {"role": "user", "content": message(number)},
                ]
                body = {"model": MODEL, "messages": turns, "temperature": 0}
                async with session.post(f"{url}/chat/completions", json=body) as reply:
                    assert (await reply.json())["choices"][0]["message"]["content"] == "billing"

        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


async def with_langchain(url: str, count: int) -> None:
    """LangChain's client alone: no retries, nothing kept, nothing graded."""
    import openai
    from langchain.chat_models import init_chat_model

    http = openai.DefaultAioHttpClient()
    client = init_chat_model(
        MODEL,
        model_provider="openai",
        base_url=url,
        api_key="sk-none",
        temperature=0,
        max_retries=0,
        use_responses_api=False,
        http_async_client=http,
    )
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await client.ainvoke(
                [
                    ("system", "You route customer messages. Answer with one label only."),
                    ("user", message(number)),
                ]
            )

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    await http.aclose()


def promptfoo(folder: Path, count: int, url: str) -> Took | None:
    """The same cases and assertions by promptfoo; None where it is not installed."""
    if shutil.which("promptfoo") is None:
        return None
    config = {
        "prompts": ["file://prompt.json"],
        "providers": [
            {
                "id": f"openai:chat:{MODEL}",
                "config": {"apiBaseUrl": url, "apiKey": "sk-none", "temperature": 0},
            }
        ],
        "tests": [
            {
                "vars": {"message": message(number)},
                "assert": [{"type": "equals", "value": "billing"}, {"type": "icontains", "value": "BILL"}],
            }
            for number in range(count)
        ],
    }
    (folder / "prompt.json").write_text(
        json.dumps(
            [
                {"role": "system", "content": "You route customer messages. Answer with one label only."},
                {"role": "user", "content": "{{ message }}"},
            ]
        )
    )
    (folder / "promptfooconfig.json").write_text(json.dumps(config))
    quiet = {
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
        "HOME": str(folder),
    }
    arguments = [
        "eval",
        "-c",
        "promptfooconfig.json",
        "-j",
        str(CONCURRENCY),
        "--no-progress-bar",
        "--no-table",
    ]
    took, printed = command(
        ["promptfoo", *arguments, "--no-cache", "-o", "results.json"], folder, {**os.environ, **quiet}
    )
    results = folder / "results.json"
    if not results.exists():
        print(f"promptfoo does not run here: {' '.join(printed.split())[:200]}")
        return None
    # In a process of its own: what this one has ever held would be counted to the commands that it starts later.
    counting = "import json, sys; print(json.load(open(sys.argv[1]))['results']['stats']['successes'])"
    passed = subprocess.run(
        [sys.executable, "-c", counting, str(results)], stdout=subprocess.PIPE, text=True, check=True
    )
    assert int(passed.stdout) == count, printed[-2000:]
    return took


def measured(what: str, url: str, count: int) -> Took:
    """What one of the loops takes, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluation", what, url, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    wall, cpu = map(float, done.stdout.split())
    return Took(wall, cpu, 0.0)


def loop(what: str, url: str, count: int) -> None:
    """The inside of :func:`measured`: a few calls first, then all of them; prints wall and CPU seconds."""
    run = {"aiohttp": with_aiohttp, "langchain": with_langchain}[what]
    asyncio.run(run(url, 100))
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run(url, count))
    print(time.perf_counter() - wall, time.process_time() - cpu)


class _Known:
    """Stands for the provider while the cache is filled: same name, same address, no call."""

    name = f"openai:{MODEL}"

    def __init__(self, location: str) -> None:
        self.location = location

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        del messages, parameters, repeat
        return Completion("billing", 30, 1, None, 1.0, "stop")

    def hurry(self) -> None:
        return

    def ask_before_retries(self, may: Any) -> None:
        del may

    async def close(self) -> None:
        return


class _Folder:
    """The files of a folder, as suites are read from."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        place = self.root / path
        return place.read_bytes() if place.is_file() else None

    def list(self, folder: str) -> Sequence[str]:
        return sorted(path.name for path in (self.root / folder).iterdir())


def collected(folder: Path, location: str) -> float:
    """Seconds to ask, grade and keep every case of a suite that is loaded; the cache answers what it has."""
    suite = Shelf(_Folder(folder)).suite("desk")
    assert suite is not None
    cache = Cache(folder / ".promptvc" / "cache")
    session = Session([], RunOptions(concurrency=256, cache=cache))
    prompt = load_prompt(PROMPT.encode(), file="prompts/desk.yaml")
    started = time.perf_counter()
    found = session.collect(prompt, suite.cases, _Known(location))
    took = time.perf_counter() - started
    assert len(found.scores) == len(suite.cases)
    session.close()
    return took


def show(what: str, figure: str, limit: str, *, met: bool) -> bool:
    print(f"{what:<62} {figure:>14}   limit {limit:<16} {'ok' if met else 'MISSED'}", flush=True)
    return met


def calls(folder: Path, count: int, delay_ms: int) -> list[bool]:
    """All four ways on one server."""
    environ = repository(folder, count)
    with server(delay_ms) as url:
        bare = measured("aiohttp", url, count)
        client = measured("langchain", url, count)
        ours = promptvc(folder, environ, url)
        theirs = promptfoo(folder, count, url) if delay_ms == 0 else None
    names = {"aiohttp": bare, "LangChain": client, "promptvc": ours, "promptfoo": theirs}
    for name, took in names.items():
        if took is not None:
            memory = f", {took.memory:.0f} MB" if took.memory else ""
            each = took.cpu / count * 1000
            print(f"{name:<10} {took.wall:6.1f} s, {each:.2f} ms CPU a case{memory}")
    above = (ours.cpu - client.cpu) / count * 1000
    met = [
        show(
            "CPU a case above the client's own call, the whole command",
            f"{above:.2f} ms",
            "1 ms",
            met=above <= 1,
        )
    ]
    limit = 30.0 * count / 10_000
    met.append(show(f"{count:,} cases", f"{ours.wall:.1f} s", f"{limit:.1f} s", met=ours.wall <= limit))
    if theirs is not None:
        times = theirs.wall / ours.wall
        met.append(show("faster than promptfoo", f"{times:.1f}x", "5x", met=times >= 5))
    elif delay_ms == 0:
        print("promptfoo is not compared: it is not on PATH, or does not run")
    return met


def many(folder: Path) -> list[bool]:
    """100,000 cases that the cache knows."""
    environ = repository(folder, MANY)
    with server() as url:
        rounds = [sys.executable, "-m", "benchmarks.evaluation", "cached", str(folder), url]
        done = subprocess.run(rounds, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        seconds = float(done.stdout)
        took = promptvc(folder, environ, url)
    rate = MANY / seconds
    print(f"the whole command on {MANY:,} cached cases: {took.wall:.1f} s, {MANY / took.wall:,.0f} cases/s")
    return [
        show(f"cases a second from the cache, {MANY:,} cases", f"{rate:,.0f}", "20,000", met=rate >= 20_000),
        show(
            f"memory of the whole command, {MANY:,} cases",
            f"{took.memory:.0f} MB",
            "300 MB",
            met=took.memory < 300,
        ),
    ]


def main() -> int:
    """Every figure; a limit that was missed decides the exit code."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] == "cached":
        place, url = Path(arguments[1]), arguments[2]
        collected(place, url)
        print(min(collected(place, url) for _ in range(3)))
        return 0
    if len(arguments) == 3:
        loop(arguments[0], arguments[1], int(arguments[2]))
        return 0
    count = int(arguments[0]) if arguments else 10_000
    print(f"{count:,} cases, {CONCURRENCY} at once, {os.cpu_count()} cores")
    met: list[bool] = []
    for delay in (0, 20):
        print(f"\na server that answers {f'after {delay} ms' if delay else 'at once'}")
        with tempfile.TemporaryDirectory() as name:
            met += calls(Path(name), count, delay)
    print()
    with tempfile.TemporaryDirectory() as name:
        met += many(Path(name))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
