"""Which prompts have changed since a revision, they themselves or what judges them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from promptvc.base.config import FILE
from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.evaluation.cases.finding import suite_path
from promptvc.git.objects import blob_id
from promptvc.prompts.names import path_of
from promptvc.store.listing import working_prompts
from promptvc.workflows.project import Project
from promptvc.workflows.suites import shelf


def changed_since(project: Project, revision: str) -> tuple[str, ...]:
    """The prompts of the working tree that differ, themselves or their suites, from the merge base with ``revision``.

    A suite differs with its datasets, its code and its quarantine. All differ where the settings do, which name models
    and bars.

    Raises:
        NotFound: no such revision.
    """
    commit = project.repository.resolve(revision)
    if commit is None:
        raise NotFound(f"there is no revision {revision}", hint="name a branch, a tag or a commit")
    code, found, _ = project.repository.outcome("merge-base", commit, project.resolver.head or commit)
    base = (
        found.decode().strip() if code == 0 else commit
    )  # unrelated histories, and shallow clones, have none
    before = {**project.tree(base, "prompts"), **project.tree(base, "evaluation")}
    names = sorted(working_prompts(project.root) if project.root is not None else project.resolver.names())
    foreign = project.resolver.foreign
    lying = {name: foreign.content(name)[0] for name in foreign.names() if name not in names}
    before |= dict(foreign.committed(base).values())
    names = sorted([*names, *lying])
    settings = project.objects.at(base, project.prefix + FILE)
    if _digest(project, FILE) != (settings[0] if settings is not None else None):
        return tuple(names)
    return tuple(name for name in names if _differs(project, name, lying.get(name), before))


def has_cases(project: Project, name: str) -> bool:
    """Whether somebody wrote cases for a prompt of the working tree, into a suite or into a file of GitHub's format."""
    if project.read(suite_path(name)) is not None:
        return True
    foreign = project.resolver.foreign
    return name in foreign.names() and b"testData" in foreign.content(name)[2]


def _differs(project: Project, name: str, lying: str | None, before: Mapping[str, str]) -> bool:
    own = {lying or path_of(name), suite_path(name)}
    stem = f"evaluation/{name}."
    folder, _, start = stem.rpartition("/")
    now = [f"{folder}/{each}" for each in project.files().list(folder) if each.startswith(start)]
    own |= {path for path in (*before, *now) if path.startswith(stem) and "/" not in path[len(stem) :]}
    suite = None
    with suppress(InvalidDocument):
        suite = shelf(project).suite(name)
    if suite is not None:
        own |= {one.path for one in suite.datasets} | set(suite.code)
    return any(_digest(project, path) != before.get(path) for path in sorted(own))


def _digest(project: Project, path: str) -> str | None:
    data = project.read(path)
    return None if data is None else blob_id(data, project.repository.object_format)
