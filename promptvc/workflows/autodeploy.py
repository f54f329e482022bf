"""Auto-deployment: what training made goes to an environment by itself, above a bar of its own.

Off by default. Its settings are main's: a file that nobody has merged decides nothing here. Taken is the newest
trained version on main, if the environment does not run it or a newer one, and if the training's own comparison on the
hold-out says enough: an improvement of ``improvement``, every guard held, ``safety`` measured and reached, and `deploy`
recommended. The gates of the environment, holds among them, are asked as for `promptvc deploy`.

With ``human_review`` only what a person brought to main is taken. Without it the newest candidate branch that says
enough is merged first, if main has the files that it changes as it found them. Each step is a commit on main.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.config import FILE, AutoDeploySettings, load_settings
from promptvc.base.errors import GitError, Interrupted, PromptvcError, Refused
from promptvc.deployment.holds import find_hold
from promptvc.evaluation.unattended import enough, shortfall
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.ledger import number
from promptvc.evidence.records import ApprovalRecord
from promptvc.git.remotes import push
from promptvc.git.trailers import first_trailer, parse_trailers
from promptvc.prompts.names import check_environment, path_of
from promptvc.store.adoption import adopt
from promptvc.store.candidates import Candidate, candidates
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.proofs import evidence_of
from promptvc.store.versions import Version
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipment, Shipped, asking, put

OFF = "auto-deployment is off"
_REVIEW, _NONE = "Review", "none"
"""The trailer of a merge that no person looked at."""


@dataclass(frozen=True, slots=True)
class AutoDeployment:
    """What came of it.

    Attributes:
        reason: why it was deployed, or why not; one sentence without its full stop.
        shipped: what the environment runs now; None when nothing was deployed.
        merged: the candidate branch that was merged into main, deployed or not.
        idle: there is nothing that it could deploy: it is off, or the environment runs the newest already.
        error: what kept it from coming to an end; None also where the answer is simply no.
    """

    name: str
    reason: str
    shipped: Shipped | None = None
    merged: str | None = None
    idle: bool = False
    error: PromptvcError | None = None

    @property
    def said(self) -> str | None:
        """One line for people; None where there is nothing to say."""
        if self.idle:
            return None
        if self.shipped is None:
            return f"{self.name} is not deployed: {self.reason}"
        return f"{self.shipped.environment} runs {self.name} v{self.shipped.version}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """``deployed`` (null when it was not) and ``reason``."""
        deployed = None if self.shipped is None else {**self.shipped.to_json(), "merged": self.merged}
        return {"deployed": deployed, "reason": self.reason}


def auto_deploy(project: Project, name: str, *, push_main: bool = False) -> AutoDeployment:
    """Deploy the newest trained version of ``name`` if main's settings and its evidence say so.

    What goes wrong is a value too: a training that ended is not undone by it. ``project`` reads branches anew
    afterwards where main was moved.

    Args:
        push_main: push main when it was moved.

    Raises:
        Interrupted: Ctrl-C.
    """
    try:
        return _Unattended(project, name, push_main=push_main).outcome()
    except Interrupted:
        raise
    except Refused as refused:
        return AutoDeployment(name, str(refused))
    except PromptvcError as error:
        return AutoDeployment(name, str(error), error=error)


@dataclass(frozen=True, slots=True)
class _Trained:
    """A version that a training made, with that training's comparison; ``branch`` where it is not on main."""

    version: Version
    record: ComparisonRecord
    branch: str | None = None

    @property
    def label(self) -> str:
        return f"v{self.version.version}"


class _Unattended:
    """One prompt, under way."""

    def __init__(self, project: Project, name: str, *, push_main: bool) -> None:
        self.project, self.name, self.push_main = project, name, push_main
        self.main = project.need_main()
        self.settings = load_settings(project.at(self.main, FILE), file=FILE, memo=project.memo)
        self.rules: AutoDeploySettings = self.settings.training.auto_deploy
        self.environment = self.rules.environment or self.settings.default_environment

    def outcome(self) -> AutoDeployment:
        if not self.rules.enabled:
            return AutoDeployment(self.name, OFF, idle=True)
        check_environment(self.environment)
        waits = ""
        merged = None
        if not self.rules.human_review:
            waiting = self._waiting()
            short = waiting and (self._shortfall(waiting) or self._closed(waiting))
            if waiting and short:
                waits = f"{waiting.label} stays on its branch, {short}; "
            elif waiting:
                self._merge(waiting)
                merged = waiting.branch
        found = self._on_main()
        if found is None:
            reason = f"{waits}main has no version that training made"
            return AutoDeployment(self.name, reason, idle=not waits)
        standing = self._standing(found)
        short = standing or self._shortfall(found) or self._unreviewed(found)
        if short:
            idle = standing is not None and not waits
            return AutoDeployment(self.name, f"{waits}{found.label}: {short}", merged=merged, idle=idle)
        return self._deploy(found, merged)

    def _on_main(self) -> _Trained | None:
        """The newest trained version on main."""
        resolver = self.project.resolver
        for record in self._comparisons(resolver.main):
            number, digest = record.candidate.version, record.candidate.digest
            version = resolver.numbered(self.name, number) if number is not None else None
            if version is not None and version.digest == digest and resolver.is_on_main(self.name, digest):
                return _Trained(version, record)
        return None

    def _waiting(self) -> _Trained | None:
        """The newest trained candidate that is newer than what main has."""
        resolver = self.project.resolver
        latest = resolver.latest(self.name)
        for one in reversed(candidates(self.project.repository, self.name)):
            if latest is None or one.number <= latest.version:
                return None
            found = self._candidate(one)
            if found is not None:
                return found
        return None

    def _candidate(self, one: Candidate) -> _Trained | None:
        version = self.project.resolver.at(self.name, one.commit)
        if version is None or version.version != one.number:
            return None
        record = next(
            (each for each in self._comparisons(one.commit) if each.candidate.digest == version.digest), None
        )
        branch = one.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        return None if record is None else _Trained(version, record, branch)

    def _comparisons(self, commit: str | None) -> list[ComparisonRecord]:
        """Those that trainings made, of the newest version first."""
        records = evidence_of(self.project.resolver, self.name, commit)
        made = [one for one in records if isinstance(one, ComparisonRecord) and one.training is not None]
        return sorted(made, key=lambda one: (one.candidate.version or 0, one.id), reverse=True)

    def _standing(self, found: _Trained) -> str | None:
        """Why the environment has no need of it."""
        running = self.project.resolver.deployed(self.name, self.environment)
        if running is None:
            return None
        if running.digest == found.version.digest:
            return f"{self.environment} runs it already"
        if running.version > found.version.version:
            return f"{self.environment} runs v{running.version}, which is newer"
        return None

    def _shortfall(self, found: _Trained) -> str | None:
        """Why its evidence does not say enough."""
        record = found.record
        ledgers = Ledgers.of(self.project.resolver, self.settings.remote)
        ledger = ledgers.read(self.name)
        training = next((one for one in ledger.trainings if one.id == record.training), None)
        key = training.look_key if training is not None else None
        look = next((one for one in number(ledger.looks) if one.look.key == key), None)
        alpha = look.alpha if look is not None and ledgers.is_pushed(look.look) else None
        short = shortfall(record, self.rules, alpha=alpha)
        if short is not None:
            return short
        if training is None:
            return f"the record of its training {record.training} is not in this clone"
        return None if training.promoted else "its training made it as a draft only"

    def _unreviewed(self, found: _Trained) -> str | None:
        """Where a person has to have brought it to main: whether it was merged by itself, and nobody approved it."""
        if not self.rules.human_review:
            return None
        project, digest = self.project, found.version.digest
        for change in project.history.changes(path_of(self.name), project.need_main(), first_parent=True):
            if change.blob == digest:
                trailers = parse_trailers(project.repository.text("log", "-1", "--format=%B", change.commit))
                if first_trailer(trailers, f"Promptvc-{_REVIEW}") != _NONE:
                    return None
        for record in evidence_of(project.resolver, self.name, project.main_commit):
            if isinstance(record, ApprovalRecord) and record.digest == digest:
                return None
        return "nobody has reviewed it: it was merged by itself"

    def _closed(self, found: _Trained) -> str | None:
        """What would keep it from being deployed after a merge: then nothing is merged either."""
        latest = self.project.resolver.latest(self.name)
        if latest is None or latest.digest != found.record.baseline.digest:
            return "main has another version than it was compared with"
        gates = asking(self.project)
        hold = find_hold(gates.holds(self.main, self.environment, self.name), found.version.digest)
        if hold is not None:
            return f"it is held in {self.environment}: {hold.reason}"
        source = gates.rules(self.environment).promotes_from
        return f"{self.environment} promotes from {source}" if source is not None else None

    def _merge(self, found: _Trained) -> None:
        """
        Raises:
            Refused: a person has to merge it.
        """
        project, branch = self.project, found.branch
        assert branch is not None
        assert project.main is not None
        text = self._message(found)
        done = adopt(project.resolver, found.version, branch, project.main, text)
        project.log.event("deployment.merged", name=self.name, branch=branch, commit=done.commit)
        project.refresh()
        self.main = project.need_main()
        self._push()

    def _message(self, found: _Trained) -> str:
        record = found.record
        assert record.score is not None
        detail = f"{record.score.difference * 100:+.1f} points by {record.approach or 'training'}"
        notes = {**_proof(record), _REVIEW: _NONE}
        return message("Merge", self.name, found.version.version, detail, notes=notes)

    def _deploy(self, found: _Trained, merged: str | None) -> AutoDeployment:
        project, record = self.project, found.record
        reason = enough(record)
        notes = {**_proof(record), "Unattended": "training.auto_deploy"}
        shipment = Shipment(found.version, self.environment, project.main, reason=reason, notes=notes)
        try:
            shipped = put(project, shipment)
        except Refused as refused:
            return AutoDeployment(self.name, f"{found.label}: {refused}", merged=merged)
        project.refresh()
        self._push()
        return AutoDeployment(self.name, reason, shipped, merged)

    def _push(self) -> None:
        """
        Raises:
            GitError: the remote refuses, or cannot be reached; what was committed stays here.
        """
        if not self.push_main:
            return
        remote, branch = self.settings.remote, self.project.main
        done = push(self.project.repository, remote, f"refs/heads/{branch}")
        if not done.ok:
            raise GitError(f"cannot push {branch} to {remote}: {done.reason}", hint=done.hint)


def _proof(record: ComparisonRecord) -> dict[str, str]:
    """Trailers that name what the step rests on."""
    return {"Evidence": record.id, "Training": record.training or ""}
