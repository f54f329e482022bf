"""`merge BRANCH`: bring a branch into the current one, prompts by items, each with a version number of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.base.errors import GitError, NotFound, Refused, Usage
from promptvc.git.commits import CommitOptions, Plan, commit, maintain
from promptvc.git.drivers import settings_for
from promptvc.git.merge_tree import begin_merge, dirty
from promptvc.git.trailers import with_trailers
from promptvc.prompts.names import nearest
from promptvc.store.outline import FORMAT
from promptvc.workflows.bringing import Bringing
from promptvc.workflows.brought import Brought, MergedPrompt
from promptvc.workflows.project import Project

__all__ = ["BringRequest", "Brought", "bring"]


@dataclass(frozen=True, slots=True)
class BringRequest:
    """What to merge: ``branch`` is any git revision.

    ``conflicts``: where there are any, leave them in the working tree, marked, as `git merge` does. ``interpreter``:
    the Python that git then calls for prompts.
    """

    branch: str
    message: str | None = None
    conflicts: bool = False
    interpreter: str = "python3"
    no_verify: bool = False


def bring(project: Project, request: BringRequest) -> Brought:
    """Merge a branch into the one that is checked out.

    The merge is made aside and committed with both parents. With conflicts nothing is touched.

    Raises:
        Usage: a bare repository, a detached HEAD, nothing committed yet.
        NotFound: there is no such branch.
        InputError: the two have no history in common.
        Refused: edited files are in the way, the branch changes links or submodules, or HEAD was moved meanwhile.
        GitError: a merge, rebase, cherry-pick or revert is under way; a hook refused.
    """
    repository = project.repository
    into, ours = _here(project)
    theirs = repository.resolve(request.branch)
    if theirs is None:
        known = [ref.removeprefix("refs/heads/") for ref in repository.refs("refs/heads")]
        near = nearest(request.branch, known)
        hint = f"did you mean {near}?" if near else "git branch -a lists them"
        raise NotFound(f"there is no branch {request.branch}", hint=hint)
    if repository.is_ancestor(theirs, ours):
        return Brought(request.branch, into, ours, changed=False)
    merge = Bringing(project, ours, theirs)
    conflicts = tuple(merge.conflicts)
    if conflicts:
        if request.conflicts:
            driver = {one.key: one.value for one in settings_for(request.interpreter, FORMAT)}
            begin_merge(repository, theirs, project.prefix, driver["merge.promptvc.driver"])
        prompts = tuple(merge.prompts)
        return Brought(request.branch, into, None, prompts, conflicts, begun=request.conflicts)
    in_the_way = sorted(merge.changes.keys() & dirty(repository))
    if in_the_way:
        raise Refused(
            f"{in_the_way[0]} is not as it was committed, and the merge changes it",
            hint="commit it, or put it aside: git stash",
            file=in_the_way[0],
        )

    def build(tip: str | None) -> Plan:
        if tip != ours:
            raise Refused(f"{into} was moved meanwhile", hint="run the command again")
        subject = request.message or f"Merge {request.branch}"
        return Plan(merge.changes, with_trailers(*_parts(subject, merge.prompts), []), merged=theirs)

    done = commit(repository, None, build, options=CommitOptions(no_verify=request.no_verify))
    project.log.event("branch.merged", branch=request.branch, commit=done.commit)
    maintain(repository)
    remarks = [*merge.remarks(), *(f"{path} was edited meanwhile and left as it is" for path in done.kept)]
    return Brought(request.branch, into, done.commit, tuple(merge.prompts), remarks=tuple(remarks))


def _here(project: Project) -> tuple[str, str]:
    """The current branch and its tip."""
    if project.root is None:
        raise Usage("a bare repository has no branch checked out", hint="run it in a clone")
    operation = project.repository.in_progress()
    if operation:
        raise GitError(
            f"a {operation} is in progress", hint=f"finish it, or `git {operation} --abort`, then try again"
        )
    head = project.repository.head()
    if head.branch is None:
        raise Usage("HEAD is detached: there is no branch to merge into", hint="git switch BRANCH")
    if head.commit is None:
        raise Usage(f"nothing is committed on {head.branch} yet", hint="git switch the branch itself")
    return head.branch, head.commit


def _parts(subject: str, prompts: Iterable[MergedPrompt]) -> tuple[str, str]:
    first, _, body = subject.strip().partition("\n")
    lines = [
        f"{one.name} v{one.version}: {one.result}"
        for one in prompts
        if one.result in {"merged", "renumbered"}
    ]
    return first, "\n\n".join(part for part in (body.strip(), "\n".join(lines)) if part)
