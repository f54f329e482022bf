"""Whose commits the branch of a proposal has: those that promptvc made may be made anew, a person's may not be lost."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.base.errors import InputError, Refused
from promptvc.deployment.environments import FOLDER, deployed_path
from promptvc.git.merge_tree import merge_aside
from promptvc.git.objects import Commit
from promptvc.git.trailers import first_trailer, parse_trailers
from promptvc.workflows.project import Project


def refuse_others(project: Project, tip: str, known: Sequence[str | None], where: str) -> None:
    """See to it that a branch which is to be begun anew has nothing but deployments of promptvc's own.

    Args:
        tip: a commit id; ``known`` are those whose history counts as looked at.
        where: the branch, for messages.

    Raises:
        Refused: a commit is somebody's.
    """
    without = [f"^{one}" for one in known if one is not None]
    for oid in project.repository.text("rev-list", tip, *without, "--").split():
        commit = project.objects.commit(oid)
        if _is_merge_of(project, commit) or _is_deployment(project, commit):
            continue
        if project.repository.is_shallow:
            raise Refused(
                f"this shallow clone cannot tell whose commits are on {where}",
                hint="git fetch --unshallow, then try again",
            )
        raise Refused(
            f"{where} has a commit that promptvc did not make: {oid[:12]} {commit.subject}",
            hint="merge or close its pull request and delete the branch, then try again",
        )


def _is_merge_of(project: Project, commit: Commit) -> bool:
    """Whether it merges two commits as git would, so that there is nothing in it but them: a forge's button does."""
    if len(commit.parents) != 2:
        return False
    try:
        made = merge_aside(project.repository, *commit.parents, project.prefix)
    except InputError:
        return False
    return not made.unmerged and made.tree == commit.tree


def _is_deployment(project: Project, commit: Commit) -> bool:
    """Whether its trailers name what it deploys, and it changes nothing else, to what is a version on main."""
    trailers = parse_trailers(commit.message)
    name, environment = (first_trailer(trailers, f"Promptvc-{key}") for key in ("Prompt", "Environment"))
    if len(commit.parents) != 1 or name is None or environment is None:
        return False
    place = project.top(deployed_path(environment, name))
    holds = project.top(f"{FOLDER}/{environment}/holds/{name}/")
    out = project.repository.run(
        "diff-tree", "-r", "-z", "--no-renames", "--name-only", *commit.parents, commit.id
    )
    paths = [path for path in out.decode("utf-8", "surrogateescape").split("\0") if path]
    if not all(path == place or path.startswith(holds) for path in paths):
        return False
    if place not in paths or first_trailer(trailers, "Promptvc-Forced") is not None:
        return True
    found = project.objects.at(commit.id, place)
    return found is not None and project.resolver.is_known(name, found[0])
