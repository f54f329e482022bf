"""`judge`: score logged answers into events, by a model or by words alone; hold judges against people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from promptvc.analysis.answers import Choice, before_newest, logged_answers, question_of
from promptvc.analysis.calibration import Calibrated, CalibrateOptions, Calibration
from promptvc.analysis.calibration import calibrate as compare
from promptvc.analysis.verdicts import Judge, Verdicts
from promptvc.base.clock import parse_time
from promptvc.base.errors import OverBudget, ProviderError, Usage
from promptvc.evaluation.judges.lexical import NAMES, measure
from promptvc.evaluation.judges.logged import (
    Estimated,
    Judged,
    LoggedEstimate,
    LoggedJudging,
    Request,
    Word,
    estimate,
)
from promptvc.evaluation.judges.prompts import JudgePrompt, judge_prompt, own_judge_prompt
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.sessions.opening import Asking, Demands, Place, open_session
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.redact import Redactor
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.feedback.spool import Spool
from promptvc.models.providers import OFFLINE
from promptvc.store.references import parse_reference
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Progress, Project, silent

__all__ = [
    "CalibrateRequest",
    "Estimated",
    "Findings",
    "JudgeRequest",
    "Judged",
    "calibrate",
    "estimated",
    "run",
]

LEXICAL = "lexical"
RUBRIC = "rubric"
_NO_CALLS = Demands(waits=False, models=frozenset(), judged=(), code=False)


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What to judge.

    Attributes:
        metrics: of :data:`NAMES`; all of them when empty and there is no rubric.
        rubric: what a good answer is, in words, instead of metrics; needs a judge.
        judge: ``provider:name``; the settings' when None. ``offline`` and ``lexical`` take no model.
        days, limit, sample: which answers; see :class:`~promptvc.analysis.answers.Choice`.
        max_calls, max_tokens, max_cost, max_time: bounds of what is asked; US dollars, seconds.
    """

    metrics: tuple[str, ...] = ()
    rubric: str | None = None
    judge: str | None = None
    days: int | None = None
    limit: int | None = None
    sample: bool = False
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_time: float | None = None

    @property
    def choice(self) -> Choice:
        """Of the answers."""
        return Choice(self.days, self.limit, self.sample)

    @property
    def limits(self) -> Limits:
        """The bounds."""
        return Limits(self.max_calls, self.max_tokens, self.max_cost, self.max_time)


@dataclass(frozen=True, slots=True)
class CalibrateRequest:
    """Which pairs of verdicts count. ``since`` is text as a user writes a time, ``days`` before the newest."""

    metric: str | None = None
    since: str | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """How far judges agree with people; ``advice`` says what to do where that is not known."""

    name: str
    found: Calibrated
    advice: str | None

    @property
    def calibrations(self) -> tuple[Calibration, ...]:
        """By judge and metric."""
        return self.found.calibrations

    def to_json(self) -> dict[str, Any]:
        """As `judge calibrate --json` prints it."""
        return {
            "name": self.name,
            "judged": self.found.judged,
            "reviewed": self.found.reviewed,
            "calibrations": [one.to_json() for one in self.calibrations],
            "advice": self.advice,
        }


def run(project: Project, name: str, request: JudgeRequest, *, progress: Progress = silent) -> Judged:
    """Judge the logged answers of a prompt that this judge has not judged yet, into the spool.

    What was judged is written also when the run does not come to its end.

    Raises:
        NotFound: no such prompt, and no feedback on it.
        Usage: a metric that there is not; a rubric without a judge; a bound on cost without a price.
        OverBudget: a bound was reached.
        ProviderError: nothing could be judged, or no further call would succeed.
        Interrupted: Ctrl-C.
    """
    plan = _Plan(project, name, request)
    if plan.model is None:
        return plan.measured()
    session = plan.session()
    try:
        return plan.graded(session, progress)
    finally:
        session.close()


def estimated(project: Project, name: str, request: JudgeRequest) -> Estimated:
    """What :func:`run` would take, asking nobody.

    Raises:
        NotFound, Usage: as :func:`run`.
    """
    plan = _Plan(project, name, request)
    waiting = len(plan.waiting)
    if plan.model is None:
        return Estimated(LEXICAL, waiting, plan.skipped, LoggedEstimate(0, 0, 0, 0.0))
    session = plan.session()
    try:
        price = session.prices.get(plan.model)
        takes = estimate(plan.requests(), session.models[0], cache=session.options.cache, price=price)
    finally:
        session.close()
    return Estimated(plan.model, waiting, plan.skipped, takes)


def calibrate(project: Project, name: str, request: CalibrateRequest) -> Findings:
    """Hold the judges of a prompt's answers against people, in committed and spooled events.

    Raises:
        NotFound: no such prompt, and no feedback on it.
        Usage: a time that is none, or ``since`` and ``days`` together.
    """
    if request.since is not None and request.days is not None:
        raise Usage("--since and --days do not go together")
    wanted, events = _events(project, name)
    since = _time(request.since) or before_newest(events, request.days)
    options = CalibrateOptions(request.metric, since, project.settings.feedback)
    found = compare(events, options)
    return Findings(wanted, found, None if found.calibrations else _advice(wanted, found, request.metric))


class _Plan:
    """What is to be judged, by whom, and what is known already."""

    def __init__(self, project: Project, name: str, request: JudgeRequest) -> None:
        self.project, self.request = project, request
        self.name, events = _events(project, name)
        given = request.judge or project.settings.evaluation.judge
        self.model = None if given in {None, OFFLINE, LEXICAL} else given
        self._prompts = self._ask_with()
        self.judges = {metric: self._judge(metric) for metric in self._metrics()}
        self.answers = {event.id: event for event in logged_answers(events, request.choice)}
        judged = Verdicts(events, project.settings.feedback).judged
        every = [(answer, metric) for answer in self.answers for metric in self.judges]
        self.waiting = [
            (answer, metric) for answer, metric in every if answer not in judged.get(self.judges[metric], ())
        ]
        self.skipped = len(every) - len(self.waiting)

    def session(self) -> Session:
        """The judge, the cache and the budget; nothing is asked yet."""
        assert self.model is not None
        project = self.project
        asking = Asking(models=(self.model,))
        place = Place(project.settings, project.environ, project.state, project.clock)
        return open_session(asking, _NO_CALLS, place, Budget(self.request.limits))

    def requests(self) -> list[Request]:
        """What the judge is asked."""
        return [self._request(self.answers[answer], metric) for answer, metric in self.waiting]

    def measured(self) -> Judged:
        """By words alone."""
        said = []
        for answer, metric in self.waiting:
            event = self.answers[answer]
            said.append((answer, metric, measure(metric, question_of(event), event.output or ""), ""))
        return Judged(self.skipped, 0, None, self._write(said, "code"), LEXICAL, Spent())

    def graded(self, session: Session, progress: Progress) -> Judged:
        """By the judge."""
        assert self.model is not None
        show = progress(f"judging {self.name}")
        options = replace(
            session.options,
            price=session.prices.get(self.model),
            progress=lambda done, total, _errors: show(done, total or 0),
        )
        judging = LoggedJudging(self.requests(), session.models[0], options)
        ids: tuple[str, ...] = ()
        try:
            judging.run()
        finally:
            ids = self._write([_said(word) for word in judging.words], "llm_judge")
            self.project.log.event("judge.ran", prompt=self.name, judged=len(ids), errors=len(judging.errors))
        first = judging.errors[0] if judging.errors else None
        if judging.exhausted is not None:
            raise OverBudget(
                f"{judging.exhausted}: {len(ids):,} of {len(self.waiting):,} judgements are made, and kept",
                hint="raise the bound and run it again: it goes on from there",
            )
        if first is not None and not ids:
            raise ProviderError(
                f"nothing could be judged; the first of {len(judging.errors):,} errors: {first}"
            )
        remarks = tuple(judging.warnings)
        return Judged(self.skipped, len(judging.errors), first, ids, self.model, judging.spent, remarks)

    def _metrics(self) -> tuple[str, ...]:
        if self.request.rubric is not None:
            return (RUBRIC,)
        return tuple(dict.fromkeys(self.request.metrics)) or NAMES

    def _ask_with(self) -> Mapping[str, JudgePrompt]:
        """The judge prompt of each metric; empty without a judge."""
        request = self.request
        if request.rubric is not None:
            if request.metrics:
                raise Usage("--metric and --rubric do not go together")
            if not request.rubric.strip():
                raise Usage("the rubric is empty", hint="say in words what a good answer is")
            if self.model is None:
                hint = "name one: --judge provider:model, or evaluation.judge in promptvc.yaml"
                raise Usage("a rubric takes a model that judges, and there is none", hint=hint)
        for metric in request.metrics:
            if metric not in NAMES:
                raise Usage(
                    f"there is no metric {metric!r} to judge by", hint=f"there are {', '.join(NAMES)}"
                )
        if self.model is None:
            return {}
        return {metric: _prompt(self.project, metric) for metric in self._metrics()}

    def _judge(self, metric: str) -> Judge:
        """Who judges ``metric``, as the events will say: redacted like everything that is written."""
        prompt = self._prompts.get(metric)
        if prompt is None or self.model is None:
            return Judge(LEXICAL, metric)
        rubric = self.request.rubric
        texts = {"model": self.model, "prompt": prompt.prompt.name} | ({"rubric": rubric} if rubric else {})
        clean, _ = Redactor(settings=self.project.settings.feedback.redaction).event({"context": texts})
        return Judge(metric=metric, version=prompt.prompt.version, digest=prompt.digest, **clean["context"])

    def _request(self, event: Event, metric: str) -> Request:
        variables = {"question": question_of(event), "answer": event.output or ""}
        if self.request.rubric is not None:
            variables["rubric"] = self.request.rubric
        return Request(event.id, metric, self._prompts[metric], variables)

    def _write(self, said: Iterable[tuple[str, str, float, str]], source: str) -> tuple[str, ...]:
        """Record (answer, metric, score, reason) as annotations in the spool, redacted; their ids."""
        redactor, now = Redactor(settings=self.project.settings.feedback.redaction), self.project.clock()
        events = []
        for answer, metric, score, reason in said:
            event, judge = self.answers[answer], self.judges[metric]
            about = {"prompt": self.name, "kind": "annotation", "source": source, "target": answer}
            which = {key: event.data[key] for key in ("version", "digest") if key in event.data}
            what = {"scores": {metric: score}, "context": _context(judge)} | (
                {"comment": reason} if reason else {}
            )
            clean, _ = redactor.event({**about, **which, **what})
            events.append(parse_event(stamped(clean, now=now), file="judge"))
        Spool.of(self.project.repository.common_dir, self.project.environ).append(events, durable=True)
        return tuple(event.id for event in events)


def _context(judge: Judge) -> dict[str, Any]:
    values = {key: getattr(judge, key) for key in ("model", "prompt", "version", "digest", "rubric")}
    return {key: value for key, value in values.items() if value is not None}


def _said(word: Word) -> tuple[str, str, float, str]:
    return word.request.id, word.request.metric, word.score, word.reason


def _prompt(project: Project, metric: str) -> JudgePrompt:
    """promptvc's own judge prompt, or the repository's in its place."""
    name = "llm-rubric" if metric == RUBRIC else metric
    own = project.settings.evaluation.judges.get(name)
    if own is None:
        return judge_prompt(name)
    version = project.resolver.working(own)
    return own_judge_prompt(name, version.data, file=version.path, prompt_name=version.name)


def _events(project: Project, name: str) -> tuple[str, tuple[Event, ...]]:
    """The prompt's name and its events that count, committed (of HEAD) and spooled, oldest first."""
    wanted = parse_reference(name)
    if wanted.revision is not None:
        raise Usage("judge takes a NAME, no revision", hint=f"judge {wanted.name}: all of its versions")
    # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
    waiting = Spool.of(project.repository.common_dir, project.environ).read().events
    head = project.resolver.head
    tree = project.tree(head, f"{FOLDER}/{wanted.name}") if head is not None else {}
    mine = {path: blob for path, blob in tree.items() if prompt_of(path) == wanted.name}
    committed = read_segments({path: project.objects.blob(blob) for path, blob in mine.items()}).events
    found = {event.id: event for event in (*waiting, *committed) if event.prompt == wanted.name}
    if not found and wanted.name not in project.resolver.names():
        project.resolver.working(wanted.name)  # says that there is none, and what is near
    ordered = sorted(found.values(), key=lambda event: (event.time, event.id))
    return wanted.name, heeded(project, ordered)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise Usage(f"not a time: {text!r}", hint="RFC 3339 or a date, such as 2026-11-20") from error


def _advice(name: str, found: Calibrated, metric: str | None) -> str:
    """What to do where no judge can be held against people."""
    by = f" by {metric}" if metric is not None else ""
    if not found.judged:
        return f"no judge has scored an answer of {name}{by}: promptvc judge run {name}"
    if not found.reviewed:
        return (
            f"no person has judged an answer of {name}: rate answers (promptvc feedback add), or import annotations "
            "with their target"
        )
    return (
        f"judges scored {found.judged:,} answers of {name}{by}, people {found.reviewed:,}, and there is none that both "
        f"decide on: promptvc judge run {name} takes all that were logged"
    )
