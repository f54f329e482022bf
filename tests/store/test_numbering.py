"""Which contents own their numbers, asked for many files at once."""

from __future__ import annotations

import random

from promptvc.git.objects import Objects
from promptvc.store.contents import Contents
from promptvc.store.history import History
from promptvc.store.numbering import owned_versions, owning
from tests.builders import Repo


def test_many_at_once_are_what_each_is_alone(repo: Repo) -> None:
    chance = random.Random(7)
    paths = [f"prompts/p{at}.yaml" for at in range(6)]

    def write() -> None:
        for path in paths:
            text = f"name: x\nversion: {chance.randint(1, 3)}\nmessages: [{chance.randint(1, 4)}]\n"
            repo.write({path: text if chance.random() > 0.1 else "no prompt"})
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", "x")

    write()
    for at in range(4):
        repo.git("checkout", "-q", "-b", f"side{at}")
        write()
        write()
        repo.git("checkout", "-q", "main")
        repo.git("merge", "-q", "--no-ff", "-m", "Merge", f"side{at}")
        write()
    with Objects(repo.repository()) as objects, History(repo.repository(), None) as history:
        contents, tip = Contents(objects, history), repo.rev("HEAD")
        asked = {(path, change.blob) for path in paths for change in history.changes(path, tip)}
        files = {(path, blob) for path, blob in asked if blob is not None} | {(paths[0], "1" * 40)}
        alone = {
            (path, owned.blob)
            for path in paths
            for owned in owned_versions(history, contents, path, tip).values()
        }
        assert owning(history, contents, files, tip) == alone
        assert alone < files
