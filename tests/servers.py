"""A model server on loopback that speaks the OpenAI chat protocol, and misbehaves on request.

Written on bare sockets, so that it can also break the protocol: cut a body off, trickle, hang up. ``python -m
tests.servers`` runs one that answers at once in a process of its own, for benchmarks; it prints its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it came: ``number`` counts from 1; ``text`` is the last message's."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> str:
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Reply:
    """What the server does with a request.

    ``keep`` bytes of the body are sent, though all are announced, then the line is cut. ``hang``: nothing is ever
    sent. ``trickle``: three seconds of single spaces come before the body. ``gate``: the reply waits until so many
    requests are held, or the gate is opened. ``late``: seconds before the reply; for benchmarks, no test waits.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: int | None = None
    hang: bool = False
    trickle: bool = False
    gate: int = 0
    late: float = 0.0


Script = Callable[[Request], Reply]


def answer(text: str | None, *, tokens: tuple[int, int] | None = (12, 3), finish: str = "stop") -> Reply:
    """A chat completion."""
    message = {"role": "assistant", "content": text}
    value: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1767225600,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    if tokens is not None:
        value["usage"] = {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
        }
    return json_reply(value)


def calling(
    *calls: tuple[str, str], text: str | None = None, finish: str | None = "tool_calls", first: int = 1
) -> Reply:
    """A chat completion that calls tools: (name, arguments as text) each. Ids count from ``first``."""
    value = json.loads(answer(text).body)
    choice = value["choices"][0]
    choice["finish_reason"] = finish
    choice["message"]["tool_calls"] = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls, first)
    ]
    return json_reply(value)


def json_reply(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value).encode(), headers or {})


def failure(status: int, message: str, *, code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it; ``retry_after="3"`` becomes a header."""
    value = {"error": {"message": message, "type": "test", "param": None, "code": code}}
    return json_reply(
        value, status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def echo(request: Request) -> Reply:
    """The last message, in capitals."""
    return answer(request.text.upper())


def vectors(*rows: list[float]) -> Reply:
    """Embeddings, one for each text that was sent."""
    data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return json_reply({"object": "list", "data": data, "model": "test-embeddings", "usage": usage})


class Server:
    """Serves ``script`` on 127.0.0.1 from a thread, from ``with`` to its end.

    ``requests`` holds what came, ``most_at_once`` how many were being answered at the busiest moment, ``open_gate``
    lets go of everything held.
    """

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.most_at_once = 0
        self._now = self._held = 0
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="test-server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def count(self) -> int:
        return len(self.requests)

    def environ(self, **more: str) -> dict[str, str]:
        """Variables for :func:`promptvc.models.chat.open_model` that lead here."""
        return {"OPENAI_API_BASE": self.url, "OPENAI_API_KEY": "sk-test-0123456789abcdef", **more}

    def open_gate(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        self._gate = asyncio.Event()
        self._clients: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._clients.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection can take another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        body = json.loads(data) if headers.get("content-type", "").startswith("application/json") else data
        request = Request(len(self.requests) + 1, method, path, headers, body)
        self.requests.append(request)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._reply(self.script(request), reader, writer)
        finally:
            self._now -= 1

    async def _reply(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if reply.gate:
            self._held += 1
            if self._held >= reply.gate:
                self._gate.set()
            await self._gate.wait()
        if reply.late:
            await asyncio.sleep(reply.late)
        if reply.hang:
            await reader.read(1)  # until the client gives up
            return False
        headers = {
            "content-type": "application/json",
            "content-length": str(len(reply.body)),
            **reply.headers,
        }
        lines = [f"HTTP/1.1 {reply.status} Status", *(f"{name}: {text}" for name, text in headers.items())]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if reply.trickle:
            # No length: the body ends with the connection.
            writer.write(head.replace(b"content-length", b"x-length"))
            for _ in range(300):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.write(reply.body)
            return False
        writer.write(head + reply.body[: reply.keep])
        await writer.drain()
        return reply.keep is None


def main() -> None:
    late = int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
    with Server(lambda _: replace(answer("billing"), late=late)) as server:
        server.requests = _Forgetful()
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


class _Forgetful(list[Request]):
    """Keeps nothing, so that a benchmark of many calls measures no growing list."""

    def append(self, item: Request) -> None:
        """Drop it."""


if __name__ == "__main__":
    main()
