"""`train`: learn from feedback, meet the hold-out once, commit a candidate that is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import GitError, NotFound, OverBudget, Usage
from promptvc.base.ids import new_ulid
from promptvc.evaluation.cache import Cache
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.recording import Facts, comparison_record
from promptvc.evaluation.session import Session
from promptvc.evaluation.suite import Suite, check_variables, load_suite
from promptvc.evaluation.tasks import RunOptions
from promptvc.evidence.ledger import Look, fold
from promptvc.evidence.records import Tokens, VersionRef, path, to_bytes
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.git.commits import maintain
from promptvc.git.objects import blob_id
from promptvc.git.remotes import Transfer
from promptvc.models.chat import open_model
from promptvc.models.providers import OFFLINE
from promptvc.prompts.edit import edit
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import nearest, path_of
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.proposals import Proposed, propose, publish
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.training.claims import ClaimOptions
from promptvc.training.datasets import Dataset, build
from promptvc.training.holdout import divide
from promptvc.training.recording import Cost, Made, Met, Start, decide, training_record
from promptvc.training.scorer import SessionScorer
from promptvc.training.task import TrainingOptions, TrainingOutcome, TrainingTask
from promptvc.training.train import train as find_candidate
from promptvc.workflows.project import Progress, Project, silent


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """How to train; None takes what `promptvc.yaml` says. ``models`` are trained for together."""

    approach: str = "auto"
    seed: int = 0
    max_examples: int | None = None
    max_calls: int | None = None
    days: int | None = None
    models: tuple[str, ...] = ()
    reviewed_only: bool = False
    draft: bool = False
    dry_run: bool = False
    push: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    Attributes:
        baseline: version of main; ``candidate`` the version that was made, None when there is none.
        comparison: on the hold-out; None without a look.
        training: what it found on training cases, with the examples it adds and removes.
        look: its number in the epoch, None without a look.
        reason: why it ended this way, in one sentence.
    """

    name: str
    approach: str
    baseline: int
    candidate: int | None
    branch: str | None
    commit: str | None
    promoted: bool
    comparison: Comparison | None
    calls: int
    look: int | None
    reason: str
    training: TrainingOutcome
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str | None:
        """The verdict of the comparison, None without one."""
        return self.comparison.verdict if self.comparison else None

    def to_json(self) -> dict[str, Any]:
        """As `train --json` prints it."""
        score = self.comparison.score if self.comparison else None
        keys = ("baseline", "candidate", "difference", "low", "high", "n")
        return {
            "name": self.name,
            "approach": self.approach,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "branch": self.branch,
            "commit": self.commit,
            "promoted": self.promoted,
            "verdict": self.verdict,
            "recommendation": self.comparison.recommendation if self.comparison else None,
            "score": {key: getattr(score, key) for key in keys} if score else None,
            "changes": {"rules": 0, "examples": len(self.training.added) + len(self.training.removed)},
            "calls": self.calls,
            "look": self.look,
            "reason": self.reason,
        }


def train(project: Project, name: str, request: TrainRequest, *, progress: Progress = silent) -> Trained:
    """Train ``name`` from main, with the feedback and the suite that main has.

    Raises:
        NotFound: main has no such prompt.
        OverBudget: ``max_calls`` is too few to compare on the hold-out.
        ProviderError, Interrupted: from the models; a look that was reserved counts.
    """
    return _Training(project, name, request, progress).outcome()


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
        self.name = parse_reference(name).name
        self.main = project.need_main()
        self.baseline = self._version()
        self.path = path_of(self.name)
        self.prompt = load_prompt(self.baseline.data, file=self.path, name=self.name, memo=project.memo)
        self.id = new_ulid(project.clock())
        self.started = project.clock()
        self.suite = self._suite()
        self.dataset = self._dataset()
        self.split = divide(self.dataset.items, self.suite.cases if self.suite else None, self.prompt)
        default = self.prompt.model or project.settings.model or OFFLINE
        self.models = request.models or (default,)
        self.repeats = 1 if set(self.models) == {OFFLINE} else 3
        self.session = self._session()

    def _version(self) -> Version:
        found = self.project.resolver.latest(self.name)
        if found is not None:
            return found
        known = self.project.resolver.names(self.main)
        near = nearest(self.name, known)
        hint = f"did you mean {near}?" if near else "training starts from main: commit the prompt there first"
        raise NotFound(f"main has no prompt {self.name}", hint=hint)

    def _suite(self) -> Suite | None:
        file = f"evaluation/{self.name}.yaml"
        data = self.project.at(self.main, file)
        if data is None:
            return None
        suite = load_suite(data, file=file, memo=self.project.memo)
        check_variables(suite, [one.name for one in self.prompt.variables if one.required])
        return suite

    def _dataset(self) -> Dataset:
        project, request = self.project, self.request
        blobs = project.tree(self.main, f"{FOLDER}/{self.name}")
        mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == self.name}
        reading = read_segments({path: project.objects.blob(blob) for path, blob in mine.items()})
        options = ClaimOptions(request.days, request.reviewed_only, project.settings.feedback)
        return build(reading.events, self.prompt, options)

    def _session(self) -> Session:
        project = self.project
        settings = project.settings.models
        options = RunOptions(
            concurrency=settings.concurrency,
            max_calls=self.request.max_calls or project.settings.training.max_calls,
            cache=Cache(project.state / "cache", clock=project.clock),
        )
        models = [open_model(spec, settings=settings, environ=project.environ) for spec in self.models]
        return Session(models, options, self.repeats)

    def outcome(self) -> Trained:
        """Find a candidate, and if there is one let it meet the hold-out."""
        found = self._candidate()
        if found.edits is None or self.request.dry_run:
            return self._ended(found)
        unnumbered = edit(self.baseline.data, found.edits, file=self.path)
        return self._decided(found, unnumbered, self._meet(unnumbered))

    def _candidate(self) -> TrainingOutcome:
        project, request = self.project, self.request
        settings = project.settings.training
        most = request.max_calls or settings.max_calls
        reserved = 0 if request.dry_run else 2 * len(self.split.holdout) * self.session.calls_per_case
        if most <= reserved:
            raise OverBudget(
                f"--max-calls {most} leaves nothing for training: the comparison alone takes {reserved}",
                hint=f"allow more than {reserved} calls, or pass --dry-run",
            )
        options = TrainingOptions(
            approach=request.approach,
            seed=request.seed,
            max_examples=request.max_examples or settings.max_examples,
            max_tokens=settings.max_tokens,
            max_calls=most - reserved,
            min_gain=settings.min_gain,
        )
        task = TrainingTask.of(self.prompt, self.dataset, self.split)
        project.log.event("training.started", name=self.name, events=len(task.events), cases=len(task.cases))
        return find_candidate(task, SessionScorer(self.session, self.progress("training")), options)

    def _ended(self, found: TrainingOutcome) -> Trained:
        """Without a look: nothing better was found, or it was only asked what would change."""
        reason = found.reason
        if self.request.dry_run:
            reason = f"dry run, the hold-out was not looked at: {reason}"
        else:
            self._record(found, reason)
        return self._trained(found, reason)

    def _meet(self, unnumbered: bytes) -> Met:
        """The one comparison on the hold-out, at the level that this look may spend.

        The look is in the ledger before the first call on the hold-out: a crash counts as a look.
        """
        look = self._reserve(unnumbered)
        state = fold(self.ledgers.read(self.name).looks, look.cases, key=look.key)
        cases = self.split.holdout
        clusters = {case.id: cluster for case, cluster in zip(cases, self.split.clusters, strict=True)}
        candidate = load_prompt(unnumbered, file=self.path, name=self.name)
        options = CompareOptions(
            alpha=state.alpha,
            bars=self.project.settings.evaluation,
            guards=self.suite.guards if self.suite else {},
            provisional=not self.ledgers.is_pushed(look),
        )
        sides = [
            self.session.scores(prompt, cases, clusters=clusters, progress=self.progress(label))
            for label, prompt in (("candidate", candidate), ("baseline", self.prompt))
        ]
        return Met(state, compare(sides[0], sides[1], options))

    def _reserve(self, unnumbered: bytes) -> Look:
        if not self.split.holdout:
            raise NotFound("there is no hold-out", hint=f"write cases into evaluation/{self.name}.yaml")
        if self.request.push:
            self.ledgers.fetch()
        digest = blob_id(unnumbered, self.project.repository.object_format)
        digests = (digest, self.baseline.digest, self.split.holdout_digest)
        wanted = Look.reserve(self.id, self.started, self.name, digests, self.split.holdout_keys)
        look = self.ledgers.reserve(wanted, self.project.clock)
        self.project.log.event("training.look_reserved", name=self.name, key=look.key)
        if self.request.push:
            self.ledgers.push()
        return look

    def _decided(self, found: TrainingOutcome, unnumbered: bytes, met: Met) -> Trained:
        """Commit the candidate if the comparison, or the user, says so; record the training either way."""
        commit, reason = decide(met.comparison, self.split, draft=self.request.draft)
        made, pushed = self._propose(found, unnumbered, met) if commit else (None, None)
        self._record(found, reason, met, made)
        if self.request.push:
            self.ledgers.push()
        if made is not None and pushed is not None and not pushed.ok:
            raise GitError(f"cannot push {made.branch}: {pushed.reason}", hint=pushed.hint)
        return self._trained(found, reason, met, made)

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
            return {project.top(path(record)): to_bytes(record)}, text

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
            suite=self.suite.digest if self.suite else self.split.holdout_digest,
            model=",".join(self.models),
            started=self.started,
            ended=self.project.clock(),
            parameters=self.prompt.parameters,
            repeats=self.repeats,
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
        spent = self.session.spent
        start = Start(
            id=self.id,
            time=self.started,
            prompt=self.name,
            baseline=self._pin,
            seed=self.request.seed,
            model=",".join(self.models),
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
        self.ledgers.record(record)

    def _is_promoted(self, met: Met | None, made: Proposed | None) -> bool:
        """Whether the candidate was committed as more than a draft."""
        better = met is not None and met.comparison.verdict == "improvement"
        return made is not None and better and self.split.promotable

    def _trained(
        self, found: TrainingOutcome, reason: str, met: Met | None = None, made: Proposed | None = None
    ) -> Trained:
        remarks = list(self.session.warnings)
        if made is not None and made.again:
            remarks.append(f"the same candidate was on {made.branch} already")
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
            calls=self.session.spent.calls,
            look=met.number if met else None,
            reason=reason,
            training=found,
            remarks=tuple(remarks),
        )
