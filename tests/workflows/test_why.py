"""From a rule, an example or a line back to who wrote it and what users said."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.base.ids import new_ulid
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.workflows.told import FILE, GONE, LINE, NAME, NOON, SAID, TRAINING, V2, event, tell


@pytest.fixture
def told(repo: Repo) -> Repo:
    return tell(repo)


@pytest.fixture
def cli(told: Repo) -> Cli:
    return cli_of(told)


def test_a_trained_rule_names_its_training_and_what_users_said(told: Repo, cli: Cli) -> None:
    found = cli.json("why", f"{NAME}@v2", "--rule", "2")
    assert (found["name"], found["version"]) == (NAME, 2)
    assert found["item"] == {
        "kind": "rule",
        "number": 2,
        "path": "rules[1]",
        "text": "A charge nobody knows is card_fraud.",
    }
    assert found["introduced"] == {
        "version": 2,
        "commit": told.rev(f"promptvc/{NAME}/v2"),
        "author": "Ada Author",
        "time": "2026-01-01T00:00:00Z",
        "subject": f"Train {NAME} v2",
        "approach": "meta_prompt",
        "training": TRAINING,
        "verdict": "improvement",
    }
    gone, said = found["events"]
    assert gone == {"id": GONE, "gone": True}
    assert (said["id"], said["gone"], said["words"]) == (SAID, False, "charged twice -> billing")
    assert said["event"]["corrected"] == "billing"
    text = cli.ok("why", NAME, "--rule", "2")
    assert "improvement (0.500 -> 0.750)" in text
    assert f"{GONE}  no longer here" in text
    assert "charged twice -> billing" in text


def test_piped_nothing_is_cut(told: Repo, cli: Cli) -> None:
    long = "A charge of yesterday " + "and of the day before " * 9 + "is card_fraud."
    text = told.read(FILE).decode()
    said = event(GONE, kind="suggestion", comment=f"say: {long}")
    place = f"feedback/{NAME}/2026/02/{new_ulid(NOON, b'1' * 10)}.jsonl"
    told.commit({FILE: text.replace("A charge nobody knows is card_fraud.", long), place: said}, "Say more")
    assert f"\t{long}\n" in cli.ok("why", NAME)
    assert f": say: {long}\n" in cli.ok("why", NAME, "--rule", "2")
    for command in (("why", NAME), ("why", NAME, "--rule", "2")):
        assert "…\n" in cli.ok(*command, PROMPTVC_FORCE_TTY="80")


def test_what_a_person_wrote_names_the_person(told: Repo, cli: Cli) -> None:
    found = cli.json("why", NAME, "--rule", "1")
    assert found["introduced"]["version"] == 1
    assert found["introduced"]["commit"] == told.rev(f"promptvc/{NAME}/v2~1")
    assert found["introduced"]["training"] is None
    assert found["events"] == []
    text = cli.ok("why", NAME, "--rule", "1")
    assert "by Ada Author, 2026-01-01: Route by hand" in text
    assert "written by hand" in text


def test_a_line_that_training_changed_cites_what_the_ledger_says_of_its_message(cli: Cli) -> None:
    found = cli.json("why", NAME, "--line", "7")
    assert found["item"] == {
        "kind": "line",
        "number": 7,
        "path": "messages[0]",
        "text": "      Answer with one label of the list.",
    }
    assert (found["introduced"]["version"], found["introduced"]["training"]) == (2, TRAINING)
    assert [said["words"] for said in found["events"]] == ["name the list"]
    above = cli.json("why", NAME, "--line", "6")
    assert (above["introduced"]["version"], above["events"]) == (1, [])


def test_a_line_of_a_rule_or_an_example_is_that(cli: Cli) -> None:
    assert cli.json("why", NAME, "--line", "13") == cli.json("why", NAME, "--rule", "2")
    assert cli.json("why", NAME, "--line", "16") == cli.json("why", NAME, "--example", "1")
    assert cli.json("why", NAME, "--line", "10")["item"]["path"] == "rules"


def test_words_keep_their_origin_when_they_move_or_are_indented_anew(told: Repo, cli: Cli) -> None:
    text = V2.replace("version: 2", "version: 3").replace("  - text: Never guess.\n", "")
    text = text.replace("examples:", "  - text: Never guess.\nexamples:").replace("      ", "         ")
    told.commit({FILE: text}, "Tidy up")
    everything = cli.json("why", NAME)["items"]
    assert [(one["item"]["path"], one["introduced"]["version"]) for one in everything] == [
        ("rules[0]", 2),
        ("rules[1]", 1),
        ("examples[0]", 2),
    ]
    assert cli.json("why", NAME, "--line", "7")["introduced"]["version"] == 2
    assert cli.json("why", NAME, "--line", "2")["introduced"]["version"] == 3


def test_further_evidence_is_cited_and_does_not_make_a_rule_new(told: Repo, cli: Cli) -> None:
    text = V2.replace("version: 2", "version: 3").replace(f"[{GONE}, {SAID}]", f"[{GONE}, {LINE}, {SAID}]")
    told.commit({FILE: text}, "More evidence")
    found = cli.json("why", NAME, "--rule", "2")
    assert found["introduced"]["version"] == 2
    assert [said["id"] for said in found["events"]] == [GONE, LINE, SAID]


def test_a_reworded_rule_is_of_who_reworded_it(told: Repo, cli: Cli) -> None:
    told.git("config", "user.name", "Bo Editor")
    told.environ["GIT_AUTHOR_NAME"] = "Bo Editor"
    told.commit({FILE: V2.replace("version: 2", "version: 3").replace("Never", "Never ever")}, "Be strict")
    found = cli.json("why", NAME, "--rule", "1")["introduced"]
    assert (found["version"], found["author"], found["subject"]) == (3, "Bo Editor", "Be strict")
    assert cli.json("why", f"{NAME}@v2", "--rule", "1")["introduced"]["version"] == 1


def test_what_is_not_committed_says_so(told: Repo, cli: Cli) -> None:
    told.write({FILE: V2.replace("version: 2", "version: 3").replace("Never guess", "Ask first")})
    found = cli.json("why", NAME, "--rule", "1")
    assert found["introduced"] == dict.fromkeys(found["introduced"]) | {"version": 3}
    assert cli.json("why", NAME, "--rule", "2")["introduced"]["version"] == 2
    assert "not committed yet" in cli.ok("why", NAME, "--rule", "1")
    assert "not committed" in cli.ok("why", NAME)


def test_a_renumbered_candidate_keeps_its_training(told: Repo, cli: Cli) -> None:
    told.commit({FILE: V2.replace("version: 2", "version: 9")}, "Renumber")
    assert cli.json("why", NAME, "--rule", "2")["introduced"]["training"] == TRAINING


def test_a_version_between_that_cannot_be_read_hides_nothing(told: Repo, cli: Cli) -> None:
    told.commit({FILE: "name: [\n"}, "Break it")
    told.commit({FILE: V2.replace("version: 2", "version: 3")}, "Mend it")
    assert cli.json("why", NAME, "--rule", "1")["introduced"]["version"] == 1
    assert cli.json("why", NAME, "--line", "6")["introduced"]["version"] == 1


def test_a_candidate_that_is_not_merged_is_asked_on_its_branch(told: Repo, cli: Cli) -> None:
    told.git("reset", "-q", "--hard", "HEAD~1")
    found = cli.json("why", f"{NAME}@v2", "--example", "1")
    assert (found["introduced"]["training"], found["introduced"]["verdict"]) == (TRAINING, "improvement")


def test_what_is_not_there_is_said(cli: Cli) -> None:
    assert f"{NAME} v2 has no rule 3" in cli.fails(2, "why", NAME, "--rule", "3")
    assert "it has 2 rules" in cli.fails(2, "why", NAME, "--rule", "3")
    assert "has no line 99" in cli.fails(2, "why", NAME, "--line", "99")
    assert "two questions" in cli.fails(2, "why", NAME, "--line", "1", "--rule", "1")
    cli.fails(2, "why", NAME, "--rule", "0")
    cli.fails(2, "why", "desk/whi")


def test_a_shallow_clone_says_that_it_cannot_know(told: Repo, cli: Cli, tmp_path: Path) -> None:
    told.git("clone", "-q", "--depth", "1", f"file://{told.path}", str(tmp_path / "shallow"))
    assert "git fetch --unshallow" in cli.at(tmp_path / "shallow").fails(2, "why", NAME, "--rule", "1")
