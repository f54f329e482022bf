"""A training that time or a failing optimizer ended is verified too, and one whose settings were others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptvc.training.train import train as search
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Reply, Request, Server, answer, failure
from tests.workflows import shop
from tests.workflows.shop import MAIL, OPTIMIZER, complaints, mail_suite, mailbox
from tests.worlds import DESK, copy_of

LATE = 1e6
"""Seconds: beyond every bound."""


class Clock:
    """Stands still, and jumps when it was read so many times: a search reads it when it begins and before it asks."""

    def __init__(self, jumps: int | None = None) -> None:
        self.jumps, self.read = jumps, 0

    def __call__(self) -> float:
        self.read += 1
        return 0.0 if self.jumps is None or self.read < self.jumps else LATE


Setting = Callable[[Clock], Clock]


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Gives the search another clock."""

    def give(clock: Clock) -> Clock:
        defaults = search.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "clock", clock)
        return clock

    return give


def newest(repo: Repo, name: str = DESK) -> dict[str, Any]:
    row = cli_of(repo).json("train", name, "--history")[0]
    assert isinstance(row, dict)
    return row


def verified(repo: Repo, row: dict[str, Any], **more: str) -> dict[str, Any]:
    found = cli_of(repo).json("verify", row["id"], codes=(0, 1), more=more)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("approach", ["few_shot", "all"])
def test_wherever_time_stopped_it_the_same_comes_out(
    desk: Repo, tmp_path: Path, setting: Setting, approach: str
) -> None:
    arguments = ("train", DESK, "--approach", approach, "--draft")
    whole = copy_of(desk, tmp_path / "whole")
    readings = setting(Clock())
    cli_of(whole).ok(*arguments, "--max-time", "60")
    assert newest(whole)["stopped"] is None
    rounds = {one["round"] for one in newest(whole)["tried"]}
    assert len(rounds) > 1, "there is a later round to be stopped in"
    stops = sorted({3, 4, 7, 12, readings.read // 2, readings.read - 2, readings.read})
    for at in stops:
        setting(Clock(at))
        cli_of(desk).ok(*arguments, "--max-time", "60")
        row = newest(desk)
        assert "60 s" in (row["stopped"] or row["reason"]), at
        setting(Clock(2))  # a clock that has run out already tells a verification nothing
        assert verified(desk, row)["difference"] is None, (at, row["blocks"], row["reason"])


def test_a_training_without_time_for_anything_has_nothing_to_verify(desk: Repo, setting: Setting) -> None:
    setting(Clock(2))
    cli_of(desk).ok("train", DESK, "--max-time", "60")
    row = newest(desk)
    assert row["reason"] == "the bounds leave no room for the baseline: 60 s"
    assert "had no time to ask anything" in cli_of(desk).fails(2, "verify", row["id"])


def test_a_bound_of_time_from_the_settings_is_not_kept_again(desk: Repo, setting: Setting) -> None:
    desk.commit({"promptvc.yaml": "evaluation: {success: 0.5}\ntraining: {budget: {seconds: 60}}\n"})
    setting(Clock(8))
    cli_of(desk).ok("train", DESK, "--approach", "few_shot", "--draft")
    row = newest(desk)
    assert row["stopped"] == "60 s"
    setting(Clock(2))
    assert verified(desk, row)["same"] is True


def test_time_that_was_enough_is_enough_again(desk: Repo, setting: Setting) -> None:
    cli_of(desk).ok("train", DESK, "--approach", "few_shot", "--max-time", "600")
    setting(Clock(2))
    assert verified(desk, newest(desk))["same"] is True


class Failing:
    """The shop, whose optimizer proposes one rule at a time, so many times, and then never again."""

    def __init__(self, answers: int) -> None:
        self.left = answers

    def __call__(self, request: Request) -> Reply:
        if request.body["model"] != OPTIMIZER.partition(":")[2]:
            return shop.shop(request)
        self.left -= 1
        if self.left < 0:
            return failure(400, "it proposes no more")
        edits = json.loads(shop.edits_for(shop.feedback_in(request.text)))["edits"]
        return answer(json.dumps({"edits": edits[:1]}))


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_where_the_optimizer_failed_it_fails_again(repo: Repo, tmp_path: Path, answers: int) -> None:
    mailbox(repo, tmp_path, complaints(), mail_suite(20, 8))
    with Server(Failing(answers)) as server:
        more = server.environ()
        arguments = ("--approach", "meta_prompt", "--optimizer", OPTIMIZER, "--draft")
        cli_of(repo).json("train", MAIL, *arguments, more=more)
        row = newest(repo, MAIL)
        assert row["search"]["failed_after"] == answers
        asked = server.count
        assert verified(repo, row, OPENAI_API_BASE=server.url)["difference"] is None
        assert server.count == asked


def test_feedback_is_held_to_the_bars_of_then(desk: Repo) -> None:
    desk.commit({"promptvc.yaml": "evaluation: {success: 0.5}\nfeedback: {positive: 0.9, negative: 0.2}\n"})
    cli = cli_of(desk)
    cli.ok("train", DESK)
    row = newest(desk)
    desk.commit({"promptvc.yaml": "evaluation: {success: 0.5}\nfeedback: {positive: 0.6}\n"}, "Other bars")
    assert verified(desk, row)["same"] is True
    told = cli.json("reproduce", row["id"])
    assert (told["settings"], told["feedback"]) == ({}, {"positive": 0.9, "negative": 0.2})
    assert 'with feedback: {"negative": 0.2, "positive": 0.9}' in cli.ok("reproduce", row["id"])


def test_what_was_in_quarantine_then_still_is(desk: Repo) -> None:
    held = f"evaluation/{DESK}.quarantine.yaml"
    rows = "".join(f"- case: beta-{at}\n  reason: disputed\n  until: 2100-01-01\n" for at in range(15))
    desk.commit({held: rows}, "Set beta aside")
    cli = cli_of(desk)
    assert cli.json("train", DESK)["score"]["n"] == 30
    row = newest(desk)
    desk.commit({held: rows.replace("2100", "2020")}, "It ended")
    assert verified(desk, row)["same"] is True
