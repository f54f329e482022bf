"""Which candidate is proposed: one that waits on its branch, or a version on a branch of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.base.errors import NotFound, Refused, Usage
from promptvc.git.refs import create_branch
from promptvc.prompts.names import nearest
from promptvc.store.candidates import Candidate, candidates
from promptvc.store.foreign import refuse_foreign
from promptvc.store.references import Reference
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


def find_waiting(project: Project, reference: Reference) -> tuple[Version, str]:
    """The candidate ``NAME@vN``, or of ``NAME`` the newest that main has not got; and its branch, which is here then.

    Raises:
        NotFound: there is none.
        Refused: it is on main already.
    """
    name, wanted = reference.name, reference.version
    latest = project.resolver.latest(name)
    known = candidates(project.repository, name)
    for one in reversed(known):
        newer = latest is None or one.number > latest.version
        if one.number == wanted or (reference.revision is None and newer):
            return _at(project, name, one)
    if reference.revision is not None:
        raise NotFound(
            f"there is no candidate {name}@{reference.revision}",
            hint=_known(name, known) or "a candidate is a branch promptvc/NAME/vN; --branch names another",
        )
    _require_prompt(project, name)
    raise NotFound(
        f"no candidate of {name} waits to be merged",
        hint=f"promptvc train {name} makes one; --branch proposes a branch of your own",
    )


def find_own(project: Project, name: str, branch: str) -> tuple[Version, str]:
    """The version that a branch of one's own has.

    Raises:
        Usage: the branch is main.
        NotFound: there is no such branch, or no such prompt on it.
        Refused: the version is on main already.
    """
    if branch == project.main:
        raise Usage(f"--branch {branch} is main itself", hint="commit to a branch, and propose that")
    tip = project.repository.resolve(f"refs/heads/{branch}")
    if tip is None:
        raise NotFound(f"there is no branch {branch}", hint="git branch shows those that there are")
    return _version(project, name, tip, branch), branch


def _at(project: Project, name: str, one: Candidate) -> tuple[Version, str]:
    branch = f"promptvc/{name}/v{one.number}"
    if project.repository.resolve(f"refs/heads/{branch}") is None:
        create_branch(project.repository, branch, one.commit)
    return _version(project, name, one.commit, branch), branch


def _version(project: Project, name: str, commit: str, branch: str) -> Version:
    found = project.resolver.at(name, commit)
    if found is None:
        raise NotFound(f"{branch} has no prompt {name}")
    if project.resolver.is_known(name, found.digest):
        raise Refused(
            f"{name} v{found.version} is on {project.main} already", hint="there is nothing to propose"
        )
    return found


def _require_prompt(project: Project, name: str) -> None:
    known = project.resolver.names(project.need_main())
    if name not in known:
        refuse_foreign(project.resolver.lying(name), name, "pr")
        near = nearest(name, known)
        raise NotFound(f"{project.main} has no prompt {name}", hint=f"did you mean {near}?" if near else None)


def _known(name: str, found: Sequence[Candidate]) -> str | None:
    numbers = sorted({one.number for one in found})
    return f"there is {', '.join(f'{name}@v{number}' for number in numbers)}" if numbers else None
