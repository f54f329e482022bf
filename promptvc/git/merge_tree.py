"""A merge made aside: what git would make of two commits, without a working tree, an index or a ref being touched."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import GitError, InputError
from promptvc.base.files import storage_errors
from promptvc.git.drivers import NAME
from promptvc.git.failures import explain
from promptvc.git.repo import Repository

BASE, OURS, THEIRS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Stage:
    """One side's form of a file that git could not merge."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Aside:
    """The merged tree, and what is unmerged in it: path -> side (1 base, 2 ours, 3 theirs) -> its form."""

    tree: str
    unmerged: Mapping[str, Mapping[int, Stage]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs between two trees; a mode of ``000000`` stands for nothing there."""

    path: str
    before: Stage
    after: Stage


def merge_aside(repository: Repository, ours: str, theirs: str, prefix: str) -> Aside:
    """Merge the commit ``theirs`` into ``ours``. Prompts that both sides changed are left unmerged, for us to merge.

    Args:
        prefix: the prompt root from the top of the repository, with a final slash; empty at the top.

    Raises:
        InputError: the two have no history in common.
        GitError: git could not merge them at all.
    """
    # A driver that always fails: what it is called for is what both sides changed.
    with _options(repository, prefix, "exit 1") as options:
        args = (*options, "merge-tree", "--write-tree", "-z", "--no-messages", ours, theirs)
        code, out, stderr = repository.outcome(*args)
    if "unrelated histories" in stderr:
        hint = "git fetch --unshallow" if repository.is_shallow else "git merge --allow-unrelated-histories"
        raise InputError("the two branches have no history in common here", hint=hint)
    if code not in {0, 1}:
        raise explain(("merge-tree",), code, stderr)
    tree, *entries = out.decode("utf-8", "surrogateescape").split("\0")
    unmerged: dict[str, dict[int, Stage]] = {}
    for entry in entries:
        if not entry:
            break
        about, _, path = entry.partition("\t")
        mode, oid, side = about.split(" ")
        unmerged.setdefault(path, {})[int(side)] = Stage(mode, oid)
    return Aside(tree, unmerged)


def begin_merge(repository: Repository, theirs: str, prefix: str, driver: str) -> str:
    """Begin a merge in the working tree, as ``git merge --no-commit`` does, with ``driver`` for prompts; what git says.

    Raises:
        GitError: git refuses: files in the way, another merge under way. Nothing was changed.
    """
    with _options(repository, prefix, driver) as options:
        code, out, stderr = repository.outcome(*options, "merge", "--no-commit", "--no-ff", theirs)
    if repository.in_progress() != "merge":
        raise explain(("merge",), code, stderr or out.decode("utf-8", "replace"))
    return out.decode("utf-8", "replace")


def differences(repository: Repository, before: str, after: str) -> list[Difference]:
    """What differs between two trees, by path."""
    out = repository.run("diff-tree", "-r", "-z", "--no-renames", before, after)
    fields = out.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        mode_before, mode_after, oid_before, oid_after, _ = about.removeprefix(":").split(" ")
        found.append(Difference(path, Stage(mode_before, oid_before), Stage(mode_after, oid_after)))
    return found


def dirty(repository: Repository) -> set[str]:
    """Paths of the working tree that are not as HEAD has them: staged, edited, untracked."""
    out = repository.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    return {line[3:] for line in out.decode("utf-8", "surrogateescape").split("\0") if line}


@contextmanager
def _options(repository: Repository, prefix: str, driver: str) -> Iterator[Sequence[str]]:
    """Options that give git our driver, and our attributes before the user's own; those of the repository win."""
    lines = [
        f"{pattern(prefix, 'prompts/**/*.yaml')} merge={NAME}",
        f"{pattern(prefix, 'deployments/**/*.yaml')} merge=binary",
        f"{pattern(prefix, 'deployments/*/environment.yaml')} merge",
    ]
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape") + _users(repository)
    try:
        with tempfile.NamedTemporaryFile(prefix="promptvc-attributes-") as file:
            with storage_errors(file.name):
                file.write(text)
                file.flush()
            settings = (
                f"core.attributesFile={file.name}",
                f"merge.{NAME}.driver={driver}",
                f"merge.{NAME}.recursive=binary",
            )
            yield tuple(word for setting in settings for word in ("-c", setting))
    except OSError as error:
        raise GitError(f"no temporary file can be made: {error.strerror}") from error


def pattern(prefix: str, glob: str) -> str:
    """A pattern of ``.gitattributes`` for what ``glob`` means below the folder ``prefix``, whatever its name."""
    literal = "".join(f"\\{c}" if c in "\\*?[" else c for c in prefix)
    text = literal + glob
    if not any(c in ' \t\r\n"\\' for c in text) and text[0] not in "#!":
        return text
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _users(repository: Repository) -> bytes:
    """The user's own attributes, which the option would hide."""
    code, out, _ = repository.outcome("config", "--type=path", "-z", "--get", "core.attributesFile")
    environ = repository.environ
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    path = (
        Path(out.decode("utf-8", "surrogateescape").rstrip("\0"))
        if code == 0
        else Path(home, "git/attributes")
    )
    try:
        return path.read_bytes()
    except OSError:
        return b""
