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
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate

FILE = "promptvc.yaml"


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    """Where a score counts as positive and negative, 0..1."""

    positive: float = 0.7
    negative: float = 0.3


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How providers are called. Times in seconds."""

    timeout_s: float = 60.0
    attempts: int = 5
    concurrency: int = 32
    local_only: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)


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
class TrainingSettings:
    """Bounds of a training: examples and their tokens in the prompt, calls to the model, gain on training cases."""

    max_examples: int = 32
    max_tokens: int = 4000
    max_calls: int = 20000
    min_gain: float = 0.02


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
    try:
        return _settings(dict(document.value))
    except (TypeError, ValueError, AttributeError) as error:
        # Only a memo that somebody else wrote lets an invalid text get this far.
        raise InvalidDocument(f"these are no settings: {error}", file=file, hint="rm -r .promptvc") from error


def _settings(value: dict[str, Any]) -> Settings:
    models = dict(value.pop("models", {}))
    prices = {name: Price(**price) for name, price in models.pop("prices", {}).items()}
    return Settings(
        feedback=FeedbackSettings(**value.pop("feedback", {})),
        models=ModelSettings(**models, prices=prices),
        evaluation=EvaluationSettings(**value.pop("evaluation", {})),
        training=TrainingSettings(**value.pop("training", {})),
        **value,
    )
