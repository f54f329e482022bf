"""Environments and holds as files: paths, rules, what counts as a deployment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from promptvc.base.errors import InvalidDocument
from promptvc.deployment.environments import Environment, deployments, environment_names, load_environment
from promptvc.deployment.holds import find_hold, hold_paths, load_hold, new_hold

TREE = {
    "deployments/production/environment.yaml": "e" * 40,
    "deployments/production/support/triage.yaml": "a" * 40,
    "deployments/production/environmental.yaml": "b" * 40,
    "deployments/production/holds/support/triage/v2.yaml": "c" * 40,
    "deployments/production/support/triage.rollout.yaml": "d" * 40,
    "deployments/production/support/triage.candidate.yaml": "d" * 40,
    "deployments/staging/support/triage.yaml": "a" * 40,
    "deployments/README.md": "f" * 40,
    "prompts/support/triage.yaml": "a" * 40,
}


def test_only_copies_are_deployments() -> None:
    assert [(one.environment, one.name) for one in deployments(TREE)] == [
        ("production", "environmental"),
        ("production", "support/triage"),
        ("staging", "support/triage"),
    ]
    assert environment_names(TREE) == ["production", "staging"]


def test_rules_are_read() -> None:
    text = (
        b"promotes_from: staging\nrequires: evidence\ngates: {minimum_score: 0.7, verdicts: [improvement]}\n"
    )
    assert load_environment("production", text) == Environment(
        "production", "staging", True, 0.7, frozenset({"improvement"})
    )
    assert load_environment("production", b"requires: [evidence]\n").requires_evidence
    for nothing in (None, b"", b"# nothing\n"):
        assert load_environment("staging", nothing) == Environment("staging")


@pytest.mark.parametrize(
    "text", [b"promotes_from: [a]\n", b"requires: luck\n", b"gate: {}\n", b"gates: {x: 1}\n"]
)
def test_rules_that_are_none(text: bytes) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_environment("production", text)
    assert caught.value.file == "deployments/production/environment.yaml"
    assert caught.value.line == 1


def test_a_hold_reads_back() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    hold = new_hold(
        ("production", "support/triage", 3), "a" * 40, reason="no: it\nlies", by="Jo <j@x>", now=now
    )
    assert hold.path == "deployments/production/holds/support/triage/v3.yaml"
    assert load_hold(hold.path, hold.to_bytes()) == hold
    assert find_hold([hold], "a" * 40) == hold
    assert find_hold([hold], "b" * 40) is None


def test_holds_are_found_by_environment_and_prompt() -> None:
    path = "deployments/production/holds/support/triage/v2.yaml"
    assert hold_paths(TREE) == [path]
    assert hold_paths(TREE, "production", "support/triage") == [path]
    assert hold_paths(TREE, "staging") == []
    assert hold_paths(TREE, "production", "support") == []


def test_a_hold_without_a_digest_is_an_error() -> None:
    with pytest.raises(InvalidDocument):
        load_hold("deployments/production/holds/a/v1.yaml", b"reason: x\n")
