"""What an evaluation of a version goes by: its suite, who may run its code, at which level it is compared, its users.

Beside :mod:`promptvc.workflows.project` the only module that stories share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from promptvc.analysis.calibration import calibrations
from promptvc.analysis.cases import documents
from promptvc.analysis.ratings import ratings
from promptvc.base.config import FILE
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.evaluation.cases.finding import Shelf, suite_path
from promptvc.evaluation.cases.generated import generated_suite
from promptvc.evaluation.cases.sequence import ids_of
from promptvc.evaluation.cases.suite import Case, Suite, check_variables
from promptvc.evaluation.gate import Approved, Gate, Manner, regressions
from promptvc.evaluation.gate import approved as approved_by
from promptvc.evaluation.judges.prompts import JudgePrompt, own_judge_prompt
from promptvc.evaluation.level import Level, level_of
from promptvc.evaluation.reports.report import Calibration, Rating, Report
from promptvc.evaluation.sessions.opening import Place
from promptvc.evidence.baselines import baseline_path, load_baseline
from promptvc.evidence.records import ComparisonRecord, Record, RunRecord, path, to_bytes
from promptvc.evidence.values import VersionRef
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.git.commits import Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.objects import blob_id
from promptvc.prompts.edit import with_version
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.store import trust
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.listing import working_prompts
from promptvc.store.proofs import evidence_of
from promptvc.store.references import Reference
from promptvc.store.trust import Main, Source
from promptvc.store.versions import Version
from promptvc.training.holdout import keys_of
from promptvc.training.inputs import Inputs
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of a prompt, and the prompt."""

    version: Version
    prompt: Prompt

    @property
    def label(self) -> str:
        """``v3``."""
        return f"v{self.version.version}"

    @property
    def pin(self) -> VersionRef:
        """As evidence cites it."""
        return VersionRef(self.version.version, self.version.digest)


@dataclass(frozen=True, slots=True)
class SuiteAt:
    """A suite and where it is from; ``commit`` is None for the working tree. ``digest`` is the suite's."""

    suite: Suite
    commit: str | None
    digest: str


def place_of(project: Project) -> Place:
    """What a run needs of the project.

    Raises:
        InvalidDocument, NotFound: a judge prompt of the repository that cannot be one.
    """
    judges: dict[str, JudgePrompt] = {}
    for judge, name in project.settings.evaluation.judges.items():
        data = project.read(path_of(name))
        if data is None:
            raise NotFound(
                f"there is no prompt {name}, which evaluation.judges names", hint=f"write {path_of(name)}"
            )
        judges[judge] = own_judge_prompt(judge, data, file=path_of(name), prompt_name=name)
    return Place(project.settings, project.environ, project.state, project.clock, judges)


def shelf(project: Project, commit: str | None = None) -> Shelf:
    """Where suites are read from: the working tree, or a commit."""
    return Shelf(project.files(commit), commit, project.memo)


def loaded(project: Project, version: Version, suite: Suite) -> Loaded:
    """The prompt of ``version``, which can answer every case of ``suite``.

    Raises:
        InvalidDocument: no prompt; a case that lacks a variable.
    """
    prompt = load_prompt(version.data, file=version.path, name=version.name, memo=project.memo)
    check_variables(suite, [one.name for one in prompt.variables if one.required])
    return Loaded(version, prompt)


def suite_for(project: Project, reference: Reference, version: Version) -> SuiteAt | None:
    """The suite for ``version``, which ``reference`` was resolved to; None where there is none.

    A branch or another git revision is judged by the suite that it brings. Numbers, ``latest`` and environments are
    names for versions, which are usually older than the cases that judge them: for them it is the working tree's.

    Raises:
        NotFound: a git revision that brings none.
    """
    commit = version.commit if _is_git_revision(reference, version) else None
    suite = shelf(project, commit).suite(version.name)
    if suite is None and commit is not None:
        raise NotFound(
            f"{version.name} has no suite in {reference.revision}",
            hint=f"to use the working tree's suite name a version: {version.name}@v{version.version}",
        )
    return None if suite is None else SuiteAt(suite, commit, suite.digest)


def generated(project: Project, version: Version) -> SuiteAt:
    """A suite made up for a version that has none, from its variables and its feedback."""
    prompt = load_prompt(version.data, file=version.path, name=version.name, memo=project.memo)
    events = events_of(project, version.name)
    suite = generated_suite(prompt, documents(events, Inputs.of(prompt).given, project.settings.feedback))
    return SuiteAt(suite, None, suite.digest)


def require_committed(project: Project, version: Version, judged: SuiteAt) -> None:
    """Evidence cites digests: only of a prompt and of a suite that git has.

    Raises:
        Usage: it has not.
    """
    if version.commit is None:
        head = project.resolver.head
        committed = project.resolver.at(version.name, head) if head is not None else None
        if committed is None or committed.digest != version.digest:
            name = version.name
            raise Usage(
                f"--save needs a committed version, and the file of {name} has changes",
                hint=f"promptvc commit {name} -m TEXT, or name a revision: {name}@v{version.version}",
            )
    if judged.commit is not None or any(
        _has(project, version.name, commit, judged.digest)
        for commit in (project.resolver.head, version.commit)
    ):
        return
    file = suite_path(version.name)
    raise Usage(
        f"--save needs a committed suite, and {file} has changes",
        hint=f"git add {file} && git commit, then evaluate again",
    )


def level_for(project: Project, candidate: Version, baseline: Loaded, cases: Sequence[Case]) -> Level:
    """At which level ``candidate`` is compared; the baseline's variables decide which cases are the same."""
    ledger = Ledgers.of(project.resolver, project.settings.remote).read(candidate.name)
    if not ledger.looks:
        return Level()
    contents = {candidate.digest}
    for number in {baseline.version.version, *(one.baseline.version for one in ledger.trainings)}:
        with suppress(InputError):  # a number that no edit can change was put there by no training
            if number is not None:
                data = with_version(candidate.data, number, file=candidate.path)
                contents.add(blob_id(data, project.repository.object_format))
    return level_of(ledger, contents, keys_of(cases, baseline.prompt))


def events_of(project: Project, name: str) -> tuple[Event, ...]:
    """The committed events of a prompt, as HEAD has them."""
    head = project.resolver.head
    if head is None:
        return ()
    blobs = project.tree(head, f"{FOLDER}/{name}")
    mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == name}
    return read_segments({path: project.objects.blob(blob) for path, blob in mine.items()}).events


def require_trust(project: Project, judged: SuiteAt) -> None:
    """Let the code of a suite run, or not; leave was given already.

    Raises:
        Refused: it comes from where code is not trusted (:mod:`promptvc.store.trust`).
    """
    files = project.files(judged.commit)
    paths = {judged.suite.file.rpartition(":")[2], *(one.path for one in judged.suite.datasets)}
    read = {path: files.read(path) or b"" for path in sorted(paths)}
    source = Source(judged.commit, {**read, **judged.suite.code})
    main = Main(project.main, project.main_commit, project.prefix)
    trust.require_trust(
        trust.read_facts(
            project.repository, project.objects, source, main, allowed=True, environ=project.environ
        )
    )


def gate_of(project: Project, judged: SuiteAt, cases: Sequence[Case], report: Report) -> Gate:
    """Hold a report against the approved baseline.

    Args:
        cases: all that the suite has to ask.

    Raises:
        NotFound: none is approved, or its evidence is not there.
    """
    approved = approved_baseline(project, report.name)
    manner = Manner(
        suite=report.suite,
        model=report.candidate.model,
        repeats=report.repeats,
        reducer=report.reducer,
        judge=report.judging.digest if report.judging is not None else None,
        datasets={one.path: one.digest for one in judged.suite.datasets},
        quarantined=report.quarantined,
    )
    return regressions(approved, report.candidate.scores, cases, manner)


def gated(project: Project, judged: SuiteAt, cases: Sequence[Case], report: Report) -> Report:
    """The report with its gate; a prompt without an approved baseline, a new one, is held against the bar.

    Raises:
        NotFound: the evidence of the approved baseline is not there.
    """
    if project.read(baseline_path(report.name)) is None:
        said = f"no baseline of {report.name} is approved: held against the bar for success instead"
        return replace(report, remarks=(said, *report.remarks))
    return replace(report, gate=gate_of(project, judged, cases, report))


def require_baseline(project: Project, name: str) -> None:
    """Make sure, before anything is asked, that there is something to hold a report against.

    Raises:
        NotFound: no baseline of ``name`` is approved.
    """
    if project.read(baseline_path(name)) is None:
        hint = f"promptvc baseline approve {name} writes {baseline_path(name)}"
        raise NotFound(f"no baseline of {name} is approved", hint=hint)


def approved_baseline(project: Project, name: str) -> Approved:
    """The approved baseline of ``name`` in the working tree, with its evidence.

    Raises:
        NotFound: none is approved, or its evidence is not there.
    """
    file = baseline_path(name)
    data = project.read(file)
    if data is None:
        raise NotFound(
            f"no baseline of {name} is approved", hint=f"promptvc baseline approve {name} writes {file}"
        )
    baseline = load_baseline(name, data, memo=project.memo)
    commits = (project.resolver.head, project.main_commit)
    record = next(iter(evidence_of(project.resolver, name, *commits, only=baseline.evidence)), None)
    if not isinstance(record, RunRecord | ComparisonRecord):
        raise NotFound(
            f"the evidence {baseline.evidence} of the approved baseline is not here",
            hint="approve a baseline whose evidence is committed on this branch",
            file=file,
        )
    return approved_by(baseline, record)


def save(project: Project, record: Record, version: int | None, detail: str) -> tuple[str, str]:
    """Commit a record to the current branch; its path from the prompt root and the commit."""
    text = message("Evaluate", record.prompt, version or 0, detail, notes={"Evidence": record.id})
    plan = Plan({project.top(path(record)): to_bytes(record)}, text)
    done = git_commit(project.repository, None, lambda _tip: plan)
    maintain(project.repository)
    project.log.event("evidence.committed", name=record.prompt, evidence=record.id, commit=done.commit)
    return path(record), done.commit


def quarantined(
    project: Project, judged: SuiteAt, name: str, cases: Sequence[Case], now: datetime
) -> dict[str, str]:
    """By id, why a case of ``cases`` does not count on the day of ``now``."""
    found = shelf(project, judged.commit).quarantine(name)
    return found.reasons(ids_of(cases), now.date()) if found.entries else {}


@dataclass(frozen=True, slots=True)
class Voices:
    """What people say, to stand beside the scores."""

    calibrations: tuple[Calibration, ...]
    ratings: tuple[Rating, ...]


def voices(project: Project, name: str) -> Voices:
    """How far judges agree with people, and how users rate each version: folds over the committed events."""
    events = events_of(project, name)
    return Voices(
        calibrations=tuple(
            Calibration(**{key: getattr(found, key) for key in Calibration.__slots__})
            for found in calibrations(events)
        ),
        ratings=tuple(Rating(found.version, found.mean, found.n) for found in ratings(events)),
    )


def changed_since(project: Project, revision: str) -> tuple[str, ...]:
    """The prompts of the working tree that differ, themselves or their suites, from the merge base with ``revision``.

    A suite differs with its datasets, its code and its quarantine. All differ where the settings do, which name models
    and bars.

    Raises:
        NotFound: no such revision.
    """
    commit = project.repository.resolve(revision)
    if commit is None:
        raise NotFound(f"there is no revision {revision}", hint="name a branch, a tag or a commit")
    code, found, _ = project.repository.outcome("merge-base", commit, project.resolver.head or commit)
    base = (
        found.decode().strip() if code == 0 else commit
    )  # unrelated histories, and shallow clones, have none
    before = {**project.tree(base, "prompts"), **project.tree(base, "evaluation")}
    names = sorted(working_prompts(project.root) if project.root is not None else project.resolver.names())
    settings = project.objects.at(base, project.prefix + FILE)
    if _digest(project, FILE) != (settings[0] if settings is not None else None):
        return tuple(names)
    return tuple(name for name in names if _differs(project, name, before))


def _differs(project: Project, name: str, before: Mapping[str, str]) -> bool:
    own = {path_of(name), suite_path(name)}
    stem = f"evaluation/{name}."
    folder, _, start = stem.rpartition("/")
    now = [f"{folder}/{each}" for each in project.files().list(folder) if each.startswith(start)]
    own |= {path for path in (*before, *now) if path.startswith(stem) and "/" not in path[len(stem) :]}
    suite = None
    with suppress(InvalidDocument):
        suite = shelf(project).suite(name)
    if suite is not None:
        own |= {one.path for one in suite.datasets} | set(suite.code)
    return any(_digest(project, path) != before.get(path) for path in sorted(own))


def _digest(project: Project, path: str) -> str | None:
    data = project.read(path)
    return None if data is None else blob_id(data, project.repository.object_format)


def _is_git_revision(reference: Reference, version: Version) -> bool:
    named = reference.revision in {None, "latest"} or reference.version == version.version
    return not named and version.path == path_of(version.name)


def _has(project: Project, name: str, commit: str | None, digest: str) -> bool:
    if commit is None:
        return False
    try:
        suite = shelf(project, commit).suite(name)
    except InvalidDocument:
        return False
    return suite is not None and suite.digest == digest
