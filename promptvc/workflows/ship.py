"""Deploy and roll back: each is one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from promptvc.base.errors import NotFound, Refused, Usage
from promptvc.deployment.environments import (
    FOLDER,
    deployed_path,
    deployments,
    environment_names,
)
from promptvc.deployment.holds import Hold, find_hold, new_hold
from promptvc.deployment.rollback import Past, choose
from promptvc.git.commits import Plan
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import check_environment, nearest
from promptvc.store.commits import message
from promptvc.store.foreign import refuse_foreign
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.workflows.landing import Landing, land
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipment, Shipped, asking, commit_to, in_force, put

__all__ = ["DeployRequest", "RollbackRequest", "Shipped", "deploy", "rollback"]

_UNREAL = (
    "what {environment} ran was no version of {name} on main, but edited by hand or forced; nothing is held"
)


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """Put ``reference`` into ``environment`` (the default one when None).

    ``new_environment`` makes one although its name is near to another's. ``landing``: how it gets to the remote.
    """

    reference: str
    environment: str | None = None
    branch: str | None = None
    force: bool = False
    reason: str | None = None
    new_environment: bool = False
    landing: Landing = field(default_factory=Landing)


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Take ``name`` in ``environment`` back to ``to``, or to the newest other version that is not held."""

    name: str
    environment: str | None
    to: str | None
    reason: str
    branch: str | None = None
    landing: Landing = field(default_factory=Landing)


def deploy(project: Project, request: DeployRequest) -> Shipped:
    """Copy a version's file into an environment, in one commit.

    Raises:
        Refused: a gate is closed.
        NotFound: no such prompt or revision, or no such environment where another one's name is near.
    """
    if request.force and not (request.reason or "").strip():
        raise Usage("--force needs --reason", hint="say why the gate is passed over; the commit keeps it")
    project.need_main()
    environment = check_environment(request.environment or project.settings.default_environment)
    wanted = parse_reference(request.reference)

    def ship(branch: str | None) -> Shipped:
        version = project.resolver.resolve(wanted if wanted.revision else f"{wanted.name}@latest")
        refuse_foreign(version.path, version.name, "deploy")
        shipment = Shipment(
            version,
            environment,
            branch,
            request.force,
            request.reason or "",
            new_environment=request.new_environment,
        )
        return put(project, shipment)

    return _landed(project, request.landing, request.branch, (environment, wanted.name), ship)


def _landed(
    project: Project,
    landing: Landing,
    branch: str | None,
    what: tuple[str, str],
    ship: Callable[[str | None], Shipped],
) -> Shipped:
    """What ``ship`` committed, brought to the remote as ``landing`` says; ``what``: environment and prompt."""
    if branch is not None and (landing.push or landing.propose):
        raise Usage(
            "--branch does not go with --push or --pr", hint="leave --branch out: it is main, or one of ours"
        )
    environment, name = what
    # No name has a dot: no two prompts share a branch, and none is a folder of another's.
    topic = f"deploy-{environment}/{name.replace('/', '.')}"
    done, pull = land(project, landing, topic, lambda main, _: ship(main or branch), lambda one: [one])
    return done if pull is None else replace(done, pull=pull.to_json())


def rollback(project: Project, request: RollbackRequest) -> Shipped:
    """Restore an earlier version in an environment and hold the one that runs now.

    A deployed file that is no version on main (edited by hand, or forced) is replaced by the newest that is one;
    there is then nothing to hold.

    Raises:
        Refused: there is nothing to go back to, or the version asked for is held.
        NotFound: the prompt is not deployed there.
    """
    if not request.reason.strip():
        raise Usage("a rollback needs a reason", hint="--reason TEXT; the hold and the commit keep it")
    if parse_reference(request.name).revision is not None:
        raise Usage(f"a rollback takes a name, not {request.name}", hint="--to REV says what to go back to")
    request = replace(request, name=parse_reference(request.name).name)
    project.need_main()
    environment = check_environment(request.environment or project.settings.default_environment)

    def ship(branch: str | None) -> Shipped:
        return _roll_back(project, request, environment, branch)

    return _landed(project, request.landing, request.branch, (environment, request.name), ship)


def _roll_back(project: Project, request: RollbackRequest, environment: str, branch: str | None) -> Shipped:
    place = deployed_path(environment, request.name)
    previous: list[int | None] = []
    restored: list[int] = []
    remarks: list[str] = []

    def build(tip: str | None) -> Plan:
        found = project.objects.at(tip, project.top(place)) if tip else None
        if found is None:
            raise _not_deployed(project, request.name, environment, tip)
        digest = found[0]
        real = _is_version(project, request.name, digest)
        holds = asking(project).holds(tip, environment, request.name)
        target = _target(project, request, environment, current=digest, holds=holds)
        target_version = load_prompt(target, file=place, memo=project.memo).version
        bad = project.resolver.contents.version(digest)
        previous[:], restored[:] = [bad], [target_version]
        remarks[:] = [] if real else [_UNREAL.format(environment=environment, name=request.name)]
        changes: dict[str, bytes | None] = {project.top(place): target}
        notes = {"Environment": environment}
        detail = ""
        if real and bad is not None:
            detail, notes["Held"] = f"v{bad} is held", f"v{bad}"
            if find_hold(holds, digest) is None:
                actor, now = project.actor(), project.clock()
                subject = (environment, request.name, bad)
                hold = new_hold(subject, digest, reason=request.reason, by=actor, now=now)
                changes[project.top(hold.path)] = hold.to_bytes()
        where = f"in {environment}"
        text = message(
            "Roll back to",
            request.name,
            target_version,
            detail,
            place=where,
            body=request.reason,
            notes=notes,
        )
        return Plan(changes, text)

    done = commit_to(project, branch, build)
    project.log.event(
        "deployment.rolled_back", name=request.name, environment=environment, commit=done.commit
    )
    return Shipped(
        request.name,
        environment,
        restored[0],
        previous[0],
        done.commit,
        done.branch,
        remarks=tuple(remarks),
        in_force=in_force(project, done),
    )


def _not_deployed(project: Project, name: str, environment: str, tip: str | None) -> NotFound:
    tree = project.tree(tip, FOLDER) if tip else {}
    here = [one.name for one in deployments(tree) if one.environment == environment]
    near = nearest(environment, set(environment_names(tree)) - {environment})
    alike = nearest(name, here)
    hint = "see promptvc status"
    if not here and near:
        hint = f"did you mean --env {near}?"
    elif alike:
        hint = f"did you mean {alike}?"
    return NotFound(f"{name} is not deployed to {environment}", hint=hint)


def _target(
    project: Project, request: RollbackRequest, environment: str, *, current: str, holds: list[Hold]
) -> bytes:
    if request.to is not None:
        revision = request.to.removeprefix(f"{request.name}@").removeprefix("@")
        version = project.resolver.resolve(f"{request.name}@{revision}")
        hold = find_hold(holds, version.digest)
        if version.digest == current:
            raise Refused(f"{environment} runs {request.name} v{version.version} already")
        if hold is not None:
            raise Refused(
                f"{request.name} v{version.version} is held in {environment}: {hold.reason}",
                hint=f"delete {hold.path} in a commit to lift the hold",
            )
        if not _runs_somewhere(project, request.name, version.digest):
            _refuse_unreal(project, version)
        return version.data
    commit = project.need_main()
    project.history.require_whole(commit, f"what {environment} ran before; name it with --to")
    path = deployed_path(environment, request.name)
    past = [
        Past(change.commit, change.blob)
        for change in project.history.changes(path, commit, first_parent=True)
        if change.blob is not None and project.resolver.owns_number(request.name, change.blob)
    ]
    chosen = choose(past, current=current, held={hold.digest for hold in holds})
    if chosen is None or chosen.digest is None:
        raise Refused(
            f"{environment} has never run another version of {request.name} that is not held",
            hint="name one with --to, or deploy one",
        )
    return project.objects.blob(chosen.digest)


def _is_version(project: Project, name: str, digest: str) -> bool:
    """Whether ``digest`` is a version on main; where a shallow clone cannot know, it is taken for one."""
    return project.resolver.owns_number(name, digest) or (
        project.history.cut_off(project.need_main()) and not project.resolver.is_known(name, digest)
    )


def _refuse_unreal(project: Project, version: Version) -> None:
    label = f"{version.name} v{version.version}"
    if not project.resolver.is_on_main(version.name, version.digest):
        raise Refused(f"{label} is not on main", hint="merge its branch first")
    if not project.resolver.owns_number(version.name, version.digest):
        raise Refused(
            f"{label} has two contents; this is not the one that owns it",
            hint=f"promptvc commit {version.name} --renumber -m TEXT",
        )


def _runs_somewhere(project: Project, name: str, digest: str) -> bool:
    """In a shallow clone, which cannot look for it on main: whether an environment runs it, past its gates."""
    main = project.need_main()
    if not project.history.cut_off(main):
        return False
    return any((one.name, one.digest) == (name, digest) for one in deployments(project.tree(main, FOLDER)))
