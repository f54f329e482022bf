"""Settings of feedback and of what is learned from it: how it is kept, counted, reported, ranked and routed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RedactionSettings:
    """What is replaced besides promptvc's own categories, and what never is.

    Attributes:
        patterns: by category, a regular expression whose matches are replaced by ``[category]``.
        allow: texts that stay although they look personal, such as the address of a support desk; exact, any case.
    """

    patterns: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    """How events are judged and kept.

    Attributes:
        positive, negative: where a score counts as positive and as negative, 0..1.
        issues: the vocabulary of ``issues``; empty: any.
        tags: by dimension (type, domain, format, ...) the vocabulary of tags; empty: any.
        retain_days: `feedback retain` takes the texts out of events that are older.
        rollup: the kinds that are sealed as hourly rollups.
        redaction: what else is replaced, and what is not.
        experts: whose annotations count, as they call themselves; empty: everybody's.
    """

    positive: float = 0.7
    negative: float = 0.3
    issues: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retain_days: int = 90
    rollup: tuple[str, ...] = ("success", "usage", "exposure", "metric")
    redaction: RedactionSettings = RedactionSettings()
    experts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnalyticsSettings:
    """Who answers questions about events.

    Attributes:
        backend: ``auto`` (plain Python for few, DuckDB for many), ``python``, ``duckdb``, ``spark``, or
            ``warehouse``.
        dialect: the warehouse's SQL, as SQLGlot names it; ``table``: where its events are.
    """

    backend: str = "auto"
    dialect: str | None = None
    table: str = "events"


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What a report holds its figures against.

    Attributes:
        collection: ratings for each call, a share.
        satisfaction: the mean rating in stars, 1..5.
        improvement: the change of the success rate against the period before, a share of it.
        quality: ``rising``: the mean score does not fall. ``corrections``: ``falling``. Or ``any``.
    """

    collection: float = 0.20
    satisfaction: float = 4.0
    improvement: float = 0.10
    quality: str = "rising"
    corrections: str = "falling"


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How what users say changes rankings and routes; the environment's PROMPTVC_LEARNING_* come before it.

    Attributes:
        enabled: off keeps everything and adapts nothing.
        learning_rate: the weight of the newest day in a moving average, above 0 to 1.
        decay_rate: what evidence loses in a day, as a share: after ``d`` days it weighs ``(1 - decay_rate) ** d``.
        min_samples: with fewer events nothing is adapted.
    """

    enabled: bool = True
    learning_rate: float = 0.1
    decay_rate: float = 0.01
    min_samples: int = 100


@dataclass(frozen=True, slots=True)
class Route:
    """One way to do a task: a prompt, by a framework and a model, with the confidence it starts with, 0..1."""

    prompt: str
    framework: str | None = None
    model: str | None = None
    techniques: tuple[str, ...] = ()
    confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """The ways that `route` chooses among.

    Attributes:
        routes: in order of preference; empty: every prompt with the model of its file.
        good, bad: success rates above and below which a way's confidence is raised and lowered.
        step: by how much of itself.
        explore: choose by Thompson sampling instead of the highest confidence.
    """

    routes: tuple[Route, ...] = ()
    good: float = 0.8
    bad: float = 0.5
    step: float = 0.10
    explore: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationSettings:
    """How answers are reviewed by people.

    Attributes:
        scores: by name, what a reviewer is asked for: ``yes_no``, ``stars`` (1 to 5), ``percent``, or a list of labels.
        overlap: how many reviewers each answer needs.
        resolve: ``majority``, or ``adjudication``: the last word of one of the ``adjudicators``.
    """

    scores: Mapping[str, Any] = field(default_factory=dict)
    overlap: int = 1
    resolve: str = "majority"
    adjudicators: tuple[str, ...] = ()


def feedback_settings(given: Mapping[str, Any]) -> FeedbackSettings:
    """What the key ``feedback`` says; valid by the schema."""
    value = _tuples(given)
    redaction = RedactionSettings(**_tuples(value.pop("redaction", {})))
    tags = {name: tuple(words) for name, words in value.pop("tags", {}).items()}
    return FeedbackSettings(**value, redaction=redaction, tags=tags)


def routing_settings(given: Mapping[str, Any]) -> RoutingSettings:
    """What the key ``routing`` says; valid by the schema."""
    value = dict(given)
    routes = tuple(Route(**_tuples(one)) for one in value.pop("routes", ()))
    return RoutingSettings(**value, routes=routes)


def annotation_settings(given: Mapping[str, Any]) -> AnnotationSettings:
    """What the key ``annotation`` says; valid by the schema."""
    return AnnotationSettings(**_tuples(given))


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples: settings are frozen."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
