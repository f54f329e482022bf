"""Every error that promptvc raises on purpose, as one tree.

::

    PromptvcError
    ├── InputError              2    usage or bad input
    │   ├── Usage               2    options that do not go together
    │   ├── NotFound            2    no such repository, prompt, revision, environment, file
    │   └── InvalidDocument     2    a file that cannot be read as what it should be
    ├── Refused                 1    the answer is no: a gate, a hold, a check
    ├── Unfinished              3    could not finish
    │   ├── GitError            3    git said no
    │   ├── ProviderError       3    a model provider failed
    │   │   └── ProviderRefused 3    it would fail every further call too: bad key, unknown model
    │   ├── StorageError        3    disk full, read-only, permission
    │   ├── Busy                3    a lock is held by somebody else
    │   └── OverBudget          3    a budget for calls, tokens, cost or time was reached
    └── Interrupted           130    Ctrl-C

The number is the exit code of the command line. Exceptions never do I/O: the command line prints
``error: MESSAGE`` and ``hint: HINT``, the library's caller gets the values.
"""

from __future__ import annotations

from typing import ClassVar


class PromptvcError(Exception):
    """Base of the tree. ``message`` says what and where, ``hint`` what to do next."""

    exit_code: ClassVar[int] = 3
    kind: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, hint: str | None = None, file: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line

    def __str__(self) -> str:
        where = self.file or ""
        if self.file and self.line is not None:
            where = f"{self.file}:{self.line}"
        return f"{where}: {self.message}" if where else self.message


class InputError(PromptvcError):
    """The caller gave something that cannot be used."""

    exit_code = 2
    kind = "input"


class Usage(InputError):
    """Options or arguments that do not go together."""

    kind = "usage"


class NotFound(InputError):
    """Nothing goes by that name."""

    kind = "not_found"


class InvalidDocument(InputError):
    """A file that is not what it should be; ``file`` and ``line`` say where."""

    kind = "invalid"


class Refused(PromptvcError):
    """The answer is no, and that is a result."""

    exit_code = 1
    kind = "refused"


class Unfinished(PromptvcError):
    """The work could not be finished; nothing is half done."""

    exit_code = 3
    kind = "unfinished"


class GitError(Unfinished):
    """git refused or failed; the message carries git's own words."""

    kind = "git"


class ProviderError(Unfinished):
    """A model provider failed after its retries."""

    kind = "provider"


class ProviderRefused(ProviderError):
    """A provider that would fail every further call too: bad key, unknown model, no credit."""


class StorageError(Unfinished):
    """The disk is full or read-only, or a permission is missing."""

    kind = "storage"


class Busy(Unfinished):
    """Somebody else holds a lock."""

    kind = "busy"


class OverBudget(Unfinished):
    """A budget for calls, tokens, cost or time was reached."""

    kind = "budget"


class Interrupted(PromptvcError):
    """The user pressed Ctrl-C; what was paid for is kept."""

    exit_code = 130
    kind = "interrupted"
