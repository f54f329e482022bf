"""`import promptfoo`: prompts and suites from another tool's files, and a list of all that was lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from promptvc.base.documents import load_json_document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.base.losses import Losses
from promptvc.evaluation.promptfoo.convert import Imported, from_configuration, from_csv, slug
from promptvc.evaluation.promptfoo.source import Source
from promptvc.prompts.formats.lost_comments import lose_comments
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import check_name, path_of
from promptvc.prompts.new import new_prompt
from promptvc.prompts.render import placeholders
from promptvc.store.commits import next_version
from promptvc.workflows.incoming import Switched, check, followed, put, suite_files
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """Import ``file`` as ``name``; ``dry_run`` writes nothing, ``force`` writes over what is there."""

    file: Path
    name: str | None = None
    dry_run: bool = False
    force: bool = False


def import_promptfoo(project: Project, request: SwitchRequest) -> Switched:
    """Write the prompts and suites that a configuration or a CSV of promptfoo's holds into the working tree.

    Raises:
        InputError: it cannot be read, nothing of it can be imported, a name is wrong, or a file is there already.
        StorageError: something cannot be written; every file is then whole or as it was.
    """
    if project.root is None:
        raise Usage("a bare repository has no working tree", hint="run it in a clone")
    if not request.file.is_file():
        raise NotFound(f"there is no file {request.file}")
    name = check_name(request.name or _name(request.file))
    found = _read(request.file, f"{name.rpartition('/')[2]}.checks/")
    files, remarks = _files(project, name, found)
    put(project, files, force=request.force, dry_run=request.dry_run)
    remarks = (*followed(project.root, request.file), *remarks)
    return Switched(tuple(files), len(found.cases), found.losses, remarks)


def _name(file: Path) -> str:
    """A name for what is imported: of the file, or of its folder where the file is called as they all are."""
    stem = file.resolve().parent.name if file.stem.startswith("promptfooconfig") else file.stem
    return slug(stem) or "imported"


def _read(file: Path, beside: str) -> Imported:
    folder = file.resolve().parent
    top = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)
    disk = _Disk(top)
    place = folder.relative_to(top).as_posix()
    source = Source(disk, "" if place == "." else place)
    kind = file.suffix.lower()
    if kind not in {".yaml", ".yml", ".json", ".csv"}:
        raise InputError(
            f"{file} is no YAML, JSON or CSV",
            hint="a configuration that is a program is not run: write it as promptfooconfig.yaml",
        )
    with storage_errors(file):
        data = file.read_bytes()
    if kind == ".csv":
        try:
            return from_csv(data.decode("utf-8-sig"), file.name, source, beside)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InvalidDocument("not UTF-8", hint="save it as UTF-8", file=str(file), line=line) from None
    if kind == ".json":
        return from_configuration(load_json_document(data, file=str(file)), str(file), source, beside)
    document = load_yaml(data, file=str(file))
    losses = Losses()
    lose_comments(document, losses)
    found = from_configuration(document.value, str(file), source, beside)
    return replace(found, losses=(*found.losses, *losses.all()))


class _Disk:
    """The files below a folder; what leads out of it is not there."""

    def __init__(self, top: Path) -> None:
        self._top = top.resolve()

    def read(self, path: str) -> bytes | None:
        """The content of a file."""
        place = self._inside(path)
        with storage_errors(path):
            return place.read_bytes() if place is not None and place.is_file() else None

    def list(self, folder: str) -> Sequence[str]:
        """The names in a folder, folders with a slash at the end."""
        place = self._inside(folder)
        if place is None or not place.is_dir():
            return ()
        with storage_errors(folder), os.scandir(place) as entries:
            return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)

    def _inside(self, path: str) -> Path | None:
        place = (self._top / path).resolve()
        return place if place.is_relative_to(self._top) else None


def _files(project: Project, name: str, found: Imported) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """{path from the prompt root: content} of all that is to be written, found valid; and remarks."""
    parent = PurePosixPath("evaluation") / PurePosixPath(name).parent
    folder = parent if len(found.prompts) < 2 else PurePosixPath("evaluation") / name
    files: dict[str, bytes] = {
        os.path.normpath(folder / path): text.encode() for path, text in found.code.items()
    }
    suites: list[tuple[str, Prompt | None]] = []
    remarks: tuple[str, ...] = ()
    for label, prompt in found.prompts.items():
        ours = name if len(found.prompts) == 1 else check_name(f"{name}/{label}")
        named = replace(prompt, name=ours, version=next_version(project.repository, project.resolver, ours))
        files[path_of(ours)] = new_prompt(named)
        suites.append((ours, named))
    if not found.prompts:
        there, remarks = _prompt_there(project, name, found)
        suites.append((name, there))
    for ours, _ in suites if found.cases else ():
        files |= suite_files(ours, found.suite, found.cases)
    for ours, prompt_ in suites:
        check(project, files, ours, prompt_, rendered=bool(found.prompts))
    return files, remarks


def _prompt_there(project: Project, name: str, found: Imported) -> tuple[Prompt | None, tuple[str, ...]]:
    """The prompt that tests alone are for, and what does not fit."""
    path = path_of(name)
    data = project.read(path)
    if data is None:
        return None, (f"there is no prompt {name} yet: promptvc new {name}",)
    prompt = load_prompt(data, file=path, name=name)
    known = placeholders(prompt) | {variable.name for variable in prompt.variables}
    unknown = sorted(found.variables - known)
    remark = f"{name} has no variable {', '.join(unknown)}: add it, or take it out of the cases"
    return prompt, (remark,) if unknown else ()
