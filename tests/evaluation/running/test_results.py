"""Results kept aside: every value comes back, in the order of the cases, whatever order they came in."""

from __future__ import annotations

import gc
import random
import weakref

from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.running.results import Results
from promptvc.evidence.runs import CaseResult, GradeLine
from promptvc.evidence.values import Tokens

TEXT = st.text(st.characters(codec=None), max_size=30)
SHARE = st.none() | st.floats(0, 1)
GRADE = st.builds(
    GradeLine,
    name=TEXT,
    score=SHARE,
    passed=st.none() | st.booleans(),
    weight=st.floats(0, 9),
    metric=st.none() | TEXT,
    reason=TEXT,
    error=st.none() | TEXT,
    measure=st.none() | TEXT,
)
RESULT = st.builds(
    CaseResult,
    case=TEXT,
    score=SHARE,
    passed=st.none() | st.booleans(),
    repeat=st.integers(0, 2),
    error=st.none() | TEXT,
    output=st.none() | TEXT,
    output_digest=st.none() | TEXT,
    tokens=st.builds(Tokens, st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 10**9)),
    cost=SHARE,
    latency_ms=SHARE,
    metrics=st.dictionaries(TEXT, st.floats(0, 1), max_size=2),
    grades=st.lists(GRADE, max_size=3).map(tuple),
    case_digest=st.none() | TEXT,
    extra=st.dictionaries(TEXT, st.lists(TEXT, max_size=2), max_size=2),
)


@given(st.lists(RESULT, min_size=1, max_size=8), st.randoms())
def test_everything_comes_back(results: list[CaseResult], chance: random.Random) -> None:
    kept = Results(len(results), 1)
    order = list(range(len(results)))
    chance.shuffle(order)
    for at in order:
        kept.put(at, 0, results[at])
        assert kept.of(at) == (results[at],)
    assert list(kept) == results
    assert len(kept) == len(results)
    kept.close()


def result(case: int, repeat: int) -> CaseResult:
    return CaseResult(f"c{case}", 1.0, passed=True, repeat=repeat, output="x" * 2000)


def test_a_case_has_its_repeats_and_what_did_not_come_is_missing() -> None:
    kept = Results(3, 2)
    kept.put(2, 1, result(2, 1))
    kept.put(0, 0, result(0, 0))
    kept.put(2, 0, result(2, 0))
    assert [one.repeat for one in kept.of(2)] == [0, 1]
    assert kept.of(1) == ()
    assert [one.case for one in kept] == ["c0", "c2", "c2"]
    kept.put(0, 0, CaseResult("again", None, passed=None))
    assert kept.of(0)[0].case == "again"
    kept.close()


def test_many_results_are_on_the_disk_and_gone_with_their_holder() -> None:
    kept = Results(12_000, 1)
    for at in range(12_000):
        kept.put(at, 0, result(at, 0))
    assert kept.of(11_999)[0].case == "c11999"
    closing = kept.close
    gone = weakref.ref(kept)
    del kept
    gc.collect()
    assert gone() is None
    assert not closing.alive
