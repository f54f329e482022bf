"""`evaluate`: which cases are asked, of which versions and models, what it may spend, and what a shard is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

SUITE = f"evaluation/{DESK}.yaml"
CASES = f"evaluation/{DESK}.cases.jsonl"
ROWS = 40
MODEL = ("--model", "openai:test-model", "--repeat", "1")
PRICED = "models: {prices: {'openai:test-model': {input: 1000, output: 1000}}}\nevaluation: {success: 0.5}\n"


def rows(count: int = ROWS) -> str:
    """Cases whose answer a server knows from their text; every fourth has the tag ``odd``."""
    return "".join(
        json.dumps(
            {
                "id": f"q{at}",
                "vars": {"question": f"question {at}"},
                "expected": "alpha",
                "tags": ["odd"] if at % 4 == 0 else [],
            }
        )
        + "\n"
        for at in range(count)
    )


def sometimes(request: Request) -> Reply:
    """Right but for the questions whose number ends in 7."""
    return answer("beta" if request.text.endswith("7") else "alpha")


@pytest.fixture
def asked(desk: Repo) -> Repo:
    desk.commit({SUITE: f"cases: {CASES.rpartition('/')[2]}\n", CASES: rows()}, "Ask more")
    return desk


@pytest.fixture
def cli(asked: Repo) -> Cli:
    return cli_of(asked)


def failing(value: dict[str, Any]) -> set[str]:
    return set(value["failing"])


def test_by_tag_by_id_and_what_failed_last_time(cli: Cli) -> None:
    with Server(sometimes) as server:
        more = server.environ()
        everything = cli.json("evaluate", DESK, *MODEL, more=more)
        assert (everything["cases"], failing(everything)) == (ROWS, {"q7", "q17", "q27", "q37"})
        assert cli.json("evaluate", DESK, *MODEL, "--tag", "odd", more=more)["cases"] == 10
        two = cli.json("evaluate", DESK, *MODEL, "--case", "q1", "--case", "q7", more=more)
        assert (two["cases"], two["passed"], two["of"]) == (2, 1, ROWS)
        # What was asked of some cases says nothing of the others: four failed, and still do.
        again = cli.json("evaluate", DESK, *MODEL, "--failed", codes=(1,), more=more)
        assert (again["cases"], failing(again)) == (4, {"q7", "q17", "q27", "q37"})
        server.script = lambda _: answer("alpha")
        mended = cli.json("evaluate", DESK, *MODEL, "--failed", "--fresh", more=more)
        assert (mended["cases"], mended["passed"]) == (4, 4)
        assert cli.fails(2, "evaluate", DESK, *MODEL, "--failed", **more).startswith("error: no case is left")


def test_what_is_not_there_is_one_error(cli: Cli) -> None:
    assert "there is no case q77" in cli.fails(2, "evaluate", DESK, "--case", "q77")
    assert "there is no case with the tag old" in cli.fails(2, "evaluate", DESK, "--tag", "old")
    assert "was not evaluated here yet" in cli.fails(2, "evaluate", DESK, "--failed")
    assert "is no shard" in cli.fails(2, "evaluate", DESK, "--shard", "3/2")
    assert "say which prompt" in cli.fails(2, "evaluate")
    assert "whole suite" in cli.fails(2, "evaluate", DESK, "--tag", "odd", "--save")
    assert "there is no folder" in cli.fails(2, "evaluate", DESK, "-o", "nowhere/out.md")
    assert "no report is written as" in cli.fails(2, "evaluate", DESK, "-o", "out.docx")


def test_shards_part_the_cases_and_are_merged(cli: Cli, asked: Repo, tmp_path: Path) -> None:
    asked.commit({DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2").replace("only", "alone")}, "Two")
    with Server(sometimes) as server:
        more = server.environ()
        files = [str(tmp_path / f"{number}.jsonl") for number in (1, 2, 3)]
        parts = [
            cli.json(
                "evaluate",
                DESK,
                *MODEL,
                "--baseline",
                "v1",
                "--shard",
                f"{n}/3",
                "-o",
                file,
                more=more,
                codes=(0, 1),
            )
            for n, file in enumerate(files, 1)
        ]
        assert sum(part["cases"] for part in parts) == ROWS
        assert all(0 < part["cases"] < ROWS for part in parts)
        whole = cli.json("evaluate", DESK, *MODEL, "--baseline", "v1", more=more)
        called = server.count
        merged = cli.json("evaluate", "merge", *files, more=more)
        assert server.count == called
    assert failing(merged) == failing(whole)
    for key in ("score", "passed", "failed", "errored", "cases", "tokens", "comparison", "latency", "of"):
        assert merged[key] == whole[key], key
    # Given in any order, with a part missing, a part twice, or a part of another run.
    assert cli.json("evaluate", "merge", *reversed(files))["score"] == whole["score"]
    assert "answers are in no file" in cli.fails(2, "evaluate", "merge", *files[:2])
    assert "there twice" in cli.fails(2, "evaluate", "merge", *files, files[0])
    text = Path(files[0]).read_text().replace('"repeats":1', '"repeats":2')
    (tmp_path / "other.jsonl").write_text(text)
    assert "repeats differ" in cli.fails(2, "evaluate", "merge", files[1], str(tmp_path / "other.jsonl"))
    (tmp_path / "cut.jsonl").write_text(Path(files[0]).read_text()[:-30])
    assert "cut.jsonl:" in cli.fails(2, "evaluate", "merge", str(tmp_path / "cut.jsonl"), *files[1:])


def test_merged_shards_are_evidence(cli: Cli, asked: Repo, tmp_path: Path) -> None:
    with Server(sometimes) as server:
        more = server.environ()
        files = [str(tmp_path / f"{number}.jsonl") for number in (1, 2)]
        for n, file in enumerate(files, 1):
            cli("evaluate", DESK, *MODEL, "--shard", f"{n}/2", "-o", file, **more)
    merged = cli.json("evaluate", "merge", *files, "--save")
    record = json.loads(asked.show(f"HEAD:{merged['evidence']}"))
    assert (record["record"], len(record["cases"]), record["totals"]["passed"]) == ("run", ROWS, 36)
    asked.write({SUITE: f"cases: {CASES.rpartition('/')[2]}\nguards: {{safety: 0.5}}\n"})
    assert "another suite" in cli.fails(2, "evaluate", "merge", *files)


def test_versions_and_models_in_one_run_under_one_budget(cli: Cli, asked: Repo) -> None:
    asked.commit({DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2").replace("only", "alone")}, "Two")
    models = ("--model", "openai:one", "--model", "openai:two", "--repeat", "1")
    with Server(sometimes) as server:
        more = server.environ()
        found = cli.json("evaluate", f"{DESK}@v1", f"{DESK}@v2", *models, "--tag", "odd", more=more)
        assert [(one["version"], one["model"]) for one in found["evaluations"]] == [
            (1, "openai:one"),
            (1, "openai:two"),
            (2, "openai:one"),
            (2, "openai:two"),
        ]
        assert server.count == 40
        spent = cli.fails(
            3, "evaluate", f"{DESK}@v1", f"{DESK}@v2", *models, "--fresh", "--max-calls", "90", **more
        )
        assert "70 of 160 answers are missing" in spent
        assert server.count == 40 + 90


def test_an_estimate_asks_nobody(cli: Cli, asked: Repo) -> None:
    asked.write({"promptvc.yaml": PRICED})
    with Server(sometimes) as server:
        more = server.environ()
        before = cli.json("evaluate", DESK, *MODEL, "--estimate", more=more)
        assert server.count == 0
        (one,) = before["estimates"]
        assert (one["answers"], one["cached"], one["calls"]) == (ROWS, 0, ROWS)
        assert before["cost"] == pytest.approx(one["tokens"] / 1000, rel=0.01)
        cli.json("evaluate", DESK, *MODEL, "--tag", "odd", more=more)
        (after,) = cli.json("evaluate", DESK, *MODEL, "--estimate", more=more)["estimates"]
        assert (after["cached"], after["calls"]) == (10, 30)
        assert server.count == 10


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (("--max-calls", "10"), "10 calls"),
        (("--max-tokens", "200"), "200 tokens"),
        (("--max-cost", "0.2"), "0.2 US dollars"),
    ],
)
def test_a_bound_is_kept_and_what_was_paid_for_is_too(
    cli: Cli, asked: Repo, bound: tuple[str, str], words: str
) -> None:
    asked.write({"promptvc.yaml": PRICED})
    with Server(sometimes) as server:
        more = server.environ()
        said = cli.fails(3, "evaluate", DESK, *MODEL, *bound, "--concurrency", "4", **more)
        assert words in said
        # Each call takes 15 tokens, at 0.015 dollars.
        most = {"--max-calls": 10, "--max-tokens": 200 // 15, "--max-cost": int(0.2 / 0.015)}[bound[0]]
        assert 0 < server.count <= most
        paid = server.count
        cli.json("evaluate", DESK, *MODEL, more=more)
        assert server.count == ROWS, "an answer was paid for twice"
        assert paid < ROWS


def test_a_bound_that_cannot_be_kept_is_refused(cli: Cli) -> None:
    with Server(lambda _: answer("alpha", tokens=None)) as server:
        more = server.environ()
        said = cli.fails(2, "evaluate", DESK, *MODEL, "--max-cost", "1", **more)
        assert "the cost of openai:test-model is unknown" in said
        assert server.count == 0
        assert "does not count tokens" in cli.fails(
            3, "evaluate", DESK, *MODEL, "--max-tokens", "9999", "--concurrency", "4", **more
        )
        assert server.count <= 4, "more than the calls under way"


def test_prompts_that_changed_since_a_revision(cli: Cli, asked: Repo) -> None:
    start = asked.rev("HEAD")
    other = DESK_PROMPT.replace("name: desk/route", "name: desk/other")
    asked.commit(
        {
            "prompts/desk/other.yaml": other,
            "evaluation/desk/other.yaml": "cases: [{vars: {question: a}, expected: alpha}]\n",
        },
        "Other",
    )
    since = asked.rev("HEAD")

    def changed(revision: str) -> list[str]:
        done = cli.json("evaluate", "--changed-since", revision, codes=(0, 1))
        return [one["name"] for one in done.get("evaluations", [done])]

    assert changed(since) == []
    assert changed(start) == ["desk/other"]
    asked.write({CASES: rows(10)})
    assert changed(since) == [DESK]
    assert changed(start) == ["desk/other", DESK]
    asked.git("checkout", "-q", "--", ".")
    asked.write({"promptvc.yaml": "evaluation: {success: 0.1}\n"})
    assert changed(since) == ["desk/other", DESK], "settings name models and bars"
    # What main did meanwhile is no change of this branch.
    asked.git("checkout", "-q", "--", ".")
    asked.git("switch", "-q", "-c", "side", start)
    asked.git("switch", "-q", "main")
    asked.commit({DESK_FILE: DESK_PROMPT.replace("only", "alone")}, "On main")
    asked.git("switch", "-q", "side")
    assert changed("main") == []
    assert "there is no revision nowhere" in cli.fails(2, "evaluate", "--changed-since", "nowhere")


def test_outputs_are_written_beside_one_another(cli: Cli, tmp_path: Path) -> None:
    endings = (".json", ".jsonl", ".csv", ".md", ".xml", ".html", ".otel.jsonl")
    outputs = [part for ending in endings for part in ("-o", str(tmp_path / f"report{ending}"))]
    with Server(sometimes) as server:
        cli.json("evaluate", DESK, *MODEL, *outputs, more=server.environ())
    assert sorted(path.name for path in tmp_path.glob("report*")) == sorted(
        f"report{each}" for each in endings
    )
    assert all((tmp_path / f"report{ending}").stat().st_size > 200 for ending in endings)
