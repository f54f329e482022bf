"""The loop, end to end: feedback, training, a candidate on a branch, review, deployment, rollback."""

from __future__ import annotations

import json
from pathlib import Path

from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files, desk_rows

BRANCH = f"promptvc/{DESK}/v2"


def test_the_loop(repo: Repo, tmp_path: Path) -> None:
    repo.commit(desk_files())
    cli = cli_of(repo)
    cli.ok("deploy", DESK)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(desk_rows())
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "add", DESK, "--input", "where is ada@example.org?", "--corrected", "alpha")
    sealed = cli.json("feedback", "commit")
    assert sealed["events"] == 61
    for segment in sealed["segments"]:
        assert b"ada@example.org" not in repo.show(f"HEAD:{segment}")
    before = repo.rev("main")

    done = cli.json("train", DESK, "--days", "9999")
    assert (done["promoted"], done["branch"], done["commit"]) == (True, BRANCH, repo.rev(BRANCH))
    assert repo.rev("main") == before == repo.rev(f"{BRANCH}~1")
    assert repo.status() == []
    assert repo.read(DESK_FILE).decode() == DESK_PROMPT

    changed = repo.git("diff", "--name-only", f"main..{BRANCH}").splitlines()
    (evidence,) = [path for path in changed if path != DESK_FILE]
    record = json.loads(repo.show(f"{BRANCH}:{evidence}"))
    assert evidence == f"evaluation/evidence/{DESK}/{record['id']}.json"
    assert record["candidate"]["version"] == 2
    assert record["candidate"]["digest"] == repo.rev(f"{BRANCH}:{DESK_FILE}")
    assert record["baseline"]["digest"] == repo.rev(f"main:{DESK_FILE}")
    trailers = dict(
        line.split(": ", 1) for line in repo.git("log", "-1", "--format=%(trailers)", BRANCH).splitlines()
    )
    assert trailers["Promptvc-Prompt"] == DESK
    assert trailers["Promptvc-Version"] == "2"
    assert trailers["Promptvc-Approach"] == "few_shot"
    assert trailers["Promptvc-Evidence"] == record["id"]
    assert trailers["Promptvc-Verdict"] == "improvement (0.333 -> 1.000, n=45)"
    subject = repo.git("log", "-1", "--format=%s", BRANCH)
    assert subject == f"Train {DESK} v2: +66.7 points by few_shot"

    text = repo.show(f"{BRANCH}:{DESK_FILE}").decode()
    assert text.startswith("# The desk's own comment.\nname: desk/route\nversion: 2\n")
    known = {event["id"] for event in cli.json("feedback", "list", DESK)}
    examples = cli.json("show", f"{DESK}@{BRANCH}")["prompt"]["examples"]
    assert examples
    for example in examples:
        assert set(example["because"]) <= known
        assert example["because"]

    assert cli.json("diff", f"{DESK}@v1", "@v2")["changes"]
    repo.git("merge", "-q", "--no-ff", "--no-edit", BRANCH)
    deployed = cli.json("deploy", DESK)
    assert (deployed["version"], deployed["previous"]) == (2, 1)
    assert repo.read(f"deployments/production/{DESK}.yaml") == repo.read(DESK_FILE)
    assert cli("deploy", DESK).out == f"production runs {DESK} v2 already\n"
    back = cli.json("rollback", DESK, "--reason", "complaints")
    assert (back["version"], back["previous"]) == (1, 2)
    assert repo.read(f"deployments/production/{DESK}.yaml").decode() == DESK_PROMPT
    (standing,) = cli.json("status")
    assert (standing["version"], standing["latest"], standing["held"]) == (1, 2, [2])
    assert "held" in cli.fails(1, "deploy", DESK)
    assert cli.json("check")["problems"] == []
    assert repo.git("fsck", "--strict") == ""
    assert repo.status() == []


def test_a_hold_is_a_file_with_a_reason_and_deleting_it_lifts_it(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("rollback", DESK, "--reason", "the refunds\nteam complained: twice")
    hold = f"deployments/production/holds/{DESK}/v2.yaml"
    text = shipped.read(hold).decode()
    assert "team complained: twice" in text
    assert shipped.rev(f"HEAD:{DESK_FILE}") in text
    assert "the refunds" in shipped.git("log", "-1", "--format=%B")
    shipped.commit({hold: None}, "Lift it")
    assert cli.json("deploy", DESK)["version"] == 2
    (problem,) = cli.json("check")["problems"]
    assert (problem["rule"], problem["severity"]) == ("hold-lifted", "warning")
    assert "Ada Author" in problem["message"]


def test_learned_text_is_never_a_template(repo: Repo, tmp_path: Path) -> None:
    """Feedback with template syntax trains, and reaches the model as it was written."""
    rows = [json.loads(line) for line in desk_rows().splitlines()]
    for row in rows:
        row["input"]["question"] += " {{ secret }} {% raw %} {{"
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    repo.commit(desk_files())
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(tmp_path / "rows.jsonl"))
    cli.ok("feedback", "commit")
    done = cli.json("train", DESK, "--days", "9999")
    assert done["promoted"]
    shown = cli.json("show", f"{DESK}@{done['branch']}", "--var", "question=what {{ now }}?")
    contents = [message["content"] for message in shown["messages"]]
    assert any(content.endswith(" {{ secret }} {% raw %} {{") for content in contents)
    assert contents[-1] == "what {{ now }}?"
    assert cli.json("check")["problems"] == []


def test_the_sample_improves_and_passes_its_own_check(sample: Repo) -> None:
    cli = cli_of(sample)
    assert cli.json("check")["problems"] == []
    done = cli.json("train", "support/triage")
    assert (done["verdict"], done["promoted"]) == ("improvement", True)
    assert done["score"]["n"] >= 200
    sample.git("merge", "-q", "--no-ff", "--no-edit", done["branch"])
    assert cli.json("check")["problems"] == []
    score = done["score"]["candidate"]
    assert cli.json("evaluate", "support/triage", codes=(0, 1))["score"] == score
