"""`evaluate --estimate` counts what a run then asks, judging included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer, vectors
from tests.worlds import DESK

SUITE = f"evaluation/{DESK}.yaml"
JUDGE = ("--judge", "openai:judge")
ASKING = ("evaluate", DESK, "--model", "openai:one", "--repeat", "1", *JUDGE)
RUBRIC = "{type: llm-rubric, value: is polite}"
PRICES = "evaluation: {embeddings: 'openai:vectors'}\nmodels:\n  prices:\n"


def suite(*assertions: str, count: int = 6) -> str:
    cases = "".join(f"  - {{id: q{at}, vars: {{question: question {at}}}}}\n" for at in range(count))
    return f"default:\n  assert: [{', '.join(assertions)}]\ncases:\n{cases}"


def prices(*models: str) -> str:
    return PRICES + "".join(f"    '{model}': {{input: 1, output: 2}}\n" for model in models)


def script(request: Request) -> Reply:
    """Models that answer with their name, and a judge that says what a few judge prompts want to hear."""
    if "embeddings" in request.path:
        return vectors(*[[1.0, 0.5]] * len(request.body["input"]))
    if not request.body["model"].startswith("judge"):
        return answer(f"answer of {request.body['model']} to {request.text}")
    verdict: dict[str, Any] = {"reason": "r", "score": 0.9}
    asked = json.dumps(request.body)
    if "pass" in asked:
        verdict["pass"] = True
    elif "best" in asked:
        verdict = {"reason": "r", "best": 1}
    return answer(json.dumps(verdict))


@pytest.fixture
def cli(desk: Repo) -> Cli:
    desk.write({"promptvc.yaml": prices("openai:one", "openai:judge", "openai:vectors")})
    return cli_of(desk)


def estimated(cli: Cli, server: Server, *more: str, asking: tuple[str, ...] = ASKING) -> dict[str, Any]:
    before = server.count
    found: dict[str, Any] = cli.json(*asking, *more, "--estimate", more=server.environ())
    assert server.count == before, "an estimate asked somebody"
    return found


def judged(cli: Cli, server: Server, *more: str, asking: tuple[str, ...] = ASKING) -> int:
    """Evaluate; how often judges and embeddings were asked."""
    before = len(server.requests)
    cli.json(*asking, *more, more=server.environ(), codes=(0, 1))
    return sum(one.body["model"] not in {"one", "two"} for one in server.requests[before:])


@pytest.mark.parametrize(
    "assertions",
    [
        (RUBRIC,),
        (RUBRIC, "{type: icontains, value: 'question 3'}"),
        ("{type: similar, value: fine}",),
        ("{type: not-llm-rubric, value: is rude}", "{type: assert-set, assert: [" + RUBRIC + "]}"),
    ],
)
def test_judging_is_counted_where_the_answers_are_known(
    cli: Cli, desk: Repo, assertions: tuple[str, ...]
) -> None:
    desk.write({SUITE: suite("{type: contains, value: answer}")})
    with Server(script) as server:
        cli.json(*ASKING, more=server.environ())
        desk.write({SUITE: suite(*assertions)})
        found = estimated(cli, server)
        (one,) = found["estimates"]
        assert (one["calls"], one["cost"]) == (0, 0)
        calls = judged(cli, server)
        assert one["judge"]["calls"] == calls > 0
        assert one["judge"]["tokens"] > 0
        assert found["cost"] == one["judge"]["cost"] > 0
        (after,) = estimated(cli, server)["estimates"]
        assert after["judge"] == {"calls": 0, "tokens": 0, "cost": 0}
        assert after["judgements"] == 0


@pytest.mark.parametrize(
    ("assertion", "calls"),
    [
        (RUBRIC, 6),
        ("{type: similar, value: [fine, well]}", 6 + 2),
        ("{type: g-eval, value: is polite}", 6 + 1),
        ("{type: answer-relevance}", 6 * 3 + 6 + 6 * 3),
        ("{type: is-json}", 0),
    ],
)
def test_judging_is_counted_where_the_answers_are_not_known(
    cli: Cli, desk: Repo, assertion: str, calls: int
) -> None:
    desk.write({SUITE: suite(assertion)})
    with Server(script) as server:
        (one,) = estimated(cli, server)["estimates"]
        assert (one["calls"], one["judge"]["calls"]) == (6, calls)
        assert one["judgements"] == (6 if calls else 0)


def test_a_fresh_run_finds_nothing(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite(RUBRIC)})
    with Server(script) as server:
        assert judged(cli, server) == 6
        (one,) = estimated(cli, server, "--fresh")["estimates"]
        assert (one["cached"], one["calls"], one["judge"]["calls"]) == (0, 6, 6)
        (one,) = estimated(cli, server)["estimates"]
        assert (one["cached"], one["calls"], one["judge"]["calls"]) == (6, 0, 0)


def test_a_judge_without_a_price_costs_nobody_knows_what(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite(RUBRIC), "promptvc.yaml": prices("openai:one")})
    with Server(script) as server:
        found = estimated(cli, server)
        (one,) = found["estimates"]
        assert one["cost"] > 0
        assert (one["judge"]["cost"], found["cost"]) == (None, None)
        assert "unknown" in cli.ok(*ASKING, "--estimate", **server.environ())


def test_qualities_are_counted(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: contains, value: answer}", count=120)})
    with Server(script) as server:
        (one,) = estimated(cli, server, "--qualities")["estimates"]
        assert (one["judgements"], one["judge"]["calls"]) == (0, 300)
        cli.json(*ASKING, more=server.environ())
        (one,) = estimated(cli, server, "--qualities")["estimates"]
        assert one["judge"]["calls"] == 300
        assert judged(cli, server, "--qualities") == 300
        (one,) = estimated(cli, server, "--qualities")["estimates"]
        assert one["judge"]["calls"] == 0


def test_comparing_the_answers_of_two_models_counts_once(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: select-best, value: is polite}")})
    asking = (*ASKING, "--model", "openai:two")
    with Server(script) as server:
        first, second = estimated(cli, server, asking=asking)["estimates"]
        assert (first["judge"]["calls"], second["judge"]["calls"], second["judgements"]) == (0, 6, 6)
        assert judged(cli, server, asking=asking) == 6
        assert [one["judge"]["calls"] for one in estimated(cli, server, asking=asking)["estimates"]] == [0, 0]


def test_embeddings_keep_a_bound_on_dollars_and_need_a_price_for_it(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: similar, value: fine}")})
    with Server(script) as server:
        assert judged(cli, server, "--max-cost", "5") == 7
        desk.write({"promptvc.yaml": prices("openai:one")})
        said = cli.fails(2, *ASKING, "--max-cost", "5", **server.environ())
        assert "the cost of openai:vectors is unknown" in said
