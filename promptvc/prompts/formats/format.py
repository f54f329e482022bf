"""What a converter takes and gives: prompts with their cases on one side, files on the other, and the losses.

A converter is pure: it reads the bytes that it is given and nothing else. What its text says of other files, of the
environment, of endpoints or of keys stays where it is and is listed as a loss; a key's value never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from promptvc.base.losses import Loss
from promptvc.prompts.model import Prompt

UNNAMED = "import"
"""The name of a prompt that was read: who writes it gives it its own, and its version."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One prompt of a file, or one version of it.

    Attributes:
        prompt: with the name ``import`` and version 1.
        label: its name in the file; those with one label are versions of one prompt, the oldest first. None where
            the file names none.
        version: what the file calls this version.
        suite: as `evaluation/<name>.yaml` writes it, with all of its ``cases``; None where it has none.
        note: who made this version, when, and why, for the message of a commit.
    """

    prompt: Prompt
    label: str | None = None
    version: str | None = None
    suite: Mapping[str, Any] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """All that a file holds."""

    prompts: tuple[Imported, ...]
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a prompt became.

    Attributes:
        files: content by path from the folder that is written to, ``support/triage.prompty``.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


class _Named(Protocol):
    @property
    def name(self) -> str:
        """As the command line calls it."""
        ...

    @property
    def short(self) -> str:
        """What it is, in half a sentence: ``a .prompty file of Microsoft's``."""
        ...


@runtime_checkable
class Reader(_Named, Protocol):
    """A format that can be imported."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How its files end, in small letters, with the dot."""
        ...

    def sniff(self, data: bytes, filename: str) -> bool:
        """Whether a file is of this format, by its name and what it holds. Never raises."""
        ...

    def read(self, data: bytes, *, file: str) -> Read:
        """Its prompts.

        Args:
            file: its name, for errors.

        Raises:
            InvalidDocument: it is not of this format, or has no prompt that could come over.
        """
        ...


@runtime_checkable
class Writer(_Named, Protocol):
    """A format that can be exported to."""

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """The prompt's files, named after the prompt.

        Args:
            suite: as `evaluation/<name>.yaml` writes it, with all cases written out; None where it has none.

        Raises:
            InputError: its text cannot be said in this format.
        """
        ...
