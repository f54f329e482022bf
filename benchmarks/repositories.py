"""Generated repositories for benchmarks: N prompts with V versions each, one commit a version.

``python -m benchmarks.repositories FOLDER [PROMPTS [VERSIONS [FOLDERS]]]`` makes one to look at.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from promptvc.git.repo import Repository

_CLOCK = 1_735_689_600  # 2025-01-01T00:00:00Z; one commit a minute after that
_WORDS = ("refund", "card", "invoice", "parcel", "password", "account", "charge", "delay", "broken", "thanks")


def generate(path: Path, prompts: int, versions: int, folders: int, *, seed: int = 1) -> Repository:
    """A repository at ``path`` (must not exist), ``main`` checked out, with ``prompts * versions`` commits.

    Prompt ``i`` is ``prompts/team<i mod folders>/p<i>.yaml`` (flat when ``folders`` is 0). Every version adds
    a rule, so that blobs grow as real ones do. The same arguments give the same commits.
    """
    git = ["git", "-C", str(path)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.org"), ("gc.auto", "0")):
        subprocess.run([*git, "config", key, value], check=True)
    importer = subprocess.Popen([*git, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert importer.stdin is not None
    with importer.stdin as stream:
        stream.writelines(_stream(prompts, versions, folders, random.Random(seed)))
    if importer.wait():
        raise SystemExit("git fast-import failed")
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)
    return Repository.discover(path, dict(os.environ))


def prompt_name(index: int, folders: int) -> str:
    """The name of generated prompt ``index``."""
    return f"team{index % folders}/p{index:05d}" if folders else f"p{index:05d}"


def prompt_text(index: int, version: int, folders: int, random_words: random.Random) -> str:
    """The document of a generated prompt at a version."""
    words = [" ".join(random_words.choices(_WORDS, k=6)) for _ in range(version)]
    rules = "".join(
        f"  - text: When they write {text} answer {_WORDS[i % 10]}.\n" for i, text in enumerate(words)
    )
    return (
        f"name: {prompt_name(index, folders)}\n"
        f"version: {version}\n"
        f"description: Generated prompt {index}.\n"
        "type: user\n"
        "model: offline\n"
        "variables:\n  message: {description: what the customer wrote, required: true}\n"
        "messages:\n  - role: system\n    content: |\n      Answer with one label.\n"
        '  - role: user\n    content: "{{ message }}"\n'
        f"rules:\n{rules}"
        "tags: [generated]\n"
    )


def _stream(prompts: int, versions: int, folders: int, source: random.Random) -> Iterator[bytes]:
    seeds = [source.getrandbits(64) for _ in range(prompts)]
    order = [(version, index) for version in range(1, versions + 1) for index in range(prompts)]
    for number, (version, index) in enumerate(order):
        name = prompt_name(index, folders)
        # The same seed for every version of a prompt: version N+1 repeats the rules of N and adds one.
        data = prompt_text(index, version, folders, random.Random(seeds[index])).encode()
        message = (
            f"Commit {name} v{version}\n\nPromptvc-Prompt: {name}\nPromptvc-Version: {version}\n".encode()
        )
        yield b"commit refs/heads/main\n"
        yield b"committer Bench <bench@example.org> %d +0000\n" % (_CLOCK + 60 * number)
        yield b"data %d\n%s\n" % (len(message), message)
        yield b"M 100644 inline prompts/%s.yaml\n" % name.encode()
        yield b"data %d\n%s\n" % (len(data), data)


def main() -> None:
    parser = argparse.ArgumentParser(description="generate a repository of prompts")
    parser.add_argument("folder", type=Path)
    parser.add_argument("prompts", type=int, nargs="?", default=1000)
    parser.add_argument("versions", type=int, nargs="?", default=20)
    parser.add_argument("folders", type=int, nargs="?", default=20)
    arguments = parser.parse_args()
    repository = generate(arguments.folder, arguments.prompts, arguments.versions, arguments.folders)
    print(repository.text("rev-list", "--count", "HEAD"), "commits in", arguments.folder)


if __name__ == "__main__":
    main()
