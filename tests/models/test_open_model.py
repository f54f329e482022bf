"""Naming a model: what opens, what is refused, and where the words for it come from."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import promptvc
from promptvc.base.config import ModelSettings
from promptvc.base.errors import InputError
from promptvc.models.chat import ChatModel, open_model
from promptvc.models.endpoints import is_loopback, parse_endpoint
from promptvc.models.messages import ChatMessage, ImmediateModel, RemoteModel
from promptvc.models.offline import OfflineModel
from promptvc.models.providers import KNOWN, PARAMETERS, parse_spec
from tests.servers import Server, answer, json_reply

LOCAL = ModelSettings(local_only=True)
KEY = {"OPENAI_API_KEY": "sk-test-0123456789abcdef"}


def test_offline_is_built_in_and_allowed_everywhere() -> None:
    model = open_model("offline", settings=LOCAL, environ={})
    assert isinstance(model, OfflineModel)
    assert isinstance(model, ImmediateModel)
    assert not isinstance(model, RemoteModel)


def test_a_remote_model_says_where_it_is() -> None:
    model = open_model("openai:gpt-x", settings=ModelSettings(), environ=KEY)
    assert isinstance(model, RemoteModel)
    assert not isinstance(model, ImmediateModel)
    assert (model.name, model.location) == ("openai:gpt-x", "https://api.openai.com/v1")


@pytest.mark.parametrize(
    "spec",
    ["", "gpt-4o", "openai:", ":x", "Open AI:x", "openai: x", "openai:x y", "open/ai:x", "offline:x\n"],
)
def test_what_is_no_model_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="not a model"):
        open_model(spec, settings=ModelSettings(), environ=KEY)


@pytest.mark.parametrize(
    "name", ["https://evil.example/v1", "x/../../admin", "//evil.example", "a\\b", "a?b=c", "a#b", "a%2e"]
)
def test_a_model_name_is_never_an_address(name: str) -> None:
    with pytest.raises(InputError, match="not a model name"):
        parse_spec(f"litellm:{name}")


@pytest.mark.parametrize(
    "name", ["gpt-4.1-mini", "org/model", "qwen3:8b", "ft:gpt-4o:acme::id", "claude-x@20260101", "a+b_c"]
)
def test_the_names_that_providers_use_are_names(name: str) -> None:
    assert parse_spec(f"openai:{name}") == ("openai", name)


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(InputError, match="OPENAI_API_KEY is not set") as caught:
        open_model("openai:gpt-x", settings=ModelSettings(), environ={})
    assert caught.value.hint is not None
    assert "offline" in caught.value.hint


@pytest.mark.skipif(importlib.util.find_spec("langchain_ollama") is not None, reason="it is installed here")
def test_a_missing_package_names_the_line_that_installs_it() -> None:
    with pytest.raises(InputError, match="ollama is not installed") as caught:
        open_model("ollama:qwen3:8b", settings=ModelSettings(), environ={})
    assert caught.value.hint == "pip install 'promptvc[ollama]'"


@pytest.mark.parametrize(
    ("spec", "message"), [("nosuch:x", "cannot be opened|Unsupported"), ("cohere:x", "langchain[-_]cohere")]
)
def test_a_provider_that_is_not_there(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_model(spec, settings=ModelSettings(), environ=KEY)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:secret-word@127.0.0.1/v1",
        "http://127.0.0.1@evil.example/v1",
        "http://evil.example\\@127.0.0.1/v1",
        "http://127.0.0.1/v1?key=secret-word",
        "http://127.0.0.1/v1#x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
        "http://127.0.0.1:port/",
        "http://127.0.0.1 .evil.example/",
    ],
)
def test_an_address_that_two_clients_could_read_differently_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="OPENAI_API_BASE holds no usable address") as caught:
        open_model("openai:x", settings=LOCAL, environ={"OPENAI_API_BASE": address})
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.openai.com/v1",
        "http://10.0.0.7:8000/v1",
        "http://0.0.0.0:8000/v1",
        "http://localhost.evil.example/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://127.1/v1",
        "http://2130706433/v1",
        "http://[::2]/v1",
        "http://[::ffff:8.8.8.8]/v1",
    ],
)
def test_local_only_refuses_every_other_machine(address: str) -> None:
    with pytest.raises(InputError, match="local_only"):
        open_model("openai:x", settings=LOCAL, environ={**KEY, "OPENAI_BASE_URL": address})


@pytest.mark.parametrize("spec", ["openai:gpt-x", "cohere:x", "google_genai:x"])
def test_local_only_refuses_a_provider_without_a_local_endpoint(spec: str) -> None:
    with pytest.raises(InputError, match="local_only"):
        open_model(spec, settings=LOCAL, environ=KEY)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/v1",
        "http://127.8.9.1/v1",
        "http://[::1]:9/v1",
        "http://localhost/v1",
        "127.0.0.1:9",
    ],
)
def test_local_only_allows_this_machine_without_a_key(address: str) -> None:
    assert open_model("openai:x", settings=LOCAL, environ={"OPENAI_API_BASE": address}).name == "openai:x"


@given(st.ip_addresses())
def test_loopback_is_what_the_address_says(address: object) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    assert is_loopback(str(address)) == bool(getattr(mapped or address, "is_loopback", False))


def test_the_endpoint_given_wins_over_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda _: answer("right")) as server, Server(lambda _: answer("wrong")) as other:
        for variable in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTP_PROXY", "http_proxy", "OPENAI_PROXY"):
            monkeypatch.setenv(variable, other.url)
        monkeypatch.setenv("LANGSMITH_GATEWAY", other.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-not-this-one")
        model = open_model("openai:x", settings=LOCAL, environ=server.environ())
        assert _ask(model) == "right"
    assert other.count == 0
    assert server.requests[0].headers["authorization"] == "Bearer sk-test-0123456789abcdef"


def test_a_newer_name_still_speaks_chat_completions_to_a_compatible_server() -> None:
    with Server() as server:
        model = open_model("openai:gpt-5-pro", settings=LOCAL, environ=server.environ())
        assert _ask(model) == "HI"
    assert server.requests[0].path == "/v1/chat/completions"


def test_anthropic_speaks_to_its_own_endpoint_on_two_event_loops() -> None:
    pytest.importorskip("langchain_anthropic")
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 2},
    }
    with Server(lambda _: json_reply(message)) as server:
        environ = {
            "ANTHROPIC_BASE_URL": server.url.removesuffix("/v1"),
            "ANTHROPIC_API_KEY": "sk-ant-test-123456",
        }
        model = open_model("anthropic:claude-test", settings=LOCAL, environ=environ)
        assert [_ask(model) for _ in range(2)] == ["hello", "hello"]
    assert [request.path for request in server.requests] == ["/v1/messages"] * 2
    assert any("sk-ant-test-123456" in text for text in server.requests[0].headers.values())


def test_a_key_does_not_show_in_the_model() -> None:
    model = open_model("openai:x", settings=ModelSettings(), environ=KEY)
    assert isinstance(model, ChatModel)
    assert KEY["OPENAI_API_KEY"] not in repr(vars(model))


def test_what_a_prompt_may_say_is_what_a_model_may_be_given() -> None:
    schema = json.loads((Path(promptvc.__file__).parent / "schemas" / "prompt.json").read_text("utf-8"))
    assert set(schema["properties"]["parameters"]["properties"]) == PARAMETERS


def test_every_known_provider_has_an_address_of_its_own() -> None:
    for provider in KNOWN.values():
        assert parse_endpoint(provider.default_url, variable=None).url == provider.default_url


def _ask(model: object) -> str:
    assert isinstance(model, ChatModel)

    async def once() -> str:
        try:
            return (await model.complete([ChatMessage("user", "hi")], {"temperature": 0})).text
        finally:
            await model.close()

    return asyncio.run(once())
