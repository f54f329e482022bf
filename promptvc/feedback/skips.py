"""What a reviewer passed over: ids in a file of this clone, one a line; nobody else is told, and git never has it."""

from __future__ import annotations

import os
from pathlib import Path

from promptvc.base.files import storage_errors


class Skips:
    """The ids that one reviewer skipped. ``person`` is a pseudonym: it names the file."""

    def __init__(self, common_dir: Path, person: str) -> None:
        self._path = common_dir / "promptvc" / "skipped" / f"{person}.txt"

    def ids(self) -> frozenset[str]:
        """All of them; a line that a killed process left torn matches no event."""
        with storage_errors(self._path):
            if not self._path.exists():
                return frozenset()
            return frozenset(self._path.read_text(encoding="utf-8", errors="replace").split())

    def add(self, event: str) -> None:
        """One more, at once."""
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # The newline comes first, too: it ends what a killed process may have left.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, f"\n{event}\n".encode())
            finally:
                os.close(descriptor)
