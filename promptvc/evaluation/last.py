"""Which cases failed last time: a note under ``.promptvc/`` for ``--failed``. Losing it costs no knowledge."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from promptvc.base.errors import PromptvcError, StorageError
from promptvc.base.files import write_atomic
from promptvc.base.jsonl import canonical_json, parse_json


class Last:
    """The notes in ``directory``, one a prompt."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def failing(self, name: str) -> frozenset[str] | None:
        """Ids of the cases that failed or were errored; None where nothing is known."""
        file = self._file(name)
        try:
            value = parse_json(file.read_bytes(), file=str(file))
            return frozenset(str(case) for case in value["failing"])
        except (OSError, PromptvcError, KeyError, TypeError):
            return None

    def note(self, name: str, asked: Collection[str] | None, failing: Collection[str]) -> None:
        """Keep what failed. With ``asked`` only those cases were asked: of the others stands what stood before."""
        kept = set(failing)
        if asked is not None:
            kept |= (self.failing(name) or frozenset()) - set(asked)
        with suppress(StorageError):  # a read-only disk costs the filter, not the evaluation
            data = canonical_json({"failing": sorted(kept)}) + b"\n"
            write_atomic(self._file(name), data, durable=False)

    def _file(self, name: str) -> Path:
        return self._directory / f"{name.replace('/', '.')}.json"
