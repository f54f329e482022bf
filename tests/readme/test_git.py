"""The guide to git: its commands run on the sample in their order, and show what it says they show."""

from __future__ import annotations

from pathlib import Path

from promptvc.workflows import drift as states
from tests.readme.shells import ROOT, blocks, dead_links, make_clone, make_shell, run, unknown_options

PAGE = "docs/git.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
FILE = "prompts/support/triage.yaml"
FIRST = "choose the team that has to act first"


def edit(clone: Path, before: str, after: str) -> None:
    text = (clone / FILE).read_text()
    assert before in text
    (clone / FILE).write_text(text.replace(before, after))


def test_a_story_of_two_branches(tmp_path: Path) -> None:
    shell = make_shell(tmp_path)
    clone = make_clone(tmp_path / "clone", shell)
    run(COMMANDS["install"], clone, shell)
    run("git branch other", clone, shell)
    edit(clone, FIRST, "choose who acts first")

    commit, rest = COMMANDS["merge"].split("\n", 1)
    run(commit, clone, shell)
    shown = run("git diff -U0 HEAD~1 -- prompts", clone, shell)
    for line in COMMANDS["outline"].splitlines():
        assert line in shown.splitlines()
    printed = run(rest, clone, shell)
    assert "committed: support/triage v2 on promptvc/support/triage/v2" in printed
    assert "support/triage v3: renumbered" in printed
    text = (clone / FILE).read_text()
    assert "choose who acts first" in text
    assert "examples:\n  - " in text

    run("git switch -q other", clone, shell)
    edit(clone, FIRST, "choose the first to act")
    run("promptvc commit support/triage -m 'Say it shorter' && git switch -q main", clone, shell)
    printed = run(COMMANDS["conflict"], clone, shell)
    assert printed.count("both sides changed these lines") == 2
    assert "[conflict-markers]" in printed
    marked = (clone / FILE).read_text()
    assert COMMANDS["marks"] in marked
    (clone / FILE).write_text(marked.replace(COMMANDS["marks"], ""))
    assert "refus" not in run(COMMANDS["resolve"], clone, shell)
    assert "nothing wrong" in run("promptvc check", clone, shell)

    printed = run(COMMANDS["blame"], clone, shell)
    assert "few_shot\t1\texample 1\t" in printed
    assert "because of 1 event" in printed
    assert "*  v3" in run(COMMANDS["graph"], clone, shell)
    printed = run(COMMANDS["changes"], clone, shell)
    assert "# Changelog of `support/triage`" in printed
    assert "support/triage: production v2, latest v4" in printed
    assert "## v3" in (clone / "changes.md").read_text()
    printed = run(COMMANDS["drift"], clone, shell)
    assert "behind by 2 versions" in printed
    assert printed.endswith("../app\tsupport/triage\tv2\tv2\tnone\n")


def test_the_states_are_those_that_there_are() -> None:
    source = Path(states.__file__).read_text("utf-8")
    part = TEXT.split("| state | is |", 1)[1]
    for state in ("behind", "different", "edited", "held", "gone", "missing", "extra", "unreadable"):
        assert f"`{state}`" in part
        assert f'"{state}"' in source


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    shown = {"outline", "marks"}
    run_here = {"install", "merge", "conflict", "resolve", "blame", "graph", "changes", "drift"}
    assert set(COMMANDS) == run_here | shown
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
