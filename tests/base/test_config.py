"""Settings: defaults, every key, one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptvc.base.config import Price, Settings, load_settings
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo

EVERYTHING = b"""
main: trunk
remote: upstream
model: openai:gpt-x
default_environment: staging
feedback:
  positive: 0.8
  negative: 0.2
  issues: [wrong_label]
  tags: {type: [question, complaint]}
  retain_days: 30
  rollup: [usage]
  redaction: {patterns: {order: "ORD-[0-9]+"}, allow: [help@example.org]}
  experts: [ada]
models:
  timeout_s: 5
  attempts: 2
  concurrency: 3
  local_only: true
  allow: ["openai:*"]
  prices: {"openai:gpt-x": {input: 1.5, output: 6}}
evaluation:
  margin: 0.1
  guard_margin: 0.01
  success: 0.9
  safety: 0.95
  improvement: 0.02
  judge: openai:judge-x
  embeddings: openai:embed-x
  judges: {llm-rubric: judges/ours}
training:
  max_examples: 4
  max_tokens: 500
  max_calls: 100
  min_gain: 0.05
  max_growth: 0.5
  days: 60
  variants: 5
  rounds: 2
  batch: 20
  approaches: [meta_prompt, few_shot]
  embeddings: minilm
  budget: {tokens: 9000, cost: 2.5, seconds: 60}
  optimizer: {model: openai:gpt-x, temperature: 0.2}
  triggers: {error_rate: 0.1, rating: 0.7, events: 9, suggestions: 2, min_events: 4, hours: 1}
  selection: {error_rate: 0.4, rating: 0.4, suggestions: 6}
  auto_deploy: {enabled: true, environment: staging, improvement: 0.2, safety: 0.95, human_review: false}
check: {rules: {leak: "off"}, max_characters: 9, trusted: [name], ignore: ["prompts/old/*"]}
review: {forge: gitea, labels: [prompts], reviewers: [ada, org/team], deploy: staging}
analytics: {backend: warehouse, dialect: postgres, table: prompts.events}
targets: {collection: 0.1, satisfaction: 3.5, improvement: 0.05, quality: any, corrections: any}
learning: {enabled: false, learning_rate: 0.2, decay_rate: 0.05, min_samples: 10}
routing:
  routes: [{prompt: desk, framework: plain, model: offline, techniques: [few_shot], confidence: 0.7}]
  good: 0.9
  bad: 0.4
  step: 0.2
  explore: true
annotation: {scores: {tone: stars, topic: [a, b]}, overlap: 2, resolve: adjudication, adjudicators: [ada]}
"""


@pytest.mark.parametrize("data", [None, b"", b"  \n", b"# only a comment\n"])
def test_nothing_said_is_all_defaults(data: bytes | None) -> None:
    assert load_settings(data) == Settings()


def test_every_key_arrives() -> None:
    settings = load_settings(EVERYTHING)
    default = Settings()
    assert (settings.main, settings.remote, settings.default_environment) == ("trunk", "upstream", "staging")
    assert settings.models.prices == {"openai:gpt-x": Price(1.5, 6)}
    sections = ("feedback", "models", "evaluation", "training", "check", "review")
    for section in (*sections, "analytics", "targets", "learning", "routing", "annotation"):
        given, usual = getattr(settings, section), getattr(default, section)
        for name in usual.__slots__:
            assert getattr(given, name) != getattr(usual, name), f"{section}.{name}"
    for part in ("budget", "optimizer", "triggers", "selection", "auto_deploy"):
        given, usual = getattr(settings.training, part), getattr(default.training, part)
        for name in usual.__slots__:
            assert getattr(given, name) != getattr(usual, name), f"training.{part}.{name}"


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"main: 7\n", 1, "main"),
        (b"\nmodells: {}\n", 2, "modells"),
        (b"models:\n  attempts: 0\n", 2, "attempts"),
        (b"models: {base_url: http://x}\n", 1, "base_url"),
        (b"[]\n", 1, ""),
        (b"main: a\nmain: b\n", 2, "main"),
    ],
)
def test_a_fault_names_its_line_and_key(data: bytes, line: int, said: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_settings(data, file="promptvc.yaml")
    assert (caught.value.file, caught.value.line) == ("promptvc.yaml", line)
    assert said in caught.value.message


def test_a_memo_that_lies_ends_in_an_error_all_the_same(tmp_path: Path) -> None:
    class Liar(Memo):
        def knows(self, digest: str) -> bool:
            return bool(digest)

    with pytest.raises(InvalidDocument):
        load_settings(b"nonsense: 1\n", memo=Liar(tmp_path / "memo"))


def test_the_schema_names_every_setting() -> None:
    schema = json.loads((Path(__file__).parents[2] / "promptvc/schemas/settings.json").read_text("utf-8"))
    assert set(schema["properties"]) == set(Settings.__slots__)
    sections = ("feedback", "models", "evaluation", "training", "check", "review")
    for section in (*sections, "analytics", "targets", "learning", "routing", "annotation"):
        assert set(schema["properties"][section]["properties"]) == set(getattr(Settings(), section).__slots__)
