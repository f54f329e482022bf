"""Which training made a version, for the stories that repeat it: from a reference, a branch or the training's id."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptvc.base.errors import InputError, NotFound
from promptvc.base.ids import is_ulid
from promptvc.evidence.ledger import Training
from promptvc.evidence.records import ComparisonRecord
from promptvc.prompts.edit import with_version
from promptvc.store.foreign import refuse_foreign
from promptvc.store.ledgers import Ledgers
from promptvc.store.proofs import evidence_of
from promptvc.store.versions import Version
from promptvc.workflows.project import Project

_BRANCH = re.compile(
    r"(?:refs/heads/|(?:refs/remotes/)?[^/@]+/)?promptvc/(?P<name>[^@]+)/v(?P<number>[0-9]{1,9})"
)
_FETCH = "git fetch {remote} promptvc/ledger:promptvc/ledger"


@dataclass(frozen=True, slots=True)
class Made:
    """A training and the version that came out of it; None where none did, or its content is not in this clone."""

    training: Training
    version: Version | None


def made(project: Project, reference: str) -> Made:
    """The training that made ``reference``: NAME@REV, the branch of a candidate, or a training's id.

    A version that got another number on its way to main is still the training's; so is one that somebody changed
    afterwards and left under the number, beside the evidence, of what the training made.

    Raises:
        NotFound: no such version or training; a version that no training made, or none that is known here.
    """
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    if is_ulid(reference):
        found = ledgers.find(reference)
        if found is None:
            raise NotFound(f"there is no training {reference} in the ledger", hint=_fetch(project))
        return Made(found, _candidate(project, found))
    branch = _BRANCH.fullmatch(reference)
    wanted = f"{branch['name']}@v{branch['number']}" if branch else reference
    version = (_tip(project, reference, branch["name"]) if branch else None) or project.resolver.resolve(
        wanted
    )
    refuse_foreign(version.path, version.name, "verify")
    trainings = ledgers.read(version.name).trainings
    for training in trainings:
        if training.candidate is not None and training.candidate.digest == version.digest:
            return Made(training, version)
    plain = unnumbered(version.data, file=version.source)
    for training in trainings:
        other = _candidate(project, training)
        if other is not None and unnumbered(other.data, file=other.source) == plain:
            return Made(training, version)
    claimed = _claimed(project, version)
    for training in trainings:
        if training.id in claimed:
            return Made(training, version)
    raise _by_nobody(project, version)


def _tip(project: Project, branch: str, name: str) -> Version | None:
    """What stands at the tip of a branch, whatever its number; None where there is no such branch here."""
    commit = project.repository.resolve(branch)
    return None if commit is None else project.resolver.at(name, commit)


def unnumbered(data: bytes, *, file: str) -> bytes:
    """A prompt's content whatever its number: with version 1."""
    return with_version(data, 1, file=file)


def _candidate(project: Project, training: Training) -> Version | None:
    """The content that a training made; None where there is none, or this clone has not got it."""
    ref = training.candidate
    if ref is None or ref.version is None:
        return None
    try:
        data = project.objects.blob(ref.digest)
    except NotFound:
        return None
    return Version(training.prompt, ref.version, ref.digest, None, data, f"{training.prompt} v{ref.version}")


def _claimed(project: Project, version: Version) -> set[str]:
    """The trainings whose candidate has the number of ``version`` by the evidence in its commit."""
    return {
        one.training
        for one in evidence_of(project.resolver, version.name, version.commit)
        if isinstance(one, ComparisonRecord)
        and one.training is not None
        and one.candidate.version == version.version
    }


def _by_nobody(project: Project, version: Version) -> NotFound:
    commits = (project.resolver.head, project.main_commit, version.commit)
    cited = any(
        isinstance(one, ComparisonRecord)
        and one.candidate.digest == version.digest
        and one.training is not None
        for one in evidence_of(project.resolver, version.name, *commits)
    )
    label = f"{version.name} v{version.version}"
    if cited:
        return NotFound(
            f"the training that made {label} is not in the ledger of this clone", hint=_fetch(project)
        )
    return NotFound(
        f"no training made {label}", hint=f"promptvc why {version.name}@v{version.version} tells who did"
    )


def _fetch(project: Project) -> str:
    return _FETCH.format(remote=project.settings.remote)


def require_commit(project: Project, training: Training) -> str:
    """The commit that a training read.

    Raises:
        InputError: its record is older than the key.
        NotFound: this clone has not got it.
    """
    if training.main is None:
        raise InputError(
            f"training {training.id} was recorded before trainings kept what they were asked for",
            hint="train again; a newer record can be repeated",
        )
    try:
        project.objects.commit(training.main)
    except NotFound:
        raise NotFound(
            f"training {training.id} read the commit {training.main[:12]}, which this clone has not got",
            hint="fetch the whole history of main: git fetch --unshallow, or git fetch",
        ) from None
    return training.main
