"""`publish`: commit and push what trainings in another job made.

That job had keys and read what strangers wrote; this one may write. So a parcel is taken for what it could be, not for
what it should be: it can bring a candidate of a prompt that main has, on a branch of its own, for a training whose look
was reserved, and nothing else. What a candidate may change is its rules, examples and messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import GitError, Interrupted, InvalidDocument, NotFound, PromptvcError, Refused
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.base.stats import alpha_at
from promptvc.evidence.comparisons import RECOMMENDATIONS, VERDICTS, ComparisonRecord
from promptvc.evidence.ledger import number
from promptvc.evidence.trainings import Training
from promptvc.git.objects import blob_id
from promptvc.prompts.marks import comment_lines
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import check_name
from promptvc.store.ledgers import Ledgers
from promptvc.training.approaches.adversarial.dataset import path_of as dataset_of
from promptvc.training.parcels import MOST_BYTES, Offer, Parcel, parse_parcel
from promptvc.training.reservations import Reservation
from promptvc.workflows.delivering import baseline_of, deliver
from promptvc.workflows.project import Project

SUFFIX = ".parcel.json"
IGNORE = "promptvc: ignore"
"""In a comment it silences a finding of `check`, wherever on a line it stands."""
_MAY_CHANGE = ("rules", "examples", "messages")


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one parcel.

    Attributes:
        training: the id; ``name`` the prompt.
        version, branch, commit: of the candidate; None where the training made none.
        again: it was published before; nothing was done.
        promoted: the candidate is more than a draft.
        merged: main has the candidate by now.
        pull: its pull request, as `pr --json` prints it; None without one.
        error: why it was not published, or not proposed; None when it was.
    """

    training: str
    name: str
    reason: str = ""
    version: int | None = None
    branch: str | None = None
    commit: str | None = None
    verdict: str | None = None
    promoted: bool = False
    again: bool = False
    merged: bool = False
    pull: Mapping[str, Any] | None = None
    error: PromptvcError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `publish --json` prints it."""
        keys = (
            "training",
            "name",
            "reason",
            "version",
            "branch",
            "commit",
            "verdict",
            "promoted",
            "again",
            "merged",
        )
        error = None
        if self.error is not None:
            error = {"kind": self.error.kind, "message": str(self.error), "hint": self.error.hint}
        pull = None if self.pull is None else dict(self.pull)
        return {key: getattr(self, key) for key in keys} | {"pull": pull, "error": error}


Propose = Callable[[str], Mapping[str, Any]]
"""Opens or updates the pull request of a candidate, ``NAME@vN``, and tells of it as `pr --json` does."""


def publish(
    project: Project, folder: Path, reservation: Reservation | None = None, *, propose: Propose | None = None
) -> tuple[Published, ...]:
    """Publish every parcel in ``folder``, by the order of their names; one that is refused keeps no other back.

    With a remote everything is pushed. To publish a parcel a second time does nothing.

    Args:
        reservation: only parcels of its trainings are taken.
        propose: what is done with each candidate that main does not have yet.

    Raises:
        NotFound: there is no such folder.
        InvalidDocument: a file is no parcel.
        GitError: the ledger cannot be fetched.
    """
    parcels = _read(folder)
    allowed = None if reservation is None else {(one.id, one.prompt) for one in reservation.trainings}
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    if ledgers.has_remote:
        ledgers.fetch()
    done = []
    for parcel in parcels:
        asked = allowed is None or (parcel.training.id, parcel.training.prompt) in allowed
        one = _publish(project, ledgers, parcel) if asked else _unasked(parcel)
        done.append(one if propose is None else _proposed(project, one, propose))
    return tuple(done)


def _proposed(project: Project, one: Published, propose: Propose) -> Published:
    """With its pull request; a forge that says no to one says nothing about the next."""
    if one.error is not None or one.version is None or one.merged:
        return one
    project.refresh()
    try:
        return replace(one, pull=propose(f"{one.name}@v{one.version}"))
    except Interrupted:
        raise
    except PromptvcError as error:
        return replace(one, error=error)


def _unasked(parcel: Parcel) -> Published:
    record = parcel.training
    error = Refused(f"training {record.id} of {record.prompt} was not reserved by this run")
    return Published(record.id, record.prompt, record.reason, error=error)


def _read(folder: Path) -> Sequence[Parcel]:
    if not folder.is_dir():
        raise NotFound(
            f"there is no folder {folder}", hint="promptvc train --reserved FILE --parcel DIR makes it"
        )
    found = []
    for place in sorted(folder.rglob(f"*{SUFFIX}")):
        if place.is_symlink() or not place.is_file():
            raise InvalidDocument("a parcel is a plain file", file=str(place))
        with storage_errors(place):
            if place.stat().st_size > MOST_BYTES:
                raise InvalidDocument(f"larger than {MOST_BYTES >> 20} MiB", file=str(place))
            found.append(parse_parcel(place.read_bytes(), file=str(place)))
    return found


def _publish(project: Project, ledgers: Ledgers, parcel: Parcel) -> Published:
    record = parcel.training
    about = Published(record.id, record.prompt, record.reason, verdict=record.verdict)
    try:
        check_name(record.prompt)
        known = next((one for one in ledgers.read(record.prompt).trainings if one.id == record.id), None)
        if known is not None:
            return _again(project, about, known)
        _check(project, ledgers, parcel)
        done = deliver(project, parcel, push=ledgers.has_remote)
    except PromptvcError as error:
        return replace(about, error=error)
    made, pushed = done.made, done.pushed
    if made is None:
        return about
    about = replace(
        about, version=made.version, branch=made.branch, commit=made.commit, promoted=record.promoted
    )
    if pushed is not None and not pushed.ok:
        fault = GitError(f"cannot push {made.branch}: {pushed.reason}", hint=pushed.hint)
        return replace(about, error=fault)
    return about


def _again(project: Project, about: Published, known: Training) -> Published:
    """What an earlier attempt published; its branch may still have to be proposed."""
    found = replace(about, again=True, promoted=known.promoted)
    if known.candidate is None or known.branch is None:
        return found
    remote = project.settings.remote
    refs = (f"refs/heads/{known.branch}", f"refs/remotes/{remote}/{known.branch}")
    commit = next((tip for tip in map(project.repository.resolve, refs) if tip is not None), None)
    merged = project.resolver.is_on_main(about.name, known.candidate.digest)
    return replace(found, version=known.candidate.version, branch=known.branch, commit=commit, merged=merged)


def _check(project: Project, ledgers: Ledgers, parcel: Parcel) -> None:
    """
    Raises:
        Refused: it is not what a training of this repository makes.
        NotFound: its baseline is not here.
    """
    record = parcel.training
    if record.candidate is not None or record.branch is not None:
        raise Refused(f"the parcel of training {record.id} names a candidate that this job has not made")
    repository, main = project.repository, project.need_main()
    known = record.main is not None and repository.resolve(record.main) == record.main
    if record.main is None or not known or not repository.is_ancestor(record.main, main):
        raise Refused(f"training {record.id} read a commit that {project.main} does not have")
    baseline_of(project, parcel)
    _check_look(ledgers, record)
    if parcel.offer is not None:
        _check_offer(project, parcel, parcel.offer)


def _check_look(ledgers: Ledgers, record: Training) -> None:
    """Whatever was found on the hold-out was found at the look that was reserved, and at its level.

    Looks that were given back since then have moved it up: it may have spent less than it could, never more.
    """
    said = (record.look, record.epoch, record.alpha)
    looks = ledgers.read(record.prompt).looks
    mine = next((one for one in looks if one.is_ahead and one.id == record.id), None)
    if record.look_key is None:
        if any(one is not None for one in (*said, record.verdict, record.score, record.recommendation)):
            raise Refused(f"training {record.id} says what it found on the hold-out, and took no look")
        return
    if mine is None or record.look_key != mine.key:
        raise Refused(f"no look was reserved for training {record.id} of {record.prompt}")
    place = next(one for one in number(looks) if one.look.key == mine.key)
    if record.look is None or record.look < place.number or record.epoch != place.epoch:
        raise Refused(f"training {record.id} counts its look as another one than it is")
    if record.alpha is not None and not math.isclose(record.alpha, alpha_at(record.look)):
        raise Refused(f"training {record.id} was held to another level than its look allows")


def _check_offer(project: Project, parcel: Parcel, offer: Offer) -> None:
    record, evidence = parcel.training, offer.evidence
    name = record.prompt
    digest = blob_id(offer.text, project.repository.object_format)
    said = (evidence.prompt, evidence.training, evidence.id, evidence.candidate.digest, evidence.baseline)
    if said != (name, record.id, record.id, digest, record.baseline) or record.look is None:
        raise Refused(f"the evidence in the parcel of training {record.id} is about something else")
    same = (evidence.verdict, evidence.look, evidence.score, evidence.alpha) == (
        record.verdict,
        record.look,
        record.score,
        record.alpha,
    ) and evidence.recommendation == record.recommendation
    shown = evidence.p is not None and evidence.p <= evidence.alpha
    better = record.verdict == "improvement"
    if not same or (better and not shown) or (record.promoted and not better) or _contradicts(evidence):
        raise Refused(f"the parcel of training {record.id} contradicts itself about its verdict")
    baseline = baseline_of(project, parcel)
    load_prompt(offer.text, file=f"the candidate of training {record.id}", name=name)
    strange = _differs(baseline.data, offer.text)
    if strange is not None:
        raise Refused(f"the candidate of training {record.id} changes `{strange}`, which no training does")
    for path, data in offer.files.items():
        if path != dataset_of(name):
            raise Refused(f"training {record.id} brings a file that no training makes")
        for line in data.splitlines():
            parse_json(line, file=path)


def _differs(before: bytes, after: bytes) -> str | None:
    """The first key that is not the same and has to be; a comment that is new: it could silence a finding."""
    one, other = (load_yaml(data, file=place) for data, place in ((before, "baseline"), (after, "candidate")))
    old, new = dict(one.value), dict(other.value)
    if [message["role"] for message in old["messages"]] != [message["role"] for message in new["messages"]]:
        return "messages"
    keys = sorted(str(key) for key in (old.keys() | new.keys()) - set(_MAY_CHANGE))
    strange = next((key for key in keys if old.get(key) != new.get(key)), None)
    known = {text for _, text in comment_lines(one)}
    added = any(text not in known for _, text in comment_lines(other))
    marks = other.text.count(IGNORE) > one.text.count(IGNORE)
    return strange or ("a comment" if added or marks else None)


def _contradicts(evidence: ComparisonRecord) -> bool:
    """Whether its numbers cannot all be true."""
    score = evidence.score
    if evidence.verdict not in VERDICTS or evidence.recommendation not in {None, *RECOMMENDATIONS}:
        return True
    if score is None:
        return evidence.verdict != "incomparable"
    apart = not math.isclose(score.difference, score.candidate - score.baseline, abs_tol=1e-6)
    return apart or not score.low - 1e-6 <= score.difference <= score.high + 1e-6
