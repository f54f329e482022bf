"""`baseline`: approve evidence as what later versions are held against, in one commit; show what is approved."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound, Refused, Usage
from promptvc.base.ids import is_ulid
from promptvc.evaluation.gate import cases_of
from promptvc.evidence.baselines import FOLDER, Baseline, approved_prompt, baseline_path, load_baseline
from promptvc.evidence.records import ComparisonRecord, Record, RunRecord, path, to_bytes
from promptvc.evidence.values import VersionRef
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.prompts.names import nearest
from promptvc.store.commits import message
from promptvc.store.proofs import evidence_of
from promptvc.store.references import Reference, parse_reference
from promptvc.workflows.project import Project

NOT_BY_ITSELF = ("regression", "incomparable")

Evidence = RunRecord | ComparisonRecord


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """Approve evidence about ``reference``: the record with the id ``evidence``, or its newest one when None."""

    reference: str
    evidence: str | None = None
    reason: str | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """What is approved now.

    Attributes:
        previous: what was approved before on that branch.
        changed: False when the same evidence was approved already.
        remarks: what a reader should know.
    """

    baseline: Baseline
    commit: str
    branch: str | None
    previous: Baseline | None = None
    changed: bool = True
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `baseline approve --json` prints it."""
        previous = self.previous.version if self.previous is not None else None
        return self.baseline.to_json() | {"previous": previous, "commit": self.commit, "branch": self.branch}


@dataclass(frozen=True, slots=True)
class Shown:
    """An approved baseline as the working tree has it; ``latest`` is the prompt's latest version on main."""

    baseline: Baseline
    latest: int | None

    def to_json(self) -> dict[str, Any]:
        """As `baseline show --json` and `baseline list --json` print it."""
        return self.baseline.to_json() | {"latest": self.latest}


def approve(project: Project, request: ApproveRequest) -> Approval:
    """Point ``evaluation/baselines/NAME.yaml`` at evidence of the current branch, in one commit.

    Committed to another branch that lacks the record, the record goes with it.

    Raises:
        NotFound: no such prompt or revision, or no evidence about it.
        Refused: the newest evidence speaks against the version, and nobody named it.
        Usage: the evidence has no score, or its content no version number.
    """
    wanted = parse_reference(request.reference)
    record = _record(project, wanted, request.evidence)
    baseline = _baseline(project, wanted.name, record, request.reason)
    before: list[Baseline | None] = [None]

    def build(tip: str | None) -> Plan:
        before[0] = _standing(project, tip, wanted.name)
        changes: dict[str, bytes | None] = {}
        if not _same(before[0], baseline):
            changes[project.top(baseline.path)] = baseline.to_bytes()
        if project.at(tip, path(record)) is None:
            changes[project.top(path(record))] = to_bytes(record)
        return Plan(changes, _message(baseline))

    options = CommitOptions(start=project.main_commit if request.branch else None)
    done = git_commit(project.repository, request.branch, build, options=options)
    maintain(project.repository)
    project.log.event("baseline.approved", name=wanted.name, evidence=record.id, commit=done.commit)
    previous = before[0]
    return Approval(
        baseline=previous if previous is not None and not done.changed else baseline,
        commit=done.commit,
        branch=done.branch,
        previous=previous,
        changed=done.changed,
        remarks=_remarks(record),
    )


def show(project: Project, name: str) -> Shown:
    """The approved baseline of ``name`` in the working tree.

    Raises:
        NotFound: none is approved.
    """
    wanted = parse_reference(name)
    if wanted.revision is not None:
        raise Usage(f"`baseline show` takes a name, not {name}", hint=f"promptvc baseline show {wanted.name}")
    data = project.read(baseline_path(wanted.name))
    if data is None:
        known = project.resolver.names()
        near = None if wanted.name in known else nearest(wanted.name, known)
        hint = f"did you mean {near}?" if near else f"promptvc baseline approve {wanted.name}"
        raise NotFound(f"no baseline of {wanted.name} is approved", hint=hint)
    return _shown(project, load_baseline(wanted.name, data, memo=project.memo))


def list_all(project: Project) -> tuple[Shown, ...]:
    """Every approved baseline in the working tree, by name."""
    found = []
    for file in _files(project):
        name, data = approved_prompt(file), project.read(file)
        if name is not None and data is not None:
            found.append(_shown(project, load_baseline(name, data, memo=project.memo)))
    return tuple(found)


def _files(project: Project) -> list[str]:
    if project.root is None:
        head = project.resolver.head
        return sorted(project.tree(head, FOLDER.rstrip("/"))) if head else []
    places = (project.root / FOLDER).rglob("*.yaml")
    return sorted(place.relative_to(project.root).as_posix() for place in places)


def _shown(project: Project, baseline: Baseline) -> Shown:
    latest = project.resolver.latest(baseline.name) if project.main_commit is not None else None
    return Shown(baseline, latest.version if latest is not None else None)


def _record(project: Project, wanted: Reference, given: str | None) -> Evidence:
    """The record that ``given`` (an id or a path) names, else the newest about what is wanted."""
    digest = project.resolver.resolve(wanted).digest if wanted.revision is not None else None
    known = evidence_of(project.resolver, wanted.name, project.resolver.head)
    records = [one for one in known if _is_about(one, digest)]
    if given is not None:
        return _named(wanted.name, given, known)
    if not records:
        if digest is None:
            project.resolver.resolve(wanted)  # a name that nobody knows is said to be that
        where = str(wanted.name) if digest is None else f"{wanted.name}@{wanted.revision}"
        raise NotFound(
            f"there is no evidence about {where} on this branch",
            hint=f"promptvc evaluate {where} --save makes some",
        )
    newest = records[-1]
    assert isinstance(newest, Evidence)
    if isinstance(newest, ComparisonRecord) and newest.verdict in NOT_BY_ITSELF:
        raise Refused(
            f"the newest evidence about {wanted.name} says {newest.verdict}",
            hint=f"to approve it all the same name it: --evidence {newest.id}",
        )
    return newest


def _named(name: str, given: str, known: list[Record]) -> Evidence:
    identifier = given.rpartition("/")[2].removesuffix(".json")
    found = next((one for one in known if one.id == identifier), None)
    if isinstance(found, Evidence):
        return found
    if not is_ulid(identifier):
        raise Usage(f"`{given}` is no id of a record", hint="26 characters, as `evaluate --save` prints them")
    raise NotFound(
        f"there is no evidence {identifier} about {name} on this branch",
        hint=f"promptvc evaluate {name} --save makes some; promptvc evaluate trend {name} lists what is there",
    )


def _is_about(record: Record, digest: str | None) -> bool:
    return isinstance(record, Evidence) and digest in {None, _version(record).digest}


def _version(record: Evidence) -> VersionRef:
    if isinstance(record, RunRecord):
        return VersionRef(record.version, record.digest)
    return record.candidate


def _baseline(project: Project, name: str, record: Evidence, reason: str | None) -> Baseline:
    version = _version(record)
    score = _score(record)
    if score is None:
        raise Usage(
            f"the evidence {record.id} has no score", hint="evaluate again with --save, and approve that"
        )
    if version.version is None:
        raise Usage(
            f"the evidence {record.id} is about content without a version number",
            hint=f"promptvc commit {name} -m TEXT, then evaluate with --save",
        )
    return Baseline(
        name=name,
        evidence=record.id,
        version=version.version,
        digest=version.digest,
        suite=record.suite,
        model=record.model,
        score=score,
        by=project.actor(),
        time=project.clock(),
        repeats=record.repeats,
        reducer=record.reducer,
        judge=record.judge,
        datasets=record.datasets,
        failing=tuple(
            one.case for one in cases_of(record) if not one.passed and one.case not in record.quarantined
        ),
        reason=(reason or "").strip() or None,
    )


def _score(record: Evidence) -> float | None:
    if isinstance(record, RunRecord):
        return record.totals.score
    return record.score.candidate if record.score is not None else None


def _same(standing: Baseline | None, baseline: Baseline) -> bool:
    """Whether ``baseline`` says nothing new. A reason of its own is new; who and when are not."""
    if standing is None:
        return False
    reason = baseline.reason or standing.reason
    return replace(baseline, by=standing.by, time=standing.time, reason=reason) == standing


def _standing(project: Project, tip: str | None, name: str) -> Baseline | None:
    """What is approved in ``tip``; nothing where the file cannot be read, for this is how it is mended."""
    data = project.at(tip, baseline_path(name))
    with suppress(InvalidDocument):
        return load_baseline(name, data) if data is not None else None
    return None


def _message(baseline: Baseline) -> str:
    return message(
        "Approve",
        baseline.name,
        baseline.version,
        f"score {baseline.score:.3f}",
        place="as baseline",
        body=baseline.reason or "",
        notes={"Evidence": baseline.evidence},
    )


def _remarks(record: Evidence) -> tuple[str, ...]:
    remarks = []
    if record.generated:
        remarks.append("its cases were generated: nobody wrote a suite")
    if isinstance(record, ComparisonRecord) and record.provisional:
        remarks.append("its look was not pushed when it was written: the verdict is provisional")
    if isinstance(record, ComparisonRecord) and record.verdict in NOT_BY_ITSELF:
        remarks.append(f"its verdict is {record.verdict}")
    return tuple(remarks)
