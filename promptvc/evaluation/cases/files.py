"""Which files a suite's ``cases`` name: paths and globs relative to the suite's own folder, inside the prompt root.

``*`` and ``?`` stand for characters of one name, ``[abc]`` for one of some, ``**`` for folders at any depth; none of
them matches a name that begins with a dot. Files are taken in sorted order, each once.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Protocol

_GLOB = re.compile(r"[*?\[]")
_DEEP = "**"


class Files(Protocol):
    """The files below a prompt root: of the working tree, or of a commit. Paths are relative to the root."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none.

        Raises:
            InputError: it leads out of the prompt root.
        """
        ...

    def list(self, folder: str) -> Sequence[str]:
        """The names in a folder (``""``: the root), folders with a slash at the end; empty when there is none.

        A link to a folder is no folder: what is found by a pattern ends.
        """
        ...


def is_glob(text: str) -> bool:
    """Whether ``text`` is a pattern, not a path."""
    return _GLOB.search(text) is not None


def resolved(text: str, folder: str) -> str:
    """A path or a glob, relative to ``folder``, from the prompt root.

    Raises:
        ValueError: it leads out of the prompt root, or is no path; the text is for people.
    """
    if "\\" in text:
        raise ValueError("has a backslash: write paths with /")
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        raise ValueError("is no path relative to the suite's folder")
    parts: list[str] = [part for part in folder.split("/") if part]
    for part in PurePosixPath(text).parts:
        if part != "..":
            parts.append(part)
        elif not parts or is_glob(parts[-1]):
            raise ValueError("leads out of the prompt root" if not parts else "has `..` after a pattern")
        else:
            parts.pop()
    if not parts or "\0" in text:
        raise ValueError("is no path of a file")
    return "/".join(parts)


def matching(pattern: str, files: Files) -> list[str]:
    """The files (paths from the prompt root) that a glob matches, sorted, each once."""
    return sorted(set(_Walk(files).below("", tuple(pattern.split("/")))))


class _Walk:
    """One search. A folder is gone through once with the same rest of the pattern, however many `**` lead there."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._seen: set[tuple[str, tuple[str, ...]]] = set()

    def below(self, folder: str, parts: tuple[str, ...]) -> Iterator[str]:
        """The files below ``folder`` (empty, or with a slash at the end) that the rest of the pattern matches."""
        if (folder, parts) in self._seen:
            return
        self._seen.add((folder, parts))
        head, rest = parts[0], parts[1:]
        if rest and not is_glob(head):
            yield from self.below(f"{folder}{head}/", rest)
            return
        names = [name for name in self._files.list(folder.rstrip("/")) if not name.startswith(".")]
        if head == _DEEP:
            # `**` at the end stands for every file below, as `**/*` does.
            yield from self.below(folder, rest or ("*",))
            for name in names:
                if name.endswith("/"):
                    yield from self.below(folder + name, parts)
            return
        for name in names:
            if not fnmatch.fnmatchcase(name.rstrip("/"), head):
                continue
            if rest and name.endswith("/"):
                yield from self.below(folder + name, rest)
            elif not rest and not name.endswith("/"):
                yield folder + name
