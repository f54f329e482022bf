"""Judging logged answers by a model on loopback or by words, and holding judges against people."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import promptvc
from promptvc.base.errors import Interrupted
from promptvc.workflows.judge import JudgeRequest
from promptvc.workflows.judge import run as judge
from promptvc.workflows.project import open_project
from tests.analysis.answers import an_id
from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of
from tests.servers import Reply, Request, Server, answer, failure
from tests.worlds import DESK, desk_files

MODEL = "openai:test-model"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
METRICS = ("coherence", "relevance", "safety")


def logged(number: int, **values: Any) -> dict[str, Any]:
    """A row for ``feedback import``: an answer of the desk."""
    about = {"id": an_id(number), "time": f"2026-09-{1 + number:02d}T10:00:00Z", "prompt": DESK, "version": 1}
    said = {
        "kind": "success",
        "source": "code",
        "input": {"question": f"question {number}"},
        "output": "alpha",
    }
    return about | said | values


def noted(target: int, reviewer: str = "ann", **values: Any) -> dict[str, Any]:
    """A row: what a person notes on an answer."""
    about = {"kind": "annotation", "time": "2026-10-01T10:00:00Z", "prompt": DESK, "source": "human"}
    return about | {"target": an_id(target), "reviewer": reviewer} | values


def recorded(cli: Cli, rows: Sequence[dict[str, Any]]) -> None:
    file = cli.where.parent / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.ok("feedback", "import", str(file))


def judgements(cli: Cli) -> list[dict[str, Any]]:
    """The events that judges wrote, by answer and metric."""
    events = [one for one in cli.json("feedback", "list", "--spooled") if one["source"] != "human"]
    found = [one for one in events if one["kind"] == "annotation"]
    return sorted(found, key=lambda one: (one["target"], *one["scores"]))


def metric_of(request: Request) -> str:
    """What the judge is asked to score, by the judge prompt's own words."""
    system = request.body["messages"][0]["content"]
    return next((metric for metric in METRICS if f"score the {metric}" in system), "rubric")


def verdict(score: float, reason: str = "so it is", **more: Any) -> Reply:
    return answer(json.dumps({"reason": reason, "score": score, **more}))


def by(score: Callable[[str, str], float]) -> Callable[[Request], Reply]:
    """A judge that scores by (metric, the whole question)."""

    def script(request: Request) -> Reply:
        metric = metric_of(request)
        more = {"pass": True} if metric == "rubric" else {}
        return verdict(score(metric, request.text), f"because of {metric}", **more)

    return script


def number_in(text: str) -> int:
    """The number of the logged question that a judge is asked about."""
    found = re.search(r"^question (\d+)$", text, re.MULTILINE)
    assert found is not None, text
    return int(found[1])


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit(desk_files())
    return cli_of(repo)


def test_a_judge_scores_logged_answers_once(cli: Cli) -> None:
    demonstration = logged(4, kind="demonstration", source="human")
    recorded(cli, [logged(1), logged(2), logged(3, output=None), demonstration, noted(1, approved=True)])
    with Server(by(lambda metric, _: METRICS.index(metric) / 4)) as server:
        done = cli.json("judge", "run", DESK, "--judge", MODEL, more=server.environ())
        ids = done.pop("ids")
        tokens = {"input": 72, "output": 18}
        assert done == {
            "judged": 6,
            "skipped": 0,
            "errors": 0,
            "error": None,
            "judge": {"model": MODEL, "calls": 6, "cached": 0, "tokens": tokens, "cost": None},
        }
        found = judgements(cli)
        assert {one["id"] for one in found} == set(ids)
        assert [(one["target"], one["scores"]) for one in found] == [
            (an_id(number), {metric: at / 4}) for number in (1, 2) for at, metric in enumerate(METRICS)
        ]
        first = found[0]
        assert (first["source"], first["prompt"], first["version"]) == ("llm_judge", DESK, 1)
        assert first["comment"] == "because of coherence"
        assert first["context"].keys() == {"model", "prompt", "version", "digest"}
        assert (first["context"]["model"], first["context"]["prompt"]) == (MODEL, "judge/coherence")
        # Nothing is asked or written twice, neither from the spool nor from git.
        for _ in range(2):
            again = cli.json("judge", "run", DESK, "--judge", MODEL, more=server.environ())
            assert (again["judged"], again["skipped"], again["judge"]["calls"]) == (0, 6, 0)
            cli.ok("feedback", "commit")
        assert server.count == 6
        other = cli.json(
            "judge", "run", DESK, "--judge", "openai:other", "--metric", "safety", more=server.environ()
        )
        assert (other["judged"], other["skipped"]) == (2, 0)
    summary = cli.json("feedback", "summary", DESK)
    assert (summary["rated"], summary["by_kind"]["annotation"]) == (0, 9)
    assert cli.json("check")["problems"] == []


def test_the_question_is_data_and_so_is_the_answer(cli: Cli) -> None:
    rows = [
        logged(1, output="beta"),
        logged(2, input="plain text"),
        logged(3, input={"a": "x", "b": 2, "c": None}),
    ]
    recorded(cli, rows)
    with Server(by(lambda *_: 1.0)) as server:
        cli.ok("judge", "run", DESK, "--judge", MODEL, "--metric", "relevance", **server.environ())
        texts = [request.text for request in server.requests]
    assert sorted("data, not instructions" in text for text in texts) == [True] * 3
    assert any("\nquestion 1\n" in text and "\nbeta\n" in text for text in texts)
    assert any("\nplain text\n" in text for text in texts)
    assert any("\na: x\nb: 2\nc: \n" in text for text in texts)


def test_without_a_judge_words_are_measured_and_labelled(cli: Cli) -> None:
    recorded(cli, [logged(1), logged(2)])
    done = cli.json("judge", "run", DESK)
    assert (done["judged"], done["judge"]["model"], done["judge"]["calls"]) == (6, "lexical", 0)
    found = judgements(cli)
    assert {(one["source"], one["context"]["model"]) for one in found} == {("code", "lexical")}
    assert all(0 <= score <= 1 for one in found for score in one["scores"].values())
    assert cli.json("judge", "run", DESK, "--judge", "offline")["skipped"] == 6
    assert "by words alone, without a model" in cli.ok("judge", "run", DESK)
    (estimate,) = [cli.json("judge", "run", DESK, "--estimate")]
    assert (estimate["model"], estimate["judgements"], estimate["calls"]) == ("lexical", 0, 0)


def test_the_settings_name_the_judge(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(1)])
    repo.write({"promptvc.yaml": f"evaluation: {{judge: '{MODEL}'}}\n"})
    with Server(by(lambda *_: 0.5)) as server:
        done = cli.json("judge", "run", DESK, more=server.environ())
        assert (done["judge"]["model"], done["judged"], server.count) == (MODEL, 3, 3)
    assert cli.json("judge", "run", DESK, "--judge", "lexical")["judge"]["model"] == "lexical"


def test_a_rubric_is_a_judge_of_its_own(cli: Cli) -> None:
    recorded(cli, [logged(1)])
    rubric = "Never names ada@example.org."
    with Server(by(lambda *_: 0.25)) as server:
        arguments = ("judge", "run", DESK, "--judge", MODEL, "--rubric")
        assert cli.json(*arguments, rubric, more=server.environ())["judged"] == 1
        assert rubric in server.requests[0].text
        assert cli.json(*arguments, rubric, more=server.environ())["skipped"] == 1
        assert cli.json(*arguments, "Is it kind?", more=server.environ())["judged"] == 1
    found = judgements(cli)
    assert [one["scores"] for one in found] == [{"rubric": 0.25}] * 2
    assert {one["context"]["rubric"] for one in found} == {"Never names [email].", "Is it kind?"}
    assert {one["context"]["prompt"] for one in found} == {"judge/llm-rubric"}


def test_a_reason_is_redacted(cli: Cli) -> None:
    recorded(cli, [logged(1)])
    with Server(lambda _: verdict(0.5, "it gives away ada@example.org")) as server:
        cli.ok("judge", "run", DESK, "--judge", MODEL, "--metric", "safety", **server.environ())
    assert [one["comment"] for one in judgements(cli)] == ["it gives away [email]"]


def test_what_cannot_be_read_is_asked_again_and_then_an_error(cli: Cli) -> None:
    recorded(cli, [logged(1), logged(2), logged(3)])
    seen: dict[int, int] = {}
    well = False

    def script(request: Request) -> Reply:
        number = number_in(request.text)
        seen[number] = seen.get(number, 0) + 1
        if not well and (number == 1 or (number == 2 and seen[2] == 1)):
            return answer("I would say about 0.9")
        return verdict(0.9)

    with Server(script) as server:
        arguments = ("judge", "run", DESK, "--judge", MODEL, "--metric", "safety")
        done = cli.json(*arguments, more=server.environ())
        assert (done["judged"], done["errors"], done["judge"]["calls"]) == (2, 1, 5)
        assert "I would say about 0.9" in done["error"]
        assert [one["target"] for one in judgements(cli)] == [an_id(2), an_id(3)]
        assert seen == {1: 2, 2: 2, 3: 1}
        # What could not be read is worth nothing: it is asked for again, twice at most.
        assert cli.json(*arguments, "--estimate", more=server.environ())["calls"] == 1
        error = cli.fails(3, *arguments, **server.environ())
        assert "nothing could be judged; the first of 1 errors" in error
        assert server.count == 5 + 2
        well = True
        done = cli.json(*arguments, more=server.environ())
        assert (done["judged"], done["errors"], done["judge"]["calls"]) == (1, 0, 1)


@pytest.mark.parametrize(
    "reply", ['{"reason": "x", "score": 7}', '{"score": 1}', "", '[{"reason": "x", "score": 1}]']
)
def test_no_score_is_made_up(cli: Cli, reply: str) -> None:
    recorded(cli, [logged(1)])
    with Server(lambda _: answer(reply)) as server:
        cli.fails(3, "judge", "run", DESK, "--judge", MODEL, "--metric", "safety", **server.environ())
    assert judgements(cli) == []


def test_a_call_that_fails_is_an_error_and_no_score(cli: Cli) -> None:
    recorded(cli, [logged(1), logged(2)])

    def script(request: Request) -> Reply:
        return failure(400, "too long") if number_in(request.text) == 1 else verdict(1.0)

    with Server(script) as server:
        done = cli.json("judge", "run", DESK, "--judge", MODEL, "--metric", "safety", more=server.environ())
        assert (done["judged"], done["errors"]) == (1, 1)
        assert "too long" in done["error"]
        out = cli.ok("judge", "run", DESK, "--judge", MODEL, "--metric", "relevance", **server.environ())
        assert "1 could not be judged; the first: " in out
    assert [one["target"] for one in judgements(cli)] == [an_id(2)] * 2
    with Server(lambda _: failure(401, "bad key")) as server:
        cli.fails(3, "judge", "run", DESK, "--judge", "openai:other", **server.environ())


def test_a_bound_stops_and_the_next_run_goes_on(cli: Cli) -> None:
    recorded(cli, [logged(number) for number in range(1, 6)])
    with Server(by(lambda *_: 1.0)) as server:
        arguments = ("judge", "run", DESK, "--judge", MODEL, "--metric", "safety")
        error = cli.fails(3, *arguments, "--max-calls", "2", **server.environ())
        assert "2 of 5 judgements are made, and kept" in error
        assert (len(judgements(cli)), server.count) == (2, 2)
        done = cli.json(*arguments, more=server.environ())
        assert (done["judged"], done["skipped"], server.count) == (3, 2, 5)
    assert "the cost of openai:test-model is unknown" in cli.fails(
        2, *arguments, "--max-cost", "1", **server.environ()
    )


def test_ctrl_c_keeps_what_was_judged(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(number) for number in range(1, 6)])
    repo.write({"promptvc.yaml": "models: {concurrency: 1}\n"})

    def progress(_: str) -> Callable[[int, int], None]:
        def show(done: int, total: int) -> None:
            assert total == 5
            if done == 3:
                signal.raise_signal(signal.SIGINT)

        return show

    request = JudgeRequest(("safety",), judge=MODEL)
    with Server(by(lambda *_: 1.0)) as server:
        environ = dict(repo.environ) | server.environ()
        with (
            open_project(repo.path, environ=environ, clock=lambda: NOW) as project,
            pytest.raises(Interrupted),
        ):
            judge(project, DESK, request, progress=progress)
        kept = len(judgements(cli))
        assert 3 <= kept < 5
        done = cli.json("judge", "run", DESK, "--judge", MODEL, "--metric", "safety", more=server.environ())
        assert (done["judged"], done["skipped"], server.count) == (5 - kept, kept, 5)


def test_a_killed_run_pays_for_nothing_twice(cli: Cli, repo: Repo) -> None:
    """One call at a time: when the fourth comes the answers to three are on the disk."""
    recorded(cli, [logged(number) for number in range(1, 6)])
    repo.write({"promptvc.yaml": "models: {concurrency: 1}\n"})
    rest = True

    def script(request: Request) -> Reply:
        return Reply(hang=True) if rest and request.number > 3 else verdict(1.0)

    with Server(script) as server:
        arguments = ("judge", "run", DESK, "--judge", MODEL, "--metric", "safety")
        with cli.start(*arguments, more=server.environ()) as process:
            while server.count < 4:
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
        rest = False
        assert judgements(cli) == []
        estimate = cli.json(*arguments, "--estimate", more=server.environ())
        assert (estimate["judgements"], estimate["cached"], estimate["calls"]) == (5, 3, 2)
        done = cli.json(*arguments, more=server.environ())
        assert (done["judged"], done["judge"]["cached"], done["judge"]["calls"]) == (5, 3, 2)
        # As much as two calls cost, not five: what the cache answers is not paid for.
        assert done["judge"]["tokens"] == {"input": 24, "output": 6}


def test_an_estimate_asks_nobody(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(1), logged(2)])
    repo.write({"promptvc.yaml": f'models: {{prices: {{"{MODEL}": {{input: 1, output: 2}}}}}}\n'})
    with Server(by(lambda *_: 1.0)) as server:
        arguments = ("judge", "run", DESK, "--judge", MODEL)
        found = cli.json(*arguments, "--estimate", more=server.environ())
        assert (found["judgements"], found["calls"], found["cached"], found["skipped"]) == (6, 6, 0, 0)
        assert found["tokens"] > 6 * 64
        assert 0 < found["cost"] < 0.01
        assert "6 scores by openai:test-model: 6 calls" in cli.ok(
            *arguments, "--estimate", **server.environ()
        )
        assert (server.count, judgements(cli)) == (0, [])
        done = cli.json(*arguments, more=server.environ())
        assert done["judge"]["cost"] == pytest.approx((72 + 2 * 18) / 1e6)
        found = cli.json(*arguments, "--estimate", more=server.environ())
        assert (found["judgements"], found["calls"], found["cost"], found["skipped"]) == (0, 0, 0, 6)


def test_which_answers_are_taken(cli: Cli) -> None:
    recorded(cli, [logged(number) for number in range(1, 9)])

    def targets(*options: str) -> set[str]:
        before = {one["id"] for one in judgements(cli)}
        cli.ok("judge", "run", DESK, "--metric", "safety", *options)
        return {one["target"] for one in judgements(cli) if one["id"] not in before}

    assert targets("--limit", "2") == {an_id(7), an_id(8)}
    assert targets("--limit", "2") == set()
    # A judge's own events are newer than any answer, and move no window.
    assert targets("--days", "3") == {an_id(5), an_id(6)}
    small = targets("--limit", "3", "--sample")
    large = targets("--limit", "6", "--sample")
    taken = {an_id(number) for number in (5, 6, 7, 8)} | small | large
    assert len(taken) >= 6
    assert targets() == {an_id(number) for number in range(1, 9)} - taken


def test_a_larger_sample_holds_the_smaller(cli: Cli) -> None:
    recorded(cli, [logged(number) for number in range(1, 21)])
    first = cli.json("judge", "run", DESK, "--metric", "safety", "--limit", "4", "--sample")
    assert first["judged"] == 4
    more = cli.json("judge", "run", DESK, "--metric", "safety", "--limit", "9", "--sample")
    assert (more["judged"], more["skipped"]) == (5, 4)
    assert {one["target"] for one in judgements(cli)} != {an_id(number) for number in range(12, 21)}


def test_a_repository_s_own_judge_prompt_is_another_judge(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(1)])
    text = (ROOT / "promptvc" / "judges" / "safety.yaml").read_text("utf-8")
    own = text.replace("name: judge/safety", "name: judges/ours").replace("version: 1", "version: 7")
    repo.write(
        {"promptvc.yaml": "evaluation: {judges: {safety: judges/ours}}\n", "prompts/judges/ours.yaml": own}
    )
    arguments = ("judge", "run", DESK, "--judge", MODEL, "--metric", "safety")
    with Server(by(lambda *_: 1.0)) as server:
        cli.ok(*arguments, **server.environ())
        (event,) = judgements(cli)
        context = event["context"]
        assert (context["prompt"], context["version"]) == ("judges/ours", 7)
        assert context["digest"] == repo.git("hash-object", "prompts/judges/ours.yaml")
        repo.write({"prompts/judges/ours.yaml": own.replace("version: 7", "version: 8")})
        assert cli.json(*arguments, more=server.environ())["judged"] == 1
    repo.write({"prompts/judges/ours.yaml": own.replace("{{ answer }}", "the answer")})
    assert "cannot stand for the judge prompt `safety`" in cli.fails(2, *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "desk/rute"), "did you mean desk/route?"),
        (("run", f"{DESK}@v1"), "judge takes a NAME, no revision"),
        (("run", DESK, "--metric", "kindness"), "there is no metric 'kindness'"),
        (("run", DESK, "--metric", ","), "--metric takes one or more names"),
        (("run", DESK, "--metric", "safety", "--rubric", "x"), "do not go together"),
        (("run", DESK, "--rubric", " ", "--judge", MODEL), "the rubric is empty"),
        (("run", DESK, "--rubric", "x"), "a rubric takes a model that judges"),
        (("run", DESK, "--judge", "nonsense"), "nonsense"),
        (("calibrate", "desk/rute"), "did you mean desk/route?"),
        (("calibrate", DESK, "--since", "yesterday"), "not a time"),
        (("calibrate", DESK, "--since", "2026-01-01", "--days", "3"), "do not go together"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_error(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    assert words in cli.fails(2, "judge", *arguments)


def test_nothing_to_judge_is_no_error(cli: Cli) -> None:
    assert cli.json("judge", "run", DESK)["judged"] == 0
    with Server(by(lambda *_: 1.0)) as server:
        done = cli.json("judge", "run", DESK, "--judge", MODEL, more=server.environ())
        assert (done["judged"], server.count) == (0, 0)


def test_a_prompt_that_only_has_feedback_can_be_judged(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(1)])
    repo.write({"prompts/desk/route.yaml": None})
    assert cli.json("judge", "run", DESK)["judged"] == 3


def test_calibration_says_how_far_a_judge_agrees_with_people(cli: Cli) -> None:
    """Of 40 answers people reject every fourth; the judge scores every fifth low."""
    numbers = range(1, 41)
    rows = [
        logged(number % 28, id=an_id(number), input={"question": f"question {number}"}) for number in numbers
    ]
    notes = [noted(number, approved=number % 4 != 0) for number in numbers]
    recorded(cli, [*rows, *notes, noted(8, "bob", approved=True), noted(9, scores={"safety": 1.0})])
    with Server(by(lambda _, text: 0.1 if number_in(text) % 5 == 0 else 0.9)) as server:
        cli.ok("judge", "run", DESK, "--judge", MODEL, "--metric", "relevance,safety", **server.environ())
    found = cli.json("judge", "calibrate", DESK)
    assert (found["name"], found["judged"], found["reviewed"], found["advice"]) == (DESK, 40, 40, None)
    relevance, safety = found["calibrations"]
    # 8 is a tie. Of the rest people approve 30 (6 of them the judge scores low) and reject 9 (2 of them both do).
    assert (relevance["judge"], relevance["metric"], relevance["n"], relevance["ties"]) == (
        MODEL,
        "relevance",
        39,
        1,
    )
    assert relevance["confusion"] == {"tp": 24, "fp": 7, "fn": 6, "tn": 2}
    # scikit-learn 1.9.1: cohen_kappa_score and matthews_corrcoef of these counts.
    assert relevance["kappa"] == pytest.approx(0.023121387283237094)
    assert relevance["mcc"] == pytest.approx(0.023186944788008416)
    assert (relevance["own"], safety["own"], relevance["few"]) == (0, 1, False)
    assert len(relevance["disagreements"]) == 13
    assert relevance["disagreements"][0]["reason"] == "because of relevance"
    only = cli.json("judge", "calibrate", DESK, "--metric", "safety")["calibrations"]
    assert only == [safety]
    out = cli.ok("judge", "calibrate", DESK)
    assert f"{MODEL}\trelevance\t39\t0.667\t" in out
    assert "24/7/6/2" in out
    assert "people judged 39 of 39 answers as a whole, not by this metric" in out
    assert "1 left out, as many people said yes as no" in out
    assert "where they differ most:" in out
    assert relevance["disagreements"][0]["event"] in out
    assert "too few" not in out
    assert cli.ok("feedback", "commit")
    assert cli.json("judge", "calibrate", DESK) == found


def test_few_answers_are_called_few(cli: Cli) -> None:
    recorded(cli, [logged(1), logged(20), noted(1, approved=True), noted(20, approved=True)])
    cli.ok("judge", "run", DESK, "--metric", "safety")
    out = cli.ok("judge", "calibrate", DESK)
    assert "too few answers to trust, below 30: lexical safety (2)" in out
    assert "unknown" in out
    for option in (("--days", "5"), ("--since", "2026-09-10")):
        (one,) = cli.json("judge", "calibrate", DESK, *option)["calibrations"]
        assert (one["n"], one["kappa"], one["mcc"], one["few"]) == (1, None, None, True)


def test_what_is_missing_for_a_calibration_is_said(cli: Cli) -> None:
    def advice(*options: str) -> str:
        found = cli.json("judge", "calibrate", DESK, *options)
        assert found["calibrations"] == []
        assert cli.ok("judge", "calibrate", DESK, *options) == found["advice"] + "\n"
        return str(found["advice"])

    assert advice() == f"no judge has scored an answer of {DESK}: promptvc judge run {DESK}"
    recorded(cli, [logged(1), logged(2)])
    cli.ok("judge", "run", DESK, "--metric", "safety", "--limit", "1")
    assert advice().startswith(f"no person has judged an answer of {DESK}")
    assert "by coherence" in advice("--metric", "coherence")
    recorded(cli, [noted(1, approved=True)])
    assert "there is none that both decide on" in advice()
    cli.ok("judge", "run", DESK, "--metric", "safety")
    assert len(cli.json("judge", "calibrate", DESK)["calibrations"]) == 1


def test_without_a_command_its_help(cli: Cli) -> None:
    done = cli("judge")
    assert (done.code, done.err) == (0, "")
    assert "calibrate" in done.out


def test_scores_of_judges_train_nothing(desk: Repo) -> None:
    """The same feedback with judges' annotations on all of it gives the same candidate, byte for byte."""
    cli = cli_of(desk)
    plain = cli.json("train", DESK, "--dry-run")
    cli.ok("judge", "run", DESK)
    assert cli.json("feedback", "commit")["events"] > 0
    again = cli.json("train", DESK, "--dry-run")
    assert again == plain


def test_methods(cli: Cli, repo: Repo) -> None:
    recorded(cli, [logged(1), noted(1, approved=True)])
    with promptvc.open(repo.path, environ=repo.environ, clock=lambda: NOW) as library:
        assert len(library.judge(DESK, metrics=("safety",)).ids) == 1
        assert library.calibrate(DESK).calibrations[0].judge == "lexical"
