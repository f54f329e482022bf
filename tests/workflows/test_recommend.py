"""`recommend`, `stats` and `rank`, over a committed shelf of prompts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import promptvc
from promptvc.base.clock import utc_now
from promptvc.workflows.indexed import committed
from promptvc.workflows.project import open_project
from promptvc.workflows.rank import _Texts
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.workflows.prompt_shelf import WORDS, choices, files, prompt, record, shelf
from tests.worlds import copy_of

TASKS = ("sonnet", "letter")
REFUND = "refund a charge on the customer's card"


@pytest.fixture(scope="module")
def odd_template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    folder = tmp_path_factory.mktemp("odd")
    repo = Repo.create(folder / "shelf", isolated_environ(home))
    shelf(repo, folder, odd=True)
    return repo


@pytest.fixture
def odd(odd_template: Repo, tmp_path: Path) -> Repo:
    return copy_of(odd_template, tmp_path / "shelf")


def names(cli: Cli, task: str, *more: str, **environ: str) -> list[str]:
    told = cli.json("recommend", task, *more, more=environ)
    return [one["name"] for one in told["recommendations"]]


def test_recommend_explains_itself(odd: Repo) -> None:
    cli = cli_of(odd)
    told = cli.json("recommend", REFUND, "--limit", "3")
    assert (told["ranker"], told["adapted"], told["as_of"]) == (
        "similarity x relevance",
        True,
        "2026-03-21T00:00:00Z",
    )
    first, second = told["recommendations"]
    assert (first["name"], first["version"], second["name"]) == ("billing/refund", 1, "mail/reply")
    assert first["score"] == pytest.approx(first["similarity"]["all"] * first["relevance"], abs=1e-5)
    assert set(first["matched"]) == {"refund", "charge", "card"}
    assert first["success"]["rated"] == 120
    assert first["uses"] == 20
    # The figure leads to its events.
    assert first["list"] == "promptvc feedback list billing/refund --version 1 --outcome rated"
    rated = [one for one in cli.json("feedback", "list", "billing/refund") if "thumbs" in one]
    assert len(rated) == first["success"]["rated"]
    assert sum(one["thumbs"] == "up" for one in rated) == first["success"]["positive"]
    text = cli.ok("recommend", REFUND)
    assert text.startswith("1. billing/refund@v1  0.")
    assert f"success {first['success']['mean']:.2f} with older ratings weighing less, at least" in text
    assert cli.json("recommend", REFUND, "--limit", "3") == told
    for kept in (odd.path / ".promptvc").rglob("*.index"):
        kept.write_bytes(kept.read_bytes()[:-3])
    assert cli.json("recommend", REFUND, "--limit", "3") == told


def test_what_went_well_is_found_by_what_was_asked(odd: Repo) -> None:
    """No prompt says `parcel`; all were asked about parcels, the refund by its own word, too."""
    told = cli_of(odd).json("recommend", "poem parcel")
    first = told["recommendations"][0]
    assert first["name"] == "text/poem"
    assert first["similarity"]["inputs"] > 0
    assert len(told["recommendations"]) == 5
    assert told["recommendations"][1]["similarity"]["text"] == 0


def test_a_task_that_nothing_fits_is_a_no(odd: Repo) -> None:
    cli = cli_of(odd)
    done = cli("recommend", "zeppelin")
    assert (done.code, done.out) == (1, "no prompt shares a word with the task\n")
    assert "the task is empty" in cli.fails(2, "recommend", " ")
    assert "not a time" in cli.fails(2, "recommend", "poem", "--as-of", "yesterday")


def test_as_of_knows_nothing_of_later(odd: Repo, tmp_path: Path) -> None:
    cli = cli_of(odd)
    noon = "2026-03-08T12:00:00Z"
    told = cli.json("recommend", REFUND, "--as-of", noon)
    good = {"prompt": "billing/refund", "version": 1, "source": "human", "kind": "rating", "thumbs": "up"}
    times = (noon, "2026-03-30T00:00:00Z")
    record(
        cli, tmp_path, [good | {"time": time, "input": f"{REFUND} {n}"} for time in times for n in range(20)]
    )
    assert cli.json("recommend", REFUND, "--as-of", noon) == told
    assert (told["as_of"], told["recommendations"][0]["success"]["rated"]) == (noon, 48)
    now = cli.json("recommend", REFUND)
    assert now["recommendations"][0]["success"]["rated"] == 160
    assert now["recommendations"][0]["similarity"]["inputs"] > 0.5
    assert now["as_of"] == "2026-03-31T00:00:00Z"
    assert cli.json("recommend", REFUND, "--as-of", now["as_of"]) == now


def test_learning_off_loses_nothing(odd: Repo) -> None:
    cli = cli_of(odd)
    before = cli.json("recommend", REFUND)
    for environ, reason in (
        ({"PROMPTVC_LEARNING_ENABLED": "0"}, "learning is off"),
        ({"PROMPTVC_LEARNING_MIN_SAMPLES": "721"}, "720 of 721 rated events (learning.min_samples)"),
    ):
        told = cli.json("recommend", REFUND, more=environ)
        first = told["recommendations"][0]
        assert (told["ranker"], told["adapted"], told["reason"]) == ("similarity", False, reason)
        assert (first["score"], first["relevance"]) == (first["similarity"]["all"], None)
        stats = cli.json("stats", "billing/refund", more=environ)["prompts"][0]
        assert stats["estimate"]["mean"] == stats["success"]["rate"]
        assert reason in cli("stats", **environ).err
    assert cli.json("recommend", REFUND) == before
    assert "PROMPTVC_LEARNING_RATE is '2'" in cli.fails(2, "stats", PROMPTVC_LEARNING_RATE="2")


def test_recommendations_are_of_the_commit(odd: Repo) -> None:
    cli = cli_of(odd)
    new = {"prompts/money/back.yaml": prompt("money/back", "Refund a charge, charge by charge, to a card.")}
    broken = {"prompts/broken.yaml": "name: broken\nrefund: [\n"}
    before = names(cli, REFUND)
    odd.write(new)
    assert names(cli, REFUND) == before
    odd.commit({**new, **broken})
    assert sorted(names(cli, REFUND)) == sorted([*before, "money/back"])
    words = json.loads((odd.path / ".promptvc/rank/words.json").read_bytes())[1]
    assert len(words) == len(WORDS) + 2
    # A second version without ratings starts from the first.
    odd.commit({"prompts/billing/refund.yaml": prompt("billing/refund", WORDS["billing/refund"][0], 2)})
    first = cli.json("recommend", REFUND)["recommendations"][0]
    assert (first["version"], first["success"]["rated"]) == (2, 0)
    assert first["success"]["mean"] == pytest.approx(first["whole"]["mean"], abs=1e-5)
    assert "no rating of v2 yet: it starts from 0." in first["reasons"][1]


def test_an_empty_repository(repo: Repo) -> None:
    repo.write({**files()})
    assert "nothing is committed yet" in cli_of(repo).fails(2, "recommend", "poem")
    repo.commit(files())
    told = cli_of(repo).json("recommend", "poem")
    assert (told["as_of"], told["adapted"], told["recommendations"][0]["name"]) == (None, False, "text/poem")


def test_stats(odd: Repo) -> None:
    cli = cli_of(odd)
    told = cli.json("stats")
    assert told["prompts"][0]["name"] == "mail/reply"  # it has the choices, too
    refund = next(one for one in told["prompts"] if one["name"] == "billing/refund")
    assert (refund["events"], refund["uses"], refund["rated"]) == (140, 20, 120)
    assert refund["success"]["low"] < refund["success"]["rate"] < refund["success"]["high"]
    assert refund["satisfaction"]["stars"] == pytest.approx(1 + 4 * refund["success"]["rate"], abs=1e-5)
    assert refund["latency_ms"]["mean"] == pytest.approx(109.5)
    assert 100 <= refund["latency_ms"]["p50"] <= 120 >= refund["latency_ms"]["p95"]
    assert refund["averages"]["latency_ms"] == pytest.approx(
        100 + sum(day * (0.1 if day else 1) * 0.9 ** (19 - day) for day in range(20)), abs=1e-4
    )
    assert refund["last_used"] == "2026-03-20"
    totals = told["totals"]
    assert (totals["events"], totals["rated"], totals["uses"]) == (1140, 720, 120)
    alone = cli.json("stats", "billing/refund")
    assert [alone["prompts"], alone["totals"]["events"]] == [[refund], 140]
    assert "there is no prompt" in cli.fails(2, "stats", "nobody")
    lines = cli.ok("stats").splitlines()
    assert len(lines) == 7
    assert lines[-1].startswith("all\t")


def test_stats_tell_patterns_when_asked(odd: Repo, tmp_path: Path) -> None:
    cli = cli_of(odd)
    assert "patterns" not in cli.json("stats")
    event = {"prompt": "text/poem", "version": 1, "kind": "rating", "source": "human"}
    rows = [
        event
        | {"time": f"2026-03-20T{hour:02d}:{minute:02d}:00Z", "thumbs": thumbs, "input": f"a {word} {minute}"}
        for hour, thumbs, word in ((1, "up", "sonnet"), (2, "down", "haiku"))
        for minute in range(40)
    ]
    record(cli, tmp_path, [*rows, *(row | {"source": "llm_judge", "thumbs": "down"} for row in rows)])
    found = cli.json("stats", "text/poem", "--include-patterns")["patterns"]
    (haiku,) = (one for one in found if "haiku" in one["text"])
    assert (haiku["prompt"], haiku["type"], haiku["events"]) == ("text/poem", "failure", 40)
    assert "text/poem\tfailure\tcluster\tinput\t40\t-0.57" in cli.ok("stats", "--include-patterns")


def test_the_learned_ranker_is_used_while_it_wins(odd: Repo, tmp_path: Path) -> None:
    cli = cli_of(odd)
    assert cli.json("rank", "show")["in_use"] is False
    before = names(cli, "a letter about a refund")
    shown = cli.json("rank", "train")
    assert shown["in_use"]
    assert shown["ranker"]["choices"] == 300
    assert shown["ranker"]["commit"] == odd.rev("HEAD")
    assert all(one["won"] for one in shown["ranker"]["backtest"]["against"])
    place = odd.path / ".promptvc/rank/ranker.json"
    data = place.read_bytes()
    told = cli.json("recommend", "a letter about a refund")
    found = [one["name"] for one in told["recommendations"]]
    assert told["ranker"] == "learned"
    assert sorted(found) == sorted(before)
    assert found != before
    assert found.index("mail/summary") < found.index("billing/refund")
    scores = [one["learned_score"] for one in told["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert "in use: the learned ranker" in cli.ok("rank", "show")
    assert "it asks for" in cli.ok("rank", "show")
    # What it was trained on stays behind: with --as-of it would know what came later.
    past = cli("recommend", "a letter", "--as-of", "2026-03-10")
    assert "with --as-of it would know what came later" in past.err
    then = cli.json("recommend", "a letter", "--as-of", "2026-03-10")
    assert then["ranker"] == "similarity x relevance"
    assert then["recommendations"][0]["learned_score"] is None
    # The same choices give the same ranker.
    again = json.loads(data)
    cli.ok("rank", "train")
    fresh = json.loads(place.read_bytes())
    assert fresh["forest"] == again["forest"]
    assert [one["used"] for one in fresh["history"]] == [True]
    # Off, and other settings.
    off = cli("recommend", "a letter", PROMPTVC_LEARNING_ENABLED="0")
    assert "the learned ranker is not used: learning is off" in off.err
    assert "the settings have changed" in cli("rank", "show", PROMPTVC_LEARNING_DECAY_RATE="0.2").out
    # A file that this clone did not write.
    mine = place.read_bytes()
    place.write_bytes(mine.replace(b'"used":true', b'"used": true'))
    assert "was not made by this clone" in cli("recommend", "a letter").err
    assert cli.json("rank", "show")["ranker"] is None
    place.write_bytes(mine)
    assert cli.json("rank", "show")["in_use"]
    other = copy_of(odd, tmp_path / "other")
    (other.path / ".git/promptvc/rankers").unlink()
    assert "was not made by this clone" in cli_of(other)("recommend", "a letter").err
    # More feedback makes it stale.
    record(cli, tmp_path, list(choices(2, odd=True, seed=9)))
    assert "the feedback has changed" in cli("recommend", "a letter").err
    assert cli.json("recommend", "a letter")["ranker"] == "similarity x relevance"
    assert cli.json("rank", "show")["in_use"] is False


def test_a_ranker_that_came_by_git_is_not_trusted(odd: Repo) -> None:
    cli = cli_of(odd)
    cli.ok("rank", "train")
    odd.git("add", "-f", ".promptvc/rank/ranker.json")
    odd.git("commit", "-q", "-m", "Bring a ranker")
    told = cli.json("recommend", "a letter")
    assert told["ranker"] == "similarity x relevance"
    assert cli.json("rank", "show")["ranker"] is None


def test_by_success_alone_nothing_is_learned(repo: Repo, tmp_path: Path) -> None:
    cli = shelf(repo, tmp_path, odd=False)
    before = cli.json("recommend", "a letter")
    shown = cli.json("rank", "train")
    assert not shown["in_use"]
    assert shown["why"].startswith("it is not shown to be better on 88 later choices")
    assert shown["features"] == {}
    assert json.loads((repo.path / ".promptvc/rank/ranker.json").read_bytes())["forest"] is None
    assert cli.json("recommend", "a letter") == before
    text = cli.ok("rank", "show")
    assert text.startswith("in use: similarity x relevance\nit is not shown")


def test_a_choice_is_held_against_the_text_of_then(repo: Repo) -> None:
    for month, words in ((1, "Write a sonnet."), (6, "Write a letter.")):
        when = f"2026-0{month}-01T00:00:00Z"
        repo.environ |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        repo.commit({"prompts/text/poem.yaml": prompt("text/poem", words, month)})
    with open_project(repo.path, environ=repo.environ, clock=utc_now) as project:
        texts = _Texts(project, committed(project), {"text/poem", "gone"})
        found = {
            month: [
                texts.similarity(task, "text/poem", datetime(2026, month, 2, tzinfo=UTC)) > 0
                for task in TASKS
            ]
            for month in (3, 6)
        }
        before = texts.similarity("sonnet", "text/poem", datetime(2025, 1, 1, tzinfo=UTC))
        gone = texts.similarity("sonnet", "gone", datetime(2026, 3, 2, tzinfo=UTC))
    assert found == {3: [True, False], 6: [False, True]}
    assert before > gone == 0  # before the first version there was nothing else to choose


def test_too_few_choices(desk: Repo) -> None:
    error = cli_of(desk).fails(2, "rank", "train")
    assert "a ranker takes 100 choices of people among prompts, and 0 are committed" in error
    assert "learning is off" in cli_of(desk).fails(2, "rank", "train", PROMPTVC_LEARNING_ENABLED="no")


def test_python(odd: Repo) -> None:
    with promptvc.open(odd.path, environ=odd.environ) as library:
        ready = library.recommender()
        answer = ready.ask(REFUND, limit=1)
        assert answer == library.recommend(REFUND, limit=1)
        assert answer.to_json() == cli_of(odd).json("recommend", REFUND, "--limit", "1")
        assert library.stats("billing/refund").to_json() == cli_of(odd).json("stats", "billing/refund")
        assert library.show_ranker().ranker is None
        assert library.train_ranker().in_use
