"""What `train` prints where it trains more than once: which prompt and which model each part is about."""

from __future__ import annotations

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Server, answer
from tests.worlds import DESK

MODELS = ("--models", "openai:one, openai:two,openai:one")


def test_each_model_is_named_once_above_what_came_of_it(desk: Repo) -> None:
    cli = cli_of(desk)
    with Server(lambda request: answer("alpha")) as server:
        command = ("train", DESK, "--approach", "few_shot", "--dry-run", *MODELS)
        printed = cli.ok(*command, "--each", **server.environ())
        together = cli.ok(*command, **server.environ())
    heads = [line for line in printed.splitlines() if line.startswith(f"{DESK} for ")]
    assert heads == [f"{DESK} for openai:one:", f"{DESK} for openai:two:"]
    assert printed.count("dry run, ") == 2
    assert f"{DESK} for " not in together
    assert together.count("dry run, ") == 1


@pytest.mark.parametrize("given", ["openai:one", "openai:one,openai:one", ","])
def test_each_takes_two_different_models(desk: Repo, given: str) -> None:
    assert "--models" in cli_of(desk).fails(2, "train", DESK, "--models", given, "--each")


def test_due_names_the_prompt_and_its_trigger(desk: Repo) -> None:
    printed = cli_of(desk).ok("train", "--due", "--dry-run")
    assert printed.splitlines()[0] == f"{DESK} was due, by volume:"
