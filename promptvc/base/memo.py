"""A memory of documents already found valid, so that reading them again need not import a validator."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from promptvc.base.errors import StorageError
from promptvc.base.files import write_atomic

_LIMIT = 20_000  # digests; the older half is dropped when more are found
_DIGEST = re.compile(rb"[0-9a-f]{64}\n")
_LINE = 65


class Memo:
    """A file of digests, one a line, shared by processes without a lock.

    Each digest is appended by one small write, which the kernel keeps whole; what is torn, foreign or
    corrupted is skipped by its shape. A file that cannot be read or written makes a memo that forgets.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[bytes, None] | None = None

    def knows(self, digest: str) -> bool:
        """Whether ``digest`` (64 hexadecimal digits) was remembered, by this process or an earlier one."""
        return digest.encode() in self._loaded()

    def remember(self, digest: str) -> None:
        """Note ``digest`` for later; silently not, where the disk does not allow it."""
        known = self._loaded()
        line = digest.encode()
        if line in known:
            return
        known[line] = None
        with contextlib.suppress(OSError, StorageError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if len(known) > _LIMIT:
                self._known = dict.fromkeys(list(known)[-_LIMIT // 2 :])
                write_atomic(self.path, b"".join(each + b"\n" for each in self._known), durable=False)
                return
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o666)
            try:
                os.write(descriptor, line + b"\n")
            finally:
                os.close(descriptor)

    def _loaded(self) -> dict[bytes, None]:
        if self._known is None:
            data = b""
            with contextlib.suppress(OSError), self.path.open("rb") as stream:
                data = stream.read(4 * _LIMIT * _LINE)
            self._known = dict.fromkeys(match[:-1] for match in _DIGEST.findall(data))
        return self._known
