"""Patterns: what was planted is found, and where scores are dealt out by chance nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from promptvc.analysis.patterns.block import Candidate
from promptvc.analysis.patterns.merging import Sighting, bits, merged
from promptvc.analysis.patterns.mining import Mined, mine
from promptvc.analysis.patterns.pattern import Pattern
from promptvc.analysis.patterns.versions import Edit, shifts, steps
from promptvc.feedback.query.facts import Said
from tests.analysis.said import crowd, said, shuffled

CROWD = crowd(1200)


@pytest.fixture(scope="module")
def mined() -> Mined:
    return mine(CROWD)


def of(mined: Mined, type_: str) -> list[Pattern]:
    return [one for one in mined.patterns if one.type == type_]


def test_what_was_planted_is_found_and_little_else(mined: Mined) -> None:
    failure, success = of(mined, "failure")[0], of(mined, "success")[0]
    assert failure.candidate == Candidate("phrase", "input", "parcel was late")
    assert (failure.measure, failure.effect.value < -0.25) == ("high", True)
    assert Candidate("phrase", "input", "parcel") in failure.aliases
    assert success.candidate == Candidate("feature", "output", "is JSON")
    assert success.effect.low > 0.1
    assert Candidate("phrase", "output", "answer") in success.aliases
    assert len(mined.patterns) <= 4
    assert mined.found > len(mined.patterns), "the like are merged"


def test_a_pattern_says_what_can_be_counted_again(mined: Mined) -> None:
    pattern = of(mined, "failure")[0]
    with_ = [one for one in CROWD if "parcel was late" in (one.input or "")]
    without = [one for one in CROWD if "parcel was late" not in (one.input or "")]
    assert (pattern.events, pattern.without) == (len(with_), len(without))
    assert pattern.hits == sum(one.score == 1.0 for one in with_)
    assert pattern.without_hits == sum(one.score == 1.0 for one in without)
    assert pattern.effect.value == pytest.approx(
        pattern.hits / len(with_) - pattern.without_hits / len(without)
    )
    means = [sum(one.score or 0 for one in group) / len(group) for group in (with_, without)]
    assert pattern.difference is not None
    assert pattern.difference.value == pytest.approx(means[0] - means[1])
    assert pattern.ids == tuple(one.id for one in with_[:5]), "the newest first"
    assert pattern.confidence == pytest.approx(1 - pattern.adjusted)
    assert pattern.p <= pattern.adjusted <= 0.05


def test_scores_dealt_out_by_chance_make_no_patterns() -> None:
    """At most one run in twenty may find something; of eighty other seeds none did."""
    base = CROWD[:500]
    found = [len(mine(shuffled(base, seed)).patterns) for seed in range(12)]
    assert sum(found) <= 1
    assert mine(base).patterns


def test_the_same_events_make_the_same_answer(mined: Mined) -> None:
    assert mine([*CROWD]) == mined
    assert [one.to_json() for one in mine(CROWD[:400]).patterns] == [
        one.to_json() for one in mine(CROWD[:400]).patterns
    ]


def test_prompts_are_looked_at_one_by_one() -> None:
    """One prompt is worse than the other, and its words are not to blame."""
    good = [said(at, prompt="good", input="alpha beta", score=float(at % 10 > 0)) for at in range(200)]
    bad = [said(at, prompt="bad", input="gamma delta", score=float(at % 10 > 6)) for at in range(200)]
    assert mine([*good, *bad]).patterns == ()
    (worse,) = of(mine([replace(one, prompt="one") for one in (*good, *bad)]), "failure")
    assert worse.candidate.text in {"gamma delta", "gamma", "delta"} or worse.candidate.kind == "cluster"


def test_events_without_a_score_or_a_text_are_no_harm() -> None:
    events = [said(1, score=None, input="a"), said(2), said(3, input="", output=None, comment="\ud83d")]
    assert (mine(events).patterns, mine(events).events, mine([]).tested) == ((), 2, 0)


def sighting(text: str, events: list[int], outcome: list[int], kind: str = "phrase") -> Sighting:
    candidate = Candidate(
        "phrase" if kind == "phrase" else "tag", "input" if kind == "phrase" else None, text
    )
    return Sighting(candidate, True, bits(events, 400), (1 << 400) - 1, bits(outcome, 400))


def test_the_like_are_merged() -> None:
    outcome = [*range(100), *range(200, 290)]
    strongest = sighting("late", [*range(100)], outcome)
    same = sighting("delay", [*range(10, 110)], outcome, "tag")
    inside = sighting("was late", [*range(60)], outcome)
    rides_along = sighting("again", [*range(20), *range(300, 320)], outcome, "tag")
    another = sighting("rude", [*range(70, 100), *range(200, 300)], outcome, "tag")
    given = [strongest, same, inside, rides_along, another]
    assert merged(given) == [0, 4]
    assert [one.text for one in strongest.aliases] == ["delay", "was late", "again"]
    assert another.aliases == []


def test_versions_that_moved_the_score() -> None:
    def rated(version: int | None, share: int, count: int = 60) -> list[Said]:
        return [
            said(at + 100 * (version or 0), version=version, score=float(at % 10 < share))
            for at in range(count)
        ]

    events = [*rated(1, 8), *rated(2, 8), *rated(4, 4), *rated(5, 9, 3), *rated(None, 1)]
    assert steps(events, 5) == [("desk", 1, 2), ("desk", 2, 4)]
    edit = Edit("rules[0]", "removed", "Be kind.")
    moved, same = shifts(events, 5, {("desk", 2, 4): [edit]})
    assert (moved.before, moved.after, moved.stands, moved.edits) == (2, 4, True, (edit,))
    assert moved.difference is not None
    assert moved.difference.value == pytest.approx(-0.4)
    assert moved.difference.high < 0
    assert (same.stands, same.edits, same.p) == (False, None, 1.0)
    assert same.adjusted == 1.0
