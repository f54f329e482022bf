"""A shelf of six prompts with ratings, calls and choices, for what recommends among them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders import Files, Repo
from tests.commands import Cli, cli_of

START = datetime(2026, 3, 1)  # noqa: DTZ001 - written with Z below
WORDS = {
    "billing/refund": ("Refund a charge to a card.", 0.9),
    "billing/invoice": ("Explain an invoice line by line.", 0.6),
    "mail/reply": ("Reply politely to a customer's letter.", 0.75),
    "mail/summary": ("Summarize a long letter in one sentence.", 0.4),
    "text/poem": ("Write a poem about the sea.", 0.5),
    "text/translate": ("Translate a letter into French.", 0.3),
}
DAYS = 20


def prompt(name: str, words: str, version: int = 1) -> str:
    """A prompt whose system message is ``words``."""
    return f"""\
name: {name}
version: {version}
model: offline
variables: {{text: {{required: true}}}}
messages:
  - role: system
    content: {words}
  - role: user
    content: "{{{{ text }}}}"
"""


def files() -> Files:
    return {
        ".gitignore": ".promptvc/\n",
        **{f"prompts/{name}.yaml": prompt(name, words) for name, (words, _) in WORDS.items()},
    }


def ratings(seed: int = 1) -> Iterator[dict[str, Any]]:
    """Six ratings of each prompt a day, by what is true of it, and a call."""
    chance = random.Random(seed)
    for day in range(DAYS):
        for name, (_, truth) in WORDS.items():
            for number in range(6):
                yield {
                    "time": _time(day, number),
                    "prompt": name,
                    "version": 1,
                    "kind": "rating",
                    "source": "human",
                    "input": {"text": f"{name.rpartition('/')[2]} parcel {chance.randrange(50)}"},
                    "thumbs": "up" if chance.random() < truth else "down",
                }
            yield {
                "time": _time(day, 9),
                "prompt": name,
                "version": 1,
                "kind": "success",
                "source": "code",
                "latency_ms": 100 + day,
            }


def choices(count: int, *, odd: bool, seed: int = 2) -> Iterator[dict[str, Any]]:
    """Choices among five: by success, or (odd) of what is neither good nor bad, which no product orders."""
    chance = random.Random(seed)
    for number in range(count):
        offered = chance.sample(sorted(WORDS), 5)

        def liking(name: str) -> float:
            truth = WORDS[name][1]
            return (5 - 30 * abs(truth - 0.5) if odd else 8 * truth) + chance.gauss(0, 1)

        liked = {name: liking(name) for name in offered}
        yield {
            "time": _time(2 + number * (DAYS - 2) // count, 10 + number % 12),
            "prompt": "mail/reply",
            "kind": "selection",
            "source": "human",
            "input": f"parcel {number}",
            "session": f"s{number // 2}",
            "options": [{"name": name} for name in offered],
            "selected": max(offered, key=lambda name: liked[name]),
        }


def shelf(repo: Repo, folder: Path, *, odd: bool, count: int = 300) -> Cli:
    """The shelf, committed with its feedback."""
    repo.commit(files(), "Start")
    cli = cli_of(repo)
    record(cli, folder, [*ratings(), *choices(count, odd=odd)])
    return cli


def record(cli: Cli, folder: Path, rows: list[dict[str, Any]]) -> None:
    """Import events and commit them."""
    place = folder / "rows.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.ok("feedback", "import", str(place))
    cli.ok("feedback", "commit")


def _time(day: int, minute: int) -> str:
    return f"{(START + timedelta(days=day, hours=9, minutes=minute)).isoformat()}Z"
