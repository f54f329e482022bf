"""`train`: what it writes, what it never does, and how it may end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptvc.base.errors import OverBudget, ProviderError
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import (
    DESK,
    DESK_FILE,
    DESK_PROMPT,
    copy_of,
    corrections,
    desk_files,
    desk_rows,
    desk_suite,
    questions,
)

LEDGER = "promptvc/ledger"
BRANCH = f"promptvc/{DESK}/v2"


def ledger(repo: Repo) -> dict[str, list[str]]:
    """The files of the ledger, by kind."""
    found: dict[str, list[str]] = {"looks": [], "trainings": []}
    if repo.git("for-each-ref", f"refs/heads/{LEDGER}"):
        for path in repo.git("ls-tree", "-r", "--name-only", LEDGER).splitlines():
            found[path.split("/")[0]].append(path)
    return found


def with_feedback(repo: Repo, folder: Path, rows: str, **files: str) -> Cli:
    """A desk with ``rows`` as its feedback, committed."""
    repo.commit(desk_files(**files))
    place = folder / "rows.jsonl"
    place.write_text(rows)
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(place))
    cli.ok("feedback", "commit")
    return cli


def test_same_commit_same_seed_same_bytes(desk: Repo, tmp_path: Path) -> None:
    other = copy_of(desk, tmp_path / "other")
    first, second = cli_of(desk), cli_of(other)
    for seed in ("0", "7"):
        one = first.process("train", DESK, "--json", "--seed", seed, more={"PYTHONHASHSEED": "1"})
        two = second.process("train", DESK, "--json", "--seed", seed, more={"PYTHONHASHSEED": "4242"})
        assert (one.code, two.code) == (0, 0), (one, two)
        keys = ("branch", "score", "changes", "verdict", "look", "calls", "reason")
        assert [one.json[key] for key in keys] == [two.json[key] for key in keys]
        assert desk.show(f"{one.json['branch']}:{DESK_FILE}") == other.show(
            f"{two.json['branch']}:{DESK_FILE}"
        )


def test_the_same_look_twice_is_one_look(trained: Repo) -> None:
    cli = cli_of(trained)
    assert len(ledger(trained)["looks"]) == 1
    again = cli("train", DESK, "--json")
    assert (again.json["look"], again.json["branch"], again.json["candidate"]) == (1, BRANCH, 2)
    assert len(ledger(trained)["looks"]) == 1
    assert len(ledger(trained)["trainings"]) == 2
    assert f"the same candidate was on {BRANCH} already" in cli("train", DESK).err
    assert len(cli.json("train", DESK, "--history")) == 3
    assert (
        trained.git("for-each-ref", "--format=%(refname)", "refs/heads/promptvc/desk")
        == f"refs/heads/{BRANCH}"
    )


def test_every_new_look_spends_less(trained: Repo) -> None:
    cli = cli_of(trained)
    looks = []
    for most in ("4", "3", "5"):
        done = cli.json("train", DESK, "--max-examples", most)
        assert len(ledger(trained)["looks"]) == done["look"]
        looks.append(done["look"])
    alphas = [row["alpha"] for row in reversed(cli.json("train", DESK, "--history"))]
    assert looks == [2, 3, 4]
    expected = [0.05 * 6 / (3.141592653589793**2 * look**2) for look in (1, 2, 3, 4)]
    assert alphas == pytest.approx(expected)


def test_half_of_the_hold_out_new_begins_a_new_epoch(trained: Repo) -> None:
    trained.commit({"evaluation/desk/route.yaml": desk_suite(salt="other")})
    done = cli_of(trained).json("train", DESK)
    assert done["look"] == 1
    (row, _) = cli_of(trained).json("train", DESK, "--history")
    assert row["epoch"] == 2


def test_a_crash_after_the_reservation_counts_as_a_look(
    trained: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = cli_of(trained)

    def crash(*arguments: object, **options: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("promptvc.workflows.meeting.compare", crash)
        with pytest.raises(MemoryError):
            cli("train", DESK, "--max-examples", "4")
    assert len(ledger(trained)["looks"]) == 2
    assert len(ledger(trained)["trainings"]) == 2
    assert cli.json("train", DESK, "--max-examples", "3")["look"] == 3
    assert cli.json("train", DESK, "--max-examples", "4")["look"] == 2


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), ProviderError("no answer"), OverBudget("used up")])
@pytest.mark.parametrize(
    ("where", "look"), [("improve.find_candidate", None), ("meeting.compare", 2), ("delivering.propose", 2)]
)
def test_a_training_that_fails_leaves_its_record(
    trained: Repo, monkeypatch: pytest.MonkeyPatch, stop: BaseException, where: str, look: int | None
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise stop

    cli = cli_of(trained)
    with monkeypatch.context() as broken:
        broken.setattr(f"promptvc.workflows.{where}", fail)
        assert cli("train", DESK, "--max-examples", "4", "--draft").code in {3, 130}
    row = cli.json("train", DESK, "--history")[0]
    assert (row["look"], row["promoted"], row["candidate"]) == (look, False, None)
    assert row["reason"] == f"failed: {str(stop) or 'interrupted'}"
    assert row["events"]["count"] > 0
    assert len(ledger(trained)["trainings"]) == 2


def test_a_dry_run_plans_as_the_training_does(desk: Repo) -> None:
    cli = cli_of(desk)
    dry = cli.json("train", DESK, "--max-calls", "250", "--dry-run")
    real = cli.json("train", DESK, "--max-calls", "250")
    assert dry["changes"] == real["changes"]
    assert dry["calls"] == real["calls"] - 90


def test_what_is_left_out_is_said(repo: Repo, tmp_path: Path) -> None:
    held = json.loads(desk_rows(1).splitlines()[0]) | {
        "input": {"question": questions("beta", 1, salt="hold")[0]}
    }
    rows = [json.loads(line) for line in desk_rows().splitlines()]
    differ = [rows[0] | {"corrected": label, "user": label} for label in ("beta", "gamma")]
    number = rows[0] | {"input": {"question": 4711}}
    lines = [*rows[1:], held, *differ, number]
    cli = with_feedback(repo, tmp_path, "".join(json.dumps(row) + "\n" for row in lines))
    (folder,) = {path.parent for path in (repo.path / "feedback").rglob("*.jsonl")}
    repo.commit({str((folder / "broken.jsonl").relative_to(repo.path)): "{no event\n"})
    done = cli.json("train", DESK)
    expected = {"cannot be read": 1, "repeat a hold-out input": 1, "users differ": 2}
    assert done["left_out"] == expected
    assert cli.json("train", DESK, "--history")[0]["left_out"] == expected
    said = cli.ok("train", DESK)
    assert "left out: 1 cannot be read, 1 repeat a hold-out input, 2 users differ\n" in said


def test_another_candidate_that_waits_is_named(trained: Repo) -> None:
    cli = cli_of(trained)
    assert "waits to be merged" not in cli("train", DESK).err
    other = cli("train", DESK, "--max-examples", "4", "--draft")
    assert f"another candidate waits to be merged: {BRANCH}\n" in other.err
    trained.git("update-ref", "refs/remotes/origin/promptvc/desk/route/v2", BRANCH)
    trained.git("branch", "-q", "-D", BRANCH)
    again = cli("train", DESK, "--max-examples", "4", "--draft")
    assert f"another candidate waits to be merged: origin/{BRANCH}\n" in again.err


def test_a_dry_run_leaves_no_ref_and_never_meets_the_hold_out(desk: Repo) -> None:
    cli = cli_of(desk)
    refs = desk.git("for-each-ref")
    broken = desk_suite().replace("expected: alpha", "expected: nobody")
    before = cli.json("train", DESK, "--dry-run")
    desk.commit({"evaluation/desk/route.yaml": broken})
    after = cli.json("train", DESK, "--dry-run")
    assert before == after
    assert before["reason"].startswith("dry run")
    assert before["changes"]["examples"] > 0
    assert before["score"] is before["candidate"] is before["look"] is None
    assert desk.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert refs
    assert cli.json("train", DESK, "--history") == []
    shown = cli.ok("train", DESK, "--dry-run")
    assert shown.count("\n  + ") == before["changes"]["examples"]


def test_no_improvement_is_a_normal_end(repo: Repo, tmp_path: Path) -> None:
    """Corrections that say nothing about the suite: its words are others."""
    cli = with_feedback(repo, tmp_path, desk_rows().replace('"corrected": "beta"', '"corrected": "alpha"'))
    suite = desk_suite()
    for label in ("alpha", "gamma"):
        suite = suite.replace(f"expected: {label}", "expected: beta")
    repo.commit({"evaluation/desk/route.yaml": suite})
    done = cli("train", DESK)
    assert done.code == 0
    assert "no improvement found" in done.out
    (row,) = cli.json("train", DESK, "--history")
    assert row["candidate"] is None
    assert not row["promoted"]
    assert "no improvement found" in row["reason"]
    assert repo.git("for-each-ref", "refs/heads/promptvc/desk") == ""
    assert row["reason"] in cli.ok("train", DESK, "--history")


def test_too_little_feedback_is_a_normal_end_too(repo: Repo, tmp_path: Path) -> None:
    cli = with_feedback(repo, tmp_path, desk_rows(2))
    done = cli.json("train", DESK)
    assert (done["candidate"], done["look"], done["calls"]) == (None, None, 0)
    assert "10" in done["reason"]
    assert len(ledger(repo)["trainings"]) == 1
    assert ledger(repo)["looks"] == []


def test_what_is_inconclusive_is_committed_only_as_a_draft(repo: Repo, tmp_path: Path) -> None:
    """A hold-out where only three cases speak of what was learned."""
    cli = with_feedback(repo, tmp_path, desk_rows())
    lines = ["cases:"]
    for at, text in enumerate(questions("gamma", 4, salt="few")):
        lines += [f"  - {{id: g{at}, vars: {{question: {text}}}, expected: gamma}}"]
    for at in range(40):
        lines += [f"  - {{id: x{at}, vars: {{question: zzyzx{at} qwert{at}}}, expected: nobody}}"]
    repo.commit({"evaluation/desk/route.yaml": "\n".join(lines) + "\n"})
    done = cli.json("train", DESK)
    assert (done["verdict"], done["candidate"], done["promoted"]) == ("inconclusive", None, False)
    assert "--draft" in done["reason"]
    assert repo.git("for-each-ref", "refs/heads/promptvc/desk") == ""
    draft = cli.json("train", DESK, "--draft")
    assert (draft["verdict"], draft["candidate"], draft["promoted"]) == ("inconclusive", 2, False)
    assert draft["look"] == 1
    said = cli.ok("train", DESK, "--draft")
    assert "committed as a draft" in said
    assert "git merge" not in said


def test_fewer_than_thirty_hold_out_groups_are_at_most_a_draft(repo: Repo, tmp_path: Path) -> None:
    cli = with_feedback(repo, tmp_path, desk_rows(), **{"evaluation/desk/route.yaml": desk_suite(9)})
    done = cli.json("train", DESK)
    assert (done["verdict"], done["candidate"], done["promoted"]) == ("improvement", None, False)
    assert "27" in done["reason"]
    assert cli.json("train", DESK, "--draft")["candidate"] == 2


def test_without_a_suite_a_part_of_the_feedback_is_the_hold_out(repo: Repo, tmp_path: Path) -> None:
    cli = with_feedback(repo, tmp_path, desk_rows(50), **{"evaluation/desk/other.yaml": desk_suite(1)})
    repo.commit({"evaluation/desk/route.yaml": None})
    done = cli.json("train", DESK)
    assert done["promoted"]
    assert 30 <= done["score"]["n"] <= 60
    held = done["score"]["n"]
    text = repo.show(f"{done['branch']}:{DESK_FILE}").decode()
    assert text.count("output:") <= 150 - held


def test_reviewed_only_takes_what_an_annotation_approved(repo: Repo, tmp_path: Path) -> None:
    cli = with_feedback(repo, tmp_path, desk_rows())
    nothing = cli.json("train", DESK, "--reviewed-only")
    assert (nothing["candidate"], nothing["look"]) == (None, None)
    events = cli.json("feedback", "list", DESK)
    reviews = [
        {
            "time": "2026-02-01T10:00:00Z",
            "prompt": DESK,
            "kind": "annotation",
            "source": "human",
            "target": event["id"],
            "approved": event["corrected"] != "gamma",
            "reviewer": "lead",
        }
        for event in events
    ]
    (tmp_path / "reviews.jsonl").write_text("".join(json.dumps(one) + "\n" for one in reviews))
    cli.ok("feedback", "import", str(tmp_path / "reviews.jsonl"))
    cli.ok("feedback", "commit")
    gamma = {event["id"] for event in events if event["corrected"] == "gamma"}
    for more in ((), ("--reviewed-only",)):
        done = cli.json("train", DESK, *more)
        assert done["promoted"], done
        examples = cli.json("show", f"{DESK}@{done['branch']}")["prompt"]["examples"]
        assert examples
        assert not gamma & {one for example in examples for one in example["because"]}


def test_days_count_back_from_the_newest_event(repo: Repo, tmp_path: Path) -> None:
    rows = corrections("alpha", 28) + corrections("beta", 28) + corrections("gamma", 28)
    cli = with_feedback(repo, tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    done = cli.json("train", DESK, "--days", "10")
    times = {event["id"]: event["time"] for event in cli.json("feedback", "list", DESK)}
    examples = cli.json("show", f"{DESK}@{done['branch']}")["prompt"]["examples"]
    cited = {times[one] for example in examples for one in example["because"]}
    assert cited
    assert min(cited) >= "2026-01-18T"


def test_max_examples_bounds_the_prompt(desk: Repo) -> None:
    cli = cli_of(desk)
    for most in (2, 5):
        done = cli.json("train", DESK, "--max-examples", str(most), "--draft")
        assert done["changes"]["examples"] <= most
        assert len(cli.json("show", f"{DESK}@{done['branch']}")["prompt"]["examples"]) <= most


def test_too_few_calls_say_how_many_are_needed(desk: Repo) -> None:
    cli = cli_of(desk)
    said = cli.fails(3, "train", DESK, "--max-calls", "90")
    assert "90" in said
    assert "hint: allow 110 calls or more" in said
    assert desk.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    some = cli.json("train", DESK, "--max-calls", "150")
    assert some["calls"] <= 150


def test_what_a_judge_takes_is_kept_free_as_well(desk: Repo) -> None:
    suite = (desk.path / "evaluation/desk/route.yaml").read_text()
    rubric = "default: {assert: [{type: llm-rubric, value: kind}]}\n"
    desk.commit(
        {
            "evaluation/desk/route.yaml": rubric + suite,
            "promptvc.yaml": "evaluation: {judge: 'openai:judge'}\n",
        }
    )
    said = cli_of(desk).fails(3, "train", DESK, "--max-calls", "150", OPENAI_API_KEY="unused")
    assert "150 calls are too few: the comparison alone takes 180" in said


def test_what_stands_on_main_is_trained_whatever_lies_around(desk: Repo) -> None:
    """Another branch is checked out, the working tree is dirty, something is staged: none of it counts or changes."""
    cli = cli_of(desk)
    desk.git("remote", "add", "origin", "nowhere")
    desk.git("update-ref", "refs/remotes/origin/main", "main")
    desk.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    clean = cli.json("train", DESK)
    prompt = desk.show(f"{clean['branch']}:{DESK_FILE}")
    desk.git("branch", "-D", clean["branch"])
    desk.git("checkout", "-q", "-b", "side")
    desk.commit({DESK_FILE: DESK_PROMPT.replace("one label", "a label")})
    desk.write(
        {DESK_FILE: "not: [a prompt", "staged": "1", "untracked": "2", "evaluation/desk/route.yaml": "x"}
    )
    desk.git("add", "staged")
    status = desk.status()
    dirty = cli.json("train", DESK)
    assert desk.status() == status
    assert desk.show(f"{dirty['branch']}:{DESK_FILE}") == prompt
    assert desk.git("merge-base", "main", dirty["branch"]) == desk.rev("main")


def test_the_number_is_one_more_than_any_known(trained: Repo) -> None:
    cli = cli_of(trained)
    trained.commit(
        {DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 5").replace("one label", "a label")}
    )
    done = cli.json("train", DESK)
    assert (done["baseline"], done["candidate"]) == (5, 6)
    trained.git("branch", f"promptvc/{DESK}/v9", "main")
    assert cli.json("train", DESK, "--max-examples", "4", "--draft")["candidate"] == 10


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing/here",), 2, "no prompt nothing/here"),
        (("desk/rout",), 2, "did you mean desk/route?"),
        ((DESK, "--models", " , "), 2, "--models takes"),
        ((DESK, "--models", "openai:gpt-x"), 2, "OPENAI_API_KEY"),
        ((DESK, "--models", "nobody:x"), 2, "nobody"),
        ((DESK, "--approach", "magic"), 2, "magic"),
        ((DESK, "--max-calls", "0"), 2, "max-calls"),
        ((DESK, "--push"), 2, "no remote origin"),
        ((f"{DESK}@v1",), 2, "train takes a NAME, no revision"),
        ((f"{DESK}@v1", "--history"), 2, "train takes a NAME, no revision"),
        ((DESK, "--history", "--max-calls", "5"), 2, "--history does not go with --max-calls"),
        ((DESK, "--models", "offline", "--history"), 2, "--history does not go with --models"),
        ((DESK, "--dry-run", "--max-calls", "90"), 3, "allow 110 calls or more"),
    ],
)
def test_what_cannot_be_trained(desk: Repo, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert words in cli_of(desk).fails(code, "train", *arguments)
    assert desk.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
