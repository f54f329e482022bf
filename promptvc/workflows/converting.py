"""`convert` and `export --format`: prompts as files of other tools, with a list of all that was lost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from promptvc.base.comments import comments_of
from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, NotFound, PromptvcError, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.base.losses import Loss
from promptvc.deployment.environments import FOLDER, deployments
from promptvc.evaluation.cases.finding import suite_path
from promptvc.evaluation.cases.plain import plain_suite
from promptvc.evaluation.cases.suite import load_suite
from promptvc.prompts.formats import registry
from promptvc.prompts.formats.format import Imported, Read, Writer
from promptvc.prompts.formats.lost_comments import WHY as COMMENTS
from promptvc.prompts.formats.prompt_yml import PromptYml, unchanged
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import is_foreign
from promptvc.store.listing import refuse_leaving
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Converted:
    """One version of a prompt in another format.

    Attributes:
        files: texts by path, as an export would write them.
    """

    name: str
    version: int
    format: str
    files: Mapping[str, bytes]
    dropped: tuple[Loss, ...]

    def to_json(self) -> dict[str, Any]:
        """As `convert --json` prints it."""
        return {
            "name": self.name,
            "version": self.version,
            "format": self.format,
            "files": {path: data.decode() for path, data in self.files.items()},
            "dropped": [loss.to_json() for loss in self.dropped],
        }


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Write prompts to ``directory``.

    Attributes:
        references: ``NAME`` or ``NAME@REV``; all of main's where there is none.
        environment: what it runs, in place of the latest.
        force: replace files that are there and differ.
    """

    directory: Path
    format: str
    references: tuple[str, ...] = ()
    environment: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """The files that were written, from the directory, and what was lost: a path begins with the prompt's name."""

    written: tuple[str, ...]
    dropped: tuple[Loss, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `export --json` prints it."""
        return {"written": list(self.written), "dropped": [loss.to_json() for loss in self.dropped]}


@dataclass(slots=True)
class _Collected:
    files: dict[str, bytes] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)


def convert(project: Project, reference: str, format: str) -> Converted:  # noqa: A002 - the command's own word
    """One version of a prompt in ``format``, with its suite where that has a place.

    Raises:
        NotFound: there is no such prompt, revision or format.
        InputError: its text cannot be said in that format.
    """
    writer = registry.writer(format)
    version = project.resolver.resolve(reference)
    files, losses = _written(project, version, writer)
    return Converted(version.name, version.version, format, files, losses)


def export_as(project: Project, request: ExportRequest) -> Exported:
    """Write prompts in a format below a directory. A prompt that cannot be said in it is a loss, and the others go on.

    Raises:
        NotFound: there is no such prompt, revision or format, or nothing is deployed there.
        Usage: a file would be replaced, or would land in a folder of the prompt root. Nothing is written then.
        InputError: none of the prompts can be written.
    """
    writer = registry.writer(request.format)
    collected = _Collected()
    failed: PromptvcError | None = None
    for version in _versions(project, request):
        try:
            files, losses = _written(project, version, writer)
        except InputError as error:
            failed = failed or error
            hint = f" ({error.hint})" if error.hint else ""
            collected.losses.append(
                Loss(version.name, f"v{version.version}", f"not written: {error.message}{hint}")
            )
            continue
        collected.losses += [Loss(f"{version.name}: {each.path}", each.what, each.why) for each in losses]
        twice = next((path for path in files if path in collected.files), None)
        if twice is not None:
            raise Usage(
                f"two prompts would be written to {twice}", hint="export them to folders of their own"
            )
        collected.files |= files
    if failed is not None and not collected.files:
        raise failed
    _put(project, request, collected.files)
    return Exported(tuple(sorted(collected.files)), tuple(collected.losses))


def _versions(project: Project, request: ExportRequest) -> list[Version]:
    if request.references:
        if request.environment is not None:
            raise Usage("--env and names do not go together", hint=f"write NAME@{request.environment}")
        return [project.resolver.resolve(reference) for reference in request.references]
    commit = project.need_main()
    if request.environment is None:
        names = sorted({*project.resolver.tip_versions(), *project.resolver.foreign.committed(commit)})
        return [project.resolver.resolve(f"{name}@latest") for name in names]
    found = [
        one for one in deployments(project.tree(commit, FOLDER)) if one.environment == request.environment
    ]
    if not found:
        raise NotFound(f"nothing is deployed to {request.environment}", hint="see promptvc status")
    return [project.resolver.resolve(f"{one.name}@{request.environment}") for one in found]


def _read(project: Project, version: Version) -> Read:
    """The prompt of a version; with its suite and its losses where the file is of GitHub's format."""
    if not is_foreign(version.path):
        return Read((Imported(load_prompt(version.data, file=version.source, memo=project.memo)),))
    read = PromptYml().read(version.data, file=version.source)
    one = read.prompts[0]
    prompt = replace(one.prompt, name=version.name, version=version.version)
    return replace(read, prompts=(replace(one, prompt=prompt),))


def _written(project: Project, version: Version, writer: Writer) -> tuple[dict[str, bytes], tuple[Loss, ...]]:
    read = _read(project, version)
    prompt = read.prompts[0].prompt
    # What a file of GitHub's format has and we have not is written back into one.
    back = writer.name == PromptYml.name
    losses = [one for one in read.losses if not back or one.why == COMMENTS]
    files = project.files(version.commit)
    path = suite_path(version.name)
    data = files.read(path)
    for file, content in ((version.path, version.data), (path, data)):
        losses += _comments(file, content)
    suite = read.prompts[0].suite if data is None else plain_suite(data, file=path, files=files)
    written = writer.write(prompt, suite)
    found = dict(written.files)
    losses += written.losses
    if data is not None and writer.name == "promptfoo":
        code = load_suite(data, file=path, files=files).code
        for name, content in code.items():
            place = _beside(name, path, next(iter(found)))
            if place is None:
                losses.append(
                    Loss("suite", name, "its code stands outside of the suite's folder: copy it by hand")
                )
            else:
                found[place] = content
    return found, tuple(losses)


def _comments(path: str, data: bytes | None) -> list[Loss]:
    """The comments of a file of ours, as one loss: they stay in it."""
    found = () if data is None or is_foreign(path) else comments_of(load_yaml(data, file=path))
    if not found:
        return []
    lines = ", ".join(str(one.line) for one in found[:5]) + (", ..." if len(found) > 5 else "")
    what = f"line {lines}" if len(found) == 1 else f"lines {lines}"
    return [Loss(f"comments of {path}", what, COMMENTS)]


def _as_it_is(place: Path, data: bytes) -> bytes:
    """The bytes of a file that says the same as ``data``: comments and layout stay; else ``data``."""
    with storage_errors(place):
        there = place.read_bytes() if place.is_file() else None
    return data if there is None else unchanged(there, data)


def _beside(code: str, suite: str, configuration: str) -> str | None:
    """Where code goes, so that the assertion finds it under the same relative path."""
    relative = os.path.relpath(code, PurePosixPath(suite).parent)
    return None if relative.startswith("..") else str(PurePosixPath(configuration).parent / relative)


def _put(project: Project, request: ExportRequest, files: Mapping[str, bytes]) -> None:
    for path in files:
        refuse_leaving(request.directory, path)
        _refuse_own_folder(project, request.directory / path)
    if request.format == PromptYml.name:
        files = {path: _as_it_is(request.directory / path, data) for path, data in files.items()}
    differing = _differing(request.directory, files)
    if differing and not request.force:
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise Usage(
            f"{request.directory / differing[0]}{more} would be replaced",
            hint="--force replaces what differs",
        )
    for path, data in files.items():
        write_atomic(request.directory / path, data)


def _refuse_own_folder(project: Project, target: Path) -> None:
    if project.root is None:
        return
    root, place = project.root.resolve(), target.resolve()
    for folder in (PROMPTS, "feedback", "evaluation", FOLDER):
        if place.is_relative_to(root / folder):
            raise Usage(
                f"{folder}/ of the prompt root is no place to export to", hint="name a folder of your own"
            )


def _differing(directory: Path, files: Mapping[str, bytes]) -> Sequence[str]:
    found = []
    for path, data in files.items():
        target = directory / path
        if target.is_dir():
            raise Usage(f"{target} is a folder", hint="name another folder to export to")
        with storage_errors(target):
            if target.exists() and target.read_bytes() != data:
                found.append(path)
    return found
