"""What an import writes into the working tree: prompts and suites, each found valid before any of them is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.documents import dump_yaml
from promptvc.base.errors import InputError, PromptvcError
from promptvc.base.files import write_atomic
from promptvc.base.losses import Loss
from promptvc.evaluation.cases.suite import check_variables, load_suite
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.prompts.render import Renderer
from promptvc.store.listing import refuse_outside
from promptvc.workflows.project import Project

_MOST_INLINE = 100
"""Cases that a suite holds itself; more go to a file of their own, a case a line."""


@dataclass(frozen=True, slots=True)
class Switched:
    """What came of an import.

    Attributes:
        created: the files, from the prompt root; that would be written, of a dry run.
        cases: how many each suite has, or all together where they differ.
        dropped: all that was dropped or changed, in the order of their files.
        remarks: what to do next.
    """

    created: tuple[str, ...]
    cases: int
    dropped: tuple[Loss, ...]
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        dropped = [loss.to_json() for loss in self.dropped]
        return {"created": list(self.created), "cases": self.cases, "dropped": dropped}


def followed(root: Path, place: Path) -> Iterator[str]:
    """What was read where the path that was named is a link, or has one below the prompt root.

    A person's own word is followed, but a repository of others may hold a link that he took for a file.
    """
    path, top = place.absolute(), root.resolve()
    links = [one for one in (path, *path.parents) if one.is_symlink()]
    if any(one == path or one.parent.resolve().is_relative_to(top) for one in links):
        yield f"{place} is a link: {path.resolve()} was read"


def put(project: Project, files: Mapping[str, bytes], *, force: bool, dry_run: bool) -> None:
    """Write ``files``, by path from the prompt root.

    Raises:
        InputError: one is there already, without ``force``, or leads out of the prompt root.
        StorageError: something cannot be written; every file is then whole or as it was.
    """
    assert project.root is not None
    for path in files:
        refuse_outside(project.root, project.root / path)
    taken = [path for path in files if (project.root / path).exists()]
    if taken and not force:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise InputError(
            f"{taken[0]}{more} is there already", hint="choose another --name, or write over it with --force"
        )
    if not dry_run:
        for path, data in files.items():
            write_atomic(project.root / path, data)


def suite_files(
    name: str, suite: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, bytes]]:
    """The suite of ``name``, and its dataset where it has many cases."""
    written: Any = list(cases)
    if len(written) > _MOST_INLINE:
        lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in written)
        dataset = f"{name}.cases.jsonl"
        yield f"evaluation/{dataset}", "".join(lines).encode()
        written = [dataset.rpartition("/")[2]]
    yield f"evaluation/{name}.yaml", dump_yaml({**suite, "cases": written}).encode()


def check(
    project: Project, files: Mapping[str, bytes], name: str, prompt: Prompt | None, *, rendered: bool
) -> None:
    """Read back what is to be written of ``name``, as every command will; ``rendered``: each case too.

    Raises:
        InputError: it would not be accepted.
    """
    path = f"evaluation/{name}.yaml"
    try:
        if rendered:
            prompt = load_prompt(files[path_of(name)], file=path_of(name), name=name)
        if path not in files:
            return
        suite = load_suite(files[path], file=path, files=_Written(project, files))
        if prompt is not None and rendered:
            renderer = Renderer(prompt)
            check_variables(suite, [variable.name for variable in prompt.variables if variable.required])
            for case in suite.cases:
                renderer.render(case.vars)
    except PromptvcError as error:
        raise InputError(
            f"what would be written is not accepted: {error}",
            hint="mend that in their file, or leave it out, and import again",
        ) from error


class _Written:
    """The prompt root as it will be."""

    def __init__(self, project: Project, files: Mapping[str, bytes]) -> None:
        self._project = project
        self._files = files

    def read(self, path: str) -> bytes | None:
        """The content of a file that is to be written, or is there."""
        return self._files[path] if path in self._files else self._project.read(path)

    def list(self, folder: str) -> Sequence[str]:  # noqa: ARG002 - no glob is ever written
        """Nothing: what is written names its files."""
        return ()
