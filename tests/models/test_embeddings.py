"""Texts as vectors: by words without a model, and by the real LangChain client against a server on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError, ProviderError, ProviderRefused
from promptvc.models.embeddings import LEXICAL, WIDTH, Embedder, open_embeddings, similarity
from promptvc.models.messages import ChatMessage, ImmediateModel, RemoteModel
from promptvc.models.retry import Retry
from promptvc.models.throttle import Throttles
from tests.servers import Reply, Request, Server, failure, json_reply, vectors

SPEC = "openai:test-embeddings"
NUMBERS = st.lists(st.floats(-100, 100), min_size=3, max_size=3)


async def no_pause(seconds: float) -> None:
    """Return at once."""


def opened(server: Server, *, attempts: int = 3, throttles: Throttles | None = None) -> Embedder:
    retry = Retry(attempts=attempts, sleep=no_pause, draw=lambda: 0.5)
    return open_embeddings(
        SPEC,
        settings=ModelSettings(local_only=True),
        environ=server.environ(),
        retry=retry,
        throttles=throttles,
    )


def embedded(embedder: Embedder, texts: Sequence[str]) -> list[list[float]]:
    async def once() -> list[list[float]]:
        try:
            return await embedder.embed(texts)
        finally:
            await embedder.close()

    return asyncio.run(once())


def lengths(request: Request) -> Reply:
    """A vector that tells the length of each text."""
    return vectors(*([float(len(text)), 1.0] for text in request.body["input"]))


def lexical(*texts: str) -> list[list[float]]:
    return embedded(open_embeddings(LEXICAL, settings=ModelSettings(local_only=True), environ={}), texts)


def alike(one: str, other: str) -> float:
    return similarity(*lexical(one, other))


def test_words_make_texts_alike() -> None:
    asked = "I was charged twice for one order"
    assert alike(asked, asked) == pytest.approx(1)
    assert alike(asked, "For one order I was charged twice!") > 0.9
    assert alike(asked, "The order was charged two times") > alike(asked, "Where is the nearest shop?")
    assert abs(alike(asked, "Bitte senden Sie mir ein Formular")) < 0.1
    assert alike(asked, "") == 0


@given(st.text(max_size=200), st.text(max_size=200))
def test_lexical_similarity_is_a_cosine(one: str, other: str) -> None:
    first, second = lexical(one, other)
    assert len(first) == len(second) == WIDTH
    assert similarity(first, second) == similarity(second, first)
    assert -1 <= similarity(first, second) <= 1
    assert similarity(first, first) == pytest.approx(1 if any(first) else 0)


def test_lexical_vectors_do_not_depend_on_the_process() -> None:
    code = (
        "import asyncio, json\n"
        "from promptvc.models.embeddings import LexicalEmbedder\n"
        "print(json.dumps(asyncio.run(LexicalEmbedder().embed(['Karte gestohlen', 'stolen card']))))"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(told) == lexical("Karte gestohlen", "stolen card")


def test_lexical_answers_at_once_and_calls_itself_what_it_is() -> None:
    embedder = open_embeddings(LEXICAL, settings=ModelSettings(), environ={})
    assert embedder.name == "lexical"
    assert isinstance(embedder, ImmediateModel)
    assert not isinstance(embedder, RemoteModel)
    answer = embedder.answer([ChatMessage("user", "stolen card")], {})
    assert [json.loads(answer.text)] == lexical("stolen card")


@given(NUMBERS, NUMBERS, st.floats(0.01, 100))
def test_similarity_does_not_know_lengths(a: list[float], b: list[float], scale: float) -> None:
    assert similarity(a, b) == pytest.approx(similarity([scale * x for x in a], b), abs=1e-6)


def test_vectors_of_two_models_are_not_compared() -> None:
    with pytest.raises(ValueError, match="two models"):
        similarity([1.0], [1.0, 2.0])
    assert similarity([1.0, 0.0], [0.0, 2.0]) == 0
    assert similarity([1.0, 0.0], [-2.0, 0.0]) == -1


def test_texts_are_sent_as_texts_and_come_back_in_their_order() -> None:
    with Server(lengths) as server:
        embedder = opened(server)
        assert embedded(embedder, ["a", "bbb", ""]) == [[1, 1], [3, 1], [0, 1]]
        assert embedded(embedder, ["cc"]) == [[2, 1]]  # in another event loop
        assert isinstance(embedder, RemoteModel)
        assert (embedder.name, embedder.location) == (SPEC, server.url)
    assert [request.path for request in server.requests] == ["/v1/embeddings"] * 2
    assert server.requests[0].body["input"] == ["a", "bbb", ""]
    assert server.requests[0].body["model"] == "test-embeddings"
    assert server.requests[0].headers["authorization"] == "Bearer sk-test-0123456789abcdef"


def test_many_texts_go_in_several_requests() -> None:
    texts = ["x" * (at % 7) for at in range(600)]
    with Server(lengths) as server:
        found = embedded(opened(server), texts)
    assert [row[0] for row in found] == [len(text) for text in texts]
    assert [len(request.body["input"]) for request in server.requests] == [256, 256, 88]


def test_as_a_completion_the_vector_is_json() -> None:
    async def once() -> None:
        completion = await embedder.complete([ChatMessage("system", "no"), ChatMessage("user", "four")], {})
        await embedder.close()
        assert json.loads(completion.text) == [4.0, 1.0]
        assert (completion.tokens_in, completion.tokens_out, completion.cost) == (1, 0, None)
        assert completion.latency_ms > 0

    with Server(lengths) as server:
        embedder = opened(server)
        asyncio.run(once())


def test_what_a_text_costs_is_estimated_from_its_characters() -> None:
    async def once(embedder: Embedder) -> tuple[int | None, int | None, float | None]:
        completion = await embedder.complete([ChatMessage("user", "x" * 401)], {})
        await embedder.close()
        return completion.tokens_in, completion.tokens_out, completion.cost

    with Server(lengths) as server:
        settings = ModelSettings(local_only=True, prices={SPEC: Price(input=2.0, output=9.0)})
        embedder = open_embeddings(SPEC, settings=settings, environ=server.environ())
        tokens_in, tokens_out, cost = asyncio.run(once(embedder))
        assert (tokens_in, tokens_out) == (101, 0)
        assert cost == pytest.approx(101 * 2 / 1e6)


def test_retries_are_our_own() -> None:
    def script(request: Request) -> Reply:
        return failure(503, "busy") if request.number < 3 else lengths(request)

    with Server(script) as server:
        assert embedded(opened(server), ["a"]) == [[1, 1]]
    assert server.count == 3
    with (
        Server(lambda _: failure(500, "oops")) as server,
        pytest.raises(ProviderError, match=r"openai:test-embeddings: HTTP 500: oops \(after 2 attempts\)"),
    ):
        embedded(opened(server, attempts=2), ["a"])
    assert server.count == 2
    with Server(lambda _: failure(401, "no")) as server, pytest.raises(ProviderRefused):
        embedded(opened(server), ["a"])


NO_VECTORS = {
    "too few": vectors([1.0]),
    "lengths differ": vectors([1.0], [1.0, 2.0]),
    "not finite": json_reply(
        {"object": "list", "model": "m", "data": [{"embedding": ["NaN"]}, {"embedding": [1]}]}
    ),
    "no numbers": json_reply(
        {"object": "list", "model": "m", "data": [{"embedding": [{}]}, {"embedding": [1]}]}
    ),
    "empty": vectors([], []),
    "a chat": json_reply({"choices": []}),
}


@pytest.mark.parametrize("reply", NO_VECTORS.values(), ids=NO_VECTORS.keys())
def test_an_answer_without_usable_vectors_is_an_error(reply: Reply) -> None:
    with Server(lambda _: reply) as server, pytest.raises(ProviderError):
        embedded(opened(server), ["a", "b"])
    assert server.count == 1


def test_embeddings_share_the_rate_limits_of_their_account() -> None:
    throttles = Throttles()
    with Server(lambda _: failure(429, "slow", retry_after="0")) as server, pytest.raises(ProviderError):
        embedded(opened(server, throttles=throttles), ["a"])
    assert throttles.of("openai", server.url).limit == 1


@pytest.mark.parametrize(
    ("spec", "environ", "message"),
    [
        ("words", {}, "not a model"),
        ("openai:x", {}, "OPENAI_API_KEY is not set"),
        ("anthropic:x", {"ANTHROPIC_API_KEY": "sk-ant-test-123456"}, "makes no embeddings"),
        ("nosuch:x", {}, "makes no embeddings"),
        ("openai:https://evil.example/x", {}, "not a model name"),
    ],
)
def test_what_cannot_be_opened_says_why(spec: str, environ: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_embeddings(spec, settings=ModelSettings(), environ=environ)


def test_local_only_refuses_other_machines() -> None:
    with pytest.raises(InputError, match="local_only"):
        open_embeddings(
            "openai:x", settings=ModelSettings(local_only=True), environ={"OPENAI_API_KEY": "sk-x"}
        )
