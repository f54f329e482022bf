"""Reviewing answers: the queue and its order, words that are kept at once, experts, disputes, and the terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.clock import utc_now
from promptvc.feedback.pseudonyms import Key, pseudonym
from promptvc.training.trained import TrainRequest
from promptvc.workflows.learning import prepare
from promptvc.workflows.project import open_project
from tests.analysis.answers import an_id
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, desk_files

SECRET = "0" * 64
SCORES = "annotation:\n  scores: {tone: stars, safe: yes_no, share: percent, form: [letter, note]}\n"


def logged(number: int, **values: Any) -> dict[str, Any]:
    about = {"id": an_id(number), "time": f"2026-09-{1 + number:02d}T10:00:00Z", "prompt": DESK, "version": 1}
    said = {
        "kind": "success",
        "source": "code",
        "input": {"question": f"question {number}"},
        "output": "alpha",
    }
    return about | said | {"context": {"model": "openai:m"}} | values


def name_of(person: str) -> str:
    return pseudonym(person, Key(SECRET.encode()))


@pytest.fixture
def cli(repo: Repo) -> Cli:
    return world(repo, SCORES)


def world(repo: Repo, settings: str, rows: Sequence[dict[str, Any]] | None = None) -> Cli:
    repo.commit(desk_files(**{"promptvc.yaml": settings}))
    cli = Cli(repo.path, {**cli_of(repo).environ, "PROMPTVC_USER_KEY": SECRET})
    bad = {"kind": "rating", "source": "human", "stars": 1, "comment": "wrong"}
    given = [logged(1), logged(2, **bad), logged(3), logged(4, kind="rating", source="human", stars=5)]
    file = repo.path.parent / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in given if rows is None))
    if rows is not None:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.ok("feedback", "import", str(file))
    return cli


def waits(cli: Cli, who: str, *options: str) -> list[str]:
    queue = cli.json("annotate", DESK, "--queue", "--reviewer", who, *options)
    return [item["id"] for item in queue["items"]]


def say(cli: Cli, who: str, number: int, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = cli.json("annotate", "--target", an_id(number), "--reviewer", who, *options)
    return found


def notes(cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli.json("feedback", "list", "--spooled", "--kind", "annotation")
    return found


def test_the_worst_come_first_then_the_unrated_newest_first(cli: Cli) -> None:
    assert waits(cli, "ann") == [an_id(one) for one in (2, 3, 1, 4)]
    assert waits(cli, "ann", "--outcome", "bad") == [an_id(2)]
    assert waits(cli, "ann", "--since", "2026-09-04", "--limit", "1") == [an_id(3)]


def test_a_review_is_one_event_of_what_was_asked(cli: Cli) -> None:
    options = ("--reject", "--score", "tone=4", "--score", "safe=yes", "--score", "share=12.5")
    say(cli, "ann", 1, *options, "--score", "form=note", "--corrected", "beta", "--comment", "ask a@b.org")
    (note,) = notes(cli)
    assert {key: note[key] for key in ("target", "scores", "labels", "approved", "corrected", "source")} == {
        "target": an_id(1),
        "scores": {"tone": 0.75, "safe": 1.0, "share": 0.125},
        "labels": {"form": "note"},
        "approved": False,
        "corrected": "beta",
        "source": "human",
    }
    assert (note["version"], note["reviewer"], note["comment"]) == (1, name_of("ann"), "ask [email]")
    assert an_id(1) not in waits(cli, "ann") + waits(cli, "bob")  # one reviewer is enough
    assert an_id(1) in waits(cli, "bob", "--overlap", "2")
    assert an_id(1) not in waits(cli, "ann", "--overlap", "2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--score", "tine=4"), "there is no score 'tine'"),
        (("--score", "tone=6"), "none of its values"),
        (("--score", "form=essay"), "none of its values"),
        (("--score", "share=nan"), "none of its values"),
        (("--score", "tone"), "no score"),
        (("--score", "tone=1", "--score", "tone=2"), "scored twice"),
        (("--approve", "--corrected", "beta"), "another text"),
        (("--comment", "hm"), "nothing is said"),
    ],
)
def test_what_cannot_be_recorded_is_refused(cli: Cli, options: tuple[str, ...], words: str) -> None:
    done = cli("annotate", "--target", an_id(1), *options, "--json")
    assert (done.code, notes(cli)) == (2, [])
    assert words in done.error["message"]


def test_an_unknown_score_is_told_the_names(cli: Cli) -> None:
    hint = cli("annotate", "--target", an_id(1), "--score", "tine=4", "--json").error["hint"]
    assert hint == "did you mean tone? the scores are: tone, safe, share, form"


def test_what_is_no_answer_is_refused(cli: Cli) -> None:
    assert cli("annotate", "--target", an_id(9), "--approve").code == 2
    note = say(cli, "ann", 1, "--approve")["id"]
    assert cli("annotate", "--target", note, "--approve").code == 2
    assert cli("annotate", "--approve").code == 2
    assert cli("annotate", DESK).code == 2  # no terminal
    assert "the kinds are" in cli("annotate", "--queue", "--kind", "raing").err


def test_blind_tells_nothing_of_others(cli: Cli) -> None:
    say(cli, "ann", 2, "--reject", "--comment", "rude words")
    told = cli.ok("annotate", DESK, "--queue", "--blind", "--overlap", "2", "--reviewer", "bob", "--json")
    first = json.loads(told)["items"][0]
    assert first["id"] == an_id(2)
    hidden = ("version", "model", "score", "comment", "corrected", "words", "disputed")
    assert {key: first[key] for key in hidden} == dict.fromkeys(hidden)
    assert "rude" not in told
    assert "wrong" not in told
    seen = cli.json("annotate", DESK, "--queue", "--overlap", "2", "--reviewer", "bob")["items"][0]
    assert (seen["model"], seen["comment"], seen["words"]) == ("openai:m", "wrong", ["rejected (rude words)"])


def test_a_blind_order_tells_nothing_of_ratings(repo: Repo) -> None:
    rows = [logged(one, kind="rating", source="human", stars=1 + one % 5) for one in range(1, 13)]
    cli = world(repo, SCORES, rows)
    blind = waits(cli, "ann", "--blind")
    assert sorted(blind) == sorted(row["id"] for row in rows)
    other = world_of_others(cli, rows)
    assert waits(other, "ann", "--blind") == blind
    assert waits(other, "ann") != waits(cli, "ann")
    assert waits(cli, "ann", "--blind", "--limit", "3") == blind[:3]


def world_of_others(cli: Cli, rows: Sequence[dict[str, Any]]) -> Cli:
    """The same answers, of which users thought the opposite."""
    there = cli.where.parent / "others"
    subprocess.run(["git", "clone", "-q", str(cli.where), str(there)], check=True)
    other = Cli(there, cli.environ)
    file = there.parent / "others.jsonl"
    file.write_text("".join(json.dumps(row | {"stars": 6 - row["stars"]}) + "\n" for row in rows))
    other.ok("feedback", "import", str(file))
    return other


def test_each_answer_waits_once_and_what_expired_does_not(repo: Repo) -> None:
    cli = world(repo, SCORES)
    place = f"feedback/{DESK}/2026/09"
    gone = {key: value for key, value in logged(3).items() if key not in {"input", "output"}}
    gone |= {"expired": "2026-10-01T00:00:00Z"}
    lines = [logged(1), logged(3), logged(1) | {"output": "another"}, {"output": "no event"}]
    repo.commit(
        {
            f"{place}/{an_id(20)}.jsonl": "".join(json.dumps(line) + "\n" for line in lines),
            f"{place}/{an_id(21)}.jsonl": json.dumps(gone) + "\n",
        }
    )
    told = cli.json("annotate", "--queue", "--limit", "2")
    assert ([item["id"] for item in told["items"]], told["total"]) == ([an_id(2), an_id(1)], 3)
    assert told["remarks"] == ["1 committed line could not be read as events: `promptvc check` names them"]
    assert "no answer" in cli("annotate", "--target", an_id(3), "--approve").err


def test_agreement_and_disputes_are_told_with_ids(cli: Cli) -> None:
    for who, one, two in (("ann", "--approve", "5"), ("bob", "--reject", "5"), ("cyd", "--reject", "2")):
        say(cli, who, 1, one, "--score", f"tone={two}", "--score", "form=note")
        say(cli, who, 2, "--approve", "--score", "tone=1", "--score", "form=letter")
    told = cli.json("annotate", DESK, "--agreement")
    assert (told["reviewed"], told["twice"]) == (2, 2)
    by = {one["question"]: one for one in told["agreement"]}
    assert (by["form"]["alpha"], by["form"]["level"], by["tone"]["level"]) == (1.0, "nominal", "ordinal")
    assert by["approved"]["alpha"] == pytest.approx(1 - 5 * 2 / (2 * 2 * 4))
    pair = next(
        one for one in by["tone"]["pairs"] if one["reviewers"] == sorted(map(name_of, ("ann", "bob")))
    )
    assert pair == {"reviewers": pair["reviewers"], "n": 2, "kappa": 1.0}
    approval, tone = told["disagreements"]
    assert approval["said"] == {name_of("ann"): True, name_of("bob"): False, name_of("cyd"): False}
    assert (approval["id"], approval["settled"], approval["by"]) == (an_id(1), False, "majority")
    assert (tone["question"], tone["said"][name_of("cyd")], tone["settled"]) == ("tone", 2.0, 5.0)
    assert cli.json("annotate", DESK, "--agreement") == told
    listed = cli.json(*told["list"].split()[1:])
    assert len(listed) == 6


def test_a_dispute_stays_open_until_an_adjudicator_speaks(repo: Repo) -> None:
    cli = world(repo, "annotation: {overlap: 2, resolve: adjudication, adjudicators: [zoe]}\n")
    for number in (1, 3):
        say(cli, "ann", number, "--approve")
    for who in ("bob", "dan"):
        say(cli, who, 1, "--reject")
    say(cli, "bob", 3, "--approve")
    assert waits(cli, "zoe") == [an_id(1)]
    assert waits(cli, "cyd") == [an_id(2), an_id(4)]
    (dispute,) = cli.json("annotate", "--agreement")["disagreements"]
    assert (dispute["settled"], dispute["by"]) == (None, None)
    before = calibrated(cli, repo)
    say(cli, "zoe", 1, "--approve")
    (dispute,) = cli.json("annotate", "--agreement")["disagreements"]
    assert (dispute["settled"], dispute["by"], len(dispute["said"])) == (True, name_of("zoe"), 3)
    assert waits(cli, "zoe") == []
    # A judge is held against the one verdict that counts: before, the majority's.
    assert (before, calibrated(cli, repo)) == (1, 2)


def calibrated(cli: Cli, repo: Repo) -> int:
    """On how many answers a judge, who approves of both, agrees with people."""
    rows = [
        {"kind": "annotation", "source": "llm_judge", "prompt": DESK, "target": an_id(number)}
        | {"id": an_id(20 + number), "time": "2026-09-20T10:00:00Z", "scores": {"relevance": 1.0}}
        for number in (1, 3)
    ]
    file = repo.path.parent / "judge.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.ok("feedback", "import", str(file))
    found = cli.json("judge", "calibrate", DESK, codes=(0, 1))["calibrations"]
    return int(found[0]["confusion"]["tp"])


def test_only_experts_count_and_everybody_is_kept(repo: Repo) -> None:
    cli = world(repo, "feedback: {experts: [ann]}\n")
    done = cli("annotate", "--target", an_id(4), "--reviewer", "mallory", "--reject")
    assert "do not count" in done.err
    assert an_id(4) not in waits(cli, "mallory")
    assert an_id(4) in waits(cli, "ann")
    say(cli, "ann", 1, "--approve")
    assert an_id(1) not in waits(cli, "bob")
    told = cli.json("annotate", "--agreement")
    assert (told["uncounted"], list(told["reviewers"])) == (1, [name_of("ann")])
    assert len(notes(cli)) == 2
    cli.ok("feedback", "commit")
    # Training, and whether it is due, hear the rating that mallory rejected; without the setting they do not.
    assert rejected(cli) == frozenset()
    repo.commit({"promptvc.yaml": "{}\n"})
    assert rejected(cli) == {an_id(4)}


def rejected(cli: Cli) -> frozenset[str]:
    """What training leaves out because of a review."""
    with open_project(cli.where, environ=dict(cli.environ), clock=utc_now) as project:
        return prepare(project, DESK, TrainRequest()).dataset.rejected


def test_without_a_key_names_are_refused_and_pseudonyms_are_not(repo: Repo) -> None:
    cli = world(repo, "feedback: {experts: [ann]}\n")
    say(cli, "ann", 1, "--approve")
    keyless = Cli(cli.where, cli_of(repo).environ)
    done = keyless("annotate", "--agreement", "--json")
    assert (done.code, "no key" in done.error["message"]) == (2, True)
    repo.commit({"promptvc.yaml": f"feedback: {{experts: [{name_of('ann')}]}}\n"})
    assert keyless.json("annotate", "--agreement")["reviewed"] == 1


def test_methods(cli: Cli) -> None:
    with promptvc.open(cli.where, environ=dict(cli.environ)) as library:
        queue = library.reviews_waiting(DESK, reviewer="ann", limit=1)
        assert (queue.total, queue.items[0].id, queue.reviewer) == (4, an_id(2), name_of("ann"))
        done = library.review_answer(an_id(2), reviewer="ann", approved=False, scores={"tone": "2"})
        assert done.target == an_id(2)
        assert library.reviewer_agreement(DESK).reviewers == {name_of("ann"): 1}


class Terminal:
    """`promptvc annotate` in a terminal of its own."""

    def __init__(self, cli: Cli, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        command = [sys.executable, "-m", "promptvc", "-C", str(cli.where), "annotate", *arguments]
        environ = dict(cli.environ) | {"TERM": "dumb"}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ)
        os.close(slave)
        self.shown = ""

    def until(self, words: str) -> str:
        """What is shown up to ``words``; fails where they do not come."""
        while words not in self.shown:
            assert select.select([self._master], [], [], 60)[0], self.shown
            try:
                self.shown += os.read(self._master, 4096).decode()
            except OSError:
                pytest.fail(f"no {words!r} in {self.shown}")
        before, _, self.shown = self.shown.partition(words)
        return before + words

    def type(self, *lines: str) -> None:
        for line in lines:
            os.write(self._master, (line + "\n").encode())

    def close(self) -> int:
        code = self.process.wait(60)
        os.close(self._master)
        return code


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    there: list[Terminal] = []
    yield there
    for one in there:
        if one.process.poll() is None:
            one.process.kill()
            one.close()


def test_a_terminal_is_worked_killed_and_resumed(
    repo: Repo, terminals: list[Terminal], tmp_path: Path
) -> None:
    cli = world(repo, 'annotation: {scores: {tone: stars, form: ["s", "x\\e[2J"]}}\n')
    first = Terminal(cli, DESK, "--reviewer", "ann")
    terminals.append(first)
    shown = first.until("tone (1 to 5)")
    assert all(words in shown for words in ("1 of 4", "question 2", "the user: comment", "wrong", "openai:m"))
    first.type("7")
    first.until("none of its values")
    first.type("2")
    assert "\x1b" not in first.until("form (s, x")
    first.type("s", "r", "s", "too short")  # a label, and a correction that is literally "s"
    first.until("recorded ")
    first.until("2 of 4")
    first.until("tone (1 to 5)")
    first.type("s")
    first.until("3 of 4")
    first.until("tone (1 to 5)")
    first.type("5", "")
    first.until("approve or reject")
    os.kill(first.process.pid, signal.SIGKILL)
    assert first.close() == -signal.SIGKILL
    (note,) = notes(cli)
    assert (note["target"], note["corrected"], note["scores"]) == (an_id(2), "s", {"tone": 0.25})
    assert waits(cli, "ann") == [an_id(1), an_id(4)]
    assert waits(cli, "ann", "--skipped") == [an_id(one) for one in (3, 1, 4)]
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\nprintf 'from the\\neditor\\n' > \"$1\"\n")
    editor.chmod(0o700)
    edited = Cli(cli.where, {**cli.environ, "EDITOR": str(editor), "VISUAL": str(editor)})
    second = Terminal(edited, DESK, "--reviewer", "ann", "--blind")
    terminals.append(second)
    assert "openai:m" not in second.until("tone (1 to 5)")
    second.type("", "", "a", "")
    second.until("2 of 2")
    second.until("tone (1 to 5)")
    second.type("b")
    second.until("1 of 2")
    second.until("tone (1 to 5)")
    second.type("", "", "r", "e", "")
    second.until("2 of 2")
    second.until("tone (1 to 5)")
    second.type("q")
    second.until("2 reviewed, 1 left")
    assert second.close() == 0
    assert [one.get("corrected") for one in notes(cli)] == ["s", None, "from the\neditor"]
    assert waits(cli, "ann") == [an_id(1)]
