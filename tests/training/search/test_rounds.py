"""The search in rounds: what wins, what is let go, what is refused, and where bounds end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from promptvc.base.errors import ProviderError
from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.model import Prompt
from promptvc.training.approach import Proposer, Standing, Variant
from promptvc.training.options import Bounds, TrainingOptions
from promptvc.training.scoring import Scored, Tools
from promptvc.training.search.account import Account, Exhausted, counted
from promptvc.training.search.found import Found
from promptvc.training.search.rounds import Search
from promptvc.training.task import TrainingTask
from tests.training.search.worlds import Chances, Offers, a_task, rules_of, with_rule

TASK = a_task()


def helps(**gains: float) -> Callable[[Prompt], float]:
    return lambda prompt: 0.3 + sum(gains.get(text, 0.0) for text in rules_of(prompt))


def searched(
    scorer: Chances,
    *proposers: Offers,
    options: TrainingOptions | None = None,
    task: TrainingTask = TASK,
    clock: Callable[[], float] = lambda: 0.0,
) -> Found:
    options = options or TrainingOptions()
    account = Account(options.bounds, clock)
    tools = counted(Tools(scorer), account)
    named = {f"p{number}": proposer for number, proposer in enumerate(proposers)}
    found = Search(task, [lambda: named], options, tools, account).run(range(len(task.cases)))
    assert found is not None
    assert account.calls == scorer.calls
    return found


def test_a_later_stage_has_its_turn_when_nothing_was_found() -> None:
    options = TrainingOptions()
    for first, names in (("idle", ["first", "second"]), ("good", ["first"])):
        account = Account(options.bounds, lambda: 0.0)
        tools = counted(Tools(Chances(helps(good=0.3, better=0.4))), account)
        stages: list[partial[dict[str, Proposer]]] = [
            partial(dict, first=Offers([first])),
            partial(dict, second=Offers(["better"])),
        ]
        found = Search(TASK, stages, options, tools, account).run(range(len(TASK.cases)))
        assert found is not None
        assert list(dict.fromkeys(one.approach for one in found.tried)) == names
        assert found.best.approach == names[-1]


def best(found: Found) -> list[str]:
    return rules_of(found.best.variant.fit(range(len(TASK.cases))))


def test_what_helps_wins_and_the_next_round_builds_on_it() -> None:
    offers = Offers(["good", "idle"], ["better"], ["more"])
    found = searched(Chances(helps(good=0.3, better=0.2)), offers)
    assert best(found) == ["good", "better"]
    assert [standing.parent.name for standing in offers.standings] == ["unchanged", "good", "better"]
    ends = {(one.round, one.name): one.ended for one in found.tried}
    assert ends[1, "good"] == ends[2, "better"] == "won"
    assert ends[3, "more"] == "equal"
    assert found.pair.chance() < 0.001


def test_a_round_without_gain_ends_the_search() -> None:
    offers = Offers(["idle"], ["good"])
    found = searched(Chances(helps(good=0.3)), offers)
    assert found.best is found.baseline
    assert len(offers.standings) == 1


def test_what_is_clearly_behind_is_asked_no_further() -> None:
    found = searched(Chances(helps(good=0.5, bad=-0.3)), Offers(["good", "bad"]))
    bad, good = (next(one for one in found.tried if one.name == name) for name in ("bad", "good"))
    assert bad.ended == "behind"
    assert bad.cases < good.cases


def test_a_large_pool_is_halved() -> None:
    names = [f"r{number}" for number in range(12)]
    scorer = Chances(helps(r7=0.4))
    found = searched(scorer, Offers(names))
    assert best(found) == ["r7"]
    asked = sum(one.cases for one in found.tried)
    assert asked < 0.5 * len(names) * len(TASK.cases)


def test_a_clear_leader_ends_the_race_early() -> None:
    found = searched(Chances(helps(good=0.5)), Offers(["good"]))
    assert found.tried[0].cases < 0.8 * len(TASK.cases)


def test_two_good_ones_are_brought_together() -> None:
    found = searched(Chances(helps(a=0.25, b=0.2)), Offers(["a", "b"]))
    assert sorted(best(found)) == ["a", "b"]
    assert [one.approach for one in found.tried] == ["p0", "p0", "merge"]


def test_proposers_race_against_each_other() -> None:
    found = searched(Chances(helps(a=0.1, b=0.4)), Offers(["a"]), Offers(["b"]))
    assert found.best.approach in {"p1", "merge"}
    assert "b" in best(found)


def test_luck_wins_seldom() -> None:
    """Every prompt knows other cases with the same chance: what wins a race by luck has to look like luck."""
    won = 0
    for seed in range(40):
        offers = Offers([f"{seed} a", f"{seed} b", f"{seed} c"])
        found = searched(Chances(lambda _: 0.6, own=True), offers, options=TrainingOptions(seed=seed))
        won += found.best is not found.baseline
    # Of three variants the best passes a test at 0.1 in a quarter of the races; the hold-out is still to come.
    assert won <= 16


class Uncited(Offers):
    """Proposes a rule that nobody asked for."""

    def propose(self, standing: Standing) -> Sequence[Variant]:
        return [with_rule("good", standing.parent, because=())]


def test_an_uncited_rule_is_refused_before_a_call() -> None:
    scorer = Chances(helps(good=0.5))
    found = searched(scorer, Uncited())
    assert [(one.ended, one.reason) for one in found.tried] == [("refused", "its rule 1 cites no event")]
    assert scorer.calls == len(TASK.cases)


def test_a_rule_that_is_an_answer_sheet_is_refused() -> None:
    found = searched(Chances(helps()), Offers([f"For {TASK.items[3].text} answer t1."]))
    assert found.tried[0].reason == "its rule 1 repeats the input of a training case"


def test_growth_is_capped() -> None:
    found = searched(Chances(helps()), Offers(["long " * 150]))
    assert "grow by 750 characters, and 600 are allowed" in found.tried[0].reason


def test_bounds_leave_whole_blocks() -> None:
    scorer = Chances(helps(good=0.02))
    bounds = Bounds(calls=len(TASK.cases) + 60)
    found = searched(scorer, Offers(["good"]), options=TrainingOptions(bounds=bounds))
    assert scorer.calls <= bounds.calls
    assert found.tried[0].blocks == found.blocks
    assert found.tried[0].cases == scorer.calls - len(TASK.cases)


def test_a_bound_below_the_baseline_is_told() -> None:
    with pytest.raises(Exhausted, match="20 calls"):
        searched(Chances(helps()), Offers(["good"]), options=TrainingOptions(bounds=Bounds(calls=20)))


@pytest.mark.parametrize("bounds", [Bounds(tokens=2000), Bounds(cost=0.2)])
def test_tokens_and_cost_are_bounds_too(bounds: Bounds) -> None:
    scorer = Chances(helps(a=0.01, b=0.01))
    searched(scorer, Offers(["a", "b"]), options=TrainingOptions(bounds=bounds))
    assert len(TASK.cases) < scorer.calls <= 200


def test_tokens_of_the_look_that_follows_are_kept_free() -> None:
    scorer = Chances(helps(a=0.01, b=0.01))
    searched(scorer, Offers(["a", "b"]), options=TrainingOptions(bounds=Bounds(tokens=2400, reserved=60)))
    assert len(TASK.cases) < scorer.calls <= 180


def test_where_time_ended_a_search_it_ends_again_without_a_clock() -> None:
    now = [0.0]

    class Slow(Chances):
        def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
            now[0] += 1
            return super().ask(prompt, cases)

    options = TrainingOptions(bounds=Bounds(seconds=6))
    rounds = (["a", "b", "c"], ["d"])
    chances = helps(a=0.2, b=0.1, d=0.1)
    timed = searched(Slow(chances), Offers(*rounds), options=options, clock=lambda: now[0])
    again = searched(
        Chances(chances), Offers(*rounds), options=TrainingOptions(bounds=Bounds(blocks=timed.blocks))
    )
    assert 0 < timed.blocks < 10
    assert best(timed) == best(again)
    kept = ("name", "score", "cases", "blocks", "ended")
    assert [[getattr(one, key) for key in kept] for one in timed.tried] == [
        [getattr(one, key) for key in kept] for one in again.tried
    ]


class Pruning(Offers):
    """First a rule with many words, then the same rule with few."""

    def propose(self, standing: Standing) -> Sequence[Variant]:
        unchanged = Variant("unchanged", lambda _: TASK.prompt)
        offered = {1: [with_rule("good " + "x" * 300, unchanged)], 2: [with_rule("good", unchanged)]}
        return offered.get(standing.round, [])


def test_what_does_as_well_with_less_wins_a_later_round() -> None:
    def chance(prompt: Prompt) -> float:
        return 0.9 if any(text.startswith("good") for text in rules_of(prompt)) else 0.3

    assert best(searched(Chances(chance), Pruning())) == ["good"]


class Sampler:
    """An optimizer that says which sample it was asked for."""

    name = "sampler"

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        return f"{system} {text} {sample}"


def test_another_seed_gets_other_proposals_and_an_end_stays_an_end() -> None:
    account = Account(Bounds(calls=100, proposals=2), lambda: 0.0)
    asked = [counted(Tools(Chances(helps()), Sampler()), account, seed).optimizer for seed in (0, 7)]
    first, other = (each.ask("a", "b", sample=1) for each in asked if each is not None)
    assert (first, other) == ("a b 1", "a b 7001")
    assert (account.calls, account.proposals) == (2, 2)
    with pytest.raises(ProviderError, match="failed here"):
        asked[0].ask("a", "b")  # type: ignore[union-attr]
