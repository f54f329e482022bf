"""`train`: learn from feedback, meet the hold-out once, commit a candidate that is better."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from promptvc.base.errors import GitError, OverBudget, PromptvcError, Usage
from promptvc.base.files import write_atomic
from promptvc.base.ids import new_ulid
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.recording import Facts, comparison_record
from promptvc.evaluation.running.spent import Spent
from promptvc.evidence.ledger import Training
from promptvc.evidence.records import Tokens, VersionRef
from promptvc.git.objects import blob_id
from promptvc.prompts.edit import edit
from promptvc.store.ledgers import Ledgers
from promptvc.store.proposals import Proposed, waiting
from promptvc.training.data.claims import OLDER
from promptvc.training.optimizer import SessionOptimizer
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.parcels import Offer, Parcel
from promptvc.training.recording import Cost, Met, Start, decide, training_record, with_look
from promptvc.training.scoring import Tools
from promptvc.training.selector import check_names, select
from promptvc.training.train import FEWEST_CASES
from promptvc.training.train import train as find_candidate
from promptvc.training.trained import Trained, TrainRequest
from promptvc.workflows.autodeploy import auto_deploy
from promptvc.workflows.delivering import Delivered, deliver
from promptvc.workflows.learning import (
    look_calls,
    open_tools,
    open_training,
    options_of,
    prepare,
    recorded,
    settings_of,
)
from promptvc.workflows.meeting import Meeting
from promptvc.workflows.project import Progress, Project, silent

__all__ = ["TrainRequest", "Trained", "train"]

NOTHING_TO_COMPARE_ON = (
    "there is nothing to compare a candidate on:"
    " no suite, and no inputs with a right answer that could be set aside"
)


def train(project: Project, name: str, request: TrainRequest, *, progress: Progress = silent) -> Trained:
    """Train ``name`` from main, with the feedback and the suite that main has.

    Raises:
        NotFound: main has no such prompt.
        Usage: ``name`` has a revision.
        OverBudget: ``max_calls`` is too few to compare on the hold-out.
        ProviderError, Interrupted: from the models; a look that was reserved counts.
    """
    training = _Training(project, name, request, progress)
    try:
        outcome = training.outcome()
    finally:
        training.session.close()
    stays = request.dry_run or request.parcels is not None
    if stays or not project.settings.training.auto_deploy.enabled:
        return outcome
    project.refresh()
    done = auto_deploy(project, training.name, push_main=request.push)
    said = (done.said,) if done.said is not None else ()
    return replace(outcome, deployed=done.to_json()["deployed"], remarks=(*outcome.remarks, *said))


class _Training:
    """One training under way: what it starts from, then each step."""

    def __init__(self, project: Project, name: str, request: TrainRequest, progress: Progress) -> None:
        self.project, self.request, self.progress = project, request, progress
        self.ledgers = Ledgers.of(project.resolver, project.settings.remote)
        if request.push and not self.ledgers.has_remote:
            raise Usage(
                f"--push: there is no remote {project.settings.remote}",
                hint="git remote add, or leave it out",
            )
        check_names(request.approach, settings_of(project, request).approaches)
        reserved = request.reserved
        self.id = new_ulid(project.clock()) if reserved is None else reserved.id
        self.started = project.clock()
        self.prepared = prepare(project, name, request, at=None if reserved is None else reserved.main)
        self.name = self.prepared.name
        self.split = self.prepared.split
        self.baseline = self.prepared.baseline
        self.session = open_training(project, self.prepared, request)
        self.under_way = reserved is not None  # else its look would count although it never began
        self.parcel: Path | None = None
        self.promoted = False
        self.found: TrainingOutcome | None = None
        self.meeting = Meeting(project, self.prepared, self.session, self.ledgers, request)
        self.met: Met | None = None
        self.tools: Tools | None = None

    def outcome(self) -> Trained:
        """Find a candidate, and if there is one let it meet the hold-out; one that fails leaves its record too."""
        try:
            return self._outcome()
        except (Exception, KeyboardInterrupt) as error:
            if self.under_way and not self.request.dry_run:
                # What stopped the training is to be told, not what kept it from being written down.
                with suppress(PromptvcError):
                    self._failed(error)
            raise

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, OverBudget):
            self.session.spent.cost = None  # the calls under way are in no account
        found = self.found or TrainingOutcome(self.request.approach, "", events=self.prepared.task.events)
        reason = f"failed: {error}" if str(error) else "failed: interrupted"
        self._keep(Parcel(self._record(found, reason, self.met)), push=False)

    def _outcome(self) -> Trained:
        found = self.found = self._candidate()
        if found.edits is None or self.request.dry_run:
            return self._ended(found)
        unnumbered = edit(self.baseline.data, found.edits, file=self.prepared.path)
        met = self.met = self.meeting.meet(found, unnumbered, self.id, self.started, self.progress)
        return self._decided(found, unnumbered, met)

    def _candidate(self) -> TrainingOutcome:
        project, request, task = self.project, self.request, self.prepared.task
        reserved = look_calls(self.prepared, self.session)
        least = reserved + 2 * FEWEST_CASES * self.session.calls_per_case
        most = request.max_calls or settings_of(project, request).max_calls
        if most < least:
            raise OverBudget(
                f"{most} calls are too few: the comparison alone takes {reserved}",
                hint=f"allow {least} calls or more: --max-calls, or training.max_calls",
            )
        options = options_of(project, request, reserved=reserved)
        if not self.split.holdout and select(task, options).stages:
            return TrainingOutcome(request.approach, NOTHING_TO_COMPARE_ON, events=task.events)
        self.tools = open_tools(project, self.prepared, request, self.session, self.progress)
        self.under_way = True
        project.log.event("training.started", name=self.name, events=len(task.events), cases=len(task.cases))
        return find_candidate(task, options, self.tools)

    @property
    def _spent(self) -> Spent:
        """On answers, on judging them, and on proposals."""
        total = Spent()
        total.add(self.session.spent)
        for other in (self.session.judging, self.tools.optimizer if self.tools else None):
            if isinstance(other, ModelBench | SessionOptimizer):
                total.add(other.spent)
        return total

    def _ended(self, found: TrainingOutcome) -> Trained:
        """Without a look: nothing better was found, or it was only asked what would change."""
        reason = found.reason
        if self.request.dry_run:
            reason = f"dry run, the hold-out was not looked at: {reason}"
        else:
            self._keep(Parcel(self._record(found, reason)), push=self.request.push)
        others = waiting(self.project.resolver, self.baseline, None)
        return self._trained(found, reason, others=others)

    def _decided(self, found: TrainingOutcome, unnumbered: bytes, met: Met) -> Trained:
        """Commit the candidate if the comparison, or the user, says so; record the training either way."""
        commit, reason = decide(met.comparison, self.split, draft=self.request.draft)
        offer = self._offer(found, unnumbered, met) if commit else None
        self.promoted = self._is_promoted(met, offer)
        record = self._record(found, reason, met, promoted=self.promoted)
        done = self._keep(Parcel(record, offer), push=self.request.push)
        made, pushed = done.made, done.pushed
        if made is not None and pushed is not None and not pushed.ok:
            raise GitError(f"cannot push {made.branch}: {pushed.reason}", hint=pushed.hint)
        others = waiting(self.project.resolver, self.baseline, unnumbered)
        return self._trained(found, reason, met, made, others)

    def _offer(self, found: TrainingOutcome, unnumbered: bytes, met: Met) -> Offer:
        """The candidate, with its evidence."""
        digest = blob_id(unnumbered, self.project.repository.object_format)
        facts = self._facts(found, met, VersionRef(None, digest))
        return Offer(unnumbered, comparison_record(facts, self._pin, met.comparison), found.files)

    def _keep(self, parcel: Parcel, *, push: bool) -> Delivered:
        """Commit what came of it, or leave it for a job that may."""
        folder = self.request.parcels
        if folder is None:
            done = deliver(self.project, parcel, push=push)
        else:
            self.parcel = folder / parcel.filename
            write_atomic(self.parcel, parcel.to_bytes())
            done = Delivered()
        self.under_way = False
        return done

    def _facts(self, found: TrainingOutcome, met: Met, ref: VersionRef) -> Facts:
        return Facts(
            id=self.id,
            prompt=self.name,
            candidate=ref,
            suite=self.prepared.suite.digest if self.prepared.suite else self.split.holdout_digest,
            model=",".join(self.prepared.models),
            started=self.started,
            ended=self.project.clock(),
            parameters=self.prepared.prompt.parameters,
            repeats=self.prepared.repeats,
            seed=self.request.seed,
            holdout=self.split.holdout_digest,
            look=met.number,
            approach=found.approach,
            training=self.id,
        )

    @property
    def _pin(self) -> VersionRef:
        return VersionRef(self.baseline.version, self.baseline.digest)

    def _record(
        self, found: TrainingOutcome, reason: str, met: Met | None = None, *, promoted: bool = False
    ) -> Training:
        spent = self._spent
        start = Start(
            id=self.id,
            time=self.started,
            prompt=self.name,
            baseline=self._pin,
            seed=self.request.seed,
            model=",".join(self.prepared.models),
            left_out=self.prepared.left_out,
            main=self.prepared.main,
            options=recorded(self.project, self.request),
            trigger=self.request.trigger,
        )
        cost = Cost(spent.calls, Tokens(spent.tokens_in, spent.tokens_out), spent.cost)
        record = training_record(start, found, cost, reason=reason, met=met, promoted=promoted)
        return with_look(record, self.meeting.state)

    def _is_promoted(self, met: Met | None, offer: Offer | None) -> bool:
        """Whether the candidate is committed as more than a draft."""
        better = met is not None and met.comparison.verdict == "improvement"
        return offer is not None and better and self.split.promotable

    def _trained(
        self,
        found: TrainingOutcome,
        reason: str,
        met: Met | None = None,
        made: Proposed | None = None,
        others: Sequence[str] = (),
    ) -> Trained:
        spent = self._spent
        remarks = [*found.remarks, *self.session.warnings]
        if found.edits is None and (older := self.prepared.left_out.get(OLDER, 0)):
            remarks.append(f"{older:,} events are too old: --days, or training.days, takes them in")
        if made is not None and made.again:
            remarks.append(f"the same candidate was on {made.branch} already")
        if found.edits is None and not self.prepared.suite_holds_out and self.split.holdout:
            share = f"{len(self.split.holdout)} of {len(self.split.holdout) + len(self.split.items)} inputs"
            remarks.append(f"there is no suite: {share} are set aside to compare on")
        if others:
            those = "another candidate waits" if len(others) == 1 else f"{len(others)} other candidates wait"
            remarks.append(f"{those} to be merged: {', '.join(others)}")
        if met is not None and met.comparison.provisional:
            remarks.append("the verdict is provisional until the look is pushed: train --push does that")
        return Trained(
            name=self.name,
            approach=found.approach,
            baseline=self.baseline.version,
            candidate=made.version if made else None,
            branch=made.branch if made else None,
            commit=made.commit if made else None,
            promoted=self.promoted,
            comparison=met.comparison if met else None,
            calls=spent.calls,
            tokens=spent.tokens,
            cost=spent.cost,
            look=met.number if met else None,
            reason=reason,
            training=found,
            training_id=None if self.request.dry_run else self.id,
            parcel=self.parcel,
            models=self.prepared.models,
            left_out=self.prepared.left_out,
            remarks=tuple(remarks),
        )
