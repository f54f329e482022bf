"""Committing what a training made: the candidate on its branch, the training's record on the ledger.

The same for a training in this clone and for one that another job made. Shared by both stories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from promptvc.base.errors import NotFound
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.records import VersionRef, path, to_bytes
from promptvc.git.commits import maintain
from promptvc.git.remotes import Transfer
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.proposals import Proposed, propose, publish
from promptvc.store.versions import Version
from promptvc.training.approaches.adversarial.dataset import joined
from promptvc.training.parcels import Offer, Parcel
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Delivered:
    """``made`` is None where nothing was to be committed, ``pushed`` where nothing was to be pushed."""

    made: Proposed | None = None
    pushed: Transfer | None = None


def deliver(project: Project, parcel: Parcel, *, push: bool) -> Delivered:
    """Commit the candidate, then the record that names it; push both if asked to.

    How the push of the candidate's branch ended is a value: the record is written all the same.

    Raises:
        NotFound: the baseline is not in this clone.
        GitError, Busy, StorageError: nothing was moved, or the ledger cannot be pushed.
    """
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    done, record = Delivered(), parcel.training
    if parcel.offer is not None:
        done = _propose(project, parcel, parcel.offer, push=push)
        assert done.made is not None
        ref = VersionRef(done.made.version, done.made.digest)
        record = replace(record, candidate=ref, branch=done.made.branch)
    ledgers.record(record)
    if push:
        ledgers.push()
    return done


def baseline_of(project: Project, parcel: Parcel) -> Version:
    """The version that the training began with.

    Raises:
        NotFound: it is not in this clone, or is another one.
    """
    record = parcel.training
    found = project.resolver.at(record.prompt, record.main) if record.main is not None else None
    if found is None or found.digest != record.baseline.digest:
        raise NotFound(
            f"training {record.id} began with a version of {record.prompt} that this clone does not have",
            hint=f"git fetch {project.settings.remote}",
        )
    return found


def _propose(project: Project, parcel: Parcel, offer: Offer, *, push: bool) -> Delivered:
    def describe(number: int, digest: str) -> tuple[Mapping[str, bytes], str]:
        record = replace(offer.evidence, candidate=VersionRef(number, digest))
        files = {
            project.top(place): joined(project.at(project.main_commit, place), data, file=place)
            for place, data in offer.files.items()
        }
        return {**files, project.top(path(record)): to_bytes(record)}, _message(record)

    what = (project.resolver, baseline_of(project, parcel), offer.text, describe)
    made, pushed = publish(*what, project.settings.remote) if push else (propose(*what), None)
    maintain(project.repository)
    project.log.event(
        "training.committed", name=parcel.training.prompt, branch=made.branch, commit=made.commit
    )
    return Delivered(made, pushed)


def _message(record: ComparisonRecord) -> str:
    score = record.score
    assert score is not None
    verdict = f"{record.verdict} ({score.baseline:.3f} -> {score.candidate:.3f}, n={score.n})"
    approach = record.approach or "training"
    notes = {"Approach": approach, "Evidence": record.id, "Verdict": verdict}
    detail = f"{score.difference * 100:+.1f} points by {approach}"
    return message("Train", record.prompt, record.candidate.version or 0, detail, notes=notes)
