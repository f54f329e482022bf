"""The bench: what a judge said is kept only where it can be read, and a judge that is down ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.config import ModelSettings
from promptvc.base.errors import ProviderError, ProviderRefused
from promptvc.evaluation.judges.bench import BenchOptions, ModelBench
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Cache
from promptvc.models.chat import open_model
from promptvc.models.embeddings import LEXICAL, open_embeddings
from tests.evaluation.judges.judging import JUDGE, says
from tests.servers import Reply, Request, Server, answer, failure, vectors

GOOD = {"reason": "x", "pass": True, "score": 1}
EMBEDDER = "openai:vectors"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path)
    yield made
    made.close()


def bench_of(
    server: Server, cache: Cache | None = None, *, embeddings: str = LEXICAL, **more: Any
) -> ModelBench:
    settings, environ = ModelSettings(attempts=1), server.environ()
    return ModelBench(
        BenchOptions(
            open_model=lambda spec: open_model(spec, settings=settings, environ=environ),
            open_embeddings=lambda spec: open_embeddings(spec, settings=settings, environ=environ),
            budget=more.pop("budget", None) or Budget(),
            judge=JUDGE,
            embeddings=embeddings,
            cache=cache,
            **more,
        )
    )


def with_bench(bench: ModelBench, work: Callable[[ModelBench], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        try:
            return await work(bench)
        finally:
            await bench.rest()

    return asyncio.run(run())


def rubric(text: str = "fine") -> Callable[[ModelBench], Coroutine[Any, Any, Any]]:
    asked = {"question": "q", "answer": text, "rubric": "polite"}
    return lambda bench: bench.ask("llm-rubric", asked)


def test_what_cannot_be_read_is_asked_again_by_the_next_run(cache: Cache) -> None:
    with Server(says("no json", "no json", GOOD)) as server:
        first = bench_of(server, cache)
        for _ in range(2):
            with pytest.raises(ProviderError, match="no JSON"):
                with_bench(first, rubric())
        assert server.count == 2, "one run asks twice at most"
        assert with_bench(bench_of(server, cache), rubric()) == GOOD
        again = bench_of(server, cache)
        assert with_bench(again, rubric()) == GOOD
        assert (server.count, again.spent.calls, again.spent.cached) == (3, 0, 1)


def test_a_second_answer_that_can_be_read_is_kept(cache: Cache) -> None:
    with Server(says("no json", GOOD, "no json", GOOD)) as server:
        assert with_bench(bench_of(server, cache), rubric()) == GOOD
        assert with_bench(bench_of(server, cache), rubric()) == GOOD
        assert server.count == 3, "the first one again, and then the second from the cache"


def test_a_judge_that_is_down_ends_the_run() -> None:
    with Server(lambda _: failure(500, "down")) as server:
        bench = bench_of(server, give_up_after=3)
        for number in range(2):
            with pytest.raises(ProviderError) as caught:
                with_bench(bench, rubric(f"answer {number}"))
            assert not isinstance(caught.value, ProviderRefused)
        with pytest.raises(
            ProviderRefused, match=r"openai:judge did not answer 3 questions in a row; the last: .*down"
        ):
            with_bench(bench, rubric("one more"))


def test_a_usable_answer_begins_the_count_anew_and_an_old_one_does_not(cache: Cache) -> None:
    def script(request: Request) -> Reply:
        return (
            answer('{"reason": "", "pass": true, "score": 1}')
            if "fine" in request.text
            else failure(500, "down")
        )

    with Server(script) as server:
        with_bench(bench_of(server, cache), rubric("fine old"))
        bench = bench_of(server, cache, give_up_after=3)
        ends = []
        for text in ("a", "b", "fine new", "c", "fine old", "d", "e"):
            try:
                with_bench(bench, rubric(text))
            except ProviderError as error:
                ends.append(type(error))
        assert ends == [ProviderError] * 4 + [ProviderRefused]


def test_a_judge_that_can_never_be_read_ends_the_run_too() -> None:
    with Server(says("no json")) as server:
        bench = bench_of(server, give_up_after=2)
        with pytest.raises(ProviderError):
            with_bench(bench, rubric("one"))
        with pytest.raises(ProviderRefused, match="2 questions in a row"):
            with_bench(bench, rubric("two"))
        assert server.count == 4


def test_embeddings_that_are_down_end_the_run() -> None:
    with Server(lambda _: failure(500, "down")) as server:
        bench = bench_of(server, embeddings=EMBEDDER, give_up_after=2)
        for kind in (ProviderError, ProviderRefused):
            with pytest.raises(kind) as caught:
                with_bench(bench, lambda bench: bench.similarities("one", ["other"]))
            assert type(caught.value) is kind


def test_embeddings_keep_a_bound_on_tokens() -> None:
    with Server(lambda request: vectors(*[[1.0, 0.0]] * len(request.body["input"]))) as server:
        bench = bench_of(server, embeddings=EMBEDDER, budget=Budget(Limits(tokens=1000)))
        assert with_bench(bench, lambda bench: bench.similarities("one", ["two", "three"])) == [1.0, 1.0]
        assert bench.spent.tokens_in == 1 + 1 + 2
