"""`evaluate` with a judge, with several models, with repeats; qualities, quarantine, the gate, generated cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.evaluation.reports.lines import lines
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

SUITE = f"evaluation/{DESK}.yaml"
ONCE = ("--repeat", "1")
JUDGE = ("--judge", "openai:judge")


def suite(assertion: str, count: int = 4) -> str:
    """Some questions with one assertion each."""
    cases = "".join(f"  - {{id: q{at}, vars: {{question: question {at}}}}}\n" for at in range(count))
    return f"default:\n  assert: [{assertion}]\ncases:\n{cases}"


def a_judge(request: Request) -> Reply:
    """Two models that answer with their name, and a judge that finds question 3 badly answered."""
    model, said = request.body["model"], request.text
    if model != "judge":
        return answer(f"answer of {model} to {said}")
    bad = "question 3" in json.dumps(request.body)
    return answer(json.dumps({"reason": "as asked", "pass": not bad, "score": 0.2 if bad else 0.9}))


@pytest.fixture
def cli(desk: Repo) -> Cli:
    return cli_of(desk)


def test_graded_cases_cost_a_judge_whose_account_is_apart(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: llm-rubric, value: is polite}")})
    with Server(a_judge) as server:
        more = server.environ()
        assert "takes a model that judges" in cli.fails(2, "evaluate", DESK, "--model", "openai:one", **more)
        assert "the offline responder cannot judge" in cli.fails(
            2, "evaluate", DESK, "--judge", "offline", **more
        )
        done = cli.json("evaluate", DESK, "--model", "openai:one", *ONCE, *JUDGE, more=more, codes=(0, 1))
        assert (done["passed"], done["failed"], done["failing"]) == (3, 1, ["q3"])
        judging = done["judging"]
        assert (judging["model"], judging["calls"], judging["cached"]) == ("openai:judge", 4, 0)
        assert judging["tokens"] == {"input": 48, "output": 12}
        assert done["tokens"] == 60
        assert judging["prompts"] == {"llm-rubric": 1}
        assert not done["pure"]
        again = cli.json("evaluate", DESK, "--model", "openai:one", *ONCE, *JUDGE, more=more, codes=(0, 1))
        assert (again["judging"]["calls"], again["judging"]["cached"]) == (0, 4)
        assert again["judging"]["digest"] == judging["digest"]
        assert server.count == 8


def test_a_pure_suite_says_so_and_needs_no_judge(cli: Cli) -> None:
    done = cli.json("evaluate", DESK, codes=(0, 1))
    assert (done["pure"], done["judging"]) == (True, None)
    assert "graded without a model, a network or a key" in cli("evaluate", DESK).out


def test_a_judge_that_is_down_is_an_error_and_never_a_pass(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: not-llm-rubric, value: is rude}")})

    def script(request: Request) -> Reply:
        return answer("no JSON") if request.body["model"] == "judge" else answer("fine")

    with Server(script) as server:
        done = cli("evaluate", DESK, "--model", "openai:one", *ONCE, *JUDGE, **server.environ())
    assert done.code == 3
    assert "no case of desk/route has a score" in done.err


def test_the_best_of_several_models_is_chosen(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: max-score}, {type: icontains, value: long, weight: 0.5}")})
    models = ("--model", "openai:one-long", "--model", "openai:two", *ONCE)
    with Server(a_judge) as server:
        done = cli.json("evaluate", DESK, *models, more=server.environ(), codes=(1,))
    first, second = done["evaluations"]
    assert (first["model"], first["passed"], first["score"]) == ("openai:one-long", 4, 1.0)
    assert (second["model"], second["passed"], second["score"]) == ("openai:two", 0, 0.0)


def test_qualities_are_lexical_or_judged_and_say_which(cli: Cli) -> None:
    done = cli.json("evaluate", DESK, codes=(0, 1))
    assert {one["measure"] for one in done["qualities"].values()} == {"lexical"}
    assert set(done["qualities"]) == {"coherence", "relevance", "safety"}

    def script(request: Request) -> Reply:
        return answer(json.dumps({"reason": "fine", "score": 0.75}))

    with Server(script) as server:
        judged = cli.json("evaluate", DESK, "--qualities", *JUDGE, more=server.environ(), codes=(0, 1))
        assert {one["measure"] for one in judged["qualities"].values()} == {"openai:judge"}
        assert {one["score"] for one in judged["qualities"].values()} == {0.75}
    assert "--qualities takes a model that judges" in cli.fails(2, "evaluate", DESK, "--qualities")


def test_repeats_are_reduced_and_flaky_cases_are_found(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: contains, value: good}")})
    seen: dict[str, int] = {}

    def script(request: Request) -> Reply:
        seen[request.text] = seen.get(request.text, 0) + 1
        bad = request.text == "question 2" and seen[request.text] == 2
        return answer("bad" if bad else "good")

    with Server(script) as server:
        more = server.environ()
        asking = ("evaluate", DESK, "--model", "openai:one", "--concurrency", "1")
        three = cli.json(*asking, more=more)
        assert (three["repeats"], three["passed"], three["flaky"]) == (3, 3, ["q2"])
        assert three["score"] == pytest.approx((3 + 2 / 3) / 4)
        for reducer, passed, score in (
            ("median", 4, 1.0),
            ("max", 4, 1.0),
            ("pass_at_k:2", 4, 1.0),
            ("pass_k:2", 3, (3 + 1 / 3) / 4),
            ("at_least_k:3", 3, 0.75),
        ):
            done = cli.json(*asking, "--reduce", reducer, more=more, codes=(0, 1))
            assert (done["reducer"], done["passed"]) == (reducer, passed)
            assert done["score"] == pytest.approx(score)
        assert server.count == 12
        assert "asks for 4 of 3" in cli.fails(2, *asking, "--reduce", "pass_k:4", **more)


def test_a_quarantined_case_is_asked_and_does_not_count(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: contains, value: alpha}"), DESK_FILE: DESK_PROMPT})
    with Server(lambda request: answer("beta" if request.text.endswith("2") else "alpha")) as server:
        asking = ("evaluate", DESK, "--model", "openai:one", *ONCE)
        more = server.environ()
        assert cli.json(*asking, more=more)["passed"] == 3
        desk.write({f"evaluation/{DESK}.quarantine.yaml": "- {case: q2, reason: depends on the weather}\n"})
        done = cli.json(*asking, more=more)
    assert (done["cases"], done["passed"], done["failed"], done["score"]) == (3, 3, 0, 1.0)
    assert done["quarantined"] == {"q2": "depends on the weather"}


def test_the_gate_lists_new_regressions_only(cli: Cli, desk: Repo) -> None:
    desk.commit({SUITE: suite("{type: contains, value: alpha}", 6)}, "Six")
    wrong = {"question 1"}
    with Server(lambda request: answer("beta" if request.text in wrong else "alpha")) as server:
        asking = ("evaluate", DESK, "--model", "openai:one", *ONCE, "--fresh")
        more = server.environ()
        assert "no baseline of desk/route is approved" in cli.fails(2, *asking, "--gate", **more)
        assert server.count == 0, "found before anything was asked"
        new = cli.json("evaluate", "--changed-since", "HEAD~1", *asking[2:], "--gate", more=more)
        assert new["gate"] is None
        assert new["remarks"][0].startswith("no baseline of desk/route is approved: held against the bar")
        cli.json(*asking, "--save", more=more)
        cli.ok("baseline", "approve", DESK, "-m", "good enough")
        held = cli.json(*asking, "--gate", more=more)
        assert (held["gate"]["open"], held["gate"]["known"], held["gate"]["regressions"]) == (
            True,
            ["q1"],
            [],
        )
        wrong.add("question 4")
        closed = cli.json(*asking, "--gate", more=more, codes=(1,))
        assert [one["case"] for one in closed["gate"]["regressions"]] == ["q4"]
        assert cli(*asking, "--gate", "-o", str(desk.path / "gate.md"), **more).code == 1
        assert (
            "#### Gate closed: `1 new regression against the approved v1: q4`"
            in (desk.path / "gate.md").read_text()
        )
        assert not closed["gate"]["open"]


def test_the_gate_reads_the_approved_evidence_and_no_other(cli: Cli, desk: Repo) -> None:
    """Each record of a large run takes seconds and memory. Here the other one cannot be read at all."""
    cli.json("evaluate", DESK, "--save", *ONCE, codes=(0, 1))
    cli.ok("baseline", "approve", DESK, "-m", "good enough")
    desk.commit({f"evaluation/evidence/{DESK}/01JD9QABM2T7C4XK5N8VW3RZ6E.json": "{}"}, "Break a record")
    assert cli.json("evaluate", DESK, "--gate", *ONCE)["gate"]["open"]


def test_no_edit_of_the_suite_hides_what_got_worse(cli: Cli, desk: Repo) -> None:
    """Two cases get worse. Then one of them is taken away, and the other judged by other words."""
    desk.commit({SUITE: suite("{type: contains, value: alpha}", 4)}, "Four")
    wrong: set[str] = set()
    files = [desk.path / f"gate.{ending}" for ending in ("md", "html", "xml")]
    outputs = [word for file in files for word in ("-o", str(file))]
    with Server(lambda request: answer("beta" if request.text in wrong else "alpha")) as server:
        asking = ("evaluate", DESK, "--model", "openai:one", *ONCE, "--fresh")
        more = server.environ()
        cli.json(*asking, "--save", more=more)
        cli.ok("baseline", "approve", DESK, "-m", "good enough")
        wrong |= {"question 2", "question 3"}
        fewer = suite("{type: contains, value: alpha}", 3)
        other = "{id: q2, vars: {question: question 2}, assert: [{type: icontains, value: alpha}]}"
        desk.write({SUITE: fewer.replace("{id: q2, vars: {question: question 2}}", other)})
        done = cli(*asking, "--gate", *outputs, **more)
    assert done.code == 1
    finding = "1 new regression against the approved v1: q2 (changed)"
    left_out = "1 removed, 1 changed since it was approved; the suite is another"
    page = files[1].read_text()
    for told in (done.out, *(file.read_text() for file in files)):
        assert f"{finding}; {left_out}" in told
        assert "removed since it was approved" in told
    assert "  removed since it was approved: 1 (q3)\n" in done.out
    assert "- removed since it was approved: 1, `q3`\n" in files[0].read_text()
    assert "removed since it was approved: 1 (q3)" in page
    assert '<property name="gate: removed since it was approved" value="1 (q3)"/>' in files[2].read_text()
    advice = "approve it: promptvc baseline approve desk/route"
    assert all(advice in told for told in (done.out, files[0].read_text(), page))


def test_a_prompt_without_a_suite_gets_cases_that_are_said_to_be_generated(cli: Cli, desk: Repo) -> None:
    desk.commit({SUITE: None}, "None")
    done = cli.json("evaluate", DESK, codes=(0, 1))
    assert any("cases were generated" in remark for remark in done["remarks"])
    assert "no evidence" in cli.fails(2, "evaluate", DESK, "--save")


def test_the_same_as_methods(desk: Repo, tmp_path: Path) -> None:
    desk.commit({SUITE: suite("{type: contains, value: alpha}", 6)}, "Six")
    with (
        Server(lambda request: answer("beta" if request.text.endswith("1") else "alpha")) as server,
        promptvc.open(desk.path, environ={**desk.environ, **server.environ()}) as repository,
    ):
        asking: dict[str, Any] = {"models": ("openai:one",), "repeat": 1}
        (before,) = repository.estimate(DESK, **asking)
        assert (before.calls, server.count) == (6, 0)
        (whole,) = repository.evaluate_all(DESK, **asking)
        assert (whole.report.totals.passed, whole.failing) == (5, ("q1",))
        parts = [tmp_path / f"{number}.jsonl" for number in (1, 2)]
        for number, part in enumerate(parts, 1):
            shard = repository.evaluate(DESK, **asking, shard=f"{number}/2")
            part.write_text("".join(lines(shard.report)))
        assert repository.merge(*parts)[0].report.totals.score == whole.report.totals.score
        saved = repository.evaluate(DESK, **asking, save=True)
        assert saved.evidence is not None
        assert repository.approve_baseline(DESK, reason="good enough").changed
        assert repository.evaluate(DESK, **asking, gate=True).good
        assert [each.measured is not None for each in repository.trend(DESK).points] == [True]
        assert len(repository.propose_cases(DESK).cases) == 60
