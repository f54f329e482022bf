"""`train`: learn from feedback, meet the hold-out once, commit a candidate that is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from promptvc.base.errors import GitError, OverBudget, PromptvcError, Usage
from promptvc.base.ids import new_ulid
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.recording import Facts, comparison_record
from promptvc.evaluation.running.spent import Spent
from promptvc.evidence.records import Tokens, VersionRef, path, to_bytes
from promptvc.git.commits import maintain
from promptvc.git.remotes import Transfer
from promptvc.prompts.edit import edit
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.proposals import Proposed, propose, publish, waiting
from promptvc.training.approaches.adversarial.dataset import joined
from promptvc.training.data.claims import OLDER
from promptvc.training.optimizer import SessionOptimizer
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.recording import Cost, Made, Met, Start, decide, training_record, with_look
from promptvc.training.scoring import Tools
from promptvc.training.selector import check_names, select
from promptvc.training.train import FEWEST_CASES
from promptvc.training.train import train as find_candidate
from promptvc.training.trained import Trained, TrainRequest
from promptvc.workflows.autodeploy import auto_deploy
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
    if request.dry_run or not project.settings.training.auto_deploy.enabled:
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
        self.id = new_ulid(project.clock())
        self.started = project.clock()
        self.prepared = prepare(project, name, request)
        self.name = self.prepared.name
        self.split = self.prepared.split
        self.baseline = self.prepared.baseline
        self.session = open_training(project, self.prepared, request)
        self.under_way = False
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
        self._record(found, f"failed: {error}" if str(error) else "failed: interrupted", self.met)

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
            self._record(found, reason)
        others = waiting(self.project.resolver, self.baseline, None)
        return self._trained(found, reason, others=others)

    def _decided(self, found: TrainingOutcome, unnumbered: bytes, met: Met) -> Trained:
        """Commit the candidate if the comparison, or the user, says so; record the training either way."""
        commit, reason = decide(met.comparison, self.split, draft=self.request.draft)
        made, pushed = self._propose(found, unnumbered, met) if commit else (None, None)
        self._record(found, reason, met, made)
        if self.request.push:
            self.ledgers.push()
        if made is not None and pushed is not None and not pushed.ok:
            raise GitError(f"cannot push {made.branch}: {pushed.reason}", hint=pushed.hint)
        others = waiting(self.project.resolver, self.baseline, unnumbered)
        return self._trained(found, reason, met, made, others)

    def _propose(
        self, found: TrainingOutcome, unnumbered: bytes, met: Met
    ) -> tuple[Proposed, Transfer | None]:
        """The candidate on its branch, and with ``--push`` how its push ended."""
        project = self.project

        def describe(number: int, digest: str) -> tuple[Mapping[str, bytes], str]:
            record = comparison_record(
                self._facts(found, met, VersionRef(number, digest)), self._pin, met.comparison
            )
            text = self._message(found, met.comparison, number)
            files = {
                project.top(place): joined(project.at(project.main_commit, place), data, file=place)
                for place, data in found.files.items()
            }
            return {**files, project.top(path(record)): to_bytes(record)}, text

        what = (project.resolver, self.baseline, unnumbered, describe)
        made, pushed = (
            publish(*what, project.settings.remote) if self.request.push else (propose(*what), None)
        )
        maintain(project.repository)
        project.log.event("training.committed", name=self.name, branch=made.branch, commit=made.commit)
        return made, pushed

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

    def _message(self, found: TrainingOutcome, comparison: Comparison, number: int) -> str:
        score = comparison.score
        assert score is not None
        verdict = f"{comparison.verdict} ({score.baseline:.3f} -> {score.candidate:.3f}, n={score.n})"
        notes = {"Approach": found.approach, "Evidence": self.id, "Verdict": verdict}
        detail = f"{score.difference * 100:+.1f} points by {found.approach}"
        return message("Train", self.name, number, detail, notes=notes)

    def _record(
        self, found: TrainingOutcome, reason: str, met: Met | None = None, made: Proposed | None = None
    ) -> None:
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
        record = training_record(
            start,
            found,
            Cost(spent.calls, Tokens(spent.tokens_in, spent.tokens_out), spent.cost),
            reason=reason,
            met=met,
            made=Made(VersionRef(made.version, made.digest), made.branch) if made else None,
            promoted=self._is_promoted(met, made),
        )
        self.ledgers.record(with_look(record, self.meeting.state))
        self.under_way = False

    def _is_promoted(self, met: Met | None, made: Proposed | None) -> bool:
        """Whether the candidate was committed as more than a draft."""
        better = met is not None and met.comparison.verdict == "improvement"
        return made is not None and better and self.split.promotable

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
            promoted=self._is_promoted(met, made),
            comparison=met.comparison if met else None,
            calls=spent.calls,
            tokens=spent.tokens,
            cost=spent.cost,
            look=met.number if met else None,
            reason=reason,
            training=found,
            training_id=None if self.request.dry_run else self.id,
            models=self.prepared.models,
            left_out=self.prepared.left_out,
            remarks=tuple(remarks),
        )
