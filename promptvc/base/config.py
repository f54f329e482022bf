"""Settings: what `promptvc.yaml` says, as frozen values. Every key is optional.

Endpoints and credentials are no settings of a repository: a pull request could send a key to its author. They come
from the environment only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.feedback_settings import (
    AnalyticsSettings,
    AnnotationSettings,
    FeedbackSettings,
    LearningSettings,
    RoutingSettings,
    TargetSettings,
    annotation_settings,
    feedback_settings,
    routing_settings,
)
from promptvc.base.memo import Memo
from promptvc.base.nodes import Document
from promptvc.base.schemas import validate
from promptvc.base.slow_patterns import pattern_problem

__all__ = ["FILE", "FeedbackSettings", "Settings", "load_settings"]

FILE = "promptvc.yaml"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How providers are called. Times in seconds.

    Attributes:
        allow: the models that may be called, as ``fnmatch`` patterns of ``provider:name``; None: all.
    """

    timeout_s: float = 60.0
    attempts: int = 5
    concurrency: int = 32
    local_only: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)
    allow: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The bars of a comparison, on the score's scale, 0..1 (docs/design/statistics.md), and what grades by model.

    Attributes:
        judge: the model that judges, ``provider:name``; None: graded assertions need ``--judge``.
        embeddings: ``lexical``, or an embedding model.
        judges: by name, a prompt of the repository to judge with instead of promptvc's own.
    """

    margin: float = 0.05
    guard_margin: float = 0.02
    success: float = 0.8
    safety: float = 0.9
    improvement: float = 0.05
    judge: str | None = None
    embeddings: str = "lexical"
    judges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """The model that proposes edits, ``provider:name``; None: the first model trained for that is not offline."""

    model: str | None = None
    temperature: float = 0.7


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    """When `train --due` trains a prompt, by what came since its last training.

    Attributes:
        error_rate: more than this share of calls and answers went wrong.
        rating: the mean score is below this.
        events, suggestions: as many new ones, or more.
        min_events: with fewer events nothing is due; rates are of so many new ones or more.
        hours: between two trainings of one prompt.
    """

    error_rate: float = 0.20
    rating: float = 0.6
    events: int = 50
    suggestions: int = 3
    min_events: int = 10
    hours: float = 24.0


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """When `--approach auto` takes adversarial (error rate above), reinforcement (mean score below), meta_prompt."""

    error_rate: float = 0.30
    rating: float = 0.5
    suggestions: int = 5


@dataclass(frozen=True, slots=True)
class AutoDeploySettings:
    """Deploying what training made without being told to; off by default.

    Attributes:
        environment: None: the default environment.
        improvement, safety: what the comparison on the hold-out has to show, 0..1.
        human_review: only what a person brought to main.
    """

    enabled: bool = False
    environment: str | None = None
    improvement: float = 0.10
    safety: float = 0.9
    human_review: bool = True


@dataclass(frozen=True, slots=True)
class TrainingBudget:
    """What a training may spend besides ``max_calls``; None is no bound. ``cost`` in US dollars."""

    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None


MOST_DAYS = 36_500
"""A century: everything, and no date before the first one."""

APPROACHES = ("few_shot", "reinforcement", "meta_prompt", "adversarial")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How trainings learn.

    Attributes:
        max_examples, max_tokens: bounds of the prompt's examples, those it has included; tokens of four characters.
        max_calls: answers that a training may ask for, its look at the hold-out included.
        budget: further bounds.
        min_gain: what a candidate has to gain on training cases to leave.
        max_growth: by how much instructions and rules may grow in characters, as a share of the baseline's.
        days: events of the last so many days before the prompt's newest one.
        variants: how many an approach proposes in a round, a larger pool is thinned out; ``rounds``: how many there are
            at most.
        batch: how many failures or pieces of feedback are shown to the optimizer at once.
        approaches: those that `auto` and `all` may take.
        embeddings: what few_shot compares inputs by: ``lexical``, ``minilm`` (an extra), or an embedding model.
    """

    max_examples: int = 32
    max_tokens: int = 4000
    max_calls: int = 20000
    budget: TrainingBudget = TrainingBudget()
    min_gain: float = 0.02
    max_growth: float = 0.25
    days: int = 30
    variants: int = 3
    rounds: int = 3
    batch: int = 10
    approaches: tuple[str, ...] = APPROACHES
    embeddings: str = "lexical"
    optimizer: OptimizerSettings = OptimizerSettings()
    triggers: TriggerSettings = TriggerSettings()
    selection: SelectionSettings = SelectionSettings()
    auto_deploy: AutoDeploySettings = AutoDeploySettings()


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How `check` reads prompts.

    Attributes:
        rules: by rule id, ``error``, ``warning`` or ``off`` instead of its own severity.
        max_characters: of a rendered prompt without its variables' values, above which it is oversize.
        trusted: variables whose values no stranger writes, wherever they stand.
        ignore: paths of files, as ``fnmatch`` patterns from the prompt root, about which nothing is reported.
    """

    rules: Mapping[str, str] = field(default_factory=dict)
    max_characters: int = 40_000
    trusted: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """How a candidate is brought to its reviewers.

    Attributes:
        forge: ``github``, ``gitlab`` or ``gitea`` where the remote's address does not tell; None: it does.
        labels: of every pull request that promptvc opens.
        reviewers: asked besides the owners that CODEOWNERS names: logins, or ``org/team``.
        deploy: the environment whose deployment a pull request carries, so that merging deploys; None: none.
    """

    forge: str | None = None
    labels: tuple[str, ...] = ("promptvc",)
    reviewers: tuple[str, ...] = ()
    deploy: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `promptvc.yaml` can say; the defaults stand here and nowhere else."""

    main: str | None = None
    remote: str = "origin"
    model: str | None = None
    default_environment: str = "production"
    feedback: FeedbackSettings = FeedbackSettings()
    models: ModelSettings = ModelSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    training: TrainingSettings = TrainingSettings()
    check: CheckSettings = CheckSettings()
    review: ReviewSettings = ReviewSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    targets: TargetSettings = TargetSettings()
    learning: LearningSettings = LearningSettings()
    routing: RoutingSettings = RoutingSettings()
    annotation: AnnotationSettings = AnnotationSettings()


def load_settings(data: bytes | None, *, file: str = FILE, memo: Memo | None = None) -> Settings:
    """Read `promptvc.yaml`; ``None`` (no such file) and an empty file give the defaults.

    Raises:
        InvalidDocument: with the line and the key.
    """
    if data is None or not data.strip():
        return Settings()
    document = load_yaml(data, file=file)
    if document.value is None:
        return Settings()
    validate(document, "settings", memo=memo)
    _refuse_patterns(document)
    try:
        return _settings(dict(document.value))
    except (TypeError, ValueError, AttributeError) as error:
        # Only a memo that somebody else wrote lets an invalid text get this far.
        raise InvalidDocument(f"these are no settings: {error}", file=file, hint="rm -r .promptvc") from error


def _settings(value: dict[str, Any]) -> Settings:
    models = _tuples(value.pop("models", {}))
    prices = {name: Price(**price) for name, price in models.pop("prices", {}).items()}
    return Settings(
        feedback=feedback_settings(value.pop("feedback", {})),
        models=ModelSettings(**models, prices=prices),
        evaluation=EvaluationSettings(**value.pop("evaluation", {})),
        training=training_settings(value.pop("training", {})),
        check=CheckSettings(**_tuples(value.pop("check", {}))),
        review=ReviewSettings(**_tuples(value.pop("review", {}))),
        analytics=AnalyticsSettings(**value.pop("analytics", {})),
        targets=TargetSettings(**value.pop("targets", {})),
        learning=LearningSettings(**value.pop("learning", {})),
        routing=routing_settings(value.pop("routing", {})),
        annotation=annotation_settings(value.pop("annotation", {})),
        **value,
    )


def _refuse_patterns(document: Document) -> None:
    """A pattern that never ends would stop everything that records feedback."""
    where = ("feedback", "redaction", "patterns")
    found: Any = document.value
    for key in where:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    for category, pattern in found.items():
        if problem := pattern_problem(pattern):
            raise InvalidDocument(
                f"{'.'.join(where)}.{category} {problem}",
                file=document.file,
                line=document.line(*where, category),
                hint="such as ORD-[0-9]{6}; avoid a repetition within a repetition",
            )


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples: settings are frozen."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def training_settings(given: Mapping[str, Any]) -> TrainingSettings:
    """What the key ``training`` says; valid by the schema."""
    value = dict(given)
    parts = {
        "budget": TrainingBudget,
        "optimizer": OptimizerSettings,
        "triggers": TriggerSettings,
        "selection": SelectionSettings,
        "auto_deploy": AutoDeploySettings,
    }
    found: dict[str, Any] = {name: kind(**value.pop(name, {})) for name, kind in parts.items()}
    if "approaches" in value:
        found["approaches"] = tuple(value.pop("approaches"))
    return TrainingSettings(**found, **value)
