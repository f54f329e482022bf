"""The real LangChain client against a server on loopback that behaves, and one that does not."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError, ProviderError, ProviderRefused
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion, Model, RemoteModel
from promptvc.models.retry import Retry
from tests.servers import Reply, Request, Script, Server, answer, calling, echo, failure, json_reply

SPEC = "openai:test-model"
KEY = "sk-test-0123456789abcdef"
TURNS = (ChatMessage("system", "Say it loud."), ChatMessage("user", "hello"))


class Pauses:
    """A sleep that only notes how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def opened(
    server: Server, *, pauses: Pauses | None = None, attempts: int = 3, settings: ModelSettings | None = None
) -> Model:
    retry = Retry(attempts=attempts, sleep=pauses or Pauses(), draw=lambda: 0.5)
    return open_model(SPEC, settings=settings or ModelSettings(), environ=server.environ(), retry=retry)


def ask(model: Model, parameters: Mapping[str, Any] | None = None) -> Completion:
    async def once() -> Completion:
        try:
            return await model.complete(TURNS, parameters or {})
        finally:
            await model.close()

    return asyncio.run(once())


def first_then(*replies: Reply, then: Callable[[Request], Reply] = echo) -> Script:
    """The given replies to the first requests, then the usual."""
    return lambda request: replies[request.number - 1] if request.number <= len(replies) else then(request)


def test_a_completion_carries_text_tokens_and_how_it_ended() -> None:
    with Server(lambda request: answer(request.text.upper(), tokens=(1200, 34))) as server:
        completion = ask(opened(server), {"temperature": 0, "max_tokens": 7, "stop": ["END"], "seed": 4})
    assert completion.text == "HELLO"
    assert (completion.tokens_in, completion.tokens_out) == (1200, 34)
    assert completion.finish_reason == "stop"
    assert completion.latency_ms > 0
    assert not completion.cached
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert [(turn["role"], turn["content"]) for turn in request.body["messages"]] == [
        ("system", "Say it loud."),
        ("user", "hello"),
    ]
    assert request.body["model"] == "test-model"
    assert request.body["temperature"] == 0
    assert request.body["max_completion_tokens"] == 7
    assert request.body["stop"] == ["END"]
    assert request.body["seed"] == 4


def test_unknown_tokens_and_unknown_cost_are_none() -> None:
    with Server(lambda _: answer("yes", tokens=None)) as server:
        completion = ask(opened(server, settings=ModelSettings(prices={SPEC: Price(1.0, 2.0)})))
    assert (completion.tokens_in, completion.tokens_out, completion.cost) == (None, None, None)


def test_cost_comes_from_the_settings_prices_only() -> None:
    with Server(lambda _: answer("yes", tokens=(1_000_000, 500_000))) as server:
        priced = ask(opened(server, settings=ModelSettings(prices={SPEC: Price(0.4, 1.6)})))
        unpriced = ask(opened(server, settings=ModelSettings(prices={"openai:other": Price(0.4, 1.6)})))
    assert priced.cost == pytest.approx(0.4 + 0.8)
    assert unpriced.cost is None


def test_a_second_event_loop_works_with_the_same_model() -> None:
    with Server() as server:
        model = opened(server)
        assert [ask(model).text for _ in range(3)] == ["HELLO"] * 3
    assert server.count == 3


def test_tool_calls_without_text_are_the_answer_as_openai_writes_them() -> None:
    reply = calling(("weather", '{"city": "Köln"}'), ("now", "{}"), ("broken", '{"a": '))
    with Server(lambda _: reply) as server:
        completion = ask(opened(server))
    assert json.loads(completion.text) == [
        {"type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in (("weather", '{"city": "Köln"}'), ("now", "{}"), ("broken", '{"a": '))
    ]
    assert completion.finish_reason == "tool_calls"


def test_ids_of_tool_calls_make_no_difference() -> None:
    replies = [calling(("now", "{}"), first=number) for number in (1, 7)]
    with Server(first_then(*replies)) as server:
        model = opened(server)
        assert ask(model).text == ask(model).text


def test_what_ended_with_tool_calls_says_so_where_the_server_does_not() -> None:
    with Server(lambda _: calling(("now", "{}"), finish=None)) as server:
        assert ask(opened(server)).finish_reason == "tool_calls"


def test_text_beside_tool_calls_is_the_answer() -> None:
    with Server(lambda _: calling(("now", "{}"), text="one moment")) as server:
        assert ask(opened(server)).text == "one moment"


def test_calls_run_side_by_side() -> None:
    async def many(model: Model) -> list[Completion]:
        try:
            return await asyncio.gather(*(model.complete(TURNS, {}) for _ in range(20)))
        finally:
            await model.close()

    # No answer before all of the first eight requests are there: more are not sent before something is known.
    with Server(lambda request: dataclasses.replace(echo(request), gate=8)) as server:
        completions = asyncio.run(many(opened(server)))
    assert [completion.text for completion in completions] == ["HELLO"] * 20
    assert 8 <= server.most_at_once <= 20


@pytest.mark.parametrize("asked", ["7", "Fri, 20 Nov 2026 12:00:07 GMT"])
def test_a_rate_limit_is_waited_out_as_long_as_the_server_asks(asked: str) -> None:
    pauses = Pauses()
    with Server(first_then(failure(429, "slow down", retry_after=asked))) as server:
        retry = Retry(sleep=pauses, draw=lambda: 0.0, now=_noon)
        model = open_model(SPEC, settings=ModelSettings(), environ=server.environ(), retry=retry)
        assert ask(model).text == "HELLO"
    assert pauses.seconds == [7.0]


def _noon() -> datetime:
    return datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_wait_that_is_too_long_is_not_waited() -> None:
    pauses = Pauses()
    with (
        Server(lambda _: failure(429, "tomorrow", retry_after="86400")) as server,
        pytest.raises(ProviderError, match="HTTP 429: tomorrow"),
    ):
        ask(opened(server, pauses=pauses))
    assert server.count == 1
    assert pauses.seconds == []


CUT = dataclasses.replace(answer("HELLO"), keep=30)
PASSING = {
    "408": failure(408, "too slow"),
    "409": failure(409, "conflict"),
    "429": failure(429, "slow down"),
    "500": failure(500, "oops"),
    "503": Reply(503, b"<html>no</html>", {"content-type": "text/html"}),
    "cut off": CUT,
    "cut off before the body": dataclasses.replace(CUT, keep=0),
    "no answer": Reply(hang=True),
    "a trickle": dataclasses.replace(answer("LATE"), trickle=True),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING.keys())
def test_a_passing_failure_is_tried_again(reply: Reply) -> None:
    pauses = Pauses()
    # The limit matters to the two that never end, and is generous to the answer that follows.
    settings = ModelSettings(timeout_s=1.0 if reply.hang or reply.trickle else 60.0)
    with Server(first_then(reply)) as server:
        assert ask(opened(server, pauses=pauses, settings=settings)).text == "HELLO"
    assert server.count == 2
    assert pauses.seconds == [0.25]


def test_attempts_are_counted_and_then_it_is_over() -> None:
    pauses = Pauses()
    with (
        Server(lambda _: failure(500, "oops")) as server,
        pytest.raises(ProviderError, match=r"HTTP 500: oops \(after 4 attempts\)") as caught,
    ):
        ask(opened(server, pauses=pauses, attempts=4))
    assert server.count == 4
    assert pauses.seconds == [0.25, 0.5, 1.0]
    assert not isinstance(caught.value, ProviderRefused)


def test_without_a_retry_value_the_settings_count() -> None:
    with Server(lambda _: failure(500, "oops")) as server:
        model = open_model(SPEC, settings=ModelSettings(attempts=1), environ=server.environ())
        with pytest.raises(ProviderError):
            ask(model)
    assert server.count == 1


REFUSALS = {
    "401": failure(401, f"Incorrect API key provided: {KEY}", code="invalid_api_key"),
    "403": failure(403, "not allowed"),
    "404": failure(404, "no such model"),
    "no credit": failure(429, "You exceeded your quota", code="insufficient_quota"),
    "redirect": Reply(307, headers={"location": "http://127.0.0.1:1/v1/chat/completions"}),
}


@pytest.mark.parametrize("reply", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_is_final_and_says_so(reply: Reply) -> None:
    with Server(lambda _: reply) as server, pytest.raises(ProviderRefused) as caught:
        ask(opened(server))
    assert server.count == 1
    assert caught.value.hint


MALFORMED = {
    "cut JSON": (Reply(body=b'{"choices": [{"index'), "not JSON"),
    "HTML": (Reply(body=b"<html>hi</html>", headers={"content-type": "text/html"}), "no usable answer"),
    "a list": (json_reply([]), "no usable answer"),
    "an empty object": (json_reply({}), "not a chat completion"),
    "no choices": (json_reply({"choices": []}), "not a chat completion"),
    "null choices": (json_reply({"choices": None}), "not a chat completion"),
    "a choice without a message": (json_reply({"choices": [{"message": None}]}), "not a chat completion"),
    "null content": (answer(None), r"empty \(finish reason: stop\)"),
    "no text left": (answer("", finish="length"), r"empty \(finish reason: length\)"),
    "a bad request": (failure(400, "bad parameter"), "HTTP 400: bad parameter"),
}


@pytest.mark.parametrize(("reply", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_an_answer_that_is_none_is_one_error_and_no_second_call(reply: Reply, message: str) -> None:
    with Server(lambda _: reply) as server, pytest.raises(ProviderError, match=message) as caught:
        ask(opened(server))
    assert server.count == 1
    assert not isinstance(caught.value, ProviderRefused)


def test_a_server_that_is_not_there() -> None:
    with Server() as server:
        environ = server.environ()
    retry = Retry(attempts=2, sleep=Pauses())
    with pytest.raises(
        ProviderError, match=r"the connection failed: connection refused.*\(after 2 attempts\)"
    ):
        ask(open_model(SPEC, settings=ModelSettings(), environ=environ, retry=retry))


LEAKS = {
    "the key itself": failure(401, f"wrong key {KEY}"),
    "in the body": Reply(500, f"Authorization: Bearer {KEY}".encode(), {"content-type": "text/plain"}),
    "another key": failure(500, "upstream said: invalid sk-proj-AAAAbbbbCCCCdddd1111"),
    "as an answer": Reply(body=f"key={KEY}".encode(), headers={"content-type": "text/plain"}),
}


@pytest.mark.parametrize("reply", LEAKS.values(), ids=LEAKS.keys())
def test_no_error_repeats_a_key(reply: Reply) -> None:
    with Server(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        ask(opened(server, attempts=1))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.hint)
    assert KEY not in told
    assert "sk-proj-AAAA" not in told
    assert "[secret]" in told


def test_a_parameter_that_is_not_on_the_list_never_leaves() -> None:
    with Server() as server:
        model = opened(server)
        with pytest.raises(InputError, match="unknown model parameter 'base_url'"):
            ask(model, {"base_url": "http://elsewhere.example"})
        with pytest.raises(InputError, match="openai does not take the parameter 'top_k'"):
            ask(model, {"top_k": 3})
    assert server.count == 0


def test_hurried_calls_give_up_instead_of_waiting() -> None:
    waiting = asyncio.Event()

    async def forever(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def scenario(model: Model) -> None:
        call = asyncio.create_task(model.complete(TURNS, {}))
        await waiting.wait()
        assert isinstance(model, RemoteModel)
        model.hurry()
        with pytest.raises(ProviderError, match="HTTP 503"):
            await call
        await model.close()

    with Server(lambda _: failure(503, "busy")) as server:
        retry = Retry(sleep=forever)
        model = open_model(SPEC, settings=ModelSettings(), environ=server.environ(), retry=retry)
        asyncio.run(scenario(model))
    assert server.count == 1


def test_without_aiohttp_the_standard_transport_does(monkeypatch: pytest.MonkeyPatch) -> None:
    import openai

    def missing(**options: object) -> None:
        raise RuntimeError("To use the aiohttp client you must have installed the package")

    monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    with Server(first_then(CUT, failure(429, "slow", retry_after="1"), Reply(hang=True))) as server:
        model = opened(server, attempts=4, settings=ModelSettings(timeout_s=1.0))
        assert ask(model).text == "HELLO"
        assert ask(model).text == "HELLO"
    assert server.count == 5
    assert "aiohttp" not in server.requests[0].headers["user-agent"].lower()


@pytest.mark.parametrize("local_only", [True, False])
def test_local_only_keeps_prompts_from_the_tracing_service(
    local_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_core.tracers.langchain import wait_for_all_tracers
    from langsmith import utils

    with Server(lambda _: json_reply({})) as tracer, Server() as server:
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", tracer.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2-test")
        forget = getattr(utils.get_env_var, "cache_clear", lambda: None)
        forget()
        try:
            ask(opened(server, settings=ModelSettings(local_only=local_only)))
            wait_for_all_tracers()
        finally:
            forget()
    assert server.count == 1
    assert (tracer.count == 0) is local_only
