"""A long evaluation that is killed again and again: nothing that was kept is paid for twice, and no result is lost."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promptvc.evaluation.running.cache import Cache, Keys
from promptvc.models.messages import ChatMessage
from promptvc.prompts.model import load_prompt
from promptvc.prompts.render import Renderer
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Reply, Request, Server, answer
from tests.worlds import DESK, DESK_PROMPT

CASES = 2_000
KILLS = 6
CONCURRENCY = 16
SUITE = f"evaluation/{DESK}.yaml"
ROWS = f"evaluation/{DESK}.cases.jsonl"
ASKING = (
    "evaluate",
    DESK,
    "--model",
    "openai:test-model",
    "--repeat",
    "1",
    "--concurrency",
    str(CONCURRENCY),
)


def test_two_thousand_cases_killed_six_times(desk: Repo, tmp_path: Path) -> None:
    rows = [
        {"id": f"q{at}", "vars": {"question": f"question {at}"}, "expected": "alpha"} for at in range(CASES)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    desk.write({SUITE: f"cases: {ROWS.rpartition('/')[2]}\n", ROWS: lines})
    cli = cli_of(desk)
    moments = sorted(random.Random(7).sample(range(100, CASES), KILLS))
    asked: Counter[str] = Counter()
    kept: set[str] = set()
    repaid: set[str] = set()
    with Server() as server:

        def script(request: Request) -> Reply:
            asked[request.text] += 1
            if request.text in kept:
                repaid.add(request.text)
            if moments and request.number >= moments[0]:
                moments.pop(0)
                process.send_signal(signal.SIGKILL)
            return answer("alpha")

        server.script = script
        kills = 0
        while True:
            process = cli.start(*ASKING, "-o", str(tmp_path / "out.jsonl"), "--json", more=server.environ())
            out, errors = process.communicate(timeout=300)
            if process.returncode != -signal.SIGKILL:
                break
            kills += 1
            kept = _kept(desk.path / ".promptvc" / "cache", server.url, rows)
        assert process.returncode == 0, errors.decode()
    assert kills == KILLS
    value = json.loads(out)
    assert (value["cases"], value["passed"], value["errored"]) == (CASES, CASES, 0)
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()[1:]]
    assert [result["case"] for result in results] == [row["id"] for row in rows]
    assert repaid == set()
    assert sum(asked.values()) <= CASES + KILLS * CONCURRENCY


def _kept(folder: Path, address: str, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The questions whose answer is in the cache, read as a run reads it."""
    cache, keys = Cache(folder), Keys("openai:test-model", address)
    prompt = Renderer(load_prompt(DESK_PROMPT.encode(), file="prompt"))
    found = set()
    for row in rows:
        messages = [ChatMessage(turn.role, turn.content) for turn in prompt.render(row["vars"])]
        if cache.get(keys.key(messages, {}, 0)) is not None:
            found.add(messages[-1].content)
    cache.close()
    return found
