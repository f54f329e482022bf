"""`route`: the way that a task takes: prompt, framework, model, techniques, and the finished prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from promptvc.analysis.ranking.relevance import why_not
from promptvc.analysis.routing.choice import Decision, Manner, Weighed, choose
from promptvc.analysis.routing.placing import placed
from promptvc.analysis.routing.rated import JOINED, Evidence, listing, technique_names
from promptvc.analysis.routing.techniques import better, enhanced
from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, Usage
from promptvc.base.feedback_settings import Route
from promptvc.feedback.events import parse_event, stamped
from promptvc.feedback.spool import Spool
from promptvc.prompts.model import Message, Prompt, load_prompt
from promptvc.prompts.names import is_foreign
from promptvc.workflows.gathering import redactor_of
from promptvc.workflows.indexed import Committed, committed, feedback_digest
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import Lazily, learning
from promptvc.workflows.ways import RouteRequest, Window, candidates_of, window_of

__all__ = ["RouteRequest", "Routed", "route"]


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
                one.to_json(self.queries.get(at, ())) for at, one in enumerate(self.decision.weighed)
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
    window = window_of(project, request, facts)
    reason = why_not(learning(project), window.rated)
    seed = _seed(project, request, window) if request.seed is None else request.seed
    manner = Manner(settings, request.min_samples, seed, reason, window.tag)
    found, evidence = candidates_of(project, request, prompts, window, facts)
    if not found:
        return None
    decision = choose(found, manner)
    taken = decision.chosen.candidate.route
    version = by_name[taken.prompt]
    prompt = _load(project, version)
    named = technique_names(taken.techniques)
    learned = better(evidence.rows(taken), request.min_samples) if reason is None else ()
    more = tuple((name, why) for name, why in learned if name not in named)
    techniques = (*taken.techniques, *(name for name, _ in more))
    finished = enhanced(prompt, placed(prompt, request.task, request.variables), techniques)
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
        remarks=(*window.remarks, *finished.remarks),
    )
    return replace(routed, recorded=_record(project, request, routed, by_name)) if request.record else routed


def _check(request: RouteRequest) -> None:
    if not request.task.strip():
        raise Usage("the task is empty", hint='say what is to be done: promptvc route "sort invoices"')
    if request.days < 1:
        raise Usage(f"a window of {request.days} days has no ratings")
    if request.min_samples < 1:
        raise Usage(f"--min-samples is {request.min_samples}", hint="one rated event is the least")


def _load(project: Project, version: Committed) -> Prompt:
    return load_prompt(
        project.objects.blob(version.digest),
        file=version.path,
        name=None if is_foreign(version.path) else version.name,
        memo=project.memo,
        version=version.version or 1,
    )


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


def _record(project: Project, request: RouteRequest, routed: Routed, prompts: Mapping[str, Committed]) -> str:
    """Write the choice into the spool: what was offered, what was taken, and how likely that was.

    The options are in the order of their names: their places tell nothing of what the router thinks of them.

    Raises:
        InputError: a person took what was not offered.
    """
    options: dict[str, float] = {}
    for one in routed.decision.weighed:  # of several ways to one prompt the one with the most confidence
        name, confidence = one.candidate.route.prompt, one.adjusted.confidence
        options[name] = max(confidence, options.get(name, 0.0))
    taken = routed.version if request.selected is None else prompts.get(request.selected)
    if taken is None or taken.name not in options:
        raise InputError(
            f"{request.selected} was not among the ways of this task",
            hint=f"one of: {', '.join(sorted(options))}",
        )
    by_person = request.selected is not None
    context = (
        {}
        if by_person
        else {
            "framework": routed.route.framework,
            "model": routed.model,
            "technique": JOINED.join(routed.techniques) or None,
            "confidence": routed.confidence,
        }
    )
    told = {
        "prompt": taken.name,
        "version": taken.version,
        "digest": taken.digest,
        "kind": "selection",
        "source": "human" if by_person else "code",
        "input": request.task,
        "options": [{"name": name, "confidence": confidence} for name, confidence in sorted(options.items())],
        "selected": taken.name,
        "propensity": None if by_person else round(routed.decision.chosen.propensity, 6),
        "session": request.session,
        "tags": [request.tag] if request.tag else None,
        "context": {key: value for key, value in context.items() if value is not None} or None,
    }
    value = {key: item for key, item in told.items() if item is not None}
    raw, _ = redactor_of(project, named=False).event(stamped(value, now=project.clock()))
    event = parse_event(raw, file="route")
    Spool.of(project.repository.common_dir, project.environ).append([event], durable=True)
    project.log.event("route.recorded", prompt=event.prompt, id=event.id)
    return event.id
