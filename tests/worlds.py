"""Two repositories to work in: the sample of this repository, and a small desk where training takes a moment."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.builders import Files, Repo
from tests.commands import ROOT

SAMPLE = ("promptvc.yaml", "prompts", "feedback", "evaluation")
DESK = "desk/route"
DESK_FILE = "prompts/desk/route.yaml"
DESK_PROMPT = """\
# The desk's own comment.
name: desk/route
version: 1
description: Route a question to a team.
model: offline
variables:
  question: {description: the question, required: true}
messages:
  - role: system
    content: "Answer with one label only: alpha, beta or gamma."
  - role: user
    content: "{{ question }}"
"""
_SYLLABLES = ("ba", "ko", "ri", "mu", "te", "la", "po", "zi", "ne", "fu", "ga", "wo", "shi", "du")


def questions(label: str, count: int, *, salt: str = "") -> list[str]:
    """Different questions with words of their label's own."""
    vocabulary = random.Random(f"words of {label}")
    words = ["".join(vocabulary.choices(_SYLLABLES, k=3)) + label[0] for _ in range(30)]
    chance = random.Random(f"questions {label} {salt}")
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(chance.sample(words, 6))] = None
    return list(found)


def corrections(label: str, count: int, *, salt: str = "train", **more: object) -> list[dict[str, object]]:
    """Rows for ``feedback import``: the right answer is ``label``."""
    wrong = {"alpha": "beta", "beta": "gamma", "gamma": "alpha"}[label]
    return [
        {
            "time": f"2026-01-{1 + at % 28:02d}T10:{at % 60:02d}:00Z",
            "prompt": DESK,
            "kind": "correction",
            "source": "human",
            "input": {"question": text},
            "output": wrong,
            "corrected": label,
            **more,
        }
        for at, text in enumerate(questions(label, count, salt=salt))
    ]


def desk_rows(count: int = 20, *, salt: str = "train", **more: object) -> str:
    """A JSONL file of corrections."""
    rows = [
        row for label in ("alpha", "beta", "gamma") for row in corrections(label, count, salt=salt, **more)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def desk_suite(count: int = 15, *, salt: str = "hold") -> str:
    """A suite of three times ``count`` cases."""
    lines = ["cases:"]
    for label in ("alpha", "beta", "gamma"):
        for at, text in enumerate(questions(label, count, salt=salt)):
            lines += [
                f"  - id: {label}-{at}",
                f"    vars: {{question: {text}}}",
                f"    expected: {label}",
            ]
    return "\n".join(lines) + "\n"


def desk_files(**more: str | bytes | None) -> Files:
    """The desk without feedback."""
    files: dict[str, str | bytes | None] = {
        "promptvc.yaml": "evaluation: {success: 0.5}\n",
        DESK_FILE: DESK_PROMPT,
        "evaluation/desk/route.yaml": desk_suite(),
        ".gitignore": ".promptvc/\n",
    }
    return files | dict(more)


def copy_of(repo: Repo, path: Path) -> Repo:
    """A copy of a whole repository, with what is not committed."""
    shutil.copytree(repo.path, path, symlinks=True)
    return Repo(path, dict(repo.environ))


def sample_repo(path: Path, environ: Mapping[str, str]) -> Repo:
    """The sample of this repository, committed."""
    repo = Repo.create(path, environ)
    for part in SAMPLE:
        place = ROOT / part
        if place.is_dir():
            shutil.copytree(place, path / part)
        else:
            shutil.copy(place, path / part)
    repo.write({".gitignore": ".promptvc/\n"})
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Start from the sample")
    return repo
