"""Laws of routing: the simple rule, sampling, which ratings count, and what techniques add."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.routing import TASKS, WORLDS, regret
from promptvc.analysis.routing.choice import Candidate, Manner, choose
from promptvc.analysis.routing.placing import placed
from promptvc.analysis.routing.rated import Evidence, Rates, Row, listing, rows_of, technique_names
from promptvc.analysis.routing.rule import adjusted
from promptvc.analysis.routing.techniques import JSON, ROLE, STEPS, better, enhanced
from promptvc.analysis.routing.thompson import Arm, draw, propensities, winner
from promptvc.base.errors import InputError
from promptvc.base.feedback_settings import Route, RoutingSettings
from promptvc.feedback.query.facts import MILLION, Cell, Tally
from promptvc.prompts.model import Example, Message, OutputFormat, Prompt, Variable

ROUTING = RoutingSettings()
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
COUNTS = st.integers(0, 200).flatmap(
    lambda rated: st.builds(Rates, positive=st.integers(0, rated), rated=st.just(rated))
)


def manner(*, seed: int = 1, reason: str | None = None, tag: str | None = None, **routing: object) -> Manner:
    return Manner(RoutingSettings(**routing), 3, seed, reason, tag)  # type: ignore[arg-type]


def way(name: str, rates: Rates, *, similarity: float = 1.0, confidence: float = 0.5) -> Candidate:
    return Candidate(Route(name, confidence=confidence), similarity, whole=rates)


@pytest.mark.parametrize(
    ("configured", "positive", "rated", "confidence", "change"),
    [
        (0.5, 9, 10, 0.55, "raised"),
        (0.95, 10, 10, 1.0, "raised"),
        (0.5, 8, 10, 0.5, "kept"),  # not above 0.8
        (0.5, 5, 10, 0.5, "kept"),  # not below 0.5
        (0.5, 4, 10, 0.45, "lowered"),
        (0.0, 10, 10, 0.0, "raised"),
        (0.5, 2, 2, 0.5, "too_few"),
        (0.5, 0, 0, 0.5, "too_few"),
        (0.5, 3, 3, 0.55, "raised"),
    ],
)
def test_the_simple_rule(
    configured: float, positive: int, rated: int, confidence: float, change: str
) -> None:
    found = adjusted(configured, Rates(positive, rated), ROUTING, 3)
    assert (found.confidence, found.change) == (confidence, change)


@settings(max_examples=60)
@given(st.floats(0, 1), COUNTS, st.floats(0, 1))
def test_a_confidence_stays_one(configured: float, rates: Rates, step: float) -> None:
    found = adjusted(configured, rates, RoutingSettings(step=step), 3).confidence
    assert 0 <= found <= 1
    assert abs(found - configured) <= configured * step + 1e-6


def test_the_best_product_is_taken_and_explained() -> None:
    ways = [
        way("a", Rates(3, 10), confidence=0.6),
        way("b", Rates(9, 10), confidence=0.5),
        way("c", Rates(1, 2), confidence=0.5, similarity=0.9),
    ]
    found = choose(ways, manner())
    assert found.how == "rule"
    assert [one.candidate.route.prompt for one in found.weighed] == ["b", "a", "c"]
    assert [one.reason for one in found.weighed] == [
        "confidence 0.50 -> 0.55: 9 of 10 ratings are good, 0.90 > 0.80",
        "confidence 0.60 -> 0.54: 3 of 10 ratings are good, 0.30 < 0.50",
        "confidence 0.50 as configured: 2 of 3 rated events",
    ]
    assert found.reasons[1] == found.chosen.reason
    assert [one.propensity for one in found.weighed] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("explore", [False, True])
def test_with_too_little_data_or_learning_off_it_stays_as_configured(explore: bool) -> None:
    few = [way("a", Rates(0, 2), confidence=0.6), way("b", Rates(2, 2))]
    found = choose(few, manner(explore=explore))
    assert (found.how, found.chosen.candidate.route.prompt) == ("configured", "a")
    assert found.reasons[-1] == "the routing is as configured: no way has 3 rated events in the window"
    many = [way("a", Rates(0, 99), confidence=0.6), way("b", Rates(99, 99))]
    off = choose(many, manner(explore=explore, reason="learning is off"))
    assert (off.how, off.chosen.candidate.route.prompt, off.chosen.adjusted.confidence) == (
        "configured",
        "a",
        0.6,
    )
    assert off.reasons[-1] == "the routing is as configured: learning is off"
    assert choose(many, manner(explore=explore)).chosen.candidate.route.prompt == "b"


def test_where_no_word_is_shared_confidence_decides() -> None:
    found = choose(
        [way("a", Rates(), similarity=0), way("b", Rates(), similarity=0, confidence=0.6)], manner()
    )
    assert found.chosen.candidate.route.prompt == "b"
    assert "no way shares a word" in found.reasons[0]


def test_a_class_with_enough_ratings_decides_in_it() -> None:
    odd = Candidate(Route("a", confidence=0.6), 1.0, whole=Rates(90, 100), alike=Rates(1, 5))
    even = Candidate(Route("b", confidence=0.58), 1.0, whole=Rates(70, 100), alike=Rates(1, 2))
    found = choose([odd, even], manner(tag="travel"))
    assert found.chosen.candidate is even
    assert [one.adjusted.change for one in found.weighed] == ["kept", "lowered"]
    assert found.weighed[1].reason == (
        "confidence 0.60 -> 0.54: 1 of 5 ratings of tasks tagged travel are good, 0.20 < 0.50"
    )


def test_sampling_is_the_seeds_and_its_propensity_is_told() -> None:
    ways = [way("a", Rates(12, 20)), way("b", Rates(13, 20)), way("c", Rates(1, 40))]
    found = choose(ways, manner(explore=True))
    assert found == choose(ways, manner(explore=True))
    arms = [Arm(1.0, 0.5, one.whole) for one in ways]
    chances = [random.Random(seed) for seed in range(300)]
    taken = [ways[winner(arms, draw(arms, chance))].route.prompt for chance in chances]
    odds = {one.candidate.route.prompt: one.propensity for one in found.weighed}
    assert sum(odds.values()) == pytest.approx(1)
    for name, share in odds.items():
        assert taken.count(name) / 300 == pytest.approx(share, abs=0.1)
    assert odds["b"] > odds["a"] > odds["c"] > 0
    assert "seed 1" in found.reasons[-1]
    assert choose(ways, manner(explore=True, seed=2)).chosen.drawn != found.chosen.drawn


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(COUNTS, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4), st.integers(0, 99)
)
def test_draws_are_rates_and_propensities_add_up(given_: list[tuple[Rates, float, float]], seed: int) -> None:
    arms = [
        Arm(similarity, confidence, rates + rates, rates if seed % 2 else None)
        for rates, similarity, confidence in given_
    ]
    drawn = draw(arms, random.Random(seed))
    assert all(0 <= one <= 1 for one in drawn)
    assert 0 <= winner(arms, drawn) < len(arms)
    odds = propensities(arms, random.Random(seed), 20)
    assert sum(odds) == pytest.approx(1)
    assert min(odds) > 0


def test_a_class_without_ratings_goes_by_all_others() -> None:
    def mean(arm: Arm) -> float:
        chance = random.Random(1)
        return sum(draw([arm], chance)[0] for _ in range(2000)) / 2000

    whole = Rates(180, 200)
    assert mean(Arm(1, 0.5, whole, Rates())) == pytest.approx(mean(Arm(1, 0.5, whole)), abs=0.02)
    own = mean(Arm(1, 0.5, whole + Rates(5, 100), Rates(5, 100)))
    assert own == pytest.approx(0.2, abs=0.06)
    # The ratings of the class are not counted a second time, by way of the whole.
    every = Rates(0, 100)
    assert mean(Arm(1, 0.9, every, every)) == pytest.approx(20 * 0.9 / 120, abs=0.02)


def cell(prompt: str, rates: Rates, *, day: int = 1, source: str = "human", **call: str) -> Cell:
    tally = Tally(n=rates.rated, rated=rates.rated, positive=rates.positive, score=rates.positive * MILLION)
    model, framework, technique = (call.get(key) for key in ("model", "framework", "technique"))
    return Cell(date(2026, 3, day), prompt, 1, "rating", source, model, framework, technique, tally)


def test_which_ratings_count_for_which_way() -> None:
    cells = [
        cell("a", Rates(1, 2), model="m1", framework="f"),
        cell("a", Rates(2, 2), model="m1", framework="f", day=2),
        cell("a", Rates(0, 9), model="m1", framework="f", source="llm_judge"),
        cell("a", Rates(4, 8), model="m2", framework="f"),
        cell("a", Rates(8, 16), model="m2", framework="f", technique="role"),
        cell("a", Rates(16, 32)),
        cell("b", Rates(1, 1), model="m1"),
    ]
    rows = rows_of(cells)
    assert rows == rows_of(reversed(cells))
    assert tuple(Row.read(one.to_json()) for one in rows) == rows
    m1, m2, role = Route("a", "f", "m1"), Route("a", "f", "m2"), Route("a", "f", "m2", ("role",))
    evidence = Evidence(rows, [m1, Route("a")])
    assert evidence.rates(m1) == Rates(3, 4)
    assert evidence.rates(Route("a")) == Rates(31, 60)
    assert evidence.rates(Route("z")) == Rates()
    assert Evidence(rows, [m2]).rates(m2) == Rates(12, 24)
    twins = Evidence(rows, [m2, role])
    assert (twins.rates(m2), twins.rates(role)) == (Rates(4, 8), Rates(8, 16))
    assert listing(twins.query(role, SINCE, UNTIL, "it's")) == (
        "promptvc feedback list a --source=human --source=code '--tag=it'\"'\"'s' --since=2026-03-01"
        " --until=2026-03-08 --model=m2 --framework=f --technique=role --outcome=rated"
    )


def row(technique: str | None, positive: int, rated: int) -> Row:
    return Row("a", None, None, technique, Rates(positive, rated))


def test_a_technique_is_added_when_ratings_speak_for_it() -> None:
    assert better([row("CoT", 29, 30), row(None, 12, 30)], 3) == (
        (
            "chain_of_thought",
            "29 of 30 ratings with chain_of_thought are good, 12 of 30 without",
        ),
    )
    assert [name for name, _ in better([row("cot+role", 29, 30), row("cot", 12, 30)], 3)] == ["role"]
    assert better([row("cot", 12, 30), row(None, 29, 30)], 3) == ()
    assert better([row("cot", 18, 30), row(None, 15, 30)], 3) == ()  # chance does as much
    assert better([row("cot", 30, 30), row(None, 0, 2)], 3) == ()
    assert better([row("few_shot", 30, 30), row(None, 0, 30)], 3) == ()  # it adds nothing


MESSAGES = (Message("system", "Sort it.\n"), Message("user", "A parcel."))


def test_techniques_add_their_texts_and_nothing_else() -> None:
    prompt = Prompt("a", 1, MESSAGES)
    both = enhanced(prompt, MESSAGES, ["step-by-step", "Role", "cot"])
    assert both.messages == (Message("system", f"{ROLE}\n\nSort it.\n\n{STEPS}"), MESSAGES[1])
    assert both.remarks == ()
    assert enhanced(prompt, MESSAGES, ()).messages == MESSAGES
    assert enhanced(prompt, MESSAGES[1:], ["role"]).messages == (Message("system", ROLE), MESSAGES[1])
    odd = enhanced(prompt, MESSAGES, ["few_shot", "structured_output", "magic"])
    assert odd.messages == MESSAGES
    assert [one.partition(":")[0] for one in odd.remarks] == ["few_shot", "structured_output", "magic"]
    shown = Prompt("a", 1, MESSAGES, examples=(Example({"text": "x"}, "y"),), output=OutputFormat("json"))
    done = enhanced(shown, MESSAGES, ["few-shot", "json"])
    assert (done.messages[0].content, done.remarks) == (f"Sort it.\n\n{JSON}", ())
    schema = Prompt("a", 1, MESSAGES, output=OutputFormat("json", {"type": "object", "required": ["ä"]}))
    assert (
        enhanced(schema, MESSAGES, ["json"])
        .messages[0]
        .content.endswith('{"required": ["ä"], "type": "object"}')
    )


ASKED = (Message("system", "Sort."), Message("user", "{{ a }} {{ b }}"))


@pytest.mark.parametrize(
    ("variables", "given_", "said"),
    [
        ((), {"a": "x"}, "x T"),
        ((Variable("b", required=False, default="y"),), {}, "T y"),
        ((Variable("b", required=False, default="y"),), {"a": "x"}, "x y"),
        (
            (Variable("a", required=False, default="x"), Variable("b", required=False, default="y")),
            {"b": "z"},
            "T z",
        ),
    ],
)
def test_where_the_task_stands(variables: tuple[Variable, ...], given_: dict[str, str], said: str) -> None:
    prompt = Prompt("p", 1, ASKED, variables=variables)
    assert placed(prompt, "T", given_)[-1].content == said


@pytest.mark.parametrize("required", [True, False])
def test_a_task_is_not_several_values(required: bool) -> None:
    variables = [Variable(name, required=required, default=None if required else "x") for name in "ab"]
    with pytest.raises(InputError, match="takes values for `a`, `b`"):
        placed(Prompt("p", 1, ASKED, variables=tuple(variables)), "T", {})


def test_instructions_are_followed_by_the_task() -> None:
    assert placed(Prompt("p", 1, ASKED[:1]), "T", {}) == (ASKED[0], Message("user", "T"))


def test_names_of_techniques() -> None:
    assert technique_names(["CoT", " step by step", "few-shot", "", "own"]) == (
        "chain_of_thought",
        "few_shot",
        "own",
    )


def test_regret_in_a_world_that_is_known() -> None:
    """Sampling gains much where the configured way is wrong, and loses little where it is right."""
    days, seeds = 30, range(2)

    def mean(world: str, policy: str) -> float:
        return sum(regret(WORLDS[world], policy, seed, days) for seed in seeds) / len(seeds)

    wrong = mean("wrong", "fixed")
    assert wrong == pytest.approx((0.82 - 0.45) * days * TASKS)
    assert mean("wrong", "thompson") < wrong / 4
    assert mean("wrong", "rule") < wrong / 4
    assert mean("right", "fixed") == 0
    assert mean("right", "rule") == 0
    assert mean("right", "thompson") < 0.06 * 0.8 * days * TASKS
    assert mean("classes", "thompson") < mean("classes", "fixed") / 2
    assert mean("wrong", "oracle") == 0
