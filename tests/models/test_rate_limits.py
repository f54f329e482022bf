"""Real clients against a server on loopback that has rate limits: they are kept, survived, and shared."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from promptvc.base.config import ModelSettings
from promptvc.base.errors import ProviderError
from promptvc.models import calls
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion, Model, RemoteModel
from promptvc.models.retry import Retry
from promptvc.models.throttle import Throttle, Throttles
from tests.servers import Reply, Request, Server, answer, echo, failure

TURNS = (ChatMessage("user", "hello"),)


class Quick:
    """A clock that a sleep moves on at once: pauses take no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Bucket:
    """So many requests until it is refilled; a request too many is a 429. Tells what remains as OpenAI does."""

    def __init__(self, size: int, time: Quick, *, every_s: float = 60.0) -> None:
        self.size, self.time, self.every_s = size, time, every_s
        self.left, self.until = size, every_s
        self.refused = 0
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        with self.lock:
            if self.time.now >= self.until:
                self.left, self.until = self.size, self.time.now + self.every_s
            if self.left == 0:
                self.refused += 1
                return failure(429, "slow down")
            self.left -= 1
            headers = {
                "x-ratelimit-remaining-requests": str(self.left),
                "x-ratelimit-reset-requests": f"{self.until - self.time.now}s",
            }
            return dataclasses.replace(echo(request), headers=headers)


def opened(
    server: Server, throttles: Throttles | None = None, *, name: str = "test-model", attempts: int = 5
) -> Model:
    retry = Retry(attempts=attempts, sleep=Quick().sleep, draw=lambda: 0.5)
    return open_model(
        f"openai:{name}",
        settings=ModelSettings(),
        environ=server.environ(),
        retry=retry,
        throttles=throttles,
    )


def asked(count: int, *models: Model) -> list[Completion]:
    """So many calls to each of the models, all at the same time."""

    async def all_of_them() -> list[Completion]:
        try:
            return await asyncio.gather(
                *(model.complete(TURNS, {}) for _ in range(count) for model in models)
            )
        finally:
            for model in models:
                await model.close()

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("size", [8, 11, 30])
def test_no_call_is_sent_that_the_headers_have_no_room_for(size: int) -> None:
    time = Quick()
    bucket = Bucket(size, time)
    with Server(bucket) as server:
        found = asked(100, opened(server, Throttles(clock=time, sleep=time.sleep)))
    assert [one.text for one in found] == ["HELLO"] * 100
    assert bucket.refused == 0
    assert server.count == 100
    assert time.now >= 60 * (100 // size - 1)


def test_two_models_at_one_address_share_its_limits() -> None:
    time = Quick()
    bucket = Bucket(10, time)
    throttles = Throttles(clock=time, sleep=time.sleep)
    with Server(bucket) as server:
        found = asked(30, opened(server, throttles), opened(server, throttles, name="judge"))
    assert len(found) == 60
    assert bucket.refused == 0
    assert {request.body["model"] for request in server.requests[:20]} == {"test-model", "judge"}


def test_models_that_share_no_throttle_do_run_into_the_limit() -> None:
    time = Quick()
    bucket = Bucket(10, time)
    # No answer before sixteen requests are there, eight of each.
    with Server(lambda request: dataclasses.replace(bucket(request), gate=16)) as server:
        models = [opened(server, Throttles(clock=time, sleep=time.sleep), attempts=100_000) for _ in range(2)]
        asked(20, *models)
    assert bucket.refused > 0


def test_too_many_calls_without_a_header_are_survived() -> None:
    def crowded(request: Request) -> Reply:
        return failure(429, "slow down") if server._now > 3 else answer("yes")

    throttles = Throttles()
    with Server(crowded) as server:
        found = asked(200, opened(server, throttles, attempts=20))
        assert throttles.of("openai", server.url).in_flight == 0
    assert [one.text for one in found] == ["yes"] * 200


def test_a_refusal_slows_down_all_and_success_makes_up_for_it() -> None:
    throttles = Throttles()
    limits: list[int] = []

    def script(request: Request) -> Reply:
        limits.append(throttles.of("openai", server.url).limit)
        return failure(429, "slow down") if request.number <= 8 else echo(request)

    with Server(script) as server:
        asked(200, opened(server, throttles))
    assert server.count == 208
    assert min(limits) == 4
    assert max(limits[100:]) > 4


def test_the_ceiling_is_kept() -> None:
    with Server() as server:
        asked(60, opened(server, Throttles(ceiling=2)))
    assert server.most_at_once <= 2


def test_the_wait_is_no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Quick()
    monkeypatch.setattr(calls, "time", SimpleNamespace(perf_counter=clock))
    with Server(Bucket(1, clock)) as server:
        found = asked(1, *[opened(server, Throttles(clock=clock, sleep=clock.sleep))] * 2)
    assert clock.slept == [60.0]
    assert [one.latency_ms for one in found] == [0.0, 0.0]


Tasks = list[asyncio.Task[Completion]]


def in_the_queue(then: Callable[[Server, Model, Tasks], Awaitable[None]]) -> tuple[int, Throttle]:
    """Twelve calls, of which eight are held by the server and four wait; what came of it after ``then``."""
    throttles = Throttles()
    arrived = asyncio.Event()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        hold[:] = [lambda: loop.call_soon_threadsafe(arrived.set)]
        model = opened(server, throttles)
        tasks = [asyncio.create_task(model.complete(TURNS, {})) for _ in range(12)]
        await arrived.wait()
        await then(server, model, tasks)
        await model.close()

    def script(request: Request) -> Reply:
        if request.number == 8:
            hold[0]()
        return dataclasses.replace(echo(request), gate=99)

    hold: list[Callable[[], object]] = []
    with Server(script) as server:
        asyncio.run(scenario())
        return server.count, throttles.of("openai", server.url)


def test_hurried_calls_do_not_wait_for_their_turn() -> None:
    async def then(server: Server, model: Model, tasks: Tasks) -> None:
        assert isinstance(model, RemoteModel)
        model.hurry()
        for task in tasks[8:]:
            with pytest.raises(ProviderError, match="not asked any more"):
                await task
        server.open_gate()
        assert [(await task).text for task in tasks[:8]] == ["HELLO"] * 8

    count, throttle = in_the_queue(then)
    assert count == 8
    assert (throttle.in_flight, throttle.waiting) == (0, 0)


def test_cancelled_calls_leave_no_ticket_behind() -> None:
    async def then(server: Server, model: Model, tasks: Tasks) -> None:
        gone = {*tasks[:3], *tasks[8:10]}
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        server.open_gate()
        assert [(await task).text for task in tasks if task not in gone] == ["HELLO"] * 7
        assert all(task.cancelled() for task in gone)

    count, throttle = in_the_queue(then)
    assert count == 10
    assert (throttle.in_flight, throttle.waiting) == (0, 0)


def test_without_aiohttp_the_headers_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import openai

    def missing(**options: object) -> None:
        raise RuntimeError("To use the aiohttp client you must have installed the package")

    monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    time = Quick()
    bucket = Bucket(8, time)
    with Server(bucket) as server:
        asked(24, opened(server, Throttles(clock=time, sleep=time.sleep)))
    assert bucket.refused == 0
