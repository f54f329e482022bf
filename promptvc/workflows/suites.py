"""What an evaluation of a version goes by: its suite, who may run its code, at which level it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from glob import escape

from promptvc.analysis.cases import documents
from promptvc.base.config import Settings
from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.evaluation.cases.finding import Shelf, suite_path
from promptvc.evaluation.cases.generated import generated_suite
from promptvc.evaluation.cases.sequence import ids_of
from promptvc.evaluation.cases.suite import Case, Suite, check_variables, read_github
from promptvc.evaluation.judges.prompts import JudgePrompt, own_judge_prompt
from promptvc.evaluation.level import Level, level_of
from promptvc.evaluation.sessions.opening import Place
from promptvc.evidence.records import Record, path, to_bytes
from promptvc.evidence.values import VersionRef
from promptvc.git.commits import Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.objects import blob_id
from promptvc.prompts.edit import with_version
from promptvc.prompts.formats.github.documents import models_in
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import is_foreign, name_of, path_of
from promptvc.store import trust
from promptvc.store.commits import message
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import Reference
from promptvc.store.trust import Main, Source
from promptvc.store.versions import Version
from promptvc.training.data.holdout import keys_of
from promptvc.training.data.inputs import Inputs
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Project
from promptvc.workflows.voices import events_of


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
    """What a run needs of the project; where a base is named, its judges and only the models that it names.

    Raises:
        InvalidDocument, NotFound: a judge prompt of the repository that cannot be one.
    """
    judges: dict[str, JudgePrompt] = {}
    files = project.files(project.base)
    for judge, name in project.settings.evaluation.judges.items():
        data = files.read(path_of(name))
        if data is None:
            raise NotFound(
                f"there is no prompt {name}, which evaluation.judges names", hint=f"write {path_of(name)}"
            )
        judges[judge] = own_judge_prompt(judge, data, file=path_of(name), prompt_name=name)
    return Place(_allowing(project), project.environ, project.state, project.clock, judges)


def _allowing(project: Project) -> Settings:
    """The settings; with a base that has no list of models, only those may be called that it names somewhere.

    Else a pull request could spend the repository's keys on any model.
    """
    settings, base = project.settings, project.base
    if base is None or settings.models.allow is not None:
        return settings
    evaluation, training = settings.evaluation, settings.training
    named = {settings.model, evaluation.judge, evaluation.embeddings, training.embeddings}
    named |= {training.optimizer.model, *settings.models.prices}
    objects = project.objects
    for file, blob in project.tree(base, PROMPTS).items():
        if name_of(file) is not None:
            with suppress(InvalidDocument):
                value = load_yaml(objects.blob(blob), file=file).value
                named.add(value.get("model") if isinstance(value, dict) else None)
    for file, blob in project.resolver.foreign.committed(base).values():
        with suppress(InvalidDocument):
            named |= models_in(load_yaml(objects.blob(blob), file=file))
    exact = sorted(escape(spec) for spec in named if isinstance(spec, str))
    return replace(settings, models=replace(settings.models, allow=tuple(exact)))


def shelf(project: Project, commit: str | None = None) -> Shelf:
    """Where suites are read from: the working tree, or a commit."""
    return Shelf(project.files(commit), commit, project.memo)


def suite_in(project: Project, version: Version, commit: str | None) -> Suite | None:
    """The suite of a version's prompt in ``commit``, or in the working tree; None where there is none.

    A file of GitHub's format is its own suite where there is no other.
    """
    found = shelf(project, commit).suite(version.name)
    if found is not None or not is_foreign(version.path):
        return found
    lying = version
    with suppress(NotFound):
        resolver = project.resolver
        lying = (
            resolver.working(version.name) if commit is None else resolver.at(version.name, commit)
        ) or version
    if not is_foreign(lying.path):
        return None
    return read_github(load_yaml(lying.data, file=lying.source))


def loaded(project: Project, version: Version, suite: Suite) -> Loaded:
    """The prompt of ``version``, which can answer every case of ``suite``.

    Raises:
        InvalidDocument: no prompt; a case that lacks a variable.
    """
    prompt = _prompt(project, version)
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
    suite = suite_in(project, version, commit)
    if suite is None and commit is not None:
        raise NotFound(
            f"{version.name} has no suite in {reference.revision}",
            hint=f"to use the working tree's suite name a version: {version.name}@v{version.version}",
        )
    return None if suite is None else SuiteAt(suite, commit, suite.digest)


def generated(project: Project, version: Version) -> SuiteAt:
    """A suite made up for a version that has none, from its variables and its feedback."""
    prompt = _prompt(project, version)
    events = heeded(project, events_of(project, version.name))
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
        _has(project, version, commit, judged.digest) for commit in (project.resolver.head, version.commit)
    ):
        return
    file = version.path if is_foreign(judged.suite.file) else suite_path(version.name)
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


def _prompt(project: Project, version: Version) -> Prompt:
    return load_prompt(
        version.data, file=version.path, name=version.name, memo=project.memo, version=version.version
    )


def _is_git_revision(reference: Reference, version: Version) -> bool:
    named = reference.revision in {None, "latest"} or reference.version == version.version
    return not named and (version.path == path_of(version.name) or is_foreign(version.path))


def _has(project: Project, version: Version, commit: str | None, digest: str) -> bool:
    if commit is None:
        return False
    try:
        suite = suite_in(project, version, commit)
    except InvalidDocument:
        return False
    return suite is not None and suite.digest == digest
