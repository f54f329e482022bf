"""Events without their texts: whatever reads events copes with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from promptvc.base.ids import derived_ulid
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, copy_of, questions

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def rows() -> list[dict[str, Any]]:
    """Every kind that speaks, on questions that the desk knows."""
    asked = [{"question": text} for text in questions("alpha", 12)]
    about = [
        {"id": derived_ulid(NOW, b"%d" % at, 0), "time": f"2026-01-10T10:{at:02d}:00Z"} for at in range(16)
    ]
    said: list[dict[str, Any]] = [
        *({"kind": "correction", "input": one, "output": "beta", "corrected": "alpha"} for one in asked[:4]),
        {"kind": "demonstration", "input": asked[4], "output": "alpha"},
        {"kind": "rating", "input": asked[5], "output": "alpha", "stars": 5, "user": "bob"},
        {
            "kind": "rating",
            "input": asked[6],
            "output": "beta",
            "stars": 1,
            "comment": "wrong team",
            "issues": ["wrong"],
        },
        {"kind": "rating", "comment": "nice"},
        {"kind": "suggestion", "comment": "Say why."},
        {"kind": "error", "input": asked[7], "error": {"message": "late"}},
        {"kind": "error", "error": {"type": "Timeout", "message": "late"}},
        {"kind": "annotation", "target": about[5]["id"], "corrected": "gamma", "reviewer": "eve"},
        {
            "kind": "annotation",
            "target": about[6]["id"],
            "approved": False,
            "comment": "no",
            "reviewer": "eve",
        },
        {
            "kind": "annotation",
            "target": about[0]["id"],
            "scores": {"faithful": 1},
            "source": "llm_judge",
            "comment": "c",
        },
        {"kind": "retrieval", "query": "q", "chunks": [{"rank": 1, "text": "t", "relevant": True}]},
        {"kind": "selection", "options": [{"name": "a", "text": "t"}], "selected": "a", "notes": "n"},
    ]
    return [
        {"prompt": DESK, "source": "human", "version": 1, **head, **one}
        for head, one in zip(about, said, strict=True)
    ]


@pytest.fixture(scope="module")
def expired(tmp_path_factory: pytest.TempPathFactory, desk_template: Repo) -> Cli:
    folder = tmp_path_factory.mktemp("expired")
    repo = copy_of(desk_template, folder / "desk")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")
    before = cli.json("feedback", "summary", DESK)
    cli.ok("feedback", "retain", "--days", "1")
    assert cli.json("feedback", "summary", DESK) == before, "what was counted stays"
    return cli


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("feedback", "list", DESK), "(expired)"),
        (("feedback", "to-cases", DESK), "nothing new to propose"),
        (("feedback", "export", "--format", "jsonl"), '"expired"'),
        (("check",), "nothing wrong"),
        (("suggest", DESK), "nothing to suggest"),
        (("train", DESK, "--days", "3000", "--approach", "all"), "had their texts taken out"),
        (("issues", DESK), "wrong"),
        (("stats",), DESK),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_what_reads_events_copes(expired: Cli, command: tuple[str, ...], said: str) -> None:
    done = expired(*command)
    assert (done.code, said in done.out) == (0, True), done


def test_an_expired_event_makes_no_case_and_no_example(expired: Cli) -> None:
    trained = expired.json("train", DESK, "--days", "3000")
    assert (trained["candidate"], trained["calls"]) == (None, 0)
    assert expired.json("feedback", "to-cases", DESK)["cases"] == []
