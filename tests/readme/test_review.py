"""The guide to review: its commands run on the sample against a forge on loopback, its tables are the program's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from promptvc.base.config import Settings, load_settings
from promptvc.forge import tokens
from promptvc.forge.forge import MOST_COMMENT
from promptvc.review import advice
from promptvc.review.alerts import Kind
from promptvc.review.owners import PLACES
from tests.forge.servers.github import GitHubServer
from tests.readme.shells import (
    ROOT,
    blocks,
    dead_links,
    hosted,
    make_clone,
    make_shell,
    run,
    table,
    unknown_options,
)

PAGE = "docs/review.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
SAID = re.sub(r"\s+", " ", TEXT)
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
CODE = re.compile(r"`([^`]+)`")

Hub = tuple[GitHubServer, dict[str, str], Path]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The sample with version 1 in production, on a forge."""
    shell = make_shell(tmp_path)
    clone = make_clone(tmp_path / "clone", shell)
    run("promptvc deploy support/triage", clone, shell)
    with hosted(clone, shell) as (server, environ):
        yield server, environ, clone


def test_from_a_report_to_a_deployment(hub: Hub) -> None:
    server, shell, clone = hub
    printed = run(COMMANDS["report"], clone, shell)
    assert COMMANDS["begins"] in printed
    assert json.loads((clone / "review.json").read_text())["recommendation"] == "hold"
    assert server.pulls == []

    printed = run(COMMANDS["pull"], clone, shell)
    assert printed.count("opened #1: support/triage v2") == 1
    assert "merging it deploys to production" in printed
    (pull,) = server.pulls
    assert (pull.labels, pull.draft, pull.head) == (
        ["promptvc", "prompts"],
        False,
        "promptvc/support/triage/v2",
    )
    (comment,) = server.comments
    assert comment.body.startswith(COMMANDS["begins"])

    printed = run(COMMANDS["note"], clone, shell)
    assert [one.of for one in server.comments] == [
        1,
        1,
        2,
    ]  # the report, the note, the last word of the issue
    assert [(one.title, one.state) for one in server.issues] == [("Look at triage", "closed")]

    server.merge(pull.number, "squash")
    printed = run(COMMANDS["merged"], clone, shell)
    assert "staging runs support/triage v2" in printed
    assert run("git ls-remote -q origin refs/heads/main", clone, shell).split()[0] == server.hosted.git.tip(
        "main"
    )
    assert "production\tsupport/triage\tv2" in run("promptvc status", clone, shell)


def test_what_to_act_on(hub: Hub) -> None:
    server, shell, clone = hub
    run("promptvc train support/triage", clone, shell)
    printed = run(COMMANDS["alerts"], clone, shell)
    assert printed.count("alert\twaiting\tsupport/triage\t\tv2 (improvement) waits") == 3
    assert [one.state for one in server.issues] == ["open"]


def test_the_tables_are_what_there_is() -> None:
    assert tuple(CODE.findall(row[0])[0] for row in table(TEXT, "kinds")) == get_args(Kind)
    assert {row[0] for row in table(TEXT, "signs")} == set(advice._SIGNS.values())
    named = {name for row in table(TEXT, "tokens") for name in CODE.findall(row[0])}
    source = Path(tokens.__file__).read_text("utf-8")
    assert named == set(re.findall(r'"([A-Z_]+_TOKEN)"', source))
    for paths in PLACES.values():
        for folder in (path.rpartition("/")[0] for path in paths):
            assert not folder or f"`{folder}/`" in TEXT


def test_the_numbers_and_the_settings_are_the_program_s() -> None:
    assert f"at most {MOST_COMMENT:,} bytes" in SAID
    (text,) = (one["text"] for one in BLOCKS if one["language"] == "yaml")
    asked = load_settings(text.encode(), file=PAGE).review
    assert (asked.deploy, asked.reviewers) == ("production", ("ada", "acme/prompt-team"))
    assert Settings().review.labels == ("promptvc",)
    assert "with the label `promptvc`" in SAID


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert set(COMMANDS) == {"report", "begins", "pull", "merged", "alerts", "note"}
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
