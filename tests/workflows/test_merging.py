"""`evaluate merge`: several prompts in one set of files, judges that differ, shards without cases, nothing to merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptvc.evaluation.selection import parse_shard
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

SUITE = f"evaluation/{DESK}.yaml"
OTHER = "desk/other"
OTHER_FILES = {
    f"prompts/{OTHER}.yaml": DESK_PROMPT.replace("name: desk/route", f"name: {OTHER}"),
    f"evaluation/{OTHER}.yaml": "cases: [{id: only, vars: {question: one}, expected: alpha}]\n",
}
MODEL = ("--model", "openai:test-model", "--repeat", "1")
PLAIN, GRADED = "q1", "q0"
JUDGED = f"""\
cases:
  - {{id: {PLAIN}, vars: {{question: plain}}, expected: alpha}}
  - {{id: {GRADED}, vars: {{question: graded}}, assert: [{{type: llm-rubric, value: is short}}]}}
"""


def script(request: Request) -> Reply:
    """A model that always says alpha, and judges that like it."""
    if str(request.body["model"]).startswith("judge"):
        rubric = {"reason": "as asked", "pass": True, "score": 1.0}
        closed = {"reason": "as asked", "verdict": "Y"}
        return answer(json.dumps(closed if "The criterion:" in request.text else rubric))
    return answer("alpha")


@pytest.fixture
def cli(desk: Repo) -> Cli:
    desk.commit({SUITE: "cases:\n" + "".join(cases(12))}, "Ask")
    return cli_of(desk)


def cases(count: int) -> list[str]:
    return [
        f"  - {{id: c{at}, vars: {{question: 'question {at} {'x ' * at}'}}, expected: alpha}}\n"
        for at in range(count)
    ]


def shards(cli: Cli, folder: Path, server: Server, *more: str, count: int = 2) -> list[str]:
    """The files that the shards of one run write."""
    for number in range(1, count + 1):
        file = str(folder / f"results-{number}.jsonl")
        done = cli("evaluate", *more, "--shard", f"{number}/{count}", "-o", file, **server.environ())
        assert done.code == 0, done
    return sorted(map(str, folder.glob("results-*.jsonl")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def test_several_prompts_are_merged_apart(cli: Cli, desk: Repo, folder: Path) -> None:
    start = desk.rev("HEAD")
    desk.commit({**OTHER_FILES, DESK_FILE: DESK_PROMPT.replace("only", "alone")}, "Two prompts")
    with Server(script) as server:
        files = shards(cli, folder, server, *MODEL, "--changed-since", start, count=3)
    assert len(files) == 6
    outputs = ("-o", str(folder / "comment.md"))
    found = cli.json("evaluate", "merge", *files, *outputs)["evaluations"]
    assert {(one["name"], one["cases"], one["passed"]) for one in found} == {(OTHER, 1, 1), (DESK, 12, 12)}
    assert len(list(folder.glob("comment-*.md"))) == 2
    # One prompt that is no good makes the answer no; one that is not whole, an error that names it.
    late = next(
        file for file in files if OTHER.replace("/", "-") in file and "only" in Path(file).read_text()
    )
    assert f"1 of 1 answers are in no file: of {OTHER}" in cli.fails(
        2, "evaluate", "merge", *(file for file in files if file != late)
    )
    Path(late).write_text(Path(late).read_text().replace('"score":1.0', '"score":0.0'))
    assert [one["score"] for one in cli.json("evaluate", "merge", *files, codes=(1,))["evaluations"]].count(
        0
    ) == 1


def test_a_shard_without_cases_is_a_part(cli: Cli, desk: Repo, folder: Path) -> None:
    desk.commit(OTHER_FILES, "Other")
    with Server(script) as server:
        files = shards(cli, folder, server, OTHER, *MODEL, "--baseline", "v1", count=3)
    assert sorted(len(Path(file).read_text().splitlines()) for file in files) == [1, 1, 3]
    merged = cli.json("evaluate", "merge", *files)
    assert (merged["cases"], merged["score"], merged["comparison"]["verdict"]) == (1, 1.0, "inconclusive")


def test_where_nothing_has_changed_the_files_say_so(cli: Cli, desk: Repo, folder: Path) -> None:
    with Server(script) as server:
        files = shards(cli, folder, server, *MODEL, "--changed-since", "HEAD")
        assert server.count == 0
        assert len(files) == 2
        assert "nothing has changed" in cli.ok("evaluate", "merge", *files, "--gate")
        assert cli.json("evaluate", "merge", *files) == {"evaluations": []}
        report, again = folder / "comment.md", folder / "again.jsonl"
        cli.ok("evaluate", "merge", *files, "-o", str(report), "-o", str(again))
        assert not report.exists()
        assert again.read_text() == Path(files[0]).read_text()
        # Nothing beside something is no part of it.
        cli.ok("evaluate", DESK, *MODEL, "-o", str(folder / "whole.jsonl"), **server.environ())
    assert cli.json("evaluate", "merge", *files, str(folder / "whole.jsonl"))["cases"] == 12
    assert "there is no file" in cli.fails(2, "evaluate", "merge", str(folder / "results-*.jsonl"))


def test_shards_of_different_judges_are_not_merged(cli: Cli, desk: Repo, folder: Path) -> None:
    """Also where a shard happened to ask no judge: what is in the other must be by the judge it says."""
    desk.commit({SUITE: JUDGED}, "Judge")
    parted = parse_shard("1/2")
    assert parted.has(GRADED) != parted.has(PLAIN)
    asked = 1 if parted.has(GRADED) else 2
    files = {}
    with Server(script) as server:
        for judge in ("openai:judge-one", "openai:judge-two"):
            for number in (1, 2):
                file = files[judge, number] = str(folder / f"{judge[7:]}-{number}.jsonl")
                shard = ("--shard", f"{number}/2", "--judge", judge, "-o", file)
                done = cli.json("evaluate", DESK, *MODEL, *shard, more=server.environ())
                assert (done["judging"] is not None) is (number == asked)
    for judge in ("openai:judge-one", "openai:judge-two"):
        merged = cli.json("evaluate", "merge", files[judge, 1], files[judge, 2])
        assert (merged["score"], merged["judging"]["model"], merged["pure"]) == (1.0, judge, False)
        assert merged["judge"] == merged["judging"]["digest"] != ""
    mixed = (files["openai:judge-one", 1], files["openai:judge-two", 2])
    assert "judge differ" in cli.fails(2, "evaluate", "merge", *mixed)


def test_what_the_parts_measured_is_told_of_the_whole(cli: Cli, folder: Path) -> None:
    with Server(script) as server:
        files = shards(cli, folder, server, DESK, *MODEL)
        whole = cli.json("evaluate", DESK, *MODEL, more=server.environ())
    merged = cli.json("evaluate", "merge", *files)
    assert set(merged["qualities"]) == set(whole["qualities"]) == {"coherence", "relevance", "safety"}
    for name, quality in whole["qualities"].items():
        assert (merged["qualities"][name]["n"], merged["qualities"][name]["measure"]) == (12, "lexical")
        assert merged["qualities"][name]["score"] == pytest.approx(quality["score"])
    sizes = {json.loads(Path(file).read_text().splitlines()[0])["cases"] for file in files}
    assert len(sizes) == 2, "means of unequal parts have to be weighted"
    # A mean over answers, not over parts; and words in one part and a judge in the other are not one measure.
    head, rest = Path(files[0]).read_text().split("\n", 1)
    value = json.loads(head)
    value["qualities"]["safety"]["score"] = 0.0
    value["qualities"]["coherence"]["measure"] = "openai:judge"
    Path(files[0]).write_text(f"{json.dumps(value)}\n{rest}")
    again = cli.json("evaluate", "merge", *files)["qualities"]
    assert set(again) == {"relevance", "safety"}
    share = 1 - value["cases"] / 12
    assert again["safety"]["score"] == pytest.approx(whole["qualities"]["safety"]["score"] * share)


def test_all_judge_prompts_are_named(cli: Cli, desk: Repo, folder: Path) -> None:
    suite = JUDGED.replace("expected: alpha", "assert: [{type: model-graded-closedqa, value: is short}]")
    desk.commit({SUITE: suite}, "Judge both")

    with Server(script) as server:
        files = []
        for number in (1, 2):
            files.append(str(folder / f"{number}.jsonl"))
            shard = ("--shard", f"{number}/2", "--judge", "openai:judge", "-o", files[-1])
            cli.json("evaluate", DESK, *MODEL, *shard, more=server.environ())
    prompts = cli.json("evaluate", "merge", *files)["judging"]["prompts"]
    assert prompts == {"llm-rubric": 1, "model-graded-closedqa": 1}
