"""Every gate closes for its reason and for no other; the way back skips what is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.deployment.environments import Environment
from promptvc.deployment.gates import Proof, Request, objections
from promptvc.deployment.holds import Hold
from promptvc.deployment.rollback import Past, choose

HOLD = Hold("production", "a", 2, "b" * 40, "it lies", "Jo", "2026-11-20T00:00:00Z")
OPEN = Request(
    "a v2", on_main=True, hold=None, proof=Proof(0.9, "improvement", 0.1), promoted=True, margin=0.05
)
PLAIN = Environment("production")


def closed(request: Request, environment: Environment = PLAIN) -> list[str]:
    return [one.gate for one in objections(request, environment)]


def test_a_good_version_passes() -> None:
    strict = Environment("production", "staging", True, 0.8, frozenset({"improvement"}))
    assert closed(OPEN) == []
    assert closed(OPEN, strict) == []


@pytest.mark.parametrize(
    ("request_", "environment", "gate"),
    [
        (replace(OPEN, on_main=False), PLAIN, "main"),
        (replace(OPEN, hold=HOLD), PLAIN, "hold"),
        (replace(OPEN, promoted=False), Environment("production", promotes_from="staging"), "promotion"),
        (replace(OPEN, proof=None), Environment("production", requires_evidence=True), "evidence"),
        (replace(OPEN, proof=Proof(0.9, "regression", -0.01)), PLAIN, "verdict"),
        (replace(OPEN, proof=Proof(0.9, "incomparable")), PLAIN, "verdict"),
        (
            replace(OPEN, proof=Proof(0.9, "inconclusive", 0.01)),
            Environment("production", verdicts=frozenset({"improvement"})),
            "verdict",
        ),
        (replace(OPEN, proof=Proof(0.9, "inconclusive", -0.05)), PLAIN, "margin"),
        (OPEN, Environment("production", minimum_score=0.95), "score"),
    ],
)
def test_each_gate_closes_alone(request_: Request, environment: Environment, gate: str) -> None:
    assert closed(request_, environment) == [gate]


@pytest.mark.parametrize(
    "proof",
    [None, Proof(0.1), Proof(0.5, "equivalent", 0.0), Proof(0.5, "inconclusive", -0.049)],
)
def test_the_default_gate_lets_human_edits_and_undecided_evidence_through(proof: Proof | None) -> None:
    assert closed(replace(OPEN, proof=proof, promoted=False)) == []


def test_every_objection_says_what_to_do() -> None:
    everything = Environment("production", "staging", True, 0.95, frozenset({"improvement"}))
    request = replace(OPEN, on_main=False, hold=HOLD, promoted=False, proof=Proof(0.5, "regression", -0.2))
    found = objections(request, everything)
    assert [one.gate for one in found] == ["main", "hold", "promotion", "verdict", "margin", "score"]
    assert all(one.message and one.hint for one in found)


DIGESTS = st.sampled_from(["a", "b", "c", None])


@given(st.lists(DIGESTS), st.sampled_from("abc"), st.sets(st.sampled_from("abc")))
def test_the_way_back_is_the_newest_other_version_that_is_not_held(
    digests: list[str | None], current: str, held: set[str]
) -> None:
    past = [Past(str(at), digest) for at, digest in enumerate(digests)]
    chosen = choose(past, current=current, held=held)
    possible = [
        one for one in past if one.digest is not None and one.digest != current and one.digest not in held
    ]
    assert chosen == (possible[0] if possible else None)
