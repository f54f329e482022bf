"""Vectors for a training: over HTTP, from the cache, within the budget."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError, OverBudget, Usage
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.cached_only import CachedOnly
from promptvc.training.embedding import open_embed
from promptvc.training.optimizer import Surroundings
from promptvc.training.scoring import Embed
from tests.servers import Reply, Request, Server, failure, vectors

SPEC = "openai:test-embeddings"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path)
    yield made
    made.close()


def lengths(request: Request) -> Reply:
    return vectors(*([float(len(text)), 1.0] for text in request.body["input"]))


def opened(server: Server, *, prices: dict[str, Price] | None = None, **more: Any) -> Embed:
    settings = ModelSettings(attempts=1, prices=prices or {})
    embed = open_embed(SPEC, Surroundings(settings, server.environ(), **more))
    assert embed is not None
    return embed


def test_lexical_is_no_embedding() -> None:
    assert open_embed("lexical", Surroundings(ModelSettings(), {})) is None


def test_vectors_have_length_1_and_keep_the_order() -> None:
    with Server(lengths) as server:
        found = opened(server)(["abc", "a", "abc"])
        assert server.count == 1
    assert found[0] == found[2]
    assert found[0][0] / found[0][1] == pytest.approx(3)
    assert found[1][0] / found[1][1] == pytest.approx(1)
    assert [math.hypot(*vector) for vector in found] == pytest.approx([1, 1, 1])


def test_what_is_known_is_not_asked_again(cache: Cache) -> None:
    with Server(lengths) as server:
        first = opened(server, cache=cache)
        told = first(["abc", "a"])
        assert first(["a", "abc"]) == told[::-1]
        assert server.count == 1
        again = opened(server, cache=cache)
        assert again(["abc", "a"]) == told
        assert server.count == 1
        again(["abc", "four"])
        assert server.requests[-1].body["input"] == ["four"]


def test_many_texts_go_in_few_requests() -> None:
    with Server(lengths) as server:
        assert len(opened(server)([f"text {number}" for number in range(600)])) == 600
        assert server.count == 3


def test_a_budget_bounds_requests(cache: Cache) -> None:
    budget = Budget(Limits(calls=1))
    with Server(lengths) as server:
        embed = opened(server, cache=cache, budget=budget)
        embed(["abc"])
        with pytest.raises(OverBudget):
            embed(["another"])
        assert embed(["abc"])
        assert server.count == 1
    assert budget.calls == 1


def test_where_only_the_cache_may_answer_nothing_is_sent(cache: Cache) -> None:
    with Server(lengths) as server:
        known = opened(server, cache=cache)(["abc"])
        budget = CachedOnly()
        embed = opened(server, cache=cache, budget=budget)
        assert embed(["abc"]) == known
        with pytest.raises(OverBudget, match="not in the cache"):
            embed(["another"])
        assert (server.count, budget.refused) == (1, 1)


def test_a_bound_on_cost_takes_a_price() -> None:
    with Server(lengths) as server:
        with pytest.raises(Usage, match="the cost of openai:test-embeddings is unknown"):
            opened(server, budget=Budget(Limits(cost=1.0)))
        budget = Budget(Limits(cost=5e-6))
        embed = opened(server, budget=budget, prices={SPEC: Price(input=1.0, output=0.0)})
        embed(["a" * 16])
        with pytest.raises(OverBudget, match=r"\$"):
            embed(["b" * 16])


def test_a_failure_is_one_error_and_nothing_is_kept(cache: Cache) -> None:
    replies = iter([failure(401, "no such key"), None])

    def script(request: Request) -> Reply:
        return next(replies) or lengths(request)

    with Server(script) as server:
        embed = opened(server, cache=cache)
        with pytest.raises(Exception, match="no such key"):
            embed(["abc"])
        assert len(embed(["abc"])) == 1


def test_it_works_inside_a_running_loop() -> None:
    async def inside(embed: Embed) -> int:
        return len(embed(["abc"]))

    with Server(lengths) as server:
        assert asyncio.run(inside(opened(server))) == 1


def test_an_unknown_model_is_one_error() -> None:
    with pytest.raises(InputError, match="not a model"):
        open_embed("nonsense", Surroundings(ModelSettings(), {}))
