"""The model that proposes: asked through cache and budget, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.config import ModelSettings, OptimizerSettings, Price
from promptvc.base.errors import InputError, OverBudget, ProviderError, Usage
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Cache
from promptvc.training.optimizer import SessionOptimizer, Surroundings, open_optimizer, optimizer_model
from tests.servers import Server, answer, failure

SPEC = "openai:thinker"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path)
    yield made
    made.close()


def opened(
    server: Server, temperature: float = 0.7, *, prices: dict[str, Price] | None = None, **more: Any
) -> SessionOptimizer:
    settings = ModelSettings(attempts=1, prices=prices or {})
    return open_optimizer(SPEC, temperature, Surroundings(settings, server.environ(), **more))


def test_a_question_goes_out_with_its_temperature() -> None:
    with Server(lambda _: answer("an edit")) as server:
        optimizer = opened(server, 0.3)
        assert optimizer.name == SPEC
        assert optimizer.ask("You edit.", "This.") == "an edit"
        (request,) = server.requests
    assert request.body["temperature"] == 0.3
    assert [(turn["role"], turn["content"]) for turn in request.body["messages"]] == [
        ("system", "You edit."),
        ("user", "This."),
    ]


def test_what_is_known_is_not_asked_again_and_a_sample_is_another_question(cache: Cache) -> None:
    price = {SPEC: Price(input=1.0, output=2.0)}
    with Server(lambda request: answer(f"edit {request.number}")) as server:
        first = opened(server, cache=cache, prices=price)
        assert [first.ask("s", "t", sample=at) for at in (0, 1, 0)] == ["edit 1", "edit 2", "edit 1"]
        again = opened(server, cache=cache, prices=price)
        assert [again.ask("s", "t", sample=at) for at in (0, 1, 0)] == ["edit 1", "edit 2", "edit 1"]
        assert server.count == 2
        assert opened(server, 0.1, cache=cache).ask("s", "t") == "edit 3"
    assert (first.spent.calls, first.spent.cached, first.spent.tokens_in) == (2, 1, 24)
    assert (again.spent.calls, again.spent.cached, again.spent.tokens_in, again.spent.cost) == (0, 3, 0, 0.0)
    assert (again.total.calls, again.total.tokens_in, again.total.tokens_out) == (3, 36, 9)
    assert again.total == first.total
    assert again.total.cost == pytest.approx(3 * (12 + 2 * 3) / 1e6)


def test_it_works_inside_an_event_loop() -> None:
    async def notebook(optimizer: SessionOptimizer) -> str:
        return optimizer.ask("s", "t")

    with Server(lambda _: answer("fine")) as server:
        assert asyncio.run(notebook(opened(server))) == "fine"


def test_the_budget_is_shared_and_exact() -> None:
    budget = Budget(Limits(calls=2))
    with Server(lambda _: answer("fine")) as server:
        optimizer = opened(server, budget=budget)
        optimizer.ask("s", "1")
        optimizer.ask("s", "2")
        with pytest.raises(OverBudget, match="2 calls"):
            optimizer.ask("s", "3")
        assert server.count == budget.calls == 2


def test_a_failure_is_told_and_not_kept(cache: Cache) -> None:
    with Server(lambda request: failure(500, "down") if request.number == 1 else answer("up")) as server:
        optimizer = opened(server, cache=cache)
        with pytest.raises(ProviderError, match="down"):
            optimizer.ask("s", "t")
        assert optimizer.ask("s", "t") == "up"
        assert (optimizer.total.calls, optimizer.spent.calls) == (1, 2)


def test_what_cannot_be_opened() -> None:
    around = Surroundings(ModelSettings(), {})
    with pytest.raises(Usage, match="offline responder"):
        open_optimizer("offline", 0.7, around)
    with pytest.raises(InputError):
        open_optimizer(SPEC, 0.7, around)
    bounded = Surroundings(ModelSettings(), {"OPENAI_API_KEY": "sk-x"}, Budget(Limits(cost=1.0)))
    with pytest.raises(Usage, match="the cost of openai:thinker is unknown"):
        open_optimizer(SPEC, 0.7, bounded)


@pytest.mark.parametrize(
    ("named", "models", "expected"),
    [
        (None, ["offline"], None),
        (None, ["offline", "openai:a", "openai:b"], "openai:a"),
        ("openai:c", ["openai:a"], "openai:c"),
        ("offline", ["openai:a"], None),
        (None, [], None),
    ],
)
def test_which_model_proposes(named: str | None, models: list[str], expected: str | None) -> None:
    assert optimizer_model(OptimizerSettings(named), models) == expected
