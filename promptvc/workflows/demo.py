"""The demo: a copy of the sample in a new repository, and the commands of the loop."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import GitError, InputError, NotFound
from promptvc.base.files import storage_errors, write_atomic

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "sample", _PACKAGE.parent)
_PARTS = ("promptvc.yaml", "prompts", "feedback", "evaluation")
NAME = "support/triage"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the demo, the sentence that comes before it, and how it may end."""

    words: str
    command: tuple[str, ...]
    ends: tuple[int, ...] = (0,)


STEPS = (
    Step("What is here: prompts, and what people said about them.", ("promptvc", "list")),
    Step("", ("promptvc", "feedback", "summary", NAME)),
    # Exit code 1: the score is below the bar, which is why the prompt is trained.
    Step("Run the suite on the prompt as it is: it could be better.", ("promptvc", "evaluate", NAME), (0, 1)),
    Step("It is what there is: put it into production.", ("promptvc", "deploy", NAME)),
    Step(
        "Somebody corrects an answer. It is redacted before it is written.",
        (
            "promptvc", "feedback", "add", NAME,
            "--input", "I never got the reset mail at ada@example.org",
            "--output", "technical",
            "--corrected", "account_access",
        ),
    ),
    Step("", ("promptvc", "feedback", "commit")),
    Step("Learn from all of it. The candidate meets the hold-out once.", ("promptvc", "train", NAME)),
    Step("Read what changed, item by item.", ("promptvc", "diff", f"{NAME}@v1", f"{NAME}@v2")),
    Step("Approve it like any other code.", ("git", "merge", "--no-edit", "--no-ff", f"promptvc/{NAME}/v2")),
    Step("", ("promptvc", "log", NAME)),
    Step("Deploy, and look.", ("promptvc", "deploy", NAME)),
    Step("", ("promptvc", "status")),
    Step(
        "Go back: the bad version is held, so that nothing redeploys it by itself.",
        ("promptvc", "rollback", NAME, "--reason", "a complaint from the refunds team"),
    ),
    Step("", ("promptvc", "status")),
    Step("", ("promptvc", "check")),
    Step("All of it is in git.", ("git", "log", "--oneline", "--graph", "-n", "8")),
)  # fmt: skip


def prepare(directory: Path, *, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Copy the sample into ``directory`` (new or empty) as a git repository with one commit.

    Returns:
        The files made, from ``directory``.

    Raises:
        InputError: the folder is not empty.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is not an empty folder", hint="name a folder that does not exist yet")
    source = next((place for place in _PLACES if (place / "promptvc.yaml").is_file()), None)
    if source is None:
        raise NotFound(
            "the sample is not part of this installation", hint="reinstall promptvc from its wheel"
        )
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    created = []
    for path in _sample_files(source):
        relative = path.relative_to(source).as_posix()
        write_atomic(directory / relative, path.read_bytes(), durable=False)
        created.append(relative)
    _git(directory, environ, "init", "-q", "-b", "main")
    _git(directory, environ, "config", "user.name", "promptvc demo")
    _git(directory, environ, "config", "user.email", "demo@example.org")
    return tuple(created)


def commit_sample(directory: Path, *, environ: Mapping[str, str]) -> None:
    """Commit everything in ``directory`` as the repository's first commit."""
    _git(directory, environ, "add", "-A")
    _git(directory, environ, "commit", "-q", "-m", "Start from the sample")


def _sample_files(source: Path) -> list[Path]:
    found = []
    for part in _PARTS:
        place = source / part
        found += [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return found


def _git(directory: Path, environ: Mapping[str, str], *arguments: str) -> None:
    clean = {key: value for key, value in environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(directory), *arguments]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitError(f"git {arguments[0]} failed: {done.stderr.strip()}")
