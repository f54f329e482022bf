"""The sample of very many inputs: what is held out stays so while inputs grow, and nothing of it is heard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.jsonl import canonical_json
from promptvc.feedback.events import Event
from promptvc.training.data import holdout, items, signals
from promptvc.training.data.items import Dataset, build
from promptvc.training.data.sample import sampled, stable_share
from promptvc.training.data.signals import Signals
from promptvc.training.data.split import Split
from tests.training.makers import a_prompt, an_id, corrections, event, questions, text_of


@given(st.text(), st.text())
def test_a_share_is_that_of_the_canonical_text(text: str, salt: str) -> None:
    digest = hashlib.sha256(canonical_json([salt, text])).digest()
    assert stable_share(text, salt) == int.from_bytes(digest[:6], "big") / 2**48


@given(st.sets(st.text(), max_size=60), st.sets(st.text(), max_size=30), st.integers(1, 40))
def test_laws_of_a_sample(keys: set[str], more: set[str], most: int) -> None:
    before, after = sampled(keys, most), sampled(keys | more, most)
    if before is None:
        assert len(keys) <= most
        before = frozenset(keys)
    assert len(before) <= most
    assert before <= keys
    if after is None:
        after = frozenset(keys | more)
    assert after & keys <= before, "nobody comes in later"


def test_a_sample_loses_a_half_and_no_more() -> None:
    keys = [f"question {number}" for number in range(4000)]
    sizes = [len(sampled(keys[:count], 1000) or keys[:count]) for count in range(1000, 4001, 100)]
    assert min(sizes) > 420
    assert max(sizes) <= 1000


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_INPUTS", 200)
    monkeypatch.setattr(signals, "MOST_SIGNALS", 50)


def divided(events: Sequence[Event]) -> tuple[Dataset, Split]:
    dataset = build(events, a_prompt())
    return dataset, holdout.divide(dataset.items, None, a_prompt())


@pytest.mark.usefixtures("small")
def test_what_is_beyond_the_sample_is_counted_and_used_nowhere() -> None:
    events = corrections(questions(900, 4))
    dataset, split = divided(events)
    (reason,) = dataset.left_out
    assert reason == f"beyond the sample of {len(dataset.items)} inputs"
    cited = {each for item in dataset.items for each in item.because}
    assert len(cited) + dataset.left_out[reason] == 900
    assert 80 < len(dataset.items) <= 200
    assert len(split.items) + len(split.holdout) == len(dataset.items)
    heard, _ = split.audible(signals.hear(events, a_prompt(), dataset.rejected).signals)
    assert heard
    held = {form.key for form in split.holdout_forms}
    assert not held & {signal.form.key for signal in heard if signal.form is not None}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(4))
def test_as_inputs_grow_nothing_that_was_held_out_is_ever_learned(seed: int) -> None:
    """Neither below the doubling nor above it: what leaves the sample is used nowhere."""
    events = corrections(questions(1400, seed))
    looked: set[str] = set()
    held: set[str] = set()
    for count in range(100, 1401, 100):
        _, split = divided(events[:count])
        now = {text_of(case) for case in split.holdout}
        assert not looked & {item.text for item in split.items}
        assert now & held <= looked, "what was held out and not looked at is no fresh case later"
        looked |= now
        held = {form.key for form in split.holdout_forms}


@pytest.mark.usefixtures("small")
def test_of_very_many_signals_a_sample_is_heard_in_which_rates_are_the_same() -> None:
    kinds = ("error", "success", "success", "success")
    events = [
        event(n, kinds[n % 4], **({"error": {"message": "x"}} if n % 4 == 0 else {})) for n in range(3000)
    ]
    events += [event(3000 + n, "suggestion", comment=f"be kind {n}") for n in range(9)]
    found: Signals = signals.hear(events, a_prompt(), frozenset())
    kinds_heard = [signal.kind for signal in found.signals]
    assert kinds_heard.count("suggestion") == 9, "what is rare is not thinned out"
    calls = len(kinds_heard) - 9
    assert 20 < calls <= 50
    assert 0.1 < kinds_heard.count("error") / calls < 0.45
    assert found.left_out == {f"beyond the sample of {calls + 9} signals": 3000 - calls}
    again = signals.hear([*events, event(4000, "success")], a_prompt(), frozenset())
    assert [each for each in again.signals if each.id != an_id(4000)] == list(found.signals)
