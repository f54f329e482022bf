"""What a reviewer is told of a candidate: gathered from its commit, the ledger and the events. Nothing is run.

Evidence comes with the candidate, whose author could have written anything into it. The ledger is written by promptvc
alone: where the two do not agree, the report says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from promptvc.base.errors import InputError, NotFound, Usage
from promptvc.base.plain import written
from promptvc.evaluation.cases.sequence import ids_of
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.records import Record, RunRecord, folder, name_and_id, parse
from promptvc.evidence.trainings import Training
from promptvc.evidence.values import VersionRef
from promptvc.feedback.events import Event
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import nearest, path_of
from promptvc.prompts.render import input_text
from promptvc.review.facts import MOST_TOLD, Records, case_facts, cited_by, sides, with_voices
from promptvc.review.report import CandidateReport
from promptvc.store.candidates import candidate_branch, candidates
from promptvc.store.diff import diff_prompts
from promptvc.store.foreign import refuse_foreign
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.training.data.inputs import Inputs
from promptvc.training.data.split import event_case_id
from promptvc.workflows.made import unnumbered
from promptvc.workflows.project import Project
from promptvc.workflows.suites import shelf
from promptvc.workflows.voices import cited, events_at

_COMPARISON = b'"record": "comparison"'


def tell_candidate(project: Project, name: str, version: Version | None = None) -> CandidateReport:
    """The report on a version of ``name``; None: the newest candidate that main has not got.

    Raises:
        NotFound: no such prompt, or no candidate of it waits.
        InvalidDocument: the version, or evidence about it, cannot be read.
    """
    if version is None:
        wanted = parse_reference(name)
        if wanted.revision is not None:
            raise Usage(
                f"{name} has a revision", hint="resolve it first, or leave it out for the newest candidate"
            )
        version = waiting_candidate(project, wanted.name)
    return _Telling(project, version).report()


def waiting_candidate(project: Project, name: str) -> Version:
    """The newest candidate of ``name``, by number, that is newer than what main has.

    Raises:
        NotFound: there is none.
    """
    resolver = project.resolver
    latest = resolver.latest(name)
    for one in sorted(candidates(project.repository, name), key=lambda one: -one.number):
        if latest is not None and one.number <= latest.version:
            break
        found = resolver.at(name, one.commit)
        if found is not None and found.version == one.number:
            return found
    refuse_foreign(resolver.lying(name), name, "review")
    known = {*resolver.names(), *(resolver.names(resolver.main) if resolver.main else ())}
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "promptvc list shows the prompts there are"
        raise NotFound(f"there is no prompt {name}", hint=hint)
    told = f", and promptvc review {name}@v{latest.version} tells of what main has" if latest else ""
    raise NotFound(
        f"no candidate of {name} waits to be merged", hint=f"promptvc train {name} makes one{told}"
    )


class _Telling:
    """One report under way."""

    def __init__(self, project: Project, version: Version) -> None:
        self.project, self.version, self.name = project, version, version.name
        self.prompt = self._prompt(version)
        self.branch = self._branch()
        self.latest = project.resolver.latest(self.name)
        self.on_main = project.resolver.is_known(self.name, version.digest)
        self.records = self._records()
        self.before = self._before()

    def report(self) -> CandidateReport:
        """Everything, with one look at the evidence, one at the ledger, and one at the events."""
        records, before = self.records, self.before
        now = VersionRef(self.version.version, self.known_as)
        old = self._prompt(before) if before is not None else None
        # Every version has another number: that is no news.
        found = diff_prompts(old, self.prompt) if old is not None else ()
        changes = [change for change in found if change.path != "version"]
        because = [cited_by(change, records.training) for change in changes]
        comparison = records.comparison
        ids = [one[:MOST_TOLD] for one in (comparison.broken, comparison.fixed)] if comparison else []
        questions = self._questions({case for some in ids for case in some})
        events = self._events({event for some in because for event in some}, questions, ids)
        digests = (before.digest if before is not None else None, now.digest)
        was, is_now, latency = sides(records, _ref(before), now)
        alone = records.run_of(now.digest) if comparison is None else None
        commit, author, subject = self._commit()
        return CandidateReport(
            name=self.name,
            candidate=replace(is_now, digest=self.version.digest),
            baseline=was if before is not None else None,
            branch=self.branch,
            on_main=self.on_main,
            commit=commit,
            author=author,
            subject=subject,
            models=records.models(self.prompt.model),
            comparison=comparison,
            training=records.training,
            cases=alone.totals.cases if alone is not None else 0,
            latency=latency,
            changes=tuple(
                with_voices(change, cites, events) for change, cites in zip(changes, because, strict=True)
            ),
            fixed=case_facts(comparison.fixed if comparison else (), records, *digests, questions),
            broken=case_facts(comparison.broken if comparison else (), records, *digests, questions),
            current=self._is_current(),
            remarks=tuple(self._remarks()),
        )

    def _prompt(self, version: Version) -> Prompt:
        return load_prompt(version.data, file=version.source, name=self.name, memo=self.project.memo)

    def _branch(self) -> str | None:
        """The candidate branch that has the version, local or only the remote's."""
        for one in candidates(self.project.repository, self.name):
            if one.number != self.version.version:
                continue
            found = self.project.resolver.at(self.name, one.commit)
            if found is not None and found.digest == self.version.digest:
                return candidate_branch(self.name, one.number)
        return None

    def _commit(self) -> tuple[str | None, str | None, str | None]:
        """The commit that brought the content, who wrote it, and its subject."""
        commit = self.version.commit
        if commit is None:
            return None, None, None
        for change in self.project.history.changes(path_of(self.name), commit):
            if change.blob == self.version.digest:
                return change.commit, change.author, change.subject
        found = self.project.objects.commit(commit)
        return commit, found.author, found.subject

    def _records(self) -> Records:
        """A record is parsed only if it names the version, or what that was compared with: some are large."""
        contents = dict(self._contents())
        self.known_as = self._known_as(contents)
        mine = self._parsed(contents, self.known_as)
        compared = [
            one for one in mine if isinstance(one, ComparisonRecord) and one.candidate.digest == self.known_as
        ]
        # A training's own outranks what `evaluate` made of the same two contents: it spent a look.
        best = max(compared, key=lambda one: (one.training is not None, one.id), default=None)
        training = self._training(best)
        against = Records(best, training).baseline
        rest = {path: data for path, data in contents.items() if self.known_as.encode() not in data}
        others = self._parsed(rest, against.digest) if against is not None else []
        runs = {one.id: one for one in (*mine, *others) if isinstance(one, RunRecord)}
        return Records(best, training, tuple(runs[key] for key in sorted(runs)))

    def _known_as(self, contents: Mapping[str, bytes]) -> str:
        """The digest by which evidence knows the version: of the same content that has got another number since."""
        digest = self.version.digest
        if any(digest.encode() in data for data in contents.values()):
            return digest
        with suppress(InputError):  # a number that no edit can change
            plain = unnumbered(self.version.data, file=self.version.source)
            for path, data in reversed(list(contents.items())):
                record = parse(data, file=path) if _COMPARISON in data else None
                found = self._pinned(record.candidate) if isinstance(record, ComparisonRecord) else None
                if found is not None and unnumbered(found.data, file=found.source) == plain:
                    return found.digest
        return digest

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """The files of evidence that the candidate's commit, main or the checkout has."""
        blobs: dict[str, str] = {}
        tips = (self.version.commit, self.project.main_commit, self.project.resolver.head)
        for commit in dict.fromkeys(one for one in tips if one is not None):
            blobs |= self.project.tree(commit, folder(self.name))
        for path, blob in sorted(blobs.items()):
            key = name_and_id(path)
            if key is not None and key[0] == self.name:
                yield path, self.project.objects.blob(blob)

    def _parsed(self, contents: Mapping[str, bytes], digest: str) -> list[Record]:
        return [parse(data, file=path) for path, data in contents.items() if digest.encode() in data]

    def _training(self, comparison: ComparisonRecord | None) -> Training | None:
        """The training that made the version, by the ledger: the one that its evidence names, or of its content."""
        ledger = Ledgers.of(self.project.resolver, self.project.settings.remote).read(self.name)
        named = comparison.training if comparison is not None else None
        for one in ledger.trainings:
            content = one.candidate.digest if one.candidate is not None else None
            if content == self.known_as and named in {None, one.id}:
                return one
        return None

    def _before(self) -> Version | None:
        """What it was compared with; else what main has, or had before it."""
        pinned = self.records.baseline
        if pinned is not None:
            return self._pinned(pinned)
        if not self.on_main:
            return self.latest if self.latest is None or self.latest.digest != self.version.digest else None
        log = self.project.resolver.log(self.name)
        older = [one for one in log if one.on_main and one.version < self.version.version]
        return self._pinned(VersionRef(older[0].version, older[0].digest)) if older else None

    def _pinned(self, ref: VersionRef) -> Version | None:
        """None where this clone has not got the content."""
        with suppress(NotFound):
            data = self.project.objects.blob(ref.digest)
            return Version(self.name, ref.version or 0, ref.digest, None, data, path_of(self.name))
        return None

    def _is_current(self) -> bool | None:
        if self.before is None or self.on_main or self.latest is None:
            return None
        return self.latest.digest == self.before.digest

    def _questions(self, ids: Collection[str]) -> dict[str, str]:
        """What the cases ``ids`` ask, by the suite that the candidate brings; of a broken suite nothing."""
        if not ids:
            return {}
        with suppress(InputError):
            suite = shelf(self.project, self.version.commit).suite(self.name)
            if suite is not None:
                at = {case: position for position, case in enumerate(ids_of(suite.cases)) if case in ids}
                return {case: _question(suite.cases[position].vars) for case, position in at.items()}
        return {}

    def _events(
        self, ids: Collection[str], questions: dict[str, str], told: Sequence[Sequence[str]]
    ) -> Mapping[str, Event]:
        """What is cited, of main: a candidate's own commit could put words into anybody's mouth.

        All events are read only where cases were made of events: then ``questions`` gets what those ask.
        """
        main = self.project.main_commit
        asked = {case for some in told for case in some if case.startswith("event-")} - questions.keys()
        if not asked or main is None:
            return cited(self.project, self.name, ids, main)
        inputs = Inputs.of(self.prompt)
        found: dict[str, Event] = {}
        for event in events_at(self.project, self.name, main):
            if event.id in ids:
                found[event.id] = event
            given = inputs.given(event.input)
            case = event_case_id(given) if given is not None else ""
            if given is not None and case in asked:
                questions[case] = input_text(given)
        return found

    def _remarks(self) -> Iterator[str]:
        comparison, training = self.records.comparison, self.records.training
        if comparison is not None and comparison.training is not None:
            if training is None:
                yield (
                    "The evidence names a training that the ledger here does not know, so nothing but the "
                    "candidate's own commit vouches for it; fetch promptvc/ledger"
                )
            elif (training.verdict, training.score) != (comparison.verdict, comparison.score):
                yield "The evidence says something else than the ledger: somebody changed one of them"
        elif comparison is not None and not self.on_main:
            yield "The comparison was saved by hand, and nobody counts how often these cases were looked at"


def _ref(version: Version | None) -> VersionRef:
    return VersionRef(None, "") if version is None else VersionRef(version.version, version.digest)


def _question(variables: Mapping[str, object]) -> str:
    return input_text({name: written(value) for name, value in variables.items()})
