"""The suite and the quarantine of a prompt, wherever its files are: in the working tree or in a commit."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.base.memo import Memo
from promptvc.evaluation.cases.files import Files
from promptvc.evaluation.cases.suite import Suite, load_suite
from promptvc.evaluation.quarantine import Quarantine, load_quarantine, quarantine_path


def suite_path(name: str) -> str:
    """The file of the suite of ``name``, from the prompt root."""
    return f"evaluation/{name}.yaml"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where suites are read from.

    Attributes:
        commit: None for the working tree.
    """

    files: Files
    commit: str | None = None
    memo: Memo | None = None

    def suite(self, name: str) -> Suite | None:
        """The suite of ``name``; None where there is none.

        Raises:
            InvalidDocument: with file (and commit) and line.
        """
        file = suite_path(name)
        data = self.files.read(file)
        if data is None:
            return None
        return load_suite(data, file=self._shown(file), files=self.files, memo=self.memo)

    def quarantine(self, name: str) -> Quarantine:
        """The cases of ``name`` that do not count; empty where there is no such file.

        Raises:
            InvalidDocument: with file (and commit) and line.
        """
        file = quarantine_path(name)
        return load_quarantine(self.files.read(file), file=self._shown(file), memo=self.memo)

    def _shown(self, file: str) -> str:
        return file if self.commit is None else f"{self.commit[:12]}:{file}"
