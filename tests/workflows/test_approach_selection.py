"""Which approach a training takes, how its bounds end it, several models, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.servers import Reply, Request, Server, failure
from tests.workflows.shop import (
    MAIL,
    MODEL,
    OPTIMIZER,
    complaints,
    fed,
    letters,
    mail_suite,
    mailbox,
    row,
    shop,
)
from tests.worlds import DESK, desk_files, desk_rows

Rows = list[dict[str, Any]]
META = ("--approach", "meta_prompt", "--optimizer", "offline")


def desk_rows_of(count: int = 6) -> Rows:
    return [json.loads(line) for line in desk_rows(count).splitlines()]


def desk_events(kind: str, count: int, **more: object) -> Rows:
    """Events of the desk that are no corrections."""
    return [
        {
            "time": f"2026-01-20T{at:02d}:00:00Z",
            "prompt": DESK,
            "kind": kind,
            "source": "human",
            "user": f"u{at}",
            **more,
        }
        for at in range(count)
    ]


ERRORS = desk_events("error", 10, error={"type": "ValueError", "message": "no label in the answer"})
LOW = desk_events("rating", 10, rating=0.1, output="beta")
SUGGESTIONS = desk_events("suggestion", 5, comment="answer in English")


@pytest.mark.parametrize(
    ("rows", "approach", "why"),
    [
        (desk_rows_of() + ERRORS, "adversarial", "36% of 28 calls failed"),
        (desk_rows_of() + LOW, "reinforcement", "the mean of 10 ratings is 0.10"),
        (desk_rows_of() + SUGGESTIONS, "meta_prompt", "there are 5 suggestions"),
        (desk_rows_of() + SUGGESTIONS[:2] + ERRORS[:4], "few_shot", "nothing calls for another one"),
        (desk_rows_of() + SUGGESTIONS[:4] + ERRORS[:7], "adversarial", "28% of 25 calls failed"),
        (desk_rows_of() + SUGGESTIONS[:3] + ERRORS[:4], "meta_prompt", "there are 3 suggestions"),
        (desk_rows_of() + ERRORS + LOW + SUGGESTIONS, "reinforcement", "the mean of 10 ratings is 0.10"),
    ],
    ids=[
        "errors",
        "ratings",
        "suggestions",
        "nothing",
        "as-errors-would-fire",
        "as-suggestions-would-fire",
        "errors-are-26-percent",
    ],
)
def test_auto_takes_what_the_feedback_calls_for(
    repo: Repo, tmp_path: Path, rows: Rows, approach: str, why: str
) -> None:
    repo.commit(desk_files())
    cli = fed(repo, tmp_path, rows)
    done = cli.json("train", DESK, "--dry-run")
    assert done["chosen"].split(";")[0] == why
    later = f"{approach} found nothing better" in done["chosen"]
    assert later or done["approach"] == approach


@pytest.mark.parametrize(
    ("rows", "trigger", "approach"),
    [
        (desk_rows_of() + ERRORS[:7], "errors", "adversarial"),
        (desk_rows_of() + desk_events("rating", 10, rating=0.55, output="beta"), "ratings", "reinforcement"),
        (desk_rows_of() + SUGGESTIONS[:4], "suggestions", "meta_prompt"),
        (desk_rows_of(17), "volume", "few_shot"),
    ],
)
def test_a_trigger_decides_where_the_feedback_does_not(
    repo: Repo, tmp_path: Path, rows: Rows, trigger: str, approach: str
) -> None:
    """Each kind of feedback is above the bar that makes training due, and not at the bar of `auto`."""
    repo.commit(desk_files())
    cli = fed(repo, tmp_path, rows)
    (done,) = cli.json("train", "--due")["trained"]
    assert done["chosen"].startswith(f"it is due by {trigger}")
    (history,) = cli.json("train", DESK, "--history")
    assert history["trigger"] == trigger
    later = f"{approach} found nothing better" in history["chosen"]
    assert later or history["approach"] == approach


def test_an_approach_that_lacks_data_gives_way_and_says_why(repo: Repo, tmp_path: Path) -> None:
    """Errors call for adversarial, which needs ten inputs."""
    repo.commit(desk_files())
    cli = fed(repo, tmp_path, desk_rows_of(3) + ERRORS)
    done = cli.json("train", DESK, "--dry-run")
    assert "adversarial was wanted, as 53% of 19 calls failed, but it needs 10" in done["chosen"]
    assert done["approach"] != "adversarial"


def test_only_enabled_approaches_are_taken(repo: Repo, tmp_path: Path) -> None:
    files = desk_files(**{"promptvc.yaml": "training: {approaches: [few_shot, meta_prompt]}\n"})
    repo.commit(files)
    cli = fed(repo, tmp_path, desk_rows_of() + LOW)
    done = cli.json("train", DESK, "--dry-run")
    assert done["approach"] in {"few_shot", "meta_prompt"}
    assert "but it is not enabled" in done["chosen"]
    every = cli.json("train", DESK, "--approach", "all", "--dry-run")
    assert "few_shot and meta_prompt raced" in every["chosen"]
    assert "adversarial" not in every["chosen"]
    named = cli.json("train", DESK, "--approach", "reinforcement", "--dry-run")
    assert named["chosen"] == "as asked"


def test_all_races_them_and_the_best_one_leaves(desk: Repo, tmp_path: Path) -> None:
    cli = fed(desk, tmp_path, desk_events("suggestion", 5, comment="answer in English"))
    done = cli.json("train", DESK, "--approach", "all")
    assert done["promoted"]
    (history,) = cli.json("train", DESK, "--history")
    assert "raced" in history["chosen"]
    assert len({one["approach"] for one in history["tried"]}) > 1
    assert done["approach"] in {"few_shot", "reinforcement"}


@pytest.mark.parametrize(
    ("bound", "stopped"),
    [
        (("--max-calls", "292"), "292 calls"),
        (("--max-tokens", "4500"), "4,500 tokens"),
        (("--max-cost", "0.045"), "$0.045"),
    ],
    ids=["calls", "tokens", "cost"],
)
def test_a_bound_ends_the_search_and_the_look_is_kept_free(
    repo: Repo, tmp_path: Path, bound: tuple[str, str], stopped: str
) -> None:
    """An answer is 15 tokens and costs 0.00015; the baseline takes 60 answers and the look 192.

    So each bound is reached in the middle of the race.
    """
    settings = (
        "evaluation: {success: 0.5}\ntraining: {variants: 2, batch: 5}\n"
        f'models: {{prices: {{"{MODEL}": {{input: 10, output: 10}}}}}}\n'
    )
    suite = mail_suite(20, 32)
    cli = mailbox(repo, tmp_path, complaints(), suite, **{"promptvc.yaml": settings})
    with Server(shop) as server:
        done = cli.json("train", MAIL, *META, *bound, more=server.environ())
        assert server.count == done["calls"]
        before = [request.text for request in server.requests]
        assert cli.json("verify", f"{MAIL}@v2", more=server.environ())["same"] is True
    (history,) = cli.json("train", MAIL, "--history")
    held = set(letters(32, "test"))
    assert (done["verdict"], done["promoted"]) == ("improvement", True), "what was found until then stands"
    assert sum(text in held for text in before) == 192
    assert done["stopped"] == history["stopped"]
    assert done["stopped"].startswith(stopped)
    most = {"--max-calls": done["calls"], "--max-tokens": done["calls"] * 15, "--max-cost": done["cost"]}
    assert most[bound[0]] <= float(bound[1])


def test_no_time_at_all_ends_before_anything_is_proposed(repo: Repo, tmp_path: Path) -> None:
    cli = mailbox(repo, tmp_path, complaints())
    with Server(shop) as server:
        done = cli("train", MAIL, *META, "--max-time", "0.000001", **server.environ())
        assert (done.code, server.count) == (0, 0)
    (history,) = cli.json("train", MAIL, "--history")
    assert (history["candidate"], history["promoted"]) == (None, False)
    assert "the bounds leave no room for the baseline" in history["reason"]


def test_two_models_together_and_each(repo: Repo, tmp_path: Path) -> None:
    cli = mailbox(repo, tmp_path, complaints(), mail_suite(15, 30))
    both = ("--models", f"{MODEL},openai:other")
    with Server(shop) as server:
        joint = cli.json("train", MAIL, *META, *both, more=server.environ())
        assert {request.body["model"] for request in server.requests} == {"answerer", "other"}
        each = cli.json("train", MAIL, *META, *both, "--each", more=server.environ())
        made = {one["candidate"] for one in (joint, *each)}
        for number in sorted(made):
            assert cli.json("verify", f"{MAIL}@v{number}", more=server.environ())["same"] is True
    assert joint["promoted"]
    assert [one["verdict"] for one in each] == ["improvement", "improvement"]
    # Other models give the same candidate another chance: each is a look of its own.
    assert [one["look"] for one in (joint, *each)] == [1, 2, 3]
    models = [one["model"] for one in cli.json("train", MAIL, "--history")]
    assert sorted(models) == sorted([f"{MODEL},openai:other", MODEL, "openai:other"])


def test_an_unknown_approach_is_refused_before_anything_begins(repo: Repo, tmp_path: Path) -> None:
    cli = mailbox(repo, tmp_path, complaints())
    with Server(shop) as server:
        said = cli.fails(2, "train", MAIL, "--approach", "magic", **server.environ())
        assert server.count == 0
    assert "magic" in said
    assert "known: auto, all, adversarial, few_shot, meta_prompt, reinforcement" in said
    assert repo.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_model_that_goes_down_while_it_trains_leaves_a_record(repo: Repo, tmp_path: Path) -> None:
    """Every answer fails from the first variant on."""

    def script(request: Request) -> Reply:
        system = str(request.body["messages"][0]["content"])
        return shop(request) if "euros" not in system else failure(401, "key withdrawn")

    cli = mailbox(repo, tmp_path, complaints())
    with Server(script) as server:
        said = cli.fails(3, "train", MAIL, *META, **server.environ())
    assert "key withdrawn" in said
    (history,) = cli.json("train", MAIL, "--history")
    assert history["reason"].startswith("failed: ")
    assert (history["candidate"], history["look"], history["cost"]) == (None, None, None)
    assert repo.git("for-each-ref", "refs/heads/promptvc/shop") == ""


def test_a_proposing_model_that_goes_down_is_done_without(repo: Repo, tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return failure(400, "no such model") if request.body["model"] == "optimizer" else shop(request)

    cli = mailbox(repo, tmp_path, complaints())
    with Server(script) as server:
        done = cli.json(
            "train", MAIL, "--approach", "meta_prompt", "--optimizer", OPTIMIZER, more=server.environ()
        )
    assert done["promoted"]
    (remark, *_) = done["remarks"]
    assert remark.startswith("openai:optimizer failed: ")
    assert "from then on rules are extracted from users' words" in remark


def test_rows_without_a_user_are_no_fault(repo: Repo, tmp_path: Path) -> None:
    """What nobody in particular says is one voice: no rule comes of it, and training says so."""
    rows = [{**row("suggestion", at, comment="give the amount in euros")} for at in range(12)]
    for one in rows:
        del one["user"]
    cli = mailbox(repo, tmp_path, rows)
    with Server(shop) as server:
        done = cli("train", MAIL, *META, **server.environ())
    assert done.code == 0, done
