"""A desk where two people spoke, and where a prompt, a suite and records rest on what they said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

EVE, ADAM = "eve@example.org", "adam@example.org"
SECRET = "my cat Semolina ate the blue invoice"
LATER = "the parrot Bartholomew repeated my whole address"
SHARED = "the portal shows nothing but an hourglass"
SUGGESTED = "please never mention my boat Gwendolyn again"
SUITE = "evaluation/desk/route.yaml"
PROPOSED = "evaluation/desk/route.proposed.jsonl"
STAGING, PRODUCTION = "deployments/staging/desk/route.yaml", "deployments/production/desk/route.yaml"


def row(user: str, text: str, corrected: str, **more: Any) -> dict[str, Any]:
    """A correction for ``feedback import``."""
    return {
        "time": "2026-01-05T10:00:00Z", "prompt": DESK, "kind": "correction", "source": "human", "user": user,
        "input": {"question": text}, "output": "beta", "corrected": corrected, **more,
    }  # fmt: skip


def imported(repo: Repo, folder: Path, rows: list[dict[str, Any]], *, commit: bool = True) -> None:
    """Import rows, and commit them."""
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(file))
    if commit:
        cli.ok("feedback", "commit")


def events(cli: Cli) -> list[dict[str, Any]]:
    """All committed events."""
    found: list[dict[str, Any]] = cli.json("feedback", "list")
    return found


def ids(cli: Cli, text: str) -> list[str]:
    """The ids of the events that hold ``text``."""
    return [event["id"] for event in events(cli) if text in json.dumps(event)]


def world(repo: Repo, folder: Path) -> Repo:
    """v1 plain; v2 with a rule and examples of both people, in staging; v3 with one more example, in production."""
    repo.commit({DESK_FILE: DESK_PROMPT, ".gitignore": ".promptvc/\n"}, "Start")
    cli = cli_of(repo)
    rows = [
        row(EVE, SECRET, "alpha"),
        row(EVE, SHARED, "gamma"),
        row(ADAM, SHARED, "gamma", time="2026-01-06T10:00:00Z"),
        {**row(EVE, "", ""), "kind": "suggestion", "comment": SUGGESTED},
        row(ADAM, "a question of Adam about something else", "beta"),
    ]
    for one in rows:
        if one["kind"] == "suggestion":
            for key in ("input", "output", "corrected"):
                del one[key]
    imported(repo, folder, rows)
    (secret,), shared, (suggested,) = ids(cli, SECRET), ids(cli, SHARED), ids(cli, SUGGESTED)
    examples = f"""\
rules:
  - text: Never mention a boat.
    because: [{suggested}]
  - text: An hourglass is gamma.  # kept
    because: [{", ".join(shared)}]
examples:
  - input: {{question: {SECRET}}}
    output: alpha
    because: [{secret}]
"""
    repo.write({DESK_FILE: DESK_PROMPT + examples})
    cli.ok("commit", DESK, "-m", "Learn from two people")
    cli.ok("deploy", DESK, "--env", "staging")
    more = f"  - input: {{question: {SHARED}}}\n    output: gamma\n    because: [{', '.join(shared)}]\n"
    repo.write({DESK_FILE: repo.read(DESK_FILE).decode() + more})
    cli.ok("commit", DESK, "-m", f"Take {SECRET} into account, by {secret}")
    cli.ok("deploy", DESK)
    suite = f"""\
cases:
  - id: plain
    vars: {{question: what is alpha}}
    expected: alpha
  - id: cat
    vars: {{question: {SECRET}}}
    expected: alpha
    metadata: {{because: [{secret}]}}
  - id: hourglass
    vars: {{question: {SHARED}}}
    expected: gamma
    metadata: {{because: [{", ".join(shared)}]}}
"""
    repo.commit({SUITE: suite}, "Ask what they asked")
    saved = cli("evaluate", DESK, "--save")
    assert saved.code in {0, 1}, saved
    repo.git("add", "-A")
    repo.git("commit", "-q", "--allow-empty", "-m", "Keep the evidence")
    return repo


def stored(repo: Repo, *needles: str) -> list[str]:
    """Which of ``needles`` is in any object of the repository, reached or not."""
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    done = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repo.path, env=repo.environ, input=listed.encode(), capture_output=True,
        check=True,
    )  # fmt: skip
    return [needle for needle in needles if needle.encode() in done.stdout]
