"""The whole prompt, item by item: nothing left out, and never another answer than `why` gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.workflows.told import FILE, GONE, LINE, NAME, SAID, V1, V2, tell

KEYS = ["path", "kind", "number", "text", "version", "commit", "author", "time", "approach", "because"]


@pytest.fixture
def told(repo: Repo) -> Repo:
    return tell(repo)


@pytest.fixture
def cli(told: Repo) -> Cli:
    return cli_of(told)


def agrees_with_why(cli: Cli, reference: str) -> list[dict[str, Any]]:
    """What `blame` says, after `why` was asked about each item of it."""
    found: list[dict[str, Any]] = cli.json("blame", reference, "--events")
    for one in found:
        reason = cli.json("why", reference, f"--{one['kind']}", str(one["number"]))
        assert {key: one[key] for key in ("path", "kind", "number", "text")} == reason["item"]
        for key in ("version", "commit", "author", "time", "approach"):
            assert one[key] == reason["introduced"][key], (one, key)
        assert one["events"] == reason["events"]
        assert one["because"] == [event["id"] for event in reason["events"]]
    return found


def test_every_line_is_somewhere_and_why_says_the_same(told: Repo, cli: Cli) -> None:
    found = agrees_with_why(cli, NAME)
    assert [list(one) for one in found] == [[*KEYS, "events"]] * len(found)
    assert [list(one) for one in cli.json("blame", NAME)] == [KEYS] * len(found)
    kinds = [(one["kind"], one["number"]) for one in found]
    rules_and_examples = {at for at, line in enumerate(V2.split("\n"), 1) if 11 <= at <= 13 or at >= 15}
    lines = {at for at, line in enumerate(V2.split("\n"), 1) if line.strip()} - rules_and_examples
    assert {number for kind, number in kinds if kind == "line"} == lines
    assert kinds[-4:] == [("rule", 1), ("rule", 2), ("line", 14), ("example", 1)]
    by_place = dict(zip(kinds, found, strict=True))
    assert by_place["rule", 1]["version"] == 1
    assert by_place["rule", 2]["because"] == [GONE, SAID]
    assert by_place["line", 7]["because"] == [LINE]
    assert (by_place["line", 7]["version"], by_place["line", 7]["approach"]) == (2, "meta_prompt")
    assert by_place["line", 6]["version"] == 1


def test_an_older_version_and_a_branch_are_asked_alike(told: Repo, cli: Cli) -> None:
    assert {one["version"] for one in agrees_with_why(cli, f"{NAME}@v1")} == {1}
    assert agrees_with_why(cli, f"{NAME}@promptvc/{NAME}/v2") == cli.json("blame", NAME, "--events")


def test_a_warm_index_and_none_say_the_same(told: Repo, cli: Cli) -> None:
    first = cli.json("blame", NAME)
    assert cli.json("blame", NAME) == first
    (told.path / ".promptvc" / "index.sqlite").unlink()
    assert cli.json("blame", NAME) == first


def test_what_is_not_committed_says_so(told: Repo, cli: Cli) -> None:
    text = V2.replace("version: 2", "version: 3").replace("Never guess", "Ask first")
    told.write({FILE: text + "tags: [new]\n"})
    found = {(one["kind"], one["number"]): one for one in agrees_with_why(cli, NAME)}
    for place in (("rule", 1), ("line", 2), ("line", 18)):
        assert (found[place]["version"], found[place]["commit"]) == (3, None), place
    assert found["rule", 2]["version"] == 2
    shown = cli.ok("blame", NAME, PROMPTVC_FORCE_TTY="120")
    assert sum("not committed yet" in line for line in shown.splitlines()) == 3


def test_both_sides_of_a_merge_keep_what_they_wrote_through_a_new_number(told: Repo, cli: Cli) -> None:
    base = V2.replace("version: 2", "version: 3")
    told.git("switch", "-q", "-c", "left")
    left = told.commit({FILE: base.replace("examples:", "  - text: From the left.\nexamples:")}, "Left")
    told.git("switch", "-q", "main")
    right = told.commit({FILE: base.replace("rules:\n", "rules:\n  - text: From the right.\n")}, "Right")
    told.git("merge", "-q", "--no-commit", "left", ok=(0, 1))
    both = V2.replace("version: 2", "version: 4").replace("rules:\n", "rules:\n  - text: From the right.\n")
    both = both.replace("examples:", "  - text: From the left.\n  - text: Of the merge.\nexamples:")
    told.write({FILE: both})
    told.git("add", "-A")
    told.git("commit", "-q", "-m", "Bring both together")
    found = {one["text"]: one for one in agrees_with_why(cli, NAME)}
    # Main's v3 is the right one's text: what the left wrote under that number is in v4.
    assert (found["From the left."]["commit"], found["From the left."]["version"]) == (left, 4)
    assert (found["From the right."]["commit"], found["From the right."]["version"]) == (right, 3)
    assert found["Of the merge."]["commit"] == told.rev("HEAD")
    assert found["Never guess."]["version"] == 1


def test_a_version_is_one_that_log_knows_whatever_number_a_branch_took(told: Repo, cli: Cli) -> None:
    base = V2.replace("version: 2", "version: 3")
    told.git("switch", "-q", "-c", "left")
    told.commit({FILE: base.replace("examples:", "  - text: A draft.\nexamples:")}, "Draft")
    left = told.commit({FILE: base.replace("examples:", "  - text: From the left.\nexamples:")}, "Left")
    told.git("switch", "-q", "main")
    told.commit({FILE: base.replace("rules:\n", "rules:\n  - text: From the right.\n")}, "Right")
    cli.ok("merge", "left")
    told.commit({FILE: told.read(FILE).decode().replace("version: 4", "version: 5") + "tags: [b]\n"}, "More")
    entries = cli.json("log", NAME)
    owners = {entry["version"]: entry["digest"] for entry in entries}
    assert sorted(owners) == [1, 2, 3, 4, 5]
    for one in agrees_with_why(cli, NAME):
        text = told.git("cat-file", "-p", owners[one["version"]])
        assert one["text"].strip().split(" -> ")[0] in text, one
    (found,) = [one for one in cli.json("blame", NAME) if one["text"] == "From the left."]
    assert (found["version"], found["commit"]) == (4, left)


def test_rules_on_one_line_are_each_told_in_their_order(told: Repo, cli: Cli) -> None:
    head = V1.partition("rules:")[0]
    told.commit(
        {FILE: head.replace("version: 1", "version: 3") + "rules: [{text: a}, {text: b}, {text: c}]\n"}
    )
    found = cli.json("blame", NAME)
    assert [(one["kind"], one["number"], one["text"]) for one in found[-3:]] == [
        ("rule", 1, "a"),
        ("rule", 2, "b"),
        ("rule", 3, "c"),
    ]


def test_events_are_told_below_their_item(cli: Cli) -> None:
    lines = cli.ok("blame", NAME, "--events").splitlines()
    at = next(at for at, line in enumerate(lines) if "rule 2: A charge nobody knows" in line)
    assert f"{GONE}  no longer here" in lines[at + 1]
    assert f"{SAID}  correction, 2026-02-03: charged twice -> billing" in lines[at + 2]
    assert "meta_prompt" in lines[at]


def test_what_is_not_there_and_what_cannot_be_known_is_said(told: Repo, cli: Cli, tmp_path: Path) -> None:
    assert f"did you mean {NAME}?" in cli.fails(2, "blame", "desk/wy")
    cli.fails(2, "blame", f"{NAME}@v9")
    told.git("clone", "-q", "--depth", "1", f"file://{told.path}", str(tmp_path / "shallow"))
    assert "git fetch --unshallow" in cli.at(tmp_path / "shallow").fails(2, "blame", NAME)
    told.write({FILE: "name: [\n"})
    cli.fails(2, "blame", NAME)
