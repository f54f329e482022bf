"""What `train` prints where it trains more than once: which prompt and which model each part is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.errors import Interrupted, StorageError
from promptvc.training.trained import Failed, Trained, TrainRequest
from promptvc.workflows import improve
from promptvc.workflows.project import open_project
from promptvc.workflows.train_each import exit_code, train_each
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Server, answer, failure
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


EACH = ("train", DESK, "--models", "openai:two,offline,openai:two-b", "--each")


def test_one_model_that_fails_keeps_no_other_and_everything_is_said(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    told = tmp_path / "told.json"
    with Server(lambda _: failure(404, "no such model")) as server:
        done = cli(*EACH, "--report", str(told), **server.environ())
        assert done.code == 3
        heads = [line for line in done.out.splitlines() if line.startswith((f"{DESK} for ", "failed: "))]
        assert [head.partition(":")[0] for head in heads] == [
            f"{DESK} for openai",
            "failed",
            f"{DESK} for offline",
            f"{DESK} for openai",
            "failed",
        ]
        assert f"committed: {DESK} v2 on promptvc/{DESK}/v2" in done.out
        values = cli(*EACH, "--json", **server.environ())
    assert values.code == 3
    first, second, third = values.json
    assert (first["models"], first["error"]["kind"]) == (["openai:two"], "provider")
    assert (second["models"], second["name"]) == (["offline"], DESK)
    assert third["models"] == ["openai:two-b"]
    assert [place.name for place in tmp_path.glob("told*")] == ["told-offline.json"]


def test_what_ends_them_all_comes_after_what_was_committed(desk: Repo) -> None:
    """The second training cannot write: it is told of after the first, which has committed."""
    trained: list[str] = []
    cli = cli_of(desk)
    with open_project(desk.path, environ=desk.environ, clock=utc_now) as project:

        def train(name: str, request: TrainRequest) -> Trained:
            trained.extend(request.models)
            if request.models == ("two",):
                raise StorageError("disk full")
            return improve.train(project, name, request)

        requests = [TrainRequest(models=(model,)) for model in ("offline", "two", "three")]
        first, second = train_each(project, DESK, requests, train)
        assert trained == ["offline", "two"]
        assert isinstance(first, Trained)
        assert first.branch == f"promptvc/{DESK}/v2"
        assert isinstance(second, Failed)
        assert exit_code((first, second)) == 3
        assert exit_code((first, replace(second, error=Interrupted("interrupted")))) == 130
        with pytest.raises(StorageError):
            list(train_each(project, DESK, requests[1:], train))
    assert "main has no prompt" in cli.fails(2, "train", "desk/nobody", *MODELS, "--each")


@pytest.mark.parametrize("given", ["openai:one", "openai:one,openai:one", ","])
def test_each_takes_two_different_models(desk: Repo, given: str) -> None:
    assert "--models" in cli_of(desk).fails(2, "train", DESK, "--models", given, "--each")


def test_due_names_the_prompt_and_its_trigger(desk: Repo) -> None:
    printed = cli_of(desk).ok("train", "--due", "--dry-run")
    assert printed.splitlines()[0] == f"{DESK} was due, by volume:"
