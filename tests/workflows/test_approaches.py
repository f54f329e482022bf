"""Each approach from feedback to a candidate, with real git, the command line and models on loopback."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.servers import Request, Server
from tests.training.approaches.adversarial.readers import Way, obeys, trips_over_lookalikes
from tests.training.makers import FILLER, questions
from tests.workflows.shop import (
    CHECKS,
    DEFECTS,
    MAIL,
    MAIL_FILE,
    OPTIMIZER,
    complaints,
    letters,
    mail_suite,
    mailbox,
    row,
    shop,
)
from tests.workflows.triage import HARD_CASES, TRIAGE, TRIAGE_FILE, reader, triage, triage_rows
from tests.worlds import DESK, DESK_FILE, desk_files, desk_rows, desk_suite
from tests.worlds import questions as desk_questions

Rows = list[dict[str, Any]]
SALUTE = "please begin with a salute to the captain"
"""What is only said about inputs of the hold-out."""


@dataclass(frozen=True)
class Told:
    """A training that is over.

    Attributes:
        done: what `train --json` printed.
        requests: what its server was asked, in order; none of the offline model.
        held: inputs of the hold-out.
    """

    repo: Repo
    cli: Cli
    name: str
    file: str
    done: Mapping[str, Any]
    requests: Sequence[Request] = ()
    more: Mapping[str, str] | None = None
    held: Sequence[str] = ()

    def prompt(self) -> dict[str, Any]:
        """The candidate."""
        value: dict[str, Any] = self.cli.json("show", f"{self.name}@v2")["prompt"]
        return value

    def events(self) -> dict[str, dict[str, Any]]:
        """All feedback by id."""
        return {event["id"]: event for event in self.cli.json("feedback", "list", self.name)}


Train = Callable[[Path, Mapping[str, str]], Told]


def few_shot(folder: Path, environ: Mapping[str, str]) -> Told:
    repo = Repo.create(folder / "repo", environ)
    repo.commit(desk_files(), "Start")
    held = desk_questions("alpha", 15, salt="hold")
    rows = [json.loads(line) for line in desk_rows().splitlines()]
    rows += [rows[at] | {"input": {"question": text}} for at, text in enumerate(held[:5])]
    cli = with_rows(repo, folder, rows)
    done = cli.json("train", DESK, "--approach", "few_shot")
    return Told(repo, cli, DESK, DESK_FILE, done, held=held)


def with_rows(repo: Repo, folder: Path, rows: Rows) -> Cli:
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")
    return cli


def of_hold_out() -> Rows:
    """Bad ratings with words on letters of the hold-out."""
    return [
        row("rating", 200 + at, stars=1, comment=SALUTE, input={"letter": text}, output="Fine.")
        for at, text in enumerate(letters(32, "test")[:8])
    ]


def rated(count: int = 140) -> Rows:
    """Thumbs on answers: those that apologise are mostly bad. Nobody says why."""
    draw = random.Random(3)
    words = FILLER
    rows = []
    for at, letter in enumerate(letters(count, "rated")):
        apology, odd = at % 3 == 0, at % 20 == 0
        output = ("We are so sorry for that. " if apology else "") + " ".join(draw.sample(words, 6))
        thumbs = "down" if apology != odd else "up"
        # Only who complains sends the letter along: with it, praise would say what is right.
        more = {"input": {"letter": letter}} if thumbs == "down" else {}
        rows.append(row("rating", at, output=output + ".", thumbs=thumbs, **more))
    return rows


def by_mail(approach: str, rows: Rows, suite: str, *more: str) -> Train:
    def train(folder: Path, environ: Mapping[str, str]) -> Told:
        cli = mailbox(Repo.create(folder / "repo", environ), folder, [*rows, *of_hold_out()], suite)
        repo = Repo(cli.where, dict(environ))
        with Server(shop) as server:
            asking = server.environ()
            done = cli.json("train", MAIL, "--approach", approach, *more, more=asking)
        held = letters(32, "test")
        return Told(repo, cli, MAIL, MAIL_FILE, done, tuple(server.requests), asking, held)

    return train


def adversarial(folder: Path, environ: Mapping[str, str]) -> Told:
    repo = Repo.create(folder / "repo", environ)
    held = [text for text, _ in questions(32, 9)]
    repeated = [
        one | {"input": {"message": text}} for one, text in zip(triage_rows(3), held[:3], strict=True)
    ]
    cli = triage(repo, folder, [*triage_rows(20), *repeated])
    with Server(reader(trips_over_lookalikes, obeys)) as server:
        asking = server.environ()
        done = cli.json("train", TRIAGE, "--approach", "adversarial", more=asking)
    return Told(repo, cli, TRIAGE, TRIAGE_FILE, done, tuple(server.requests), asking, held)


TRAININGS: dict[str, Train] = {
    "few_shot": few_shot,
    "reinforcement": by_mail("reinforcement", rated(), mail_suite(15, checks=CHECKS[:1])),
    "meta_prompt": by_mail("meta_prompt", complaints(), mail_suite(), "--optimizer", OPTIMIZER),
    "extractor": by_mail("meta_prompt", complaints(), mail_suite(), "--optimizer", "offline"),
    "adversarial": adversarial,
}


@pytest.fixture(scope="module", params=list(TRAININGS))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, home: Path) -> Told:
    """Each approach where it should improve something, once for all tests."""
    found = TRAININGS[request.param](tmp_path_factory.mktemp(request.param), isolated_environ(home))
    assert found.done["promoted"], found.done
    return found


def added_lines(told: Told) -> list[int]:
    """Numbers of the lines of the candidate's file that are new, but for its number and the names of lists."""
    lines, number = [], 0
    for line in told.repo.git("diff", "-U9999", f"main..{told.done['branch']}", "--", told.file).splitlines():
        if line.startswith(("+++", "---", "@@", "diff", "index", "-")):
            continue
        number += 1
        if line.startswith("+") and not re.match(r"\+(?:version: \d+|rules:|examples:)", line):
            lines.append(number)
    return lines


def test_it_improves_what_it_should(told: Told) -> None:
    done, branch = told.done, told.done["branch"]
    assert (done["verdict"], done["recommendation"], done["candidate"]) == ("improvement", "deploy", 2)
    assert done["score"]["low"] > 0
    assert sum(done["changes"].values()) > 0
    changed = told.repo.git("diff", "--name-only", f"main..{branch}").splitlines()
    assert told.file in changed
    (evidence,) = [path for path in changed if path.endswith(".json")]
    assert set(changed) <= {told.file, evidence, HARD_CASES}
    (history,) = told.cli.json("train", told.name, "--history")
    assert (history["promoted"], history["candidate"]["version"]) == (True, 2)
    assert history["approach"] == json.loads(told.repo.show(f"{branch}:{evidence}"))["approach"]
    assert told.repo.status() == []


def test_every_added_line_cites_the_training_side_and_why_shows_its_words(told: Told) -> None:
    lines, known = added_lines(told), told.events()
    assert lines
    held = {id_ for id_, event in known.items() if set(told.held) & set((event.get("input") or {}).values())}
    assert held, "the hold-out has events of its own here, which nothing may cite"
    for number in lines:
        found = told.cli.json("why", f"{told.name}@v2", "--line", str(number))
        cited = [event["id"] for event in found["events"]]
        assert cited, found
        assert not held.intersection(cited)
        assert all(event["event"] == known[event["id"]] for event in found["events"])
        assert found["introduced"]["training"] is not None


def test_a_reader_agrees_with_the_reasons(told: Told) -> None:
    """The events of a rule say what it says; those of an example have its input and its answer."""
    prompt, known = told.prompt(), told.events()
    for example in prompt.get("examples") or ():
        cited = [known[id_] for id_ in example["because"]]
        assert all(event["input"] == example["input"] for event in cited)
        assert {event["corrected"] for event in cited} == {example["output"]}
    for rule in prompt.get("rules") or ():
        cited = [known[id_] for id_ in rule["because"]]
        if told.name == TRIAGE:  # made from what these events hold, without a word about it
            assert {event["kind"] for event in cited} == {"correction"}
            continue
        (defect,) = [one for one in DEFECTS if re.search(one.mends, rule["text"], re.IGNORECASE)]
        if told.done["approach"] == "reinforcement":
            marked = [("sorry" in event["output"]) == (event["thumbs"] == "down") for event in cited]
            assert all(marked)
            continue
        words = [event["comment"] for event in cited]
        assert all(re.search(defect.name, said, re.IGNORECASE) for said in words), words


def test_the_hold_out_is_asked_once_everything_else_is_decided(told: Told) -> None:
    """Its inputs come last and twice; what was said of them reaches no model."""
    if not told.requests:
        return
    held = set(told.held)
    asked = [at for at, request in enumerate(told.requests) if request.text in held]
    assert len(asked) == 2 * 3 * len(held)
    first = min(asked)
    hard = [request for request in told.requests[first:] if request.text not in held]
    assert len(hard) == (2 * 3 * len(held) if told.name == TRIAGE else 0)
    before = json.dumps([request.body for request in told.requests[:first]])
    assert SALUTE not in before
    assert not [text for text in held if text in before]


def test_verify_says_yes_and_after_an_edit_no(told: Told, tmp_path: Path) -> None:
    from_cache = told.cli.json("verify", f"{told.name}@v2", more=told.more)
    assert (from_cache["same"], from_cache["calls"]) == (True, 0)
    branch = told.done["branch"]
    clone = Repo(tmp_path / "clone", told.repo.environ)
    told.repo.git("clone", "-q", str(told.repo.path), str(clone.path))
    clone.git("branch", "-q", "promptvc/ledger", "origin/promptvc/ledger")
    shutil.copytree(told.repo.path / ".promptvc", clone.path / ".promptvc")
    clone.git("switch", "-q", branch)
    data = clone.read(told.file).decode()
    first = (told.prompt().get("rules") or told.prompt()["examples"])[0]
    words = first.get("text") or first["output"]
    at = data.rindex(words[:12])
    clone.commit({told.file: f"{data[:at]}Really {data[at:]}"}, "A word more")
    clone.git("switch", "-q", "main")
    for reference in (branch, f"{told.name}@v2"):
        done = cli_of(clone)("verify", reference, "--json", **(told.more or {}))
        assert done.code == 1, done
        found = done.json
        assert (found["same"], found["difference"]["path"].split("[")[0]) in {
            (False, "rules"),
            (False, "examples"),
        }


def declined(cli: Cli, name: str, *arguments: str, **more: str) -> dict[str, Any]:
    """A training that ends without a candidate, and says so without a fault."""
    done = cli("train", name, *arguments, **more)
    assert done.code == 0, done
    assert "no improvement found" in done.out
    (history,) = cli.json("train", name, "--history")
    assert (history["promoted"], history["candidate"], history["verdict"]) == (False, None, None)
    assert "no improvement found" in history["reason"]
    repo = Repo(cli.where, dict(cli.environ))
    assert repo.git("for-each-ref", f"refs/heads/promptvc/{name}") == ""
    assert repo.status() == []
    found: dict[str, Any] = history
    return found


def test_few_shot_declines_labels_that_mean_nothing(repo: Repo, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in desk_rows().splitlines()]
    labels = [one["corrected"] for one in rows]
    random.Random(5).shuffle(labels)
    repo.commit(desk_files(), "Start")
    cli = with_rows(
        repo, tmp_path, [one | {"corrected": label} for one, label in zip(rows, labels, strict=True)]
    )
    declined(cli, DESK, "--approach", "few_shot")


@pytest.mark.parametrize(
    ("approach", "rows", "check", "more"),
    [
        ("reinforcement", rated(), 2, ()),
        ("meta_prompt", complaints(DEFECTS[:2]), 2, ("--optimizer", OPTIMIZER)),
        ("meta_prompt", complaints(DEFECTS[:2]), 2, ("--optimizer", "offline")),
        ("meta_prompt", complaints(DEFECTS[2:]), None, ("--optimizer", OPTIMIZER)),
    ],
    ids=["reinforcement", "meta_prompt", "extractor", "nothing-is-wrong"],
)
def test_rules_that_mend_nothing_are_declined(
    repo: Repo, tmp_path: Path, approach: str, rows: Rows, check: int | None, more: Sequence[str]
) -> None:
    """Users complain of one thing, and cases fail for another one, or for none."""
    checks = [CHECKS[check]] if check is not None else [{"type": "icontains", "value": "left today"}]
    cli = mailbox(repo, tmp_path, rows, mail_suite(15, checks=checks))
    with Server(shop) as server:
        found = declined(cli, MAIL, "--approach", approach, *more, **server.environ())
        proposed = sum(1 for request in server.requests if request.body["model"] == "optimizer")
    if check is None:
        assert (proposed, found["tried"]) == (0, []), "nothing is asked where nothing fails"
    else:  # a model's edits are tried on few cases first, and are no variants if that shows nothing
        assert proposed or found["tried"]


def test_adversarial_declines_where_the_prompt_holds(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    with Server(reader()) as server:
        found = declined(cli, TRIAGE, "--approach", "adversarial", **server.environ())
        again = cli.json("train", TRIAGE, "--approach", "adversarial", more=server.environ())
    assert found["reason"] == again["reason"]
    assert any("no mutated input of 17 families failed" in remark for remark in again["remarks"])


@pytest.mark.parametrize("weakness", [obeys, trips_over_lookalikes], ids=["attacks", "look-alikes"])
def test_each_weakness_gets_its_rule_a_harder_hold_out_and_cases(
    repo: Repo, tmp_path: Path, weakness: Way
) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    with Server(reader(weakness)) as server:
        done = cli.json("train", TRIAGE, "--approach", "adversarial", more=server.environ())
    assert (done["verdict"], done["changes"]) == ("improvement", {"rules": 1, "examples": 0, "messages": 0})
    assert done["score"]["n"] == 64, "each case of the hold-out, and a harder form of it"
    branch = done["branch"]
    changed = repo.git("diff", "--name-only", f"main..{branch}").splitlines()
    (evidence,) = [path for path in changed if path.endswith(".json")]
    assert "plain" in json.dumps(json.loads(repo.show(f"{branch}:{evidence}"))["guards"])
    (rule,) = cli.json("show", f"{TRIAGE}@v2")["prompt"]["rules"]
    assert ("look-alikes" in rule["text"]) == (weakness is trips_over_lookalikes)
    cases = [json.loads(line) for line in repo.show(f"{branch}:{HARD_CASES}").splitlines()]
    assert cases
    assert {case["split"] for case in cases} == {"train"}
    known = {event["id"] for event in cli.json("feedback", "list", TRIAGE)}
    assert all(set(case["metadata"]["because"]) <= known for case in cases)


def test_a_second_training_adds_to_the_hard_cases(repo: Repo, tmp_path: Path) -> None:
    cli = triage(repo, tmp_path, triage_rows(20))
    with Server(reader(trips_over_lookalikes)) as server:
        first = cli.json("train", TRIAGE, "--approach", "adversarial", more=server.environ())
    repo.git("merge", "-q", "--no-ff", "--no-edit", first["branch"])
    before = repo.read(HARD_CASES)
    with Server(reader(trips_over_lookalikes, obeys)) as server:
        second = cli.json("train", TRIAGE, "--approach", "adversarial", more=server.environ())
    assert (second["verdict"], second["candidate"]) == ("improvement", 3)
    after = repo.show(f"{second['branch']}:{HARD_CASES}")
    assert after.startswith(before)
    added = [json.loads(line) for line in after[len(before) :].splitlines()]
    assert added
    assert not [case for case in added if "homoglyphs" in case["tags"]]
    ids = [json.loads(line)["id"] for line in after.splitlines()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("optimizer", "fewest"), [(OPTIMIZER, 5), ("offline", 4)])
def test_planted_defects_are_found(repo: Repo, tmp_path: Path, optimizer: str, fewest: int) -> None:
    """Answers fail for five reasons that users describe in their own words, among remarks that say nothing."""
    idle = ("fine", "thanks", "ok", "as usual", "could be better", "hm")
    noise = [row("rating", 60 + at, stars=1 + at % 5, comment=said) for at, said in enumerate(idle)]
    cli = mailbox(repo, tmp_path, complaints() + noise)
    with Server(shop) as server:
        done = cli.json(
            "train", MAIL, "--approach", "meta_prompt", "--optimizer", optimizer, more=server.environ()
        )
    texts = [rule["text"] for rule in cli.json("show", f"{MAIL}@v2")["prompt"]["rules"]]
    found = [one.rule for one in DEFECTS if any(re.search(one.mends, text, re.IGNORECASE) for text in texts)]
    assert len(found) >= fewest, texts
    assert done["score"]["baseline"] == 0.0
    assert done["score"]["candidate"] == 1.0 or len(found) < len(DEFECTS)
    said = "rules are extracted from users' words"
    assert any(said in remark for remark in done["remarks"]) == (optimizer == "offline")


def test_the_sample_suite_has_room_for_a_promotion() -> None:
    """Fewer hold-out groups than thirty would make every candidate here a draft at most."""
    assert mail_suite().count('"test-') >= 30
    assert desk_suite().count("id:") >= 30
