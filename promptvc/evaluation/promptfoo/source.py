"""The files that a configuration of promptfoo names: ``file://`` and plain paths, globs, YAML, JSON, JSON Lines.

Paths are relative to the configuration's own folder, and stay inside the folder that the import may read (the
repository that the configuration is in).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from promptvc.base.documents import load_json_document, load_yaml
from promptvc.base.errors import InputError
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.cases.files import Files, is_glob, matching, resolved

FILE = "file://"
CODE = frozenset({".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".go", ".sh"})
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://")


class Unreadable(Exception):
    """Why a file that is named does not come over; the text is for people."""


class Source:
    """The folder of one configuration.

    Args:
        files: the files that may be read, by path from the top of what may be read.
        folder: the configuration's, from there.
    """

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self._folder = folder

    def paths(self, text: str) -> list[str]:
        """The files that ``text`` names, from the top.

        Raises:
            Unreadable: none, or not files of this folder.
        """
        name = text.strip().removeprefix(FILE)
        if _REMOTE.match(name):
            raise Unreadable("it is not a file here: nothing is fetched")
        try:
            path = resolved(name.removeprefix("./"), self._folder)
        except ValueError as error:
            raise Unreadable(f"it {error}") from None
        found = matching(path, self._files) if is_glob(path) else [path]
        if not found:
            raise Unreadable("no file matches it")
        return found

    def text(self, path: str) -> str:
        """A file's text.

        Raises:
            Unreadable: there is no such file, or it is not UTF-8.
        """
        try:
            data = self._files.read(path)
            if data is None:
                raise Unreadable(f"there is no file {path}")
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable(f"{path} is not UTF-8") from None
        except InputError as error:
            raise Unreadable(error.message) from None

    def data(self, path: str) -> Any:
        """The value of a YAML, JSON or JSON Lines file (a list).

        Raises:
            Unreadable: it is none of these, or is faulty.
        """
        kind = kind_of(path)
        text = self.text(path)
        try:
            if kind == ".jsonl":
                return list(_lines(text, path))
            if kind == ".json":
                return load_json_document(text.encode(), file=path)
            if kind in {".yaml", ".yml"}:
                return load_yaml(text.encode(), file=path).value
        except InputError as error:
            raise Unreadable(str(error)) from None
        raise Unreadable(f"{path} is no YAML and no JSON")


def kind_of(path: str) -> str:
    """The ending of a file's name, in small letters."""
    return PurePosixPath(path).suffix.lower()


def is_code(text: str) -> bool:
    """Whether a name, with a function after a colon or without, is that of a file with code."""
    name = text.strip().removeprefix(FILE)
    return kind_of(name) in CODE or kind_of(name.rpartition(":")[0]) in CODE


def _lines(text: str, path: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield parse_json(line, file=path, line=number)
