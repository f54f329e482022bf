"""Who owns what a branch changes, as main says, and asking them for a review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from promptvc.forge.forge import Asked, Forge, Kind
from promptvc.prompts.names import path_of
from promptvc.review.owners import MOST_BYTES, PLACES, Owners, owners_of
from promptvc.workflows.project import Project


def ask_owners(
    project: Project, forge: Forge, number: int, change: tuple[str, str], more: Sequence[str]
) -> Asked:
    """Ask the owners that main names, those of the settings, and ``more``, for a review of pull request ``number``.

    Args:
        change: the prompt, and the branch that changes it.
        more: logins, and teams as ``ORG/TEAM``.
    """
    name, branch = change
    owners = _owners(project, forge.kind, name, branch)
    given = (*project.settings.review.reviewers, *more)
    users = dict.fromkeys((*owners.users, *(one for one in given if "/" not in one)))
    teams = dict.fromkeys((*owners.teams, *(one for one in given if "/" in one)))
    if not users and not teams and not owners.mails:
        return Asked()
    asked = forge.ask(number, tuple(users), tuple(teams))
    mails = tuple((mail, "an address cannot be asked for a review") for mail in owners.mails)
    return replace(asked, refused=(*asked.refused, *mails))


def _owners(project: Project, kind: Kind, name: str, branch: str) -> Owners:
    """Those that main's CODEOWNERS names for what the branch changes: a change does not choose its reviewers."""
    main = project.need_main()
    for place in PLACES[kind]:
        found = project.objects.at(main, place)
        if found is not None:
            text = found[1][:MOST_BYTES].decode("utf-8", "replace")
            return owners_of(_changed(project, main, branch) or [project.top(path_of(name))], text, kind)
    return Owners()


def _changed(project: Project, main: str, branch: str) -> Sequence[str]:
    """Paths, from the top, that the branch changes."""
    objects, repository = project.objects, project.repository
    tip = repository.resolve(f"refs/heads/{branch}")
    assert tip is not None
    code, found, _ = repository.outcome("merge-base", main, tip)
    before: Mapping[str, str] = objects.tree(found.decode().strip()) if code == 0 else {}
    after = objects.tree(tip)
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
