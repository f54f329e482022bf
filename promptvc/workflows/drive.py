"""What git calls: a prompt as text for `git diff`, and the three-way merge of one file for `git merge`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from promptvc.base.files import storage_errors, write_atomic
from promptvc.store.merging.conflict import ABSENT, Conflict, Merged
from promptvc.store.merging.merge import merge_prompts
from promptvc.store.outline import outline


def textconv(file: Path) -> bytes:
    """The file as `git diff` shall compare it; as it is where it is no prompt.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(file):
        data = file.read_bytes()
    text = outline(data)
    return data if text is None else text.encode("utf-8", "surrogateescape")


def merge_driver(base: Path, ours: Path, theirs: Path, marker_size: int, path: str) -> Merged:
    """Merge as git's merge drivers do: the result replaces ``ours``, whole or not at all.

    Args:
        base: an empty file where both sides added the prompt.
        path: of the prompt in the repository.

    Raises:
        StorageError: a file cannot be read or written; ``ours`` is as it was.
    """
    contents = []
    for file in (base, ours, theirs):
        with storage_errors(file):
            contents.append(file.read_bytes())
    before, mine, other = contents
    if _is_deployment(path):
        reason = "a deployment is a copy, byte for byte: take one side, or deploy again"
        return Merged(mine, (Conflict((), reason, ABSENT, ABSENT, ABSENT),))
    merged = merge_prompts(before or None, mine, other, file=path, marker_size=marker_size)
    if merged.data != mine:
        write_atomic(ours, merged.data, durable=False)
    return merged


def _is_deployment(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return "deployments" in parts and "prompts" not in parts[: parts.index("deployments")]
