"""The one comparison of a training: candidate and baseline on the hold-out, at the level that a look may spend."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from promptvc.base.errors import NotFound, Refused
from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.cases.suite import Case, digest_of
from promptvc.evaluation.compare import CompareOptions, compare
from promptvc.evaluation.reduce import with_metric
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.ledger import LedgerState, Look, fold
from promptvc.git.objects import blob_id
from promptvc.prompts.model import load_prompt
from promptvc.store.ledgers import Ledgers
from promptvc.training.approaches.adversarial.holdout import Harder, harder
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.recording import Met
from promptvc.training.reservations import Reserved
from promptvc.training.trained import TrainRequest
from promptvc.workflows.learning import Prepared, look_calls, settings_of
from promptvc.workflows.project import Progress, Project

PLAIN = "plain"
"""The guard of a comparison with cases that were made harder: the score of those that were not."""


def looked_at(cases: Sequence[Case], models: Sequence[str]) -> str:
    """What a look is at: the cases, and the models that answer them. Other models give it another chance."""
    return hashlib.sha256(canonical_json([digest_of(cases), *models])).hexdigest()


class Meeting:
    """A candidate meets the hold-out, once.

    Attributes:
        state: where the look stands in the ledger; None before it is reserved.
    """

    def __init__(
        self, project: Project, prepared: Prepared, session: Session, ledgers: Ledgers, request: TrainRequest
    ) -> None:
        self.state: LedgerState | None = None
        self._project, self._prepared, self._session = project, prepared, session
        self._ledgers, self._request = ledgers, request
        self._split = prepared.split

    def meet(
        self, found: TrainingOutcome, unnumbered: bytes, training: str, started: datetime, progress: Progress
    ) -> Met:
        """Compare ``unnumbered``, the candidate's file without its number.

        The look is in the ledger before the first call on the hold-out: a crash counts as a look.

        Args:
            training: its id.

        Raises:
            NotFound: there is no hold-out.
            GitError, Busy: the look cannot be reserved.
            ProviderError, OverBudget, Interrupted: from the models.
        """
        prepared, split = self._prepared, self._split
        hard = self._harder(found)
        cases = (*split.holdout, *(each.case for each in hard))
        reserved = self._request.reserved
        if reserved is None:
            look = self._reserve(unnumbered, looked_at(cases, prepared.models), training, started)
        else:
            look = self._reserved(reserved)
        state = self.state = fold(self._ledgers.read(prepared.name).looks, look.cases, key=look.key)
        names = (*split.clusters, *(split.clusters[each.of] for each in hard))
        clusters = {case.id: cluster for case, cluster in zip(cases, names, strict=True)}
        candidate = load_prompt(unnumbered, file=prepared.path, name=prepared.name)
        bars = self._project.settings.evaluation
        guards = dict(prepared.suite.guards) if prepared.suite else {}
        options = CompareOptions(
            alpha=state.alpha,
            bars=bars,
            guards=guards | {PLAIN: bars.guard_margin} if hard else guards,
            provisional=not self._ledgers.is_pushed(look),
        )
        sides = [
            self._session.scores(prompt, cases, clusters=clusters, progress=progress(label))
            for label, prompt in (("candidate", candidate), ("baseline", prepared.prompt))
        ]
        if hard:
            plain = {case.id for case in split.holdout}
            sides = [with_metric(side, PLAIN, plain) for side in sides]
        comparison = compare(sides[0], sides[1], options)
        if not split.promotable and comparison.recommendation == "deploy":
            few = f"better, but {split.holdout_groups} independent cases are too few to deploy by"
            comparison = replace(comparison, recommendation="test_more", reason=few)
        return Met(state, comparison)

    def _reserved(self, reserved: Reserved) -> Look:
        """The look that was reserved ahead.

        Raises:
            Refused: there is none, it is of another baseline or hold-out, or a training has used it.
        """
        ledger = self._ledgers.read(self._prepared.name)
        look = next((one for one in ledger.looks if one.is_ahead and one.id == reserved.id), None)
        if look is None:
            raise Refused(
                f"no look of {self._prepared.name} is reserved for training {reserved.id} in this clone",
                hint="fetch the branch promptvc/ledger; a training that ended has used its look, or given it back",
            )
        now = (self._prepared.baseline.digest, looked_at(self._split.holdout, self._prepared.models))
        if (look.baseline, look.holdout) != now:
            raise Refused(
                f"the look of training {reserved.id} was reserved for another baseline, hold-out or model",
                hint="reserve and train with the same promptvc.yaml and promptvc, from the same commit",
            )
        if any(one.id == reserved.id for one in ledger.trainings):
            raise Refused(f"training {reserved.id} has ended already", hint="reserve another one")
        return look

    def _harder(self, found: TrainingOutcome) -> tuple[Harder, ...]:
        """Harder forms of hold-out cases for a candidate against such inputs, as far as calls are left."""
        if not found.families:
            return ()
        holdout, request = self._split.holdout, self._request
        each = look_calls(self._prepared, self._session) // max(1, len(holdout))
        most = request.max_calls or settings_of(self._project, request).max_calls
        room = (most - found.calls) // max(1, each) - len(holdout)
        return harder(self._prepared.task, holdout, found.families, request.seed, max(0, room))

    def _reserve(self, unnumbered: bytes, holdout: str, training: str, started: datetime) -> Look:
        name = self._prepared.name
        if not self._split.holdout:
            raise NotFound("there is no hold-out", hint=f"write cases into evaluation/{name}.yaml")
        if self._request.push:
            self._ledgers.fetch()
        digest = blob_id(unnumbered, self._project.repository.object_format)
        digests = (digest, self._prepared.baseline.digest, holdout)
        wanted = Look.reserve(training, started, name, digests, self._split.holdout_keys)
        look = self._ledgers.reserve(wanted, self._project.clock)
        self._project.log.event("training.look_reserved", name=name, key=look.key)
        if self._request.push:
            self._ledgers.push()
        return look
