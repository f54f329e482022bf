"""`route`, over a small desk with ways and ratings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.analysis.routing.techniques import ROLE, STEPS
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.workflows.prompt_shelf import prompt, record
from tests.worlds import copy_of

LETTER = "reply to a letter about a parcel"
TRAVEL = "reply to a letter about travel"
SETTINGS = """\
learning: {min_samples: 20}
routing:
  routes:
    - {prompt: mail/reply, framework: plain, model: m1, confidence: 0.6}
    - {prompt: mail/reply, framework: plain, model: m2, confidence: 0.55, techniques: [role]}
    - {prompt: billing/refund, model: m1, confidence: 0.95}
"""
PAIR = """\
name: mail/pair
version: 1
description: Put two letters together.
messages:
  - {role: user, content: "{{ one }} and {{ two }}"}
"""
BARE = """\
name: mail/bare
version: 1
model: openai:m9
messages:
  - {role: system, content: Write an elegy.}
"""


def ratings() -> Iterator[dict[str, Any]]:
    """Of the last week m1 is poor and m2 good, but for travel; m1 was good before that. Role and steps help m2."""

    def rated(day: int, number: int, good: bool, model: str, **more: Any) -> dict[str, Any]:
        return {
            "time": f"2026-03-{day:02d}T{10 + number // 60:02d}:{number % 60:02d}:00Z",
            "prompt": "mail/reply",
            "version": 1,
            "kind": "rating",
            "source": "human",
            "thumbs": "up" if good else "down",
            **more,
            "context": {"framework": "plain", "model": model, **more.get("context", {})},
        }

    for number in range(20):
        yield rated(1, number, good=True, model="m1")
        yield rated(18, number, good=number < 8, model="m1")
        yield rated(19, number, good=number < 18, model="m2")
        steps = {"technique": "chain_of_thought"}
        yield rated(19, 60 + number, good=True, model="m2", context=steps)
    for number in range(6):
        yield rated(20, number, good=False, model="m2", tags=["travel"], context={"technique": "role"})
        yield rated(20, 30 + number, good=True, model="m1", tags=["travel"])
    yield rated(20, 59, good=False, model="m2", source="llm_judge")


@pytest.fixture(scope="module")
def post_template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    folder = tmp_path_factory.mktemp("post")
    repo = Repo.create(folder / "post", isolated_environ(home))
    repo.commit(
        {
            ".gitignore": ".promptvc/\n",
            "promptvc.yaml": SETTINGS,
            "prompts/mail/reply.yaml": prompt("mail/reply", "Reply politely to a letter."),
            "prompts/mail/pair.yaml": PAIR,
            "prompts/mail/bare.yaml": BARE,
            "prompts/billing/refund.yaml": prompt("billing/refund", "Refund a charge to a card."),
        }
    )
    record(cli_of(repo), folder, list(ratings()))
    return repo


@pytest.fixture
def post(post_template: Repo, tmp_path: Path) -> Repo:
    return copy_of(post_template, tmp_path / "post")


def set_routing(repo: Repo, text: str) -> Cli:
    repo.write({"promptvc.yaml": text})
    return cli_of(repo)


def test_route_chooses_and_explains(post: Repo) -> None:
    cli = cli_of(post)
    told = cli.json("route", LETTER)
    assert (told["prompt"], told["framework"], told["model"]) == ("mail/reply", "plain", "m2")
    assert (told["how"], told["tag"], told["propensity"], told["recorded"]) == ("rule", None, 1.0, None)
    assert (told["since"], told["until"]) == ("2026-03-14T00:00:00Z", "2026-03-21T00:00:00Z")
    first, second, third = told["candidates"]
    assert first["ratings"] == {"positive": 38, "rated": 46, "success": 38 / 46}
    assert (first["change"], told["confidence"]) == ("raised", 0.605)
    assert (second["model"], second["change"], second["ratings"]["rated"]) == ("m1", "kept", 26)
    assert (third["prompt"], third["change"], third["list"]) == ("billing/refund", "too_few", [])
    assert first["score"] == pytest.approx(first["similarity"] * 0.605, abs=1e-5)
    # Every figure leads to its events.
    for one in (first, second):
        words = one["list"][0].split()
        assert words[:3] == ["promptvc", "feedback", "list"]
        found = cli.json("feedback", *words[2:])
        assert len(found) == one["ratings"]["rated"]
        assert sum(event["thumbs"] == "up" for event in found) == one["ratings"]["positive"]
    # The way's own technique, and the one that ratings speak for.
    assert told["techniques"] == ["role", "chain_of_thought"]
    system, user = told["enhanced_prompt"]
    assert system == {"role": "system", "content": f"{ROLE}\n\nReply politely to a letter.\n\n{STEPS}"}
    assert user == {"role": "user", "content": LETTER}
    assert (
        "chain_of_thought: 20 of 20 ratings with chain_of_thought are good, 18 of 26 without"
        in told["reasoning"]
    )
    assert told["reasoning"][-1] == f"see: {first['list'][0]}"
    text = cli.ok("route", LETTER)
    assert text.startswith("prompt: mail/reply@v1\nframework: plain\nmodel: m2\nconfidence: 0.60\n")
    assert "not taken:\n  mail/reply plain m1  0." in text
    assert text.endswith(f"[user]\n{LETTER}\n")
    assert cli.json("route", LETTER) == told


def test_the_window_the_class_and_too_little_data(post: Repo) -> None:
    cli = cli_of(post)
    early = cli.json("route", LETTER, "--as-of", "2026-03-02")
    assert (early["model"], early["confidence"]) == ("m1", 0.66)  # all 20 were good by then
    assert early["candidates"][1]["change"] == "too_few"
    many = cli.json("route", LETTER, "--min-samples", "100")
    assert (many["how"], many["model"], many["confidence"], many["techniques"]) == (
        "configured",
        "m1",
        0.6,
        [],
    )
    assert many["reasoning"][-2] == "the routing is as configured: no way has 100 rated events in the window"
    long = cli.json("route", LETTER, "--days", "30")
    assert long["candidates"][1]["ratings"]["rated"] == 46
    # A rated tag whose words the task has, or one that is named.
    for told in (cli.json("route", TRAVEL), cli.json("route", LETTER, "--tag", "travel")):
        assert (told["tag"], told["model"]) == ("travel", "m1")
        assert told["candidates"][0]["alike"] == {"positive": 6, "rated": 6, "success": 1.0}
        assert "6 of 6 ratings of tasks tagged travel are good" in told["reasoning"][1]
        words = told["candidates"][0]["list"][1].split()
        assert len(cli.json("feedback", *words[2:])) == 6
    assert cli.json("route", TRAVEL, "--min-samples", "13")["tag"] is None  # 12 are tagged
    off = cli.json("route", LETTER, more={"PROMPTVC_LEARNING_ENABLED": "0"})
    assert (off["how"], off["model"], off["confidence"], off["techniques"]) == ("configured", "m1", 0.6, [])
    assert "learning is off" in off["reasoning"][1]
    cli = set_routing(
        post, "learning: {min_samples: 20}\nrouting: {routes: [{prompt: mail/reply, model: m2}]}\n"
    )
    assert cli.json("route", LETTER)["techniques"] == ["chain_of_thought"]
    assert cli.json("route", LETTER, more={"PROMPTVC_LEARNING_ENABLED": "0"})["techniques"] == []


def test_exploring_is_the_seeds(post: Repo) -> None:
    cli = set_routing(post, SETTINGS.replace("routing:\n", "routing:\n  explore: true\n"))
    told = cli.json("route", LETTER, "--seed", "7")
    assert (told["how"], told["seed"]) == ("thompson", 7)
    assert cli.json("route", LETTER, "--seed", "7") == told
    assert sum(one["propensity"] for one in told["candidates"]) == pytest.approx(1, abs=1e-5)
    assert all(0 < one["propensity"] < 1 for one in told["candidates"])
    assert all(0 < one["drawn"] < 1 for one in told["candidates"])
    usual = cli.json("route", LETTER)
    assert usual == cli.json("route", LETTER)
    other = cli.json("route", f"{LETTER} now")
    assert other["seed"] != usual["seed"]
    assert cli.json("route", LETTER, "--min-samples", "100")["how"] == "configured"


def test_without_ways_every_prompt_is_one(post: Repo) -> None:
    cli = set_routing(post, "")
    told = cli.json("route", "refund a charge")
    assert (told["prompt"], told["model"], told["framework"]) == ("billing/refund", "offline", None)
    assert (told["confidence"], told["how"]) == (0.5, "configured")
    done = cli("route", "zeppelin")
    assert (done.code, done.out) == (1, "no prompt shares a word with the task\n")
    assert cli.json("route", "zeppelin", codes=(1,)) == {"task": "zeppelin", "prompt": None}
    # Instructions without a place for the task are followed by it.
    bare = cli.json("route", "an elegy")
    assert [one["role"] for one in bare["enhanced_prompt"]] == ["system", "user"]
    assert (bare["model"], bare["enhanced_prompt"][1]["content"]) == ("openai:m9", "an elegy")


def test_the_task_is_the_one_value_that_is_left(post: Repo) -> None:
    cli = set_routing(post, "")
    error = cli.fails(2, "route", "letters together")
    assert "`mail/pair` takes values for `one`, `two`, and the task can be one of them only" in error
    done = cli.json("route", "letters together", "--var", "one=A")
    assert done["enhanced_prompt"] == [{"role": "user", "content": "A and letters together"}]
    both = cli.json("route", "letters together", "--var", "one=A", "--var", "two=B")
    assert both["enhanced_prompt"][0]["content"] == "A and B"
    assert "has no variable `three`" in cli.fails(
        2, "route", "letters together", "--var", "one=A", "--var", "three=B"
    )


def test_a_task_is_never_a_template(post: Repo) -> None:
    task = "reply to a letter {{ rules }} \x1b[31m"
    told = cli_of(post).json("route", task)
    assert told["enhanced_prompt"][-1]["content"] == task
    assert "\x1b[31m" not in cli_of(post).process("route", task, more={"PROMPTVC_FORCE_TTY": "100"}).out


def test_bad_input(post: Repo) -> None:
    cli = cli_of(post)
    assert "the task is empty" in cli.fails(2, "route", "  ")
    assert "not a time" in cli.fails(2, "route", LETTER, "--as-of", "soon")
    assert "--var takes K=V" in cli.fails(2, "route", LETTER, "--var", "x")
    assert "--session is for --record" in cli.fails(2, "route", LETTER, "--session", "s")
    cli = set_routing(post, "routing: {routes: [{prompt: nobody}]}\n")
    assert "`routing.routes` names the prompt nobody, which HEAD has not" in cli.fails(2, "route", LETTER)


def test_a_recorded_choice_is_one_to_learn_from(post: Repo) -> None:
    cli = cli_of(post)
    task = f"{LETTER}, to ada@example.org"
    done = cli("route", task, "--record", "--session", "s1", "--json")
    told = json.loads(done.out)
    assert done.err == f"recorded {told['recorded']}\n"
    (event,) = cli.json("feedback", "list", "mail/reply", "--kind", "selection", "--spooled")
    assert event["id"] == told["recorded"]
    assert (event["source"], event["session"], event["selected"]) == ("code", "s1", "mail/reply")
    assert event["options"] == [
        {"confidence": 0.95, "name": "billing/refund"},
        {"confidence": 0.605, "name": "mail/reply"},
    ]
    assert event["context"] == {
        "confidence": 0.605,
        "framework": "plain",
        "model": "m2",
        "technique": "role+chain_of_thought",
    }
    assert event["propensity"] == 1.0
    assert "ada@example.org" not in event["input"]
    cli.ok("feedback", "commit")
    assert not [one for one in cli.json("check", codes=(0, 1))["problems"] if "feedback" in str(one["file"])]
    found = cli.json("stats", "mail/reply")["prompts"][0]
    assert found["averages"]["context_match"] == 1.0


def test_what_a_person_took_is_a_choice_of_theirs(post: Repo) -> None:
    cli = cli_of(post)
    cli.json("route", LETTER, "--record", "--selected", "billing/refund")
    (event,) = cli.json("feedback", "list", "--kind", "selection", "--source", "human", "--spooled")
    assert (event["prompt"], event["selected"], "propensity" in event) == (
        "billing/refund",
        "billing/refund",
        False,
    )
    assert "was not among the ways" in cli.fails(2, "route", LETTER, "--record", "--selected", "mail/bare")
    assert "--selected is for --record" in cli.fails(2, "route", LETTER, "--selected", "mail/reply")
    cli.json("route", LETTER, "--record")
    cli.ok("feedback", "commit")
    # The router's own choice is none to learn from.
    assert "and 1 are committed" in cli.fails(2, "rank", "train")


def test_with_too_few_ratings_in_all_nothing_is_adapted(post: Repo) -> None:
    told = set_routing(post, SETTINGS.replace("min_samples: 20", "min_samples: 1000")).json("route", LETTER)
    assert (told["how"], told["model"], told["techniques"]) == ("configured", "m1", [])
    assert "of 1,000 rated events (learning.min_samples)" in told["reasoning"][1]


def test_without_ways_those_that_ratings_know_are_weighed(post: Repo) -> None:
    cli = set_routing(post, "learning: {min_samples: 20}\n")
    told = cli.json("route", LETTER)
    assert (told["prompt"], told["framework"], told["model"], told["techniques"]) == (
        "mail/reply",
        "plain",
        "m2",
        ["chain_of_thought"],
    )
    assert (told["how"], told["confidence"]) == ("rule", 0.55)
    assert "20 of 20 ratings are good" in told["reasoning"][1]
    ways = [(one["model"], one["techniques"]) for one in told["candidates"] if one["prompt"] == "mail/reply"]
    assert sorted(ways, key=str) == [
        ("m1", []),
        ("m2", ["chain_of_thought"]),
        ("m2", ["role"]),
        ("m2", []),
        (None, []),
    ]
    few = cli.json("route", LETTER, "--min-samples", "100")
    assert (few["model"], few["framework"], few["how"]) == ("offline", None, "configured")


def test_nothing_was_ever_rated(repo: Repo) -> None:
    repo.write({"prompts/mail/reply.yaml": prompt("mail/reply", "Reply to a letter.")})
    assert "nothing is committed yet" in cli_of(repo).fails(2, "route", LETTER)
    repo.commit(
        {".gitignore": ".promptvc/\n", "prompts/mail/reply.yaml": prompt("mail/reply", "Reply to a letter.")}
    )
    told = cli_of(repo).json("route", LETTER)
    assert (told["prompt"], told["since"], told["how"]) == ("mail/reply", None, "configured")


def test_python(post: Repo) -> None:
    with promptvc.open(post.path, environ=post.environ) as library:
        routed = library.route(LETTER, days=7)
        assert routed is not None
        assert routed.to_json() == cli_of(post).json("route", LETTER)
