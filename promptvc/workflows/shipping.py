"""Putting a version into an environment, in one commit: what every story that deploys shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import NotFound, Refused
from promptvc.deployment.asking import Asking
from promptvc.deployment.environments import FOLDER, deployed_path, environment_names, rules_path
from promptvc.deployment.gates import Objection
from promptvc.git.commits import CommitOptions, Committed, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import nearest
from promptvc.store.commits import message
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Shipment:
    """A version on its way into ``environment``.

    Attributes:
        branch: where the commit goes; None is the current branch.
        force: pass closed gates over, and say so in the commit.
        reason: why, in the commit's body; ``notes``: its further trailers, without their ``Promptvc-``.
        new_environment: make one although its name is near to another's.
        merging: the deployment goes to main together with the version, by merging ``branch``.
    """

    version: Version
    environment: str
    branch: str | None = None
    force: bool = False
    reason: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    new_environment: bool = False
    merging: bool = False


@dataclass(frozen=True, slots=True)
class Shipped:
    """What an environment runs now. ``changed`` is False when it ran that already.

    ``in_force`` is False for a commit elsewhere than on main: the environment runs it once main has that commit.
    ``pull``: number and address of the pull request that proposes it.
    """

    name: str
    environment: str
    version: int
    previous: int | None
    commit: str
    branch: str | None
    changed: bool = True
    remarks: tuple[str, ...] = ()
    in_force: bool = True
    pull: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As `deploy --json` and `rollback --json` print it; ``pull`` is null where nothing is proposed."""
        keys = ("name", "environment", "version", "previous", "commit", "branch", "pull")
        return {key: getattr(self, key) for key in keys}


def put(project: Project, shipment: Shipment) -> Shipped:
    """Copy a version's file into an environment, in one commit, if every gate lets it.

    Raises:
        Refused: a gate is closed.
        NotFound: there is no such environment, and another one's name is near.
        InvalidDocument: the version is no prompt.
    """
    version, environment = shipment.version, shipment.environment
    load_prompt(version.data, file=version.path, name=version.name, memo=project.memo)
    previous: list[int | None] = [None]
    passed: list[Objection] = []
    made: list[str] = []

    def build(tip: str | None) -> Plan:
        made[:] = _made(project, environment, tip, new=shipment.new_environment)
        merging = tip if shipment.merging else None
        found = asking(project).closed_gates(version, environment, tip, merging=merging)
        if found and not shipment.force:
            raise Refused(found[0].message, hint=_hint(found))
        passed[:] = found
        previous[0] = _running(project, tip, environment, version.name)
        return _deployment(project, shipment, found)

    done = commit_to(project, shipment.branch, build)
    remarks = [f"passed over: {one.message}" for one in passed]
    remarks += made if done.changed else []
    remarks += _not_in_force(project, environment)
    project.log.event("deployment.committed", name=version.name, environment=environment, commit=done.commit)
    return Shipped(
        version.name,
        environment,
        version.version,
        previous[0],
        done.commit,
        done.branch,
        done.changed,
        tuple(remarks),
        in_force(project, done),
    )


def asking(project: Project) -> Asking:
    """The gates of the project's environments."""
    return Asking(project.resolver, project.memo, project.settings.evaluation.margin)


def in_force(project: Project, done: Committed) -> bool:
    """Whether environments follow the branch that was committed to."""
    return done.branch is not None and done.branch == project.main


def commit_to(project: Project, branch: str | None, build: Callable[[str | None], Plan]) -> Committed:
    """Commit to ``branch``, which begins at main if it is new; None is the current one."""
    options = CommitOptions(start=project.main_commit if branch else None)
    done = git_commit(project.repository, branch, build, options=options)
    maintain(project.repository)
    return done


def _made(project: Project, environment: str, tip: str | None, *, new: bool) -> list[str]:
    """A remark when ``environment`` is neither on main nor in ``tip``, so that the commit makes it.

    Raises:
        NotFound: there is one with a name so near that this one is taken for a slip, unless ``new``.
    """
    known: set[str] = set()
    for commit in {project.main_commit, tip} - {None}:
        assert commit is not None
        known |= set(environment_names(project.tree(commit, FOLDER)))
    if environment in known:
        return []
    near = nearest(environment, known)
    if near is not None and not new:
        raise NotFound(
            f"there is no environment {environment}; did you mean {near}?",
            hint=f"--env {near}, or --new-env to make {environment}",
        )
    return [f"made the environment {environment}"]


def _not_in_force(project: Project, environment: str) -> list[str]:
    """A remark when the rules in the working tree are not the ones that were asked."""
    path = rules_path(environment)
    if project.root is None or project.read(path) == project.at(project.main_commit, path):
        return []
    return [f"{path} differs from the one on main, which is in force"]


def _running(project: Project, tip: str | None, environment: str, name: str) -> int | None:
    found = project.objects.at(tip, project.top(deployed_path(environment, name))) if tip else None
    return project.resolver.contents.version(found[0]) if found else None


def _deployment(project: Project, shipment: Shipment, found: tuple[Objection, ...]) -> Plan:
    version, environment = shipment.version, shipment.environment
    notes = {"Environment": environment, **shipment.notes}
    if found:
        notes |= {"Forced": ", ".join(one.gate for one in found), "Forced-By": project.actor()}
    text = message(
        "Deploy",
        version.name,
        version.version,
        place=f"to {environment}",
        body=shipment.reason,
        notes=notes,
    )
    return Plan({project.top(deployed_path(environment, version.name)): version.data}, text)


def _hint(gates: tuple[Objection, ...]) -> str:
    more = (
        f"; {len(gates) - 1} more closed: {', '.join(one.gate for one in gates[1:])}"
        if len(gates) > 1
        else ""
    )
    return f"{gates[0].hint}{more}; or --force with --reason"
