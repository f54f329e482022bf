"""Deploy and roll back: each is one commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.errors import NotFound, Refused, Usage
from promptvc.deployment.environments import (
    FOLDER,
    Environment,
    deployed_path,
    deployments,
    environment_names,
    load_environment,
    rules_path,
)
from promptvc.deployment.gates import Objection, Proof, Request, objections
from promptvc.deployment.holds import Hold, find_hold, hold_paths, load_hold, new_hold
from promptvc.deployment.rollback import Past, choose
from promptvc.evidence.records import ComparisonRecord, Record, RunRecord
from promptvc.git.commits import CommitOptions, Committed, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import check_environment, nearest
from promptvc.store.commits import message
from promptvc.store.proofs import evidence_of
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """Put ``reference`` into ``environment`` (the default one when None)."""

    reference: str
    environment: str | None = None
    branch: str | None = None
    force: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Take ``name`` in ``environment`` back to ``to``, or to the newest other version that is not held."""

    name: str
    environment: str | None
    to: str | None
    reason: str
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Shipped:
    """What an environment runs now. ``changed`` is False when it ran that already."""

    name: str
    environment: str
    version: int
    previous: int | None
    commit: str
    branch: str | None
    changed: bool = True
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `deploy --json` and `rollback --json` print it."""
        keys = ("name", "environment", "version", "previous", "commit", "branch")
        return {key: getattr(self, key) for key in keys}


def deploy(project: Project, request: DeployRequest) -> Shipped:
    """Copy a version's file into an environment, in one commit.

    Raises:
        Refused: a gate is closed.
        NotFound: no such prompt or revision.
    """
    if request.force and not (request.reason or "").strip():
        raise Usage("--force needs --reason", hint="say why the gate is passed over; the commit keeps it")
    project.need_main()
    environment = check_environment(request.environment or project.settings.default_environment)
    wanted = parse_reference(request.reference)
    version = project.resolver.resolve(wanted if wanted.revision else f"{wanted.name}@latest")
    load_prompt(version.data, file=version.path, name=wanted.name, memo=project.memo)
    previous: list[int | None] = [None]
    passed: list[Objection] = []

    def build(tip: str | None) -> Plan:
        found = _objections(project, version, environment, tip)
        if found and not request.force:
            raise Refused(found[0].message, hint=_hint(found))
        passed[:] = found
        previous[0] = _running(project, tip, environment, wanted.name)
        return _deployment(project, request, version, environment, found)

    done = _commit(project, request.branch, build)
    remarks = tuple(f"passed over: {one.message}" for one in passed) + _strange(project, environment)
    project.log.event("deployment.committed", name=wanted.name, environment=environment, commit=done.commit)
    return Shipped(
        wanted.name,
        environment,
        version.version,
        previous[0],
        done.commit,
        done.branch,
        done.changed,
        remarks,
    )


def rollback(project: Project, request: RollbackRequest) -> Shipped:
    """Restore an earlier version in an environment and hold the one that runs now.

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
    place = deployed_path(environment, request.name)
    previous: list[int] = []
    restored: list[int] = []

    def build(tip: str | None) -> Plan:
        found = project.objects.at(tip, project.top(place)) if tip else None
        if found is None:
            raise _not_deployed(project, request.name, environment, tip)
        digest, data = found
        bad = load_prompt(data, file=place, memo=project.memo).version
        holds = _holds(project, tip, environment, request.name)
        target = _target(project, request, environment, current=digest, holds=holds)
        target_version = load_prompt(target, file=place, memo=project.memo).version
        previous[:], restored[:] = [bad], [target_version]
        changes: dict[str, bytes | None] = {project.top(place): target}
        if find_hold(holds, digest) is None:
            actor = project.actor()
            hold = new_hold(
                (environment, request.name, bad), digest, reason=request.reason, by=actor, now=project.clock()
            )
            changes[project.top(hold.path)] = hold.to_bytes()
        notes = {"Environment": environment, "Held": f"v{bad}"}
        text = message(
            "Roll back to",
            request.name,
            target_version,
            f"v{bad} is held",
            place=f"in {environment}",
            body=request.reason,
            notes=notes,
        )
        return Plan(changes, text)

    done = _commit(project, request.branch, build)
    project.log.event(
        "deployment.rolled_back", name=request.name, environment=environment, commit=done.commit
    )
    return Shipped(request.name, environment, restored[0], previous[0], done.commit, done.branch)


def _strange(project: Project, environment: str) -> tuple[str, ...]:
    """A remark about an environment that main did not know and that looks like one that it does."""
    known = environment_names(project.tree(project.need_main(), FOLDER))
    near = nearest(environment, known)
    if environment in known or near is None:
        return ()
    return (f"{environment} is a new environment; there is also {near}",)


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


def _objections(
    project: Project, version: Version, environment: str, tip: str | None
) -> tuple[Objection, ...]:
    rules = _rules(project, environment)
    promoted = False
    if rules.promotes_from is not None and tip is not None:
        source = project.objects.at(tip, project.top(deployed_path(rules.promotes_from, version.name)))
        promoted = source is not None and source[0] == version.digest
    request = Request(
        label=f"{version.name} v{version.version}",
        on_main=project.is_on_main(version.name, version.digest),
        hold=find_hold(_holds(project, tip, environment, version.name), version.digest),
        proof=_proof(project, version),
        promoted=promoted,
        margin=project.settings.evaluation.margin,
    )
    return objections(request, rules)


def _rules(project: Project, environment: str) -> Environment:
    data = project.at(project.main_commit, rules_path(environment))
    return load_environment(environment, data, memo=project.memo)


def _holds(project: Project, tip: str | None, environment: str, name: str) -> list[Hold]:
    """The holds on main and on the branch that is committed to: a hold counts wherever it stands."""
    holds = {}
    for commit in {tip, project.main_commit} - {None}:
        assert commit is not None
        tree = project.tree(commit, f"{FOLDER}/{environment}/holds")
        for path in hold_paths(tree, environment, name):
            holds[path, tree[path]] = load_hold(path, project.objects.blob(tree[path]), memo=project.memo)
    return list(holds.values())


def _proof(project: Project, version: Version) -> Proof | None:
    """The newest evidence about exactly these bytes, a comparison before a run alone."""
    records = evidence_of(project.resolver, version.name, project.main_commit)
    about = [one for one in records if _digest(one) == version.digest]
    for record in reversed(about):
        if isinstance(record, ComparisonRecord):
            score = record.score
            return Proof(
                score.candidate if score else 0.0, record.verdict, score.difference if score else None
            )
    for record in reversed(about):
        if isinstance(record, RunRecord) and record.totals.score is not None:
            return Proof(record.totals.score)
    return None


def _digest(record: Record) -> str | None:
    if isinstance(record, ComparisonRecord):
        return record.candidate.digest
    return record.digest if isinstance(record, RunRecord) else None


def _running(project: Project, tip: str | None, environment: str, name: str) -> int | None:
    found = project.objects.at(tip, project.top(deployed_path(environment, name))) if tip else None
    return project.resolver.contents.version(found[0]) if found else None


def _deployment(
    project: Project,
    request: DeployRequest,
    version: Version,
    environment: str,
    found: tuple[Objection, ...],
) -> Plan:
    notes = {"Environment": environment}
    if found:
        notes |= {"Forced": ", ".join(one.gate for one in found), "Forced-By": project.actor()}
    body, place = request.reason or "", f"to {environment}"
    text = message("Deploy", version.name, version.version, place=place, body=body, notes=notes)
    return Plan({project.top(deployed_path(environment, version.name)): version.data}, text)


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
        if not _runs_somewhere(project, request.name, version.digest) and not project.is_on_main(
            request.name, version.digest
        ):
            raise Refused(f"{request.name} v{version.version} is not on main", hint="merge its branch first")
        return version.data
    commit = project.need_main()
    project.history.require_whole(commit, f"what {environment} ran before; name it with --to")
    path = deployed_path(environment, request.name)
    past = [
        Past(change.commit, change.blob)
        for change in project.history.changes(path, commit, first_parent=True)
    ]
    chosen = choose(past, current=current, held={hold.digest for hold in holds})
    if chosen is None or chosen.digest is None:
        raise Refused(
            f"{environment} has never run another version of {request.name} that is not held",
            hint="name one with --to, or deploy one",
        )
    return project.objects.blob(chosen.digest)


def _runs_somewhere(project: Project, name: str, digest: str) -> bool:
    """In a shallow clone, which cannot look for it on main: whether an environment runs it, past its gates."""
    main = project.need_main()
    if not project.history.cut_off(main):
        return False
    return any((one.name, one.digest) == (name, digest) for one in deployments(project.tree(main, FOLDER)))


def _commit(project: Project, branch: str | None, build: Any) -> Committed:
    options = CommitOptions(start=project.main_commit if branch else None)
    done: Committed = git_commit(project.repository, branch, build, options=options)
    maintain(project.repository)
    return done


def _hint(gates: tuple[Objection, ...]) -> str:
    more = (
        f"; {len(gates) - 1} more closed: {', '.join(one.gate for one in gates[1:])}"
        if len(gates) > 1
        else ""
    )
    return f"{gates[0].hint}{more}; or --force with --reason"
