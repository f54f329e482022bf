"""`forge comment`, `forge issue`: keep one comment, or one issue, of a marker on the forge that hosts the remote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.forge.forge import MOST_COMMENT, Forge, Note
from promptvc.forge.opening import open_forge
from promptvc.store.forges import read_forge
from promptvc.workflows.project import Project

STDIN = "-"


@dataclass(frozen=True, slots=True)
class CommentRequest:
    """What to say where.

    Attributes:
        number: of the pull request; None: the one that CI runs for.
        body: Markdown.
        remote: None: the one of the settings.
    """

    marker: str
    body: str
    number: int | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What an issue is to say; ``close``: its last word, if any, then it is closed."""

    marker: str
    body: str = ""
    title: str = ""
    labels: tuple[str, ...] = ()
    close: bool = False
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What is there now; ``number`` and ``url`` are None where no issue was open that could be closed."""

    number: int | None
    url: str | None
    changed: bool
    made: bool = False

    @classmethod
    def of(cls, note: Note | None) -> Posted:
        """A note's; None: there is none."""
        if note is None:
            return cls(None, None, changed=False)
        return cls(note.number, note.url, note.changed, note.made)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"number": self.number, "url": self.url, "changed": self.changed, "made": self.made}


def read_body(file: str, stdin: Callable[[], BinaryIO]) -> str:
    """The Markdown of a file, or of ``-``.

    Raises:
        NotFound, StorageError: it cannot be read.
        InvalidDocument: it is no UTF-8.
        InputError: it is empty, or longer than a forge takes.
    """
    if file == STDIN:
        data = stdin().read(MOST_COMMENT + 1)
    else:
        path = Path(file)
        if not path.exists():
            raise NotFound("there is no such file", file=file)
        with storage_errors(file), path.open("rb") as stream:
            data = stream.read(MOST_COMMENT + 1)
    if len(data) > MOST_COMMENT:
        raise InputError(
            f"it is longer than the {MOST_COMMENT:,} bytes that a forge takes",
            hint="shorten it, and link to the rest",
            file=file,
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8: byte {error.start}", file=file) from error
    if not text.strip():
        raise InputError("it is empty", hint="what made it said nothing: look at that first", file=file)
    return text


def comment(project: Project, request: CommentRequest) -> Posted:
    """Keep one comment of ours with the marker on a pull request.

    Raises:
        Usage: no number is given, and CI names none.
        PromptvcError: as :class:`promptvc.forge.forge.Forge` says.
    """
    number = request.number if request.number is not None else read_forge(project.environ).pull
    if number is None:
        raise Usage(
            "which pull request? Nothing here says for which this runs",
            hint="promptvc forge comment NUMBER FILE --marker KEY",
        )
    return Posted.of(_forge(project, request.remote).comment(number, request.marker, request.body))


def issue(project: Project, request: IssueRequest) -> Posted:
    """Keep one open issue of ours with the marker, or close it.

    Raises:
        PromptvcError: as :class:`promptvc.forge.forge.Forge` says.
    """
    forge = _forge(project, request.remote)
    if request.close:
        return Posted.of(forge.close_issue(request.marker, request.body))
    return Posted.of(forge.keep_issue(request.marker, request.title, request.body, request.labels))


def _forge(project: Project, remote: str | None) -> Forge:
    name = remote if remote is not None else project.settings.remote
    url = project.repository.remote_url(name)
    if url is None:
        raise NotFound(f"there is no remote {name}", hint="git remote add, or `remote:` in promptvc.yaml")
    return open_forge(url, project.environ, kind=project.settings.review.forge)
