"""A triage whose model knows every topic and stumbles over what is strange, unless a rule of its prompt helps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from promptvc.models.messages import ChatMessage
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Script, answer
from tests.training.approaches.adversarial.readers import Way, topic
from tests.training.makers import PROMPT, questions

TRIAGE = "support/triage"
TRIAGE_FILE = f"prompts/{TRIAGE}.yaml"
TRIAGE_SUITE = f"evaluation/{TRIAGE}.yaml"
HARD_CASES = f"evaluation/{TRIAGE}.adversarial.jsonl"
SETTINGS = "evaluation: {success: 0.5}\ntraining: {variants: 2, rounds: 1, batch: 5, max_calls: 6000}\n"


def reader(*weaknesses: Way) -> Script:
    """A server that answers with the topic, unless one of ``weaknesses`` has another answer."""

    def script(request: Request) -> Reply:
        turns = [ChatMessage(turn["role"], turn["content"]) for turn in request.body["messages"]]
        told = "\n".join(turn.content for turn in turns if turn.role == "system")
        for weakness in weaknesses:
            said = weakness(told, turns[-1].content, turns)
            if said is not None:
                return answer(said)
        return answer(topic(turns[-1].content))

    return script


def triage_rows(count: int, seed: int = 1) -> list[dict[str, object]]:
    """Corrections of different users."""
    return [
        {
            "time": f"2026-01-{1 + at % 28:02d}T10:{at // 28:02d}:00Z",
            "prompt": TRIAGE,
            "kind": "correction",
            "source": "human",
            "user": f"user-{at}",
            "input": {"message": text},
            "output": "t5" if label != "t5" else "t6",
            "corrected": label,
        }
        for at, (text, label) in enumerate(questions(count, seed))
    ]


def triage_suite(count: int = 32, seed: int = 9) -> str:
    """A hold-out."""
    cases = [
        {"id": f"hold-{at}", "vars": {"message": text}, "expected": label}
        for at, (text, label) in enumerate(questions(count, seed))
    ]
    return json.dumps({"cases": cases}, indent=1) + "\n"


def triage(repo: Repo, folder: Path, rows: Sequence[dict[str, object]], suite: str | None = None) -> Cli:
    """A repository with the triage, its suite, and ``rows`` as its feedback."""
    files = {
        "promptvc.yaml": SETTINGS,
        TRIAGE_FILE: PROMPT.decode().replace("version: 1\n", "version: 1\nmodel: openai:answerer\n"),
        TRIAGE_SUITE: suite or triage_suite(),
        ".gitignore": ".promptvc/\n",
    }
    repo.commit(files, "Start")
    place = folder / "rows.jsonl"
    place.write_text("".join(json.dumps(one) + "\n" for one in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(place))
    cli.ok("feedback", "commit")
    return cli
