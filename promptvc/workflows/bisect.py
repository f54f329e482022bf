"""`bisect`: the version that broke a case, from evidence and the cache first, by as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from promptvc.base.clock import format_time
from promptvc.base.errors import (
    InputError,
    Interrupted,
    InvalidDocument,
    NotFound,
    OverBudget,
    PromptvcError,
)
from promptvc.base.schema_messages import nearest_word
from promptvc.evaluation.bisecting import Break, Search, State
from promptvc.evaluation.cases.finding import suite_path
from promptvc.evaluation.cases.sequence import ids_of
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.sessions.opening import Asking, Demands
from promptvc.evaluation.trials import Trials, Verdict
from promptvc.evaluation.witnesses import Witnessed, witnessed
from promptvc.models.providers import OFFLINE
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.prompts.render import Renderer
from promptvc.store.diff import Change, diff_prompts
from promptvc.store.proofs import evidence_of
from promptvc.store.references import parse_reference
from promptvc.store.spans import versions_between
from promptvc.store.versions import LogEntry
from promptvc.workflows.project import Progress, Project, silent
from promptvc.workflows.suites import SuiteAt, place_of, require_trust, shelf

Source = Literal["evidence", "cached", "fresh"]

_START = "BISECT_START"
"""Where git keeps the branch, or the commit, that `git bisect start` was called on."""


@dataclass(frozen=True, slots=True)
class BisectRequest:
    """What to look for. ``good`` and ``bad`` are revisions of the prompt: by default the oldest and the newest version.

    ``model`` asks every version on one model instead of on its own; ``repeat`` is 3 with a provider and 1 offline when
    None. ``max_calls`` bounds the calls to models.
    """

    name: str
    case: str
    good: str | None = None
    bad: str | None = None
    repeat: int | None = None
    model: str | None = None
    judge: str | None = None
    max_calls: int | None = None
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class Bisected:
    """What was found.

    Attributes:
        first_bad, last_good: the oldest version known to fail, and the newest before it known to pass.
        skipped: versions between the two that cannot be judged, each with the reason: any of them may be the first bad.
        changes: from ``last_good`` to ``first_bad``.
        runs: how many versions were judged by evidence, by the cache and by calls.
        flaky: versions whose repeats disagreed, and were decided by most of them.
        reason: what the assertions say of the first bad version; None where only evidence spoke.
    """

    name: str
    case: str
    first_bad: LogEntry
    last_good: LogEntry
    skipped: tuple[tuple[LogEntry, str], ...]
    changes: tuple[Change, ...]
    runs: Mapping[Source, int]
    flaky: tuple[int, ...]
    reason: str | None
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `bisect --json` prints it."""
        first_bad = _entry(self.first_bad) | {
            "reason": self.reason,
            "changes": [change.to_json() for change in self.changes],
        }
        return {
            "name": self.name,
            "case": self.case,
            "first_bad": first_bad,
            "last_good": _entry(self.last_good),
            "skipped": [_entry(one) | {"reason": reason} for one, reason in self.skipped],
            "runs": dict(self.runs),
            "flaky": list(self.flaky),
        }


@dataclass(frozen=True, slots=True)
class Stepped:
    """How the version in the working tree does; ``version`` is None where there is none."""

    name: str
    case: str
    version: int | None
    state: State
    flaky: bool
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        """As `bisect --step --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def bisect(project: Project, request: BisectRequest, *, progress: Progress = silent) -> Bisected:
    """Find the version that broke a case. Every version is asked what the working tree's suite asks now.

    Raises:
        NotFound: no such prompt, case or revision.
        InputError: the newest version passes, or cannot be judged; no version passes.
        OverBudget: ``max_calls`` was reached; running again goes on from there.
        ProviderError: a model could not be asked.
    """
    entries = versions_between(project.resolver, request.name, request.good, request.bad)
    search = _Bisection(project, request, _asked(project, request, None), entries)
    try:
        return search.outcome(progress(f"{request.name} {request.case}"))
    finally:
        search.trials.close()


def step(open_: Callable[[], Project], request: BisectRequest) -> Stepped:
    """Judge the working tree's version, for `git bisect run`.

    The case is the one of the commit that `git bisect start` was called on, else the working tree's. Whatever keeps it
    from being judged makes it skipped: only an interruption is raised.
    """
    version = None
    try:
        project = open_()
        loaded = project.resolver.working(parse_reference(request.name).name)
        version = loaded.version
        prompt = load_prompt(loaded.data, file=loaded.path, name=loaded.name, memo=project.memo)
        asked = _asked(project, request, _start(project))
        Renderer(prompt).render(asked.case.vars)
        trials = _trials(project, request, asked)
        try:
            verdict = trials.ask(prompt, _model(project, request, prompt))
        finally:
            trials.close()
    except Interrupted:
        raise
    except PromptvcError as error:
        return Stepped(request.name, request.case, version, "skipped", flaky=False, reason=str(error))
    return Stepped(request.name, request.case, version, verdict.state, verdict.flaky, verdict.reason)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A case, and the suite that it is from."""

    judged: SuiteAt
    case: Case


@dataclass(slots=True)
class _Account:
    """What was learned on the way: by position, why a version cannot be judged, and which were flaky."""

    skipped: dict[int, str] = field(default_factory=dict)
    flaky: set[int] = field(default_factory=set)
    reasons: dict[int, str | None] = field(default_factory=dict)
    runs: dict[Source, int] = field(default_factory=lambda: {"evidence": 0, "cached": 0, "fresh": 0})

    def take(self, at: int, verdict: Verdict) -> State:
        """Note a verdict."""
        self.runs["fresh" if verdict.calls else "cached"] += 1
        self.reasons[at] = verdict.reason
        if verdict.flaky:
            self.flaky.add(at)
        if verdict.state == "skipped":
            self.skipped[at] = verdict.reason or "it cannot be judged"
        return verdict.state


class _Bisection:
    """One search under way; versions by position, the oldest first."""

    def __init__(
        self, project: Project, request: BisectRequest, asked: _Asked, entries: Sequence[LogEntry]
    ) -> None:
        self.project = project
        self.request = request
        self.asked = asked
        self.entries = entries
        self.account = _Account()
        self.prompts = self._prompts()
        self.models = {
            entries[at].digest: _model(project, request, prompt) for at, prompt in self.prompts.items()
        }
        self.trials = _trials(project, request, asked)

    def outcome(self, show: Callable[[int, int], None]) -> Bisected:
        """Ask, and tell."""
        search = Search(len(self.entries), self._known())
        bound = (len(self.entries) - 1).bit_length() + 1
        done = 0
        while (at := search.next) is not None:
            show(done, bound)
            search.tell(at, self.account.take(at, self._ask(at)))
            done += 1
        show(bound, bound)
        return self._bisected(self._found(search))

    def _prompts(self) -> dict[int, Prompt]:
        """The versions that can be asked; the others are skipped, with the reason."""
        found = {}
        for at, entry in enumerate(self.entries):
            try:
                data = self.project.objects.blob(entry.digest)
                file = f"{entry.commit[:12]}:{path_of(self.request.name)}"
                prompt = load_prompt(data, file=file, name=self.request.name, memo=self.project.memo)
                Renderer(prompt).render(self.asked.case.vars)
            except InputError as error:
                self.account.skipped[at] = str(error)
            else:
                found[at] = prompt
        return found

    def _known(self) -> dict[int, State]:
        """What is known without a call."""
        known: dict[int, State] = dict.fromkeys(self.account.skipped, "skipped")
        told = self._evidence()
        for at, prompt in self.prompts.items():
            entry = self.entries[at]
            if entry.digest in told.flaky:
                self.account.flaky.add(at)
            if entry.digest in told.states:
                known[at] = told.states[entry.digest]
                self.account.runs["evidence"] += 1
                continue
            recalled = self.trials.recall(prompt, self.models[entry.digest])
            if recalled is not None:
                known[at] = self.account.take(at, recalled)
        return known

    def _evidence(self) -> Witnessed:
        if not Demands.of([self.asked.case]).pure(self.project.settings.evaluation.embeddings):
            return Witnessed()
        project = self.project
        records = evidence_of(project.resolver, self.request.name, project.resolver.head, project.main_commit)
        return witnessed(records, self.asked.case, self.asked.judged.digest, self.models)

    def _ask(self, at: int) -> Verdict:
        prompt = self.prompts[at]
        try:
            return self.trials.ask(prompt, self.models[self.entries[at].digest])
        except OverBudget as error:
            raise OverBudget(
                f"{error.message}; v{self.entries[at].version} is not decided yet",
                hint="raise --max-calls: the answers that came are kept, and the search goes on from them",
            ) from None

    def _found(self, search: Search) -> tuple[Break, int]:
        """Where it broke, and the position of the last good version."""
        newest, oldest = self.entries[-1], self.entries[0]
        case, at = self.request.case, len(self.entries) - 1
        if at in self.account.skipped:
            raise InputError(
                f"{case} cannot be judged on v{newest.version}: {self.account.skipped[at]}",
                hint="name a later one that fails: --bad REV",
            )
        found = search.found
        if found is None:
            raise InputError(
                f"{case} passes on v{newest.version}: nothing broke it",
                hint="name a version that fails: --bad REV",
            )
        if found.last_good is None:
            which = f"v{oldest.version} fails too" if found.first_bad == 0 else "no version before passes"
            raise InputError(
                f"no version of {self.request.name} from v{oldest.version} to v{newest.version} passes {case}: {which}",
                hint="name an older version that passes: --good REV",
            )
        return found, found.last_good

    def _bisected(self, where: tuple[Break, int]) -> Bisected:
        found, last_good = where
        before, after = self.prompts[last_good], self.prompts[found.first_bad]
        return Bisected(
            name=self.request.name,
            case=self.request.case,
            first_bad=self.entries[found.first_bad],
            last_good=self.entries[last_good],
            skipped=tuple((self.entries[at], self.account.skipped[at]) for at in found.skipped),
            changes=tuple(one for one in diff_prompts(before, after) if one.path != "version"),
            runs=self.account.runs,
            flaky=tuple(self.entries[at].version for at in sorted(self.account.flaky)),
            reason=self.account.reasons.get(found.first_bad),
            warnings=tuple(self.trials.warnings),
        )


def _asked(project: Project, request: BisectRequest, commit: str | None) -> _Asked:
    """The case, of the suite of ``commit`` if it is there, else of the working tree's."""
    suite = None
    if commit is not None:
        with suppress(InvalidDocument):
            suite = shelf(project, commit).suite(request.name)
    if suite is None or request.case not in ids_of(suite.cases):
        commit, suite = None, shelf(project).suite(request.name)
    if suite is None:
        raise NotFound(
            f"{request.name} has no suite", hint=f"write its cases into {suite_path(request.name)}"
        )
    ids = list(ids_of(suite.cases))
    if request.case not in ids:
        near = nearest_word(request.case, ids)
        raise NotFound(
            f"{suite.file} has no case {request.case}", hint=f"did you mean {near}?" if near else None
        )
    return _Asked(SuiteAt(suite, commit, suite.digest), suite.cases[ids.index(request.case)])


def _start(project: Project) -> str | None:
    """The commit that `git bisect start` was called on; None when no bisection is under way."""
    mark = project.repository.git_dir / _START
    return project.repository.resolve(mark.read_text("utf-8").strip()) if mark.is_file() else None


def _trials(project: Project, request: BisectRequest, asked: _Asked) -> Trials:
    if request.allow_code and Demands.of([asked.case]).code:
        require_trust(project, asked.judged)
    asking = Asking(models=(), judge=request.judge, code=request.allow_code)
    repeats = request.repeat or asked.judged.suite.repeat
    return Trials(asked.case, asking, repeats, place_of(project), Budget(Limits(calls=request.max_calls)))


def _model(project: Project, request: BisectRequest, prompt: Prompt) -> str:
    return request.model or prompt.model or project.settings.model or OFFLINE


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "digest": entry.digest,
        "commit": entry.commit,
        "time": format_time(entry.time),
        "author": entry.author,
        "subject": entry.subject,
    }
