"""`evaluate` when not everything goes well: one model of several, a judge on the way, a shard without cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer, failure
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

SUITE = f"evaluation/{DESK}.yaml"
ONCE = ("--repeat", "1")


def suite(assertions: str, count: int = 6) -> str:
    cases = "".join(f"  - {{id: q{at}, vars: {{question: question {at}}}}}\n" for at in range(count))
    return f"default:\n  assert: [{assertions}]\ncases:\n{cases}"


@pytest.fixture
def cli(desk: Repo) -> Cli:
    desk.write({SUITE: suite("{type: contains, value: alpha}")})
    return cli_of(desk)


@pytest.mark.parametrize("status", [400, 401])
def test_a_model_that_fails_does_not_cost_the_others_results(cli: Cli, status: int, tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return failure(status, "no such thing") if request.body["model"] == "bad" else answer("alpha")

    models = ("--model", "openai:one", "--model", "openai:bad", "--model", "openai:two", *ONCE)
    with Server(script) as server:
        done = cli("evaluate", DESK, *models, "-o", str(tmp_path / "out.jsonl"), **server.environ())
    assert "desk/route v1 on openai:one: score 1.000" in done.out
    assert "desk/route v1 on openai:two: score 1.000" in done.out
    assert "openai:bad" in done.err
    assert (done.code, len(list(tmp_path.glob("out*.jsonl")))) == (3, 3 if status == 400 else 2)


def test_when_nothing_has_a_score_the_report_is_written_all_the_same(cli: Cli, tmp_path: Path) -> None:
    with Server(lambda _: failure(400, "no")) as server:
        said = cli.fails(
            3,
            "evaluate",
            DESK,
            "--model",
            "openai:one",
            *ONCE,
            "-o",
            str(tmp_path / "r.xml"),
            **server.environ(),
        )
    assert "no case of desk/route has a score on openai:one" in said
    assert (tmp_path / "r.xml").read_text().count("<error") == 6


def test_each_version_is_asked_on_its_own_model(cli: Cli, desk: Repo) -> None:
    desk.write({DESK_FILE: DESK_PROMPT.replace("model: offline", "model: openai:one")})
    desk.git("commit", "-qam", "One")
    two = DESK_PROMPT.replace("version: 1", "version: 2").replace("model: offline", "model: openai:two")
    desk.commit({DESK_FILE: two.replace("only", "alone")}, "Two")
    with Server(lambda _: answer("alpha")) as server:
        more = server.environ()
        first = desk.rev("HEAD~1")
        found = cli.json("evaluate", f"{DESK}@{first}", f"{DESK}@v2", *ONCE, more=more)["evaluations"]
        assert [one["model"] for one in found] == ["openai:one", "openai:two"]
        server.requests.clear()
        compared = cli.json("evaluate", f"{DESK}@v2", "--baseline", first, *ONCE, "--fresh", more=more)
        assert {request.body["model"] for request in server.requests} == {"two"}
        assert any("names openai:one; both sides" in remark for remark in compared["remarks"])


def test_a_shard_without_cases_is_no_failure(cli: Cli, tmp_path: Path) -> None:
    files = [str(tmp_path / f"{number}.jsonl") for number in range(1, 10)]
    with Server(lambda _: answer("alpha")) as server:
        found = [
            cli.json(
                "evaluate", DESK, "--model", "openai:one", *ONCE, "--shard", f"{n}/9", "-o", file,
                more=server.environ(),
            )["cases"]
            for n, file in enumerate(files, 1)
        ]  # fmt: skip
        assert 0 in found
        assert sum(found) == 6
        assert cli.json("evaluate", "merge", *files)["passed"] == 6


def test_measures_are_taken_of_cases_that_have_failed_too(cli: Cli, desk: Repo) -> None:
    """A guard over the good answers only would hold where quality fell."""
    judged = "{type: llm-rubric, value: is kind, metric: tone}, {type: llm-rubric, value: is short}"
    desk.write({SUITE: suite("{type: contains, value: alpha}, " + judged)})

    def script(request: Request) -> Reply:
        if request.body["model"] == "judge":
            return answer(json.dumps({"reason": "kind", "pass": True, "score": 1.0}))
        return answer("alpha" if request.text.endswith(("0", "1")) else "beta")

    with Server(script) as server:
        asking = ("evaluate", DESK, "--model", "openai:one", *ONCE, "--judge", "openai:judge")
        done = cli.json(*asking, more=server.environ(), codes=(0, 1))
        judgements = sum(request.body["model"] == "judge" for request in server.requests)
    assert done["metrics"] == {"tone": 1.0}
    assert judgements == 6 + 2, (
        "what measures is asked of all six, what only decides of the two that can still pass"
    )
    assert done["score"] == pytest.approx((2 * 1.0 + 4 * (1 / 3)) / 6)


def test_a_budget_that_ends_among_judges_says_so_and_loses_nothing(cli: Cli, desk: Repo) -> None:
    desk.write({SUITE: suite("{type: llm-rubric, value: is kind}")})

    def script(request: Request) -> Reply:
        if request.body["model"] == "judge":
            return answer(json.dumps({"reason": "kind", "pass": True, "score": 1.0}))
        return answer(request.text)

    with Server(script) as server:
        asking = (
            "evaluate",
            DESK,
            "--model",
            "openai:one",
            *ONCE,
            "--judge",
            "openai:judge",
            "--concurrency",
            "2",
        )
        said = cli.fails(3, *asking, "--max-calls", "9", **server.environ())
        assert "9 calls that are allowed are used up" in said
        assert "--max-calls 0" not in said
        assert server.count == 9
        done = cli.json(*asking, more=server.environ())
        assert (done["passed"], server.count) == (6, 12)


def test_an_unfinished_fresh_run_is_gone_on_with_and_says_so(cli: Cli) -> None:
    with Server(lambda _: answer("alpha")) as server:
        asking = ("evaluate", DESK, "--model", "openai:one", *ONCE, "--fresh")
        more = server.environ()
        cli.fails(3, *asking, "--max-calls", "4", **more)
        # Another judge or other cases are another run: that one starts anew.
        cli.json(*asking, "--case", "q1", more=more)
        assert server.count == 5
        done = cli.json(*asking, more=more)
        assert server.count < 5 + 6
        assert any(remark.startswith("resumed the fresh run that began ") for remark in done["remarks"])
        again = cli.json(*asking, more=more)
        assert not any(remark.startswith("resumed") for remark in again["remarks"])


def test_qualities_that_cannot_be_judged_are_told(cli: Cli) -> None:
    with Server(lambda request: answer("no JSON" if request.body["model"] == "judge" else "alpha")) as server:
        done = cli.json(
            "evaluate", DESK, "--model", "openai:one", *ONCE, "--qualities", "--judge", "openai:judge",
            more=server.environ(),
        )  # fmt: skip
    assert done["qualities"] == {}
    assert any("18 qualities of answers could not be judged" in remark for remark in done["remarks"])


def test_a_bound_that_is_none_is_refused(cli: Cli) -> None:
    assert "is no bound on time" in cli.fails(2, "evaluate", DESK, "--max-time", "nan")
    assert "is no bound on cost" in cli.fails(2, "evaluate", DESK, "--max-cost", "inf")


@pytest.mark.parametrize("file", [f"{SUITE[:-5]}.quarantine.yaml", f"evaluation/baselines/{DESK}.yaml"])
def test_a_broken_file_beside_the_suite_is_found_before_anything_is_asked(
    cli: Cli, desk: Repo, file: str
) -> None:
    desk.write({file: "- {case: q1\n"})
    with Server(lambda _: answer("alpha")) as server:
        more = server.environ()
        said = cli.fails(
            2, "evaluate", DESK, "--model", "openai:one", *ONCE, *(["--gate"] * ("baselines" in file)), **more
        )
        assert said.startswith(f"error: {file}:")
        assert server.count == 0
