"""Which suite judges a version: the working tree's, or the one that its commit has."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.evaluation.suite import Suite, load_suite
from promptvc.prompts.names import path_of
from promptvc.store.references import Reference
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Judging:
    """A suite and where it is from; ``commit`` is None for the working tree."""

    suite: Suite
    commit: str | None


def judging(project: Project, reference: Reference, version: Version) -> Judging:
    """The suite for ``version``, which ``reference`` was resolved to.

    A branch or another git revision is judged by the suite that it brings. Numbers, ``latest`` and environments are
    names for versions, which are usually older than the cases that judge them: for them it is the working tree's.

    Raises:
        NotFound: there is no suite.
    """
    commit = version.commit if _is_git_revision(reference, version) else None
    suite = suite_at(project, version.name, commit) if commit is not None else None
    if suite is not None:
        return Judging(suite, commit)
    file = file_of(version.name)
    if commit is not None:
        raise NotFound(
            f"{version.name} has no suite in {reference.revision}",
            hint=f"to use the working tree's suite name a version: {version.name}@v{version.version}",
        )
    data = project.read(file)
    if data is None:
        raise NotFound(f"{version.name} has no suite", hint=f"write its cases into {file}")
    return Judging(load_suite(data, file=file, memo=project.memo), None)


def suite_at(project: Project, name: str, commit: str | None) -> Suite | None:
    """The suite of ``name`` in ``commit``; None where there is none."""
    data = project.at(commit, file_of(name))
    if commit is None or data is None:
        return None
    return load_suite(data, file=f"{commit[:12]}:{file_of(name)}", memo=project.memo)


def require_committed(project: Project, judged: Judging, version: Version) -> None:
    """Make sure that evidence cites a suite that git has.

    Raises:
        Usage: neither HEAD nor the commit of ``version`` has it.
    """
    if judged.commit is not None or any(
        _has(project, version.name, commit, judged.suite.digest)
        for commit in (project.resolver.head, version.commit)
    ):
        return
    file = file_of(version.name)
    raise Usage(
        f"--save needs a committed suite, and {file} has changes",
        hint=f"git add {file} && git commit, then evaluate again",
    )


def file_of(name: str) -> str:
    """The file of the suite of ``name``, from the prompt root."""
    return f"evaluation/{name}.yaml"


def _is_git_revision(reference: Reference, version: Version) -> bool:
    named = reference.revision in {None, "latest"} or reference.version == version.version
    return not named and version.path == path_of(version.name)


def _has(project: Project, name: str, commit: str | None, digest: str) -> bool:
    try:
        suite = suite_at(project, name, commit)
    except InvalidDocument:
        return False
    return suite is not None and suite.digest == digest
