"""``--json`` of what is told from feedback, and of keeping it: the keys, under these names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, copy_of


def row(number: int) -> str:
    """A rating with everything that can be said of it."""
    about = {"prompt": DESK, "kind": "rating", "version": 1, "stars": 1 + number % 5, "user": f"p{number}"}
    said = {"issues": ["slow"], "tags": ["eu"], "input": {"question": f"q {number}"}, "output": "alpha"}
    return json.dumps({**about, **said, "time": f"2026-03-{1 + number % 20:02d}T10:00:00Z"})


@pytest.fixture(scope="module")
def rated(desk_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    folder: Path = tmp_path_factory.mktemp("rated")
    repo = copy_of(desk_template, folder / "desk")
    rows = folder / "rows.jsonl"
    rows.write_text("\n".join(map(row, range(40))))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    return cli


WINDOW = ("--days", "90")
TOLD: dict[tuple[str, ...], str] = {
    ("analyze", DESK, *WINDOW): (
        "name since until min_samples events rated success mean runs error_rate p50_ms p95_ms mean_ms tokens_in "
        "tokens_out cost priced trend by patterns versions looked_at tested found list remarks"
    ),
    ("issues", DESK, *WINDOW): "name since until ratings rated ratings_before issues list remarks",
    ("feedback", "tags"): "name tags twins",
    ("report",): (
        "period prompt overall prompts changes targets best problems actions deployments weeks unread declined"
    ),
    ("stats",): "as_of adapted reason totals prompts",
    ("recommend", "pick a label"): "task as_of ranker adapted reason recommendations remarks",
    ("rank", "show"): "in_use why ranker features",
    ("route", "pick a label"): (
        "task prompt version digest framework model confidence techniques reasoning enhanced_prompt how propensity "
        "seed tag since until candidates recorded remarks"
    ),
    ("annotate", DESK, "--queue"): "reviewer adjudicating total scores items remarks",
    ("annotate", "--agreement", DESK): (
        "name resolve reviewed twice reviewers uncounted agreement disagreements list remarks"
    ),
    ("feedback", "keys"): "keys origin rotated",
    ("feedback", "retain", "--dry-run"): (
        "events spooled segments before days unreadable dry_run commit branch"
    ),
    ("feedback", "compact"): "segments events commit branch",
    ("feedback", "forget", "--user", "p1", "--dry-run"): (
        "events about spooled rollups quarantined files drafts candidates ledger branches left remarks history done"
    ),
    ("feedback", "quarantine"): "rows",
    ("feedback", "list", "--count"): "count",
}


@pytest.mark.parametrize("command", TOLD, ids=" ".join)
def test_the_keys(rated: Cli, command: tuple[str, ...]) -> None:
    assert set(TOLD[command].split()) <= set(rated.json(*command))


@pytest.mark.parametrize(
    "command", [("analyze",), ("issues", DESK), ("report",), ("stats",), ("recommend", "x")]
)
def test_the_same_commit_has_the_same_answer(rated: Cli, command: tuple[str, ...], tmp_path: Path) -> None:
    """To the byte, whether it was kept or is made anew in another clone."""
    say: Callable[[Cli], str] = lambda cli: cli(*command, "--json").out  # noqa: E731 - said twice below
    first = say(rated)
    assert say(rated) == first
    clone = copy_of(Repo(rated.where, dict(rated.environ)), tmp_path / "clone")
    shutil.rmtree(clone.path / ".promptvc")
    assert say(cli_of(clone)) == first
