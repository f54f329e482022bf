"""`route`: the way that a task takes: prompt, framework, model, techniques, and the finished prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from promptvc.analysis.ranking.similarity import similar
from promptvc.analysis.ranking.terms import terms_of
from promptvc.analysis.reporting.traces import RATED
from promptvc.analysis.routing.choice import Candidate, Decision, Manner, Weighed, choose
from promptvc.analysis.routing.rated import (
    JOINED,
    Evidence,
    Row,
    listing,
    rows_of,
    technique_names,
)
from promptvc.analysis.routing.techniques import better, enhanced
from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import InputError, NotFound, Usage
from promptvc.base.feedback_settings import Route
from promptvc.feedback.events import parse_event, stamped
from promptvc.feedback.query.facts import Said
from promptvc.feedback.query.selection import Query
from promptvc.feedback.spool import Spool
from promptvc.prompts.model import Message, Prompt, load_prompt
from promptvc.prompts.names import is_foreign
from promptvc.prompts.render import placeholders, render
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import moment_of, redactor_of
from promptvc.workflows.indexed import Committed, committed, feedback_digest, input_index, text_index
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import USERS, Lazily, learning
from promptvc.workflows.span import Asked, span

MOST = 20
"""So many ways, those most like the task, are weighed."""
MOST_SAID = 100_000
EDITION = 1


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What is asked.

    Attributes:
        days: ratings of so many days before ``as_of`` count. ``min_samples``: fewer leave a way as configured.
        variables: values besides the task's own.
        tag: the class of the task; None: a rated tag whose words the task has, if there is one.
        seed: of Thompson sampling; None: by the task, the window and the events.
        record: write the choice into the spool; ``session``: the session that it belongs to.
    """

    task: str
    days: int = 7
    min_samples: int = 3
    variables: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None
    as_of: str | None = None
    seed: int | None = None
    record: bool = False
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The ratings that count: of all tasks, and of those of the task's class."""

    since: datetime | None
    until: datetime | None
    rows: tuple[Row, ...]
    tag: str | None
    alike: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Routed:
    """The way that was chosen.

    Attributes:
        model: the way's, else the prompt's, else the settings'; None where none says.
        confidence: 0..1. ``propensity``: how likely this way was to be chosen, above 0.
        reasoning: sentences. ``enhanced``: the finished messages.
        recorded: the id of the event of the choice; None where it was not recorded.
    """

    task: str
    version: Committed
    decision: Decision
    model: str | None
    techniques: tuple[str, ...]
    reasoning: tuple[str, ...]
    enhanced: tuple[Message, ...]
    window: Window
    seed: int
    queries: Mapping[int, Sequence[str]]
    remarks: tuple[str, ...]
    recorded: str | None = None

    @property
    def confidence(self) -> float:
        """Of the chosen way, at most 1.0."""
        return self.decision.chosen.adjusted.confidence

    @property
    def route(self) -> Route:
        """The chosen way as it is configured."""
        return self.decision.chosen.candidate.route

    def to_json(self) -> dict[str, Any]:
        """As `route --json` prints it."""
        since, until = self.window.since, self.window.until
        return {
            "task": self.task,
            "prompt": self.version.name,
            "version": self.version.version,
            "digest": self.version.digest,
            "framework": self.route.framework,
            "model": self.model,
            "confidence": self.confidence,
            "techniques": list(self.techniques),
            "reasoning": list(self.reasoning),
            "enhanced_prompt": [{"role": one.role, "content": one.content} for one in self.enhanced],
            "how": self.decision.how,
            "propensity": round(self.decision.chosen.propensity, 6),
            "seed": self.seed,
            "tag": self.window.tag,
            "since": None if since is None else format_time(since),
            "until": None if until is None else format_time(until),
            "candidates": [
                _weighed_json(one, self.queries.get(at, ())) for at, one in enumerate(self.decision.weighed)
            ],
            "recorded": self.recorded,
            "remarks": list(self.remarks),
        }


def route(project: Project, request: RouteRequest) -> Routed | None:
    """The way that a task takes; None where no prompt shares a word with it, and no ways are configured.

    Raises:
        Usage: the task is empty, or a number asks for nothing.
        NotFound: nothing is committed.
        InputError: a way is configured to a prompt that HEAD has not, or the prompt needs other values.
    """
    _check(request)
    prompts = committed(project)
    by_name = {one.name: one for one in prompts}
    settings = project.settings.routing
    for one in settings.routes:
        if one.prompt not in by_name:
            raise InputError(
                f"`routing.routes` names the prompt {one.prompt}, which HEAD has not",
                hint="commit it, or take the way out of promptvc.yaml",
            )
    facts = Lazily(project)
    window = _window(project, request, facts)
    adapts = learning(project).enabled
    seed = _seed(project, request, window) if request.seed is None else request.seed
    manner = Manner(settings, request.min_samples, seed, None if adapts else "learning is off", window.tag)
    found, evidence = _candidates(project, request, prompts, window, facts)
    if not found:
        return None
    decision = choose(found, manner)
    taken = decision.chosen.candidate.route
    version = by_name[taken.prompt]
    prompt = _load(project, version)
    named = technique_names(taken.techniques)
    learned = better(evidence.rows(taken), request.min_samples) if adapts else ()
    more = tuple((name, why) for name, why in learned if name not in named)
    techniques = (*taken.techniques, *(name for name, _ in more))
    finished = enhanced(prompt, _rendered(prompt, request), techniques)
    queries = {at: _queries(one, evidence, window) for at, one in enumerate(decision.weighed)}
    own = queries[decision.weighed.index(decision.chosen)]
    routed = Routed(
        task=request.task,
        version=version,
        decision=decision,
        model=taken.model or prompt.model or project.settings.model,
        techniques=techniques,
        reasoning=(
            *decision.reasons,
            *(f"{name}: {why}" for name, why in more),
            *(f"see: {one}" for one in own),
        ),
        enhanced=finished.messages,
        window=window,
        seed=seed,
        queries=queries,
        remarks=finished.remarks,
    )
    return replace(routed, recorded=_record(project, request, routed)) if request.record else routed


def _check(request: RouteRequest) -> None:
    if not request.task.strip():
        raise Usage("the task is empty", hint='say what is to be done: promptvc route "sort invoices"')
    if request.days < 1:
        raise Usage(f"a window of {request.days} days has no ratings")
    if request.min_samples < 1:
        raise Usage(f"--min-samples is {request.min_samples}", hint="one rated event is the least")


def _window(project: Project, request: RouteRequest, facts: Lazily) -> Window:
    """The ratings of the last days, and those of the task's class; kept by what they come from."""
    until = moment_of(request.as_of)
    asked = Asked(request.days, as_of=None if until is None else format_time(until))
    question = {"of": "routing", "edition": EDITION, **asked.question()}

    def of_all() -> dict[str, Any]:
        try:
            part = span(facts(), None, asked)
        except NotFound:
            return {"since": None, "until": None, "rows": [], "tags": {}}
        tags: dict[str, int] = {}
        for one in facts().labelled("tag", replace(RATED, since=part.since, until=part.until)):
            tags[one.label] = tags.get(one.label, 0) + one.tally.rated
        return {
            "since": format_time(part.since),
            "until": format_time(part.until),
            "rows": [row.to_json() for row in rows_of(part.cells(facts(), part.query))],
            "tags": tags,
        }

    told = answered(project, question, of_all)
    if told["since"] is None:
        return Window(None, None, (), request.tag, ())
    since, end = parse_time(told["since"]), parse_time(told["until"])
    rows = tuple(Row.read(one) for one in told["rows"])
    tag = request.tag or _class_of(request, told["tags"])
    if tag is None:
        return Window(since, end, rows, None, ())

    def of_tag() -> list[Any]:
        cells = facts().cells(replace(RATED, since=since, until=end, tags=(tag,)))
        return [row.to_json() for row in rows_of(cells)]

    alike = answered(project, question | {"tag": tag}, of_tag)
    return Window(since, end, rows, tag, tuple(Row.read(one) for one in alike))


def _class_of(request: RouteRequest, tags: Mapping[str, int]) -> str | None:
    """The tag with the most ratings among those whose words are all in the task."""
    words = set(terms_of(request.task))
    found = [
        tag
        for tag, rated in tags.items()
        if rated >= request.min_samples and (terms := set(terms_of(tag))) and terms <= words
    ]
    return min(found, key=lambda tag: (-tags[tag], tag), default=None)


def _candidates(
    project: Project,
    request: RouteRequest,
    prompts: Sequence[Committed],
    window: Window,
    facts: Lazily,
) -> tuple[list[Candidate], Evidence]:
    """The ways that a task could take, those most like it, in order of preference, and what is known of ways."""
    alike = _likeness(project, request, prompts, facts)
    routes = project.settings.routing.routes or tuple(
        Route(one.name) for one in prompts if alike[one.name][0] > 0
    )
    evidence = Evidence(window.rows, routes)
    classed = Evidence(window.alike, routes)
    order = sorted(range(len(routes)), key=lambda at: (-alike[routes[at].prompt][0], at))
    return [
        Candidate(
            route=routes[at],
            similarity=alike[routes[at].prompt][0],
            matched=alike[routes[at].prompt][1],
            whole=evidence.rates(routes[at]),
            alike=None if window.tag is None else classed.rates(routes[at]),
        )
        for at in sorted(order[:MOST])
    ], evidence


def _likeness(
    project: Project, request: RouteRequest, prompts: Sequence[Committed], facts: Lazily
) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Prompt -> similarity to the task and the words in common: as `recommend` has them."""
    until = moment_of(request.as_of)

    def said() -> Sequence[Said]:
        return facts().said(Query(outcome="good", sources=USERS, until=until), limit=MOST_SAID)

    key = [
        feedback_digest(project),
        project.settings.feedback.positive,
        None if until is None else until.isoformat(),
    ]
    texts, inputs = text_index(project, prompts), input_index(project, prompts, key, said)
    asked = texts.ask(request.task), inputs.ask(request.task)
    found = similar(texts.similarities(asked[0]), inputs.similarities(asked[1]))
    return {
        one.name: (
            alike,
            tuple(dict.fromkeys((*texts.matched(asked[0], at), *inputs.matched(asked[1], at))))
            if alike
            else (),
        )
        for at, (one, alike) in enumerate(zip(prompts, found, strict=True))
    }


def _load(project: Project, version: Committed) -> Prompt:
    return load_prompt(
        project.objects.blob(version.digest),
        file=version.path,
        name=None if is_foreign(version.path) else version.name,
        memo=project.memo,
        version=version.version or 1,
    )


def _rendered(prompt: Prompt, request: RouteRequest) -> tuple[Message, ...]:
    """The messages with the task as the one value that nobody gave."""
    given = dict(request.variables)
    optional = {one.name for one in prompt.variables if not one.required}
    required = {one.name for one in prompt.variables if one.required} | (placeholders(prompt) - optional)
    open_ = sorted(required - set(given)) if required else sorted(optional - set(given))
    if len(open_) == 1:
        return render(prompt, given | {open_[0]: request.task})
    if required and len(open_) > 1:
        names = ", ".join(f"`{name}`" for name in open_)
        raise InputError(
            f"`{prompt.name}` needs values for {names}, and the task can be one of them only",
            hint=f"give the others, such as --var {open_[-1]}=TEXT; the task becomes the one that is left",
        )
    messages = render(prompt, given)
    # Instructions without a place for a task: it follows them, as a user's words do.
    return messages if required or optional else (*messages, Message("user", request.task))


def _queries(one: Weighed, evidence: Evidence, window: Window) -> tuple[str, ...]:
    """The commands that show the ratings of a way, and those of its class."""
    if window.since is None or window.until is None:
        return ()
    found = []
    if one.candidate.whole.rated:
        found.append(listing(evidence.query(one.candidate.route, window.since, window.until)))
    if one.candidate.alike is not None and one.candidate.alike.rated:
        found.append(listing(evidence.query(one.candidate.route, window.since, window.until, window.tag)))
    return tuple(found)


def _seed(project: Project, request: RouteRequest, window: Window) -> int:
    """The same for the same task, settings and events, and another for any other."""
    until = None if window.until is None else format_time(window.until)
    told = [request.task, request.days, request.tag, until, feedback_digest(project)]
    routing = asdict(project.settings.routing)
    data = json.dumps([told, routing], sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(data).digest()[:4], "big")


def _record(project: Project, request: RouteRequest, routed: Routed) -> str:
    """Write the choice into the spool: what was offered, what was taken, and how likely that was."""
    options: dict[str, float] = {}
    for one in routed.decision.weighed:  # of several ways to one prompt the one with the most confidence
        name, confidence = one.candidate.route.prompt, one.adjusted.confidence
        options[name] = max(confidence, options.get(name, 0.0))
    context = {
        "framework": routed.route.framework,
        "model": routed.model,
        "technique": JOINED.join(routed.techniques) or None,
        "confidence": routed.confidence,
    }
    told = {
        "prompt": routed.version.name,
        "version": routed.version.version,
        "digest": routed.version.digest,
        "kind": "selection",
        "source": "code",
        "input": request.task,
        "options": [{"name": name, "confidence": confidence} for name, confidence in options.items()],
        "selected": routed.version.name,
        "propensity": round(routed.decision.chosen.propensity, 6),
        "session": request.session,
        "tags": [request.tag] if request.tag else None,
        "context": {key: value for key, value in context.items() if value is not None},
    }
    value = {key: item for key, item in told.items() if item is not None}
    raw, _ = redactor_of(project, named=False).event(stamped(value, now=project.clock()))
    event = parse_event(raw, file="route")
    Spool.of(project.repository.common_dir, project.environ).append([event], durable=True)
    project.log.event("route.recorded", prompt=event.prompt, id=event.id)
    return event.id


def _weighed_json(one: Weighed, queries: Sequence[str]) -> dict[str, Any]:
    way = one.candidate
    return {
        "prompt": way.route.prompt,
        "framework": way.route.framework,
        "model": way.route.model,
        "techniques": list(way.route.techniques),
        "similarity": round(way.similarity, 6),
        "matched": list(way.matched),
        "configured": way.route.confidence,
        "confidence": one.adjusted.confidence,
        "change": one.adjusted.change,
        "score": round(one.score, 6),
        "ratings": way.whole.to_json(),
        "alike": None if way.alike is None else way.alike.to_json(),
        "drawn": None if one.drawn is None else round(one.drawn, 6),
        "propensity": round(one.propensity, 6),
        "reason": one.reason,
        "list": list(queries),
    }
