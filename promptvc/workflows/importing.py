"""`import FORMAT FILE`: another tool's prompts as prompts of ours, with a list of all that was lost.

A file may hold several versions of a prompt. The newest becomes the file; with ``all_versions`` each is committed, the
oldest first, as the file gives them.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptvc.base.documents import MAX_BYTES
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.base.losses import Loss, Losses
from promptvc.git.commits import Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.prompts.formats import registry
from promptvc.prompts.formats.format import Imported, Reader
from promptvc.prompts.formats.promptfoo import is_configuration
from promptvc.prompts.formats.text import Text
from promptvc.prompts.model import Prompt
from promptvc.prompts.names import check_name, foreign_name, path_of
from promptvc.prompts.new import new_prompt
from promptvc.store.commits import message, next_version
from promptvc.store.versions import Resolver
from promptvc.workflows.incoming import Switched, check, followed, put, suite_files
from promptvc.workflows.project import Project

PROMPTFOO = "promptfoo"
_MOST_FILES = 10_000
_STRANGE = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Import ``file``, or the files of a folder.

    Attributes:
        format: its name, as :data:`promptvc.prompts.formats.registry.READERS` has it.
        name: of the prompt; of the folder around them where there are several.
        role: of the message that a plain text becomes, ``user`` or ``system``.
        all_versions: commit each version, the oldest first, in place of writing the newest.
    """

    format: str
    file: Path
    name: str | None = None
    dry_run: bool = False
    force: bool = False
    role: str | None = None
    all_versions: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """The versions of one prompt, the oldest first, under the name that it gets here."""

    name: str
    versions: tuple[Imported, ...]


def formats_of(file: Path) -> tuple[str, ...]:
    """The formats that a file could be of, by its name and what it holds; plain text only where nothing else fits.

    Raises:
        NotFound: there is no such file.
        InputError: it is too large, or no file.
    """
    data = _bytes(file)
    found = [
        name for name, reader in registry.READERS.items() if name != "text" and reader.sniff(data, file.name)
    ]
    if is_configuration(data, file.name):
        found.append(PROMPTFOO)
    if not found and registry.READERS["text"].sniff(data, file.name):
        found.append("text")
    return tuple(sorted(found))


def added_formats() -> tuple[str, ...]:
    """The formats that other packages add."""
    return registry.added()


def one_format(file: Path) -> str:
    """The format of a file.

    Raises:
        InputError: none fits, or several do.
    """
    found = formats_of(file)
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{file} could be {' or '.join(found)}",
            hint=f"say which: promptvc import {found[0]} {file}",
        )
    known = ", ".join([PROMPTFOO, *registry.READERS])
    raise InputError(f"{file} is of no format that is known here", hint=f"known: {known}")


def import_prompts(project: Project, request: ImportRequest) -> Switched:
    """Write the prompts of a file, and the suites where it has cases, into the working tree.

    Raises:
        InputError: it cannot be read, nothing of it can be imported, a name is wrong, or a file is there already.
        StorageError: something cannot be written; every file is then whole or as it was.
        GitError: a version cannot be committed; those before it are.
    """
    if project.root is None:
        raise Usage("a bare repository has no working tree", hint="run it in a clone")
    reader = _reader(request)
    losses = Losses()
    found: list[tuple[str, Imported]] = []
    for file, path in _files(request.file, reader):
        data = _bytes(file)
        try:
            read = reader.read(data, file=path)
        except InvalidDocument as error:
            # A reader knows its file from the folder on; people look for the path that they gave.
            raise InvalidDocument(error.message, hint=error.hint, file=str(file), line=error.line) from None
        _note(losses, read.losses, path if request.file.is_dir() else "")
        found += [(path, one) for one in read.prompts]
    groups = list(_groups(found, request, losses))
    files, cases = _written(project, groups, request, losses)
    put(project, files, force=request.force, dry_run=request.dry_run)
    remarks = tuple(followed(project.root, request.file))
    if not request.dry_run:
        remarks += tuple(_left_behind(project, request.file, [one.name for one in groups]))
    if request.all_versions and not request.dry_run:
        remarks += tuple(_commit(project, group, request) for group in groups)
    return Switched(tuple(files), cases, losses.all(), remarks)


def _left_behind(project: Project, place: Path, names: Sequence[str]) -> Iterator[str]:
    """What to do with files of GitHub's format that were used as they lie, and whose names are ours now."""
    assert project.root is not None
    root = project.root.resolve()
    for path in project.resolver.foreign.files:
        if foreign_name(path) in names and (root / path).resolve().is_relative_to(place.resolve()):
            yield f"delete {path}: prompts/{foreign_name(path)}.yaml has its name now"


def _reader(request: ImportRequest) -> Reader:
    if request.role is None:
        return registry.reader(request.format)
    if request.format != "text":
        raise Usage("--role is for plain text", hint="other formats say whose message it is")
    if request.role not in {"user", "system"}:
        raise Usage(f"there is no role {request.role} here", hint="write user or system")
    return Text("system" if request.role == "system" else "user")


def _files(place: Path, reader: Reader) -> Iterator[tuple[Path, str]]:
    """The files to read, each with its path from the folder that was named, or its own name."""
    if not place.is_dir():
        yield place, place.name
        return
    count = 0
    pending = [place]
    while pending:
        folder = pending.pop()
        with storage_errors(folder), os.scandir(folder) as entries:
            here = sorted(entries, key=lambda entry: entry.name)
        for entry in here:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                pending.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(reader.suffixes):
                count += 1
                if count > _MOST_FILES:
                    raise InputError(
                        f"{place} has more than {_MOST_FILES:,} files", hint="name a folder of it"
                    )
                yield Path(entry.path), Path(entry.path).relative_to(place).as_posix()
    if not count:
        raise NotFound(f"there is no {' or '.join(reader.suffixes)} file in {place}")


def _bytes(file: Path) -> bytes:
    """
    Raises:
        NotFound: there is no such file.
        InputError: it is no file, or too large.
    """
    with storage_errors(file):
        try:
            status = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"there is no file {file}") from None
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{file} is no file")
        if status.st_size > MAX_BYTES:
            raise InvalidDocument(f"it has more than {MAX_BYTES // 2**20} MiB", file=str(file))
        return file.read_bytes()


def _note(losses: Losses, found: Sequence[Loss], file: str) -> None:
    for loss in found:
        losses.add(": ".join(part for part in (file, loss.path) if part), loss.what, loss.why)


def _groups(
    found: Sequence[tuple[str, Imported]], request: ImportRequest, losses: Losses
) -> Iterator[_Group]:
    """The prompts by file and label, each with a name of its own here."""
    versions: dict[tuple[str, str | int], list[Imported]] = {}
    for at, (path, one) in enumerate(found):
        versions.setdefault((path, at if one.label is None else one.label), []).append(one)
    taken: set[str] = set()
    for (path, label), each in versions.items():
        theirs = label if isinstance(label, str) else None
        name, said = _name(request, path, theirs, alone=len(versions) == 1)
        several = request.file.is_dir() and sum(1 for other, _ in versions if other == path) > 1
        if several and theirs and name_like(theirs):
            name, said = f"{name}/{name_like(theirs)}", f"{said}/{theirs}"
        if name in taken:
            number = 2
            while f"{name}-{number}" in taken:
                number += 1
            losses.add(theirs or path, name, f"another prompt has that name: it is called {name}-{number}")
            name = f"{name}-{number}"
        elif said is not None and not f"/{name}".endswith(f"/{said}"):
            losses.add(path, said, f"it is called {name} here")
        taken.add(name)
        yield _Group(check_name(name), tuple(each))


def _name(request: ImportRequest, path: str, label: str | None, *, alone: bool) -> tuple[str, str | None]:
    """What a prompt is called here: as asked, as the file says, or as the file is called below a folder.

    With the words that it was made of, where nobody asked for the name itself.
    """
    if alone and request.name is not None:
        return check_name(request.name), None
    stem = _stem(request, path)
    said = [stem if request.file.is_dir() else "", label or "", stem]
    theirs = next((text for text in said if name_like(text)), stem)
    own = name_like(theirs) or "imported"
    return own if request.name is None else f"{check_name(request.name)}/{own}", theirs


def _stem(request: ImportRequest, path: str) -> str:
    """A file's path without its ending."""
    ends = sorted(_reader(request).suffixes, key=len, reverse=True)
    ending = next((end for end in ends if path.lower().endswith(end)), "")
    return path[: len(path) - len(ending)]


def name_like(text: str) -> str:
    """A text of theirs, spelled as a name: small letters, and `-` for what cannot stand there; it may end up empty."""
    parts = (_STRANGE.sub("-", part).strip("-_")[:60].strip("-_") for part in text.lower().split("/"))
    return "/".join(part for part in parts if part)


def _written(
    project: Project, groups: Sequence[_Group], request: ImportRequest, losses: Losses
) -> tuple[dict[str, bytes], int]:
    """{path from the prompt root: content} of all that is to be written, found valid, and the cases of all suites."""
    files: dict[str, bytes] = {}
    cases = 0
    named: list[Prompt] = []
    for group in groups:
        newest = group.versions[-1]
        older = [one for one in group.versions[:-1] if one.prompt != newest.prompt]
        if older and not request.all_versions:
            said = ", ".join(one.version or "?" for one in older)
            losses.add(group.name, f"version {said}", "the newest was imported: --all-versions commits each")
        number = next_version(project.repository, project.resolver, group.name)
        prompt = replace(newest.prompt, name=group.name, version=number)
        named.append(prompt)
        files[path_of(group.name)] = new_prompt(prompt)
        if newest.suite is not None:
            rest = {key: value for key, value in newest.suite.items() if key != "cases"}
            files |= suite_files(group.name, rest, newest.suite["cases"])
            cases += len(newest.suite["cases"])
    for prompt in named:
        check(project, files, prompt.name, None, rendered=True)
    return files, cases


def _commit(project: Project, group: _Group, request: ImportRequest) -> str:
    """Commit the versions of one prompt to the current branch; what to say of it."""
    numbers: list[int] = []
    previous: Prompt | None = None
    for one in group.versions:
        if previous == one.prompt:
            continue  # a label that moved, and no new text
        previous = one.prompt

        def build(base: str | None, one: Imported = one) -> Plan:
            resolver = Resolver(project.repository, project.objects, project.history, project.resolver.place)
            number = next_version(project.repository, resolver, group.name, base)
            data = new_prompt(replace(one.prompt, name=group.name, version=number))
            detail = f"{request.format} version {one.version}" if one.version else f"from {request.format}"
            text = message("Import", group.name, number, detail, body=_quoted(one.note))
            numbers.append(number)
            return Plan({project.top(path_of(group.name)): data}, text)

        done = git_commit(project.repository, None, build)
        project.log.event("prompt.imported", name=group.name, version=numbers[-1], commit=done.commit)
    maintain(project.repository)
    assert project.root is not None
    head = project.repository.head().commit
    data = project.at(head, path_of(group.name))
    if data is not None:
        put(project, {path_of(group.name): data}, force=True, dry_run=False)
    return f"{group.name}: committed v{numbers[0]} to v{numbers[-1]}"


def _quoted(note: str | None) -> str:
    """A stranger's words as a body that no reader of trailers takes for ours."""
    return "\n".join(f"> {line}" for line in (note or "").splitlines()[:50])
