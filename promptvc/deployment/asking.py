"""The gates of an environment, asked about one version: what git says, put before :mod:`promptvc.deployment.gates`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.base.memo import Memo
from promptvc.deployment.environments import FOLDER, Environment, deployed_path, load_environment, rules_path
from promptvc.deployment.gates import Objection, Proof, Request, objections
from promptvc.deployment.holds import Hold, find_hold, hold_paths, load_hold
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.runs import RunRecord
from promptvc.store.proofs import evidence_of
from promptvc.store.versions import Resolver, Version


@dataclass(frozen=True, slots=True)
class Asking:
    """Where to look. ``margin``: the largest drop of the score that is let through, 0..1."""

    resolver: Resolver
    memo: Memo
    margin: float

    def closed_gates(
        self, version: Version, environment: str, tip: str | None, *, merging: str | None = None
    ) -> tuple[Objection, ...]:
        """What keeps ``version`` out of ``environment``, for a commit on ``tip``; empty: it may deploy.

        Args:
            merging: a commit that brings the version and its evidence to main together with the deployment.

        Raises:
            InvalidDocument: the rules, a hold or a record cannot be read.
            NotFound: a shallow clone that cannot know.
        """
        rules = self.rules(environment)
        promoted = False
        if rules.promotes_from is not None:
            promoted = self._runs(tip, rules.promotes_from, version.name) == version.digest
        known = self.resolver.is_on_main(version.name, version.digest)
        on_main = merging is not None or known
        request = Request(
            label=f"{version.name} v{version.version}",
            on_main=on_main,
            hold=find_hold(self.holds(tip, environment, version.name), version.digest),
            proof=self._proof(version, self._runs(tip, environment, version.name), merging),
            promoted=promoted,
            margin=self.margin,
            owner=not known or self.resolver.owns_number(version.name, version.digest),
        )
        return objections(request, rules)

    def rules(self, environment: str) -> Environment:
        """The rules that main gives ``environment``."""
        found = self._at(self.resolver.main, rules_path(environment))
        return load_environment(environment, found[1] if found else None, memo=self.memo)

    def holds(self, tip: str | None, environment: str, name: str) -> list[Hold]:
        """The holds on main and on the branch that is committed to: a hold counts wherever it stands."""
        objects, prefix = self.resolver.objects, self.resolver.place.folder
        holds = {}
        for commit in {tip, self.resolver.main} - {None}:
            assert commit is not None
            found = objects.tree(commit, f"{prefix}{FOLDER}/{environment}/holds")
            tree = {path.removeprefix(prefix): blob for path, blob in found.items()}
            for path in hold_paths(tree, environment, name):
                holds[path, tree[path]] = load_hold(path, objects.blob(tree[path]), memo=self.memo)
        return list(holds.values())

    def _at(self, commit: str | None, path: str) -> tuple[str, bytes] | None:
        return self.resolver.objects.at(commit, self.resolver.place.folder + path) if commit else None

    def _runs(self, tip: str | None, environment: str, name: str) -> str | None:
        """The digest of what ``environment`` runs in ``tip``."""
        found = self._at(tip, deployed_path(environment, name))
        return found[0] if found else None

    def _proof(self, version: Version, running: str | None, merging: str | None) -> Proof | None:
        """The newest evidence about exactly these bytes, a comparison before a run alone."""
        records = evidence_of(self.resolver, version.name, self.resolver.main, merging)
        comparisons = [
            one
            for one in records
            if isinstance(one, ComparisonRecord)
            and one.candidate.digest == version.digest
            and _is_step(one, version, running)
        ]
        record = _deciding(comparisons)
        if record is not None:
            score = record.score
            difference = score.difference if score else None
            return Proof(score.candidate if score else 0.0, record.verdict, difference)
        for run in reversed(records):
            if isinstance(run, RunRecord) and run.digest == version.digest and run.totals.score is not None:
                return Proof(run.totals.score)
        return None


def _is_step(record: ComparisonRecord, version: Version, running: str | None) -> bool:
    """Whether deploying takes the step that was measured: up from an earlier version, or from what runs now."""
    baseline = record.baseline
    return baseline.digest == running or (baseline.version is not None and baseline.version < version.version)


def _deciding(records: Sequence[ComparisonRecord]) -> ComparisonRecord | None:
    """The newest of ``records`` (oldest first).

    A training's own outranks what `evaluate` made of the same two contents: its cases were held out, and its look
    was counted.
    """
    if not records:
        return None
    newest = records[-1]
    same = [one for one in records if one.baseline.digest == newest.baseline.digest]
    return next((one for one in reversed(same) if one.training is not None), newest)
