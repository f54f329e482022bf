"""The inputs on which a training saw the prompt fail, where no candidate carries them: told of, or written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from promptvc.base.errors import Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.training.approaches.adversarial.dataset import joined
from promptvc.training.trained import Trained


def check_file(file: Path) -> None:
    """Find a file that cannot be written before anything is asked.

    Raises:
        Usage: its folder is not there, or it is a folder itself.
        InvalidDocument: it is there, and has a line that is no JSON.
        StorageError: it cannot be read.
    """
    if not file.parent.is_dir():
        raise Usage(f"there is no folder {file.parent}", hint="make it first")
    if file.is_dir():
        raise Usage(f"--cases {file}: this is a folder", hint="name a file in it, such as hard.jsonl")
    joined(_before(file), b"", file=str(file))


def keep_cases(outcome: Trained, file: Path | None) -> Trained:
    """``outcome`` with a remark on its hard cases; they are written into ``file``, beside the lines it has already.

    Without a file nothing is written, and they are only told of where no candidate carries them.

    Raises:
        InvalidDocument: the file has a line that is no JSON; it is as it was.
        StorageError: it cannot be read or written.
    """
    found = b"".join(data for _, data in sorted(outcome.training.files.items()))
    count = len(found.splitlines())
    if file is None:
        if not count or outcome.candidate is not None:
            return outcome
        return _remarked(outcome, f"{_cases(count)} failed: --cases FILE writes them")
    if not count:
        return _remarked(
            outcome, f"no hard case failed that a suite could hold: nothing is written to {file}"
        )
    before = _before(file)
    data = joined(before, found, file=str(file))
    added = len(data.splitlines()) - len((before or b"").splitlines())
    if data != before:
        write_atomic(file, data)
    known = "" if added == count else f"; {count - added:,} of {count:,} were there already"
    return _remarked(outcome, f"{_cases(added)} written into {file}{known}")


def _before(file: Path) -> bytes | None:
    with storage_errors(file):
        return file.read_bytes() if file.exists() else None


def _remarked(outcome: Trained, remark: str) -> Trained:
    return replace(outcome, remarks=(*outcome.remarks, remark))


def _cases(count: int) -> str:
    return f"{count:,} hard case" if count == 1 else f"{count:,} hard cases"
