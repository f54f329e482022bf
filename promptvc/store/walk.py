"""Commits and what each changed below some folders, in one pass of git's plumbing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptvc.git.repo import Repository

_CHUNK = 20_000
"""Commits for one diff process: bounds the memory of a large history."""

_FORMAT = "%H%x00%P%x00%at%x00%an%x00%s"


@dataclass(frozen=True, slots=True)
class Walked:
    """A commit of the walk. ``parents`` and ``time`` (author's, Unix seconds) are as git gives them.

    ``changes`` compares with the first parent (with nothing for a root): path -> blob, None when deleted.
    A symbolic link or a submodule is no prompt and counts as deleted.
    """

    id: str
    parents: tuple[str, ...]
    time: int
    author: str
    subject: str
    changes: tuple[tuple[bytes, str | None], ...]


def walk(
    repository: Repository,
    tips: Iterable[str],
    known: Iterable[str],
    folders: Sequence[str],
    *,
    suffixes: tuple[str, ...] = (),
) -> Iterator[Walked]:
    """Every commit reachable from ``tips`` and not from ``known``, parents before children.

    Args:
        known: commit ids; those that are no longer in the repository are passed over.
        folders: paths from the top whose changes are wanted.
        suffixes: how files elsewhere end whose changes are wanted too; then every change is looked at.
    """
    revisions = [*tips, *(f"^{commit}" for commit in known)]
    listing = repository.run(
        "rev-list", "--topo-order", "--reverse", "--ignore-missing", "--no-commit-header", "--encoding=UTF-8",
        f"--format={_FORMAT}", "--stdin",
        input="".join(f"{revision}\n" for revision in revisions).encode(),
    )  # fmt: skip
    lines = listing.split(b"\n")[:-1]
    for start in range(0, len(lines), _CHUNK):
        headers = [line.split(b"\0", 4) for line in lines[start : start + _CHUNK]]
        if suffixes:
            changes = _wanted(_changes(repository, headers, ()), folders, suffixes)
        else:
            changes = _changes(repository, headers, folders)
        for commit, parents, time, author, subject in headers:
            yield Walked(
                id=commit.decode("ascii"),
                parents=tuple(parents.decode("ascii").split()),
                time=_seconds(time),
                author=author.decode("utf-8", "replace"),
                subject=subject.decode("utf-8", "replace"),
                changes=tuple(changes.get(commit, ())),
            )


def _changes(
    repository: Repository, headers: list[list[bytes]], folders: Sequence[str]
) -> dict[bytes, list[tuple[bytes, str | None]]]:
    # "COMMIT PARENT" on a line compares with that parent alone, which is what a merge needs.
    request = b"".join(b" ".join([header[0], *header[1].split()[:1]]) + b"\n" for header in headers)
    output = repository.run(
        "diff-tree", "--stdin", "--root", "-r", "-z", "--raw", "--no-renames", "--no-abbrev",
        "--no-ext-diff", "--", *folders,
        input=request,
    )  # fmt: skip
    found: dict[bytes, list[tuple[bytes, str | None]]] = {}
    tokens = iter(output.split(b"\0"))
    current: list[tuple[bytes, str | None]] = []
    for token in tokens:
        if not token.startswith(b":"):
            current = found.setdefault(token, [])
            continue
        # :MODE MODE OID OID LETTER, then the path
        _, mode, _, blob, letter = token.split(b" ")
        gone = letter == b"D" or not mode.startswith(b"100")
        current.append((next(tokens), None if gone else blob.decode("ascii")))
    return found


def _wanted(
    changes: Mapping[bytes, list[tuple[bytes, str | None]]], folders: Sequence[str], suffixes: Sequence[str]
) -> dict[bytes, list[tuple[bytes, str | None]]]:
    """Of all changes those below ``folders`` and those of files with one of ``suffixes``."""
    below = tuple(f"{folder}/".encode("utf-8", "surrogateescape") for folder in folders)
    ends = tuple(suffix.encode() for suffix in suffixes)
    return {
        commit: [each for each in found if each[0].startswith(below) or each[0].endswith(ends)]
        for commit, found in changes.items()
    }


def _seconds(text: bytes) -> int:
    try:
        return min(max(int(text), 0), 253_402_300_799)  # 9999-12-31, the last that a datetime can hold
    except ValueError:
        return 0
