"""The ways that a task could take: which there are, how much they are about it, and the ratings that they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from promptvc.analysis.ranking.similarity import similar
from promptvc.analysis.ranking.terms import terms_of
from promptvc.analysis.reporting.traces import RATED
from promptvc.analysis.routing.choice import Candidate
from promptvc.analysis.routing.rated import Evidence, Row, rows_of, ways_in
from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import NotFound
from promptvc.base.feedback_settings import Route
from promptvc.feedback.query.facts import Said
from promptvc.feedback.query.selection import Query
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import moment_of, uncounted
from promptvc.workflows.horizon import horizon
from promptvc.workflows.indexed import Committed, feedback_digest, input_index, text_index
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import USERS, Lazily
from promptvc.workflows.span import Asked, span

MOST = 20
"""So many ways, those most like the task, are weighed."""
MOST_SAID = 100_000
EDITION = 3


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What is asked.

    Attributes:
        days: ratings of so many days before ``as_of`` count. ``min_samples``: fewer leave a way as configured.
        variables: values besides the task's own.
        tag: the class of the task; None: a rated tag whose words the task has, if there is one.
        seed: of Thompson sampling; None: by the task, the window and the events.
        record: write the choice into the spool; ``session``: the session that it belongs to; ``selected``: the prompt
            that a person took instead, or as well.
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
    selected: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The ratings that count: of all tasks, and of those of the task's class.

    Attributes:
        horizon: no event from then on counts for anything; None: all do.
        rated: the ratings of all time, by which ``learning.min_samples`` goes.
        remarks: what does not count, for people.
    """

    since: datetime | None
    until: datetime | None
    rows: tuple[Row, ...]
    tag: str | None
    alike: tuple[Row, ...]
    horizon: datetime | None = None
    remarks: tuple[str, ...] = ()
    rated: int = 0


def window_of(project: Project, request: RouteRequest, facts: Lazily) -> Window:
    """The ratings of the last days, and those of the task's class; kept by what they come from."""
    until = moment_of(request.as_of)
    asked = Asked(request.days, as_of=None if until is None else format_time(until))
    question = {"of": "routing", "edition": EDITION, **asked.question()}

    def of_all() -> dict[str, Any]:
        try:
            part = span(project, facts(), None, asked)
        except NotFound:
            remarks = uncounted(project, None, facts())
            return {
                "since": None,
                "until": None,
                "rows": [],
                "tags": {},
                "late": None,
                "rated": 0,
                "remarks": remarks,
            }
        late = None if until is not None else horizon(project, facts()).until
        tags: dict[str, int] = {}
        for one in facts().labelled("tag", replace(RATED, since=part.since, until=part.until)):
            tags[one.label] = tags.get(one.label, 0) + one.tally.rated
        return {
            "since": format_time(part.since),
            "until": format_time(part.until),
            "rows": [row.to_json() for row in rows_of(part.cells(facts(), part.query))],
            "tags": tags,
            "late": None if late is None else format_time(late),
            "rated": sum(
                one.tally.rated for one in facts().counts(Query(sources=USERS, until=late or until))
            ),
            "remarks": part.remarks,
        }

    told = answered(project, question, of_all)
    remarks = tuple(told["remarks"])
    if told["since"] is None:
        return Window(None, None, (), request.tag, (), until, remarks)
    late = until if told["late"] is None else parse_time(told["late"])
    since, end = parse_time(told["since"]), parse_time(told["until"])
    rows = tuple(Row.read(one) for one in told["rows"])
    tag = request.tag or _class_of(request, told["tags"])
    if tag is None:
        return Window(since, end, rows, None, (), late, remarks, told["rated"])

    def of_tag() -> list[Any]:
        cells = facts().cells(replace(RATED, since=since, until=end, tags=(tag,)))
        return [row.to_json() for row in rows_of(cells)]

    alike = answered(project, question | {"tag": tag}, of_tag)
    return Window(since, end, rows, tag, tuple(Row.read(one) for one in alike), late, remarks, told["rated"])


def _class_of(request: RouteRequest, tags: Mapping[str, int]) -> str | None:
    """The tag with the most ratings among those whose words are all in the task."""
    words = set(terms_of(request.task))
    found = [
        tag
        for tag, rated in tags.items()
        if rated >= request.min_samples and (terms := set(terms_of(tag))) and terms <= words
    ]
    return min(found, key=lambda tag: (-tags[tag], tag), default=None)


def candidates_of(
    project: Project,
    request: RouteRequest,
    prompts: Sequence[Committed],
    window: Window,
    facts: Lazily,
) -> tuple[list[Candidate], Evidence]:
    """The ways that a task could take, those most like it, in order of preference, and what is known of ways."""
    likeness = _likeness(project, request, prompts, window, facts)
    alike = likeness.similarities
    routes = project.settings.routing.routes or tuple(
        way
        for one in prompts
        if alike[one.name] > 0
        for way in (*ways_in(window.rows, one.name, request.min_samples), Route(one.name))
    )
    evidence = Evidence(window.rows, routes)
    classed = Evidence(window.alike, routes)
    nearest = sorted(range(len(routes)), key=lambda at: (-alike[routes[at].prompt], at))[:MOST]
    return [
        Candidate(
            route=routes[at],
            similarity=alike[routes[at].prompt],
            matched=likeness.matched(routes[at].prompt),
            whole=evidence.rates(routes[at]),
            alike=None if window.tag is None else classed.rates(routes[at]),
        )
        for at in sorted(nearest)
    ], evidence


@dataclass(frozen=True, slots=True)
class _Likeness:
    """Prompt -> similarity to the task, with what tells the words in common."""

    similarities: Mapping[str, float]
    matched: Callable[[str], tuple[str, ...]]


def _likeness(
    project: Project, request: RouteRequest, prompts: Sequence[Committed], window: Window, facts: Lazily
) -> _Likeness:
    """As `recommend` has it, from the same indexes."""
    until = window.horizon

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
    places = {one.name: at for at, one in enumerate(prompts)}

    def matched(name: str) -> tuple[str, ...]:
        at = places[name]
        return tuple(dict.fromkeys((*texts.matched(asked[0], at), *inputs.matched(asked[1], at))))

    return _Likeness({name: found[at] for name, at in places.items()}, matched)
