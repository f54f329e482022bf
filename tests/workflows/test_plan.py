"""`evaluate --plan` and `--offline`: what would be evaluated, told without a key; and what takes one, left out."""

from __future__ import annotations

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

NEW = "desk/reply"
SINCE = ("--changed-since", "main~1", "--baseline", "main~1")


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit({"promptvc.yaml": "", DESK_FILE: DESK_PROMPT, f"evaluation/{DESK}.yaml": desk_suite(4)})
    repo.commit(
        {
            DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2").replace("only", "alone"),
            f"prompts/{NEW}.yaml": DESK_PROMPT.replace(DESK, NEW).replace("offline", "openai:gpt"),
            f"evaluation/{NEW}.yaml": desk_suite(2),
        }
    )
    return cli_of(repo)


def test_a_plan_takes_no_key_and_knows_what_is_new(cli: Cli) -> None:
    new, known = cli.json("evaluate", *SINCE, "--plan")["prompts"]
    assert new == {
        "name": NEW,
        "models": ["openai:gpt"],
        "providers": ["openai:gpt"],
        "cases": 6,
        "answers": 18,
        "baseline": False,
        "code": False,
        "left_out": None,
    }
    assert (known["name"], known["providers"], known["answers"], known["baseline"]) == (DESK, [], 24, True)


def test_offline_leaves_out_what_asks_a_provider_and_says_so(cli: Cli) -> None:
    done = cli("evaluate", *SINCE, "--offline", "--json")
    assert done.code == 0, done
    assert (done.json["name"], done.json["comparison"]["difference"]) == (DESK, 0)
    assert f"left out: {NEW} asks openai:gpt" in done.err
    left = {
        one["name"]: one["left_out"] for one in cli.json("evaluate", *SINCE, "--offline", "--plan")["prompts"]
    }
    assert left == {NEW: f"{NEW} asks openai:gpt", DESK: None}


def test_a_judge_is_a_provider_and_code_takes_leave(cli: Cli, repo: Repo) -> None:
    case = "cases: [{id: one, vars: {question: why}, assert: [{type: ASSERTION, value: 'True'}]}]\n"
    repo.write({"promptvc.yaml": "evaluation: {judge: openai:judge}\n"})
    repo.write({f"evaluation/{DESK}.yaml": case.replace("ASSERTION", "llm-rubric")})
    (one,) = cli.json("evaluate", DESK, "--plan", "--offline")["prompts"]
    assert (one["providers"], one["left_out"]) == (["openai:judge"], f"{DESK} asks openai:judge")
    repo.write({f"evaluation/{DESK}.yaml": case.replace("ASSERTION", "python")})
    (one,) = cli.json("evaluate", DESK, "--plan", "--offline")["prompts"]
    assert (one["providers"], one["left_out"]) == ([], f"the suite of {DESK} runs code")
    (one,) = cli.json("evaluate", DESK, "--plan", "--offline", "--allow-code")["prompts"]
    assert one["left_out"] is None


def test_a_baseline_that_does_not_exist_is_an_error_for_changed_prompts_too(cli: Cli) -> None:
    cli.fails(2, "evaluate", "--changed-since", "main~1", "--baseline", "nosuch", "--offline")
