"""promptvc: version control for LLM prompts, in git.

``promptvc.open(path)`` opens a repository and gives what the command line uses::

    import promptvc

    repository = promptvc.open(".")
    outcome = repository.train("support/triage")
    print(outcome.verdict, outcome.reason)

Importing this module is cheap; the parts are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptvc.base.errors import (
        Busy,
        GitError,
        InputError,
        Interrupted,
        InvalidDocument,
        NotFound,
        OverBudget,
        PromptvcError,
        ProviderError,
        Refused,
        StorageError,
        Unfinished,
        Usage,
    )
    from promptvc.library import Library, open  # noqa: A004 - read as promptvc.open
    from promptvc.workflows.record import Recorder

__version__ = "0.1.0"

_ERRORS = (
    "Busy", "GitError", "InputError", "Interrupted", "InvalidDocument", "NotFound", "OverBudget",
    "PromptvcError", "ProviderError", "Refused", "StorageError", "Unfinished", "Usage",
)  # fmt: skip
_HOMES = {"Library": "promptvc.library", "open": "promptvc.library"} | dict.fromkeys(
    _ERRORS, "promptvc.base.errors"
)
_HOMES["Recorder"] = "promptvc.workflows.record"

__all__ = [
    "Busy",
    "GitError",
    "InputError",
    "Interrupted",
    "InvalidDocument",
    "Library",
    "NotFound",
    "OverBudget",
    "PromptvcError",
    "ProviderError",
    "Recorder",
    "Refused",
    "StorageError",
    "Unfinished",
    "Usage",
    "__version__",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'promptvc' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
