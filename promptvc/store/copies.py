"""Copies of prompts elsewhere: the files of a folder that an application was shipped with, read without trusting it.

Nothing outside of the folder is ever read: folders that are links are passed over, and a file that is one counts only
when it stays inside (a mounted volume is full of such links). Pipes and devices are never opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.documents import MAX_BYTES
from promptvc.base.errors import InputError, NotFound
from promptvc.base.files import storage_errors

MOST_FILES = 20_000
MOST_ENTRIES = 200_000
DEEPEST = 16
_ENDING = ".yaml"
_NARROW = "name the folder that holds the prompts"


@dataclass(frozen=True, slots=True)
class Copy:
    """One file ``NAME.yaml``; ``data`` is None where it was not read, ``problem`` says why."""

    name: str
    data: bytes | None
    problem: str | None = None


def copies(folder: Path) -> Iterator[Copy]:
    """Every ``NAME.yaml`` below ``folder``, by name; hidden files and folders are passed over. Read one by one.

    Raises:
        NotFound: there is no such folder.
        InputError: more files, or deeper folders, than prompts ever have.
        StorageError: a folder cannot be read.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder} is not a folder", hint="name a folder of NAME.yaml files, or one such file")
    for path in sorted(_files(folder)):
        yield _read(folder, path)


def read_copy(file: Path) -> bytes:
    """The content of one file that the caller named.

    Raises:
        NotFound: there is no such file.
        InputError: it is no regular file, or larger than a prompt may be.
        StorageError: it cannot be read.
    """
    if not file.exists():
        raise NotFound(f"there is no file or folder {file}")
    data, problem = _content(Path(os.path.realpath(file)))
    if data is None:
        raise InputError(f"{file} {problem}")
    return data


def _files(folder: Path) -> list[str]:
    found: list[str] = []
    waiting = [("", 0)]
    entries = 0
    while waiting:
        below, depth = waiting.pop()
        with storage_errors(folder / below), os.scandir(folder / below) as listing:
            for entry in listing:
                entries += 1
                if len(found) > MOST_FILES or entries > MOST_ENTRIES:
                    raise InputError(f"{folder} has more files than prompts ever are", hint=_NARROW)
                if entry.name.startswith("."):
                    continue
                path = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if depth >= DEEPEST:
                        raise InputError(f"{folder / path} is more than {DEEPEST} folders deep", hint=_NARROW)
                    waiting.append((f"{path}/", depth + 1))
                elif entry.name.endswith(_ENDING):
                    found.append(path)
    return found


def _read(folder: Path, path: str) -> Copy:
    name = path.removesuffix(_ENDING)
    real = Path(os.path.realpath(folder / path))
    if not real.is_relative_to(os.path.realpath(folder)):
        return Copy(name, None, "is a link that leads out of the folder")
    return Copy(name, *_content(real))


def _content(file: Path) -> tuple[bytes | None, str | None]:
    """The content, or why there is none. Opened so that a pipe does not wait and a link is not followed any more."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        link = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        return None, link
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None, "is no regular file"
        with storage_errors(file):
            data = stream.read(MAX_BYTES + 1)
    return (data, None) if len(data) <= MAX_BYTES else (None, f"has more than {MAX_BYTES // 2**20} MiB")
