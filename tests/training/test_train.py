"""A training from end to end on the offline model: gain, honesty, budgets, bytes."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from promptvc.base.errors import NotFound
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event
from promptvc.models.offline import OfflineModel
from promptvc.prompts.edit import edit
from promptvc.prompts.model import Example, Prompt, load_prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.few_shot.few_shot import FewShot
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.split import case_of
from promptvc.training.data.texts import near_pairs, normalised
from promptvc.training.options import Bounds, TrainingOptions
from promptvc.training.outcome import TrainingOutcome
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Scored, Tools
from promptvc.training.search.changes import difference
from promptvc.training.sizes import tokens_of
from promptvc.training.task import TrainingTask
from promptvc.training.train import train
from tests.training.makers import PROMPT, a_prompt, an_id, corrections, event, offline, questions, text_of

ROOT = Path(__file__).resolve().parents[2]
ROWS = questions(120, 1)


def task_of(events: Sequence[Event], data: bytes = PROMPT) -> TrainingTask:
    prompt = a_prompt(data)
    dataset = build(events, prompt)
    return TrainingTask.of(prompt, dataset, divide(dataset.items, None, prompt))


def trained(data: bytes, outcome: TrainingOutcome) -> bytes:
    assert outcome.edits is not None
    return edit(data, outcome.edits, file="prompts/support/triage.yaml")


def added(outcome: TrainingOutcome, data: bytes = PROMPT) -> tuple[Example, ...]:
    before, after = a_prompt(data), load_prompt(trained(data, outcome), file="x")
    return tuple(example for example in after.examples if example not in before.examples)


def removed(outcome: TrainingOutcome, data: bytes = PROMPT) -> tuple[Example, ...]:
    before, after = a_prompt(data), load_prompt(trained(data, outcome), file="x")
    return tuple(example for example in before.examples if example not in after.examples)


def accuracy(data: bytes, rows: Sequence[tuple[str, str]]) -> float:
    prompt = a_prompt(data)
    cases = [case_of(item) for item in build(corrections(rows), prompt).items]
    scores = [one.score for one in offline().ask(prompt, cases) if one.score is not None]
    return sum(scores) / len(scores)


class Recorder:
    """A scorer that notes what it was asked, and asks the offline model."""

    def __init__(self, calls_per_case: int = 1) -> None:
        self.asked: list[tuple[Prompt, list[Case]]] = []
        self.calls_per_case = calls_per_case
        self._inner = offline()

    @property
    def calls(self) -> int:
        return sum(len(cases) for _, cases in self.asked) * self.calls_per_case

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
        self.asked.append((prompt, list(cases)))
        return self._inner.ask(prompt, cases)


def test_examples_raise_the_score_on_questions_never_seen() -> None:
    outcome = train(task_of(corrections(ROWS)), TrainingOptions(max_examples=12), Tools(offline()))
    after = trained(PROMPT, outcome)
    fresh = questions(200, 99)
    assert accuracy(after, fresh) > accuracy(PROMPT, fresh) + 0.3
    assert outcome.approach == "few_shot"
    assert outcome.gain is not None
    assert outcome.gain > 0.3
    assert 0 < len(added(outcome)) <= 12


def test_every_example_cites_events_that_say_what_it_says() -> None:
    events = corrections(ROWS)
    by_id = {each.id: each for each in events}
    outcome = train(task_of(events), TrainingOptions(), Tools(offline()))
    assert set(outcome.events) <= set(by_id)
    for example in added(outcome):
        assert example.because
        for cited in example.because:
            assert by_id[cited].corrected == example.output
            assert by_id[cited].input == example.input["message"]


def test_shuffled_labels_bring_nothing() -> None:
    outcomes = []
    for seed in range(6):
        draw = random.Random(seed)
        labels = [label for _, label in ROWS]
        draw.shuffle(labels)
        rows = [(text, label) for (text, _), label in zip(ROWS, labels, strict=True)]
        outcomes.append(train(task_of(corrections(rows)), TrainingOptions(seed=seed), Tools(offline())))
    left = [outcome for outcome in outcomes if outcome.edits is not None]
    assert len(left) <= 1
    assert all("no improvement found" in outcome.reason for outcome in outcomes if outcome.edits is None)


def test_same_task_and_seed_same_bytes() -> None:
    one, other = (
        trained(PROMPT, train(task_of(events), TrainingOptions(seed=7), Tools(offline())))
        for events in (corrections(ROWS), list(reversed(corrections(ROWS))))
    )
    assert one == other


_SCRIPT = """
import hashlib
from promptvc.prompts.edit import edit
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Tools
from promptvc.training.train import train
from tests.training.makers import PROMPT, corrections, offline, questions
from tests.training.test_train import task_of
outcome = train(task_of(corrections(questions(80, 1))), TrainingOptions(seed=3), Tools(offline()))
print(outcome.reason, hashlib.sha256(edit(PROMPT, outcome.edits, file="x")).hexdigest())
"""


def test_the_seed_of_hashes_has_no_influence() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "99")
    }
    assert len(printed) == 1


def test_no_case_is_judged_by_examples_that_know_it() -> None:
    recorder = Recorder()
    train(task_of(corrections(ROWS)), TrainingOptions(), Tools(recorder))
    rounds = recorder.asked[1:]
    assert len(rounds) >= 5
    for prompt, cases in rounds:
        known = [normalised(example.input["message"]) for example in prompt.examples]
        assert known
        assert near_pairs([normalised(text_of(case)) for case in cases], known) == []


def test_questions_of_one_user_do_not_judge_each_other() -> None:
    rows = questions(120, 4)
    events = [
        event(number, input=text, corrected=label, user=f"u{number // 3}")
        for number, (text, label) in enumerate(rows)
    ]
    users = {each.id: each.user for each in events}
    task = task_of(events)
    asker = {
        case.case.id: users[task.items[case.item].because[0]] for case in task.cases if case.item is not None
    }
    recorder = Recorder()
    train(task, TrainingOptions(), Tools(recorder))
    assert len(recorder.asked) > 1
    for prompt, cases in recorder.asked[1:]:
        shown = {users[each] for example in prompt.examples for each in example.because}
        assert not shown & {asker[case.id] for case in cases}


@pytest.mark.parametrize("per_case", [1, 3])
@pytest.mark.parametrize("most", [0, 50, 200, 333, 1000])
def test_calls_stay_within_the_budget(most: int, per_case: int) -> None:
    recorder = Recorder(per_case)
    outcome = train(task_of(corrections(ROWS)), TrainingOptions(bounds=Bounds(calls=most)), Tools(recorder))
    assert recorder.calls == outcome.calls <= most
    if most // (2 * per_case) < 10:
        assert outcome.edits is None
        assert "training cases can be asked" in outcome.reason


def test_examples_and_tokens_stay_within_their_bounds() -> None:
    by_count = train(task_of(corrections(ROWS)), TrainingOptions(max_examples=5), Tools(offline()))
    assert 0 < len(added(by_count)) <= 5
    by_tokens = train(task_of(corrections(ROWS)), TrainingOptions(max_tokens=150), Tools(offline()))
    assert 0 < sum(map(tokens_of, added(by_tokens))) <= 150


WRITTEN = b"""\
examples:
  - input: {message: "my own example"}   # by hand
    output: t6
"""


def test_an_example_that_people_wrote_stays() -> None:
    data = PROMPT.replace(b"examples: []\n", WRITTEN)
    outcome = train(task_of(corrections(ROWS), data), TrainingOptions(max_examples=7), Tools(offline()))
    after = trained(data, outcome)
    assert WRITTEN in after
    assert removed(outcome, data) == ()
    assert 1 < len(load_prompt(after, file="x").examples) <= 7


def learnt(*examples: tuple[str, str, str]) -> bytes:
    lines = [
        f"  - input: {{message: {text}}}\n    output: {output}\n    because: [{because}]\n"
        for text, output, because in examples
    ]
    return PROMPT.replace(b"examples: []\n", ("examples:\n" + "".join(lines)).encode())


def test_learnt_examples_make_room_for_better_ones() -> None:
    data = learnt(*((f"misleading {word} word", "t1", an_id(900)) for word in ("parcel", "milk", "oven")))
    outcome = train(task_of(corrections(ROWS), data), TrainingOptions(max_examples=6), Tools(offline()))
    assert len(removed(outcome, data)) == 3
    assert any(tried.name.startswith("choose anew") for tried in outcome.tried)
    assert len(load_prompt(trained(data, outcome), file="x").examples) <= 6


def test_an_example_whose_events_were_rejected_goes() -> None:
    data = learnt(("where is it", "t2", an_id(500)), ("spoiled again", "t4", an_id(501)))
    events = [
        *corrections(ROWS),
        event(500, input="where is it", corrected="t2"),
        event(501, input="spoiled again", corrected="t4"),
        event(502, "annotation", target=an_id(500), approved=False),
    ]
    outcome = train(task_of(events, data), TrainingOptions(), Tools(offline()))
    assert Example({"message": "where is it"}, "t2", (an_id(500),)) in removed(outcome, data)
    after = trained(data, outcome)
    assert b"where is it" not in after
    assert an_id(500).encode() not in after


def test_every_variant_is_without_rejected_examples() -> None:
    data = learnt(("where is it", "t2", an_id(500)), ("spoiled again", "t4", an_id(501)))
    rejection = event(502, "annotation", target=an_id(500), approved=False)
    events = [*corrections(ROWS), event(500, input="where is it", corrected="t2"), rejection]
    task = task_of(events, data)
    unchanged = Variant("unchanged", lambda _: task.prompt)
    answers = dict.fromkeys(range(len(task.cases)), Scored(0.0))
    standing = Standing(1, unchanged, task.prompt, answers, (), 3)
    variants = FewShot().begin(task, TrainingOptions(), Tools(offline())).propose(standing)
    prompts = [variant.fit(range(len(task.cases))) for variant in variants]
    assert not any(an_id(500) in example.because for prompt in prompts for example in prompt.examples)
    assert any(an_id(501) in example.because for prompt in prompts for example in prompt.examples)


def test_rejected_feedback_is_never_in_the_candidate() -> None:
    events = corrections(ROWS)
    rejections = [
        event(1000 + n, "annotation", target=each.id, approved=False) for n, each in enumerate(events[::2])
    ]
    outcome = train(task_of([*events, *rejections]), TrainingOptions(), Tools(offline()))
    rejected = {each.id for each in events[::2]}
    assert added(outcome)
    assert not rejected & {cited for example in added(outcome) for cited in example.because}
    assert not rejected & set(outcome.events)


def test_cases_of_the_suite_marked_train_take_part() -> None:
    prompt = a_prompt()
    dataset = build(corrections(ROWS[:60]), prompt)
    split = divide(dataset.items, None, prompt)
    extra = divide(build(corrections(ROWS[60:]), prompt).items, None, prompt)
    own = [case for case in extra.cases if case.item is not None]
    cases = (
        *split.cases,
        *(replace(case, group=case.text, item=None) for case in own),
    )
    outcome = train(TrainingTask(prompt, split.items, cases), TrainingOptions(), Tools(offline()))
    assert len(split.cases) // 2 < outcome.cases <= len(split.cases) + len(own)
    texts = {item.text for item in split.items}
    assert {example.input["message"] for example in added(outcome)} <= texts


def test_a_sample_keeps_cases_and_items_together() -> None:
    task = task_of(corrections(ROWS))
    sample = task.sampled(30, "a")
    assert len(sample.items) == len(sample.cases) == 30
    for case in sample.cases:
        assert case.item is not None
        assert sample.items[case.item].text == case.text
    assert set(sample.events) < set(task.events)
    assert sample != task.sampled(30, "b")
    assert task.sampled(len(task.items), "a") is task


def test_too_little_data_is_an_answer() -> None:
    recorder = Recorder()
    nothing = task_of([event(number, "success") for number in range(5)])
    outcome = train(nothing, TrainingOptions(), Tools(recorder))
    assert (outcome.edits, outcome.approach, outcome.calls) == (None, "auto", 0)
    assert "10 inputs with a right answer" in outcome.reason
    few = train(task_of(corrections(ROWS[:5])), TrainingOptions(), Tools(recorder))
    assert "training cases can be asked, and at least 10 are needed" in few.reason
    asked = train(task_of(corrections(ROWS[:5])), TrainingOptions(approach="few_shot"), Tools(recorder))
    assert asked.reason.startswith("few_shot cannot start")
    assert recorder.asked == []


def test_a_prompt_full_of_examples_is_an_answer() -> None:
    data = PROMPT.replace(b"examples: []\n", WRITTEN)
    outcome = train(
        task_of(corrections(ROWS), data),
        TrainingOptions(approach="few_shot", max_examples=1),
        Tools(offline()),
    )
    assert outcome.edits is None
    assert "the prompt has 1 examples, and 1 are allowed" in outcome.reason


def test_an_unknown_approach_names_the_known_ones() -> None:
    with pytest.raises(NotFound) as caught:
        train(task_of(corrections(ROWS)), TrainingOptions(approach="magic"), Tools(offline()))
    assert caught.value.hint is not None
    assert "few_shot" in caught.value.hint


def test_a_minimum_gain_that_is_not_reached() -> None:
    outcome = train(task_of(corrections(ROWS)), TrainingOptions(min_gain=0.99), Tools(offline()))
    assert outcome.edits is None
    assert outcome.gain is not None
    assert "99.0 are needed" in outcome.reason


def test_what_fails_is_paid_for_too() -> None:
    """The calls for baseline cases that failed are not there to be spent again."""

    class Failing(Recorder):
        def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
            found = super().ask(prompt, cases)
            return [
                Scored(None) if case.id < "event-8" else one for case, one in zip(cases, found, strict=True)
            ]

    task = task_of(corrections(ROWS))
    most = 3 * len(task.cases)
    failing = Failing()
    outcome = train(task, TrainingOptions(bounds=Bounds(calls=most)), Tools(failing))
    assert outcome.calls == failing.calls <= most


def test_cases_that_could_not_be_scored_are_left_out() -> None:
    class Failing(Recorder):
        def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
            found = super().ask(prompt, cases)
            return [
                Scored(None) if case.id < "event-4" else one for case, one in zip(cases, found, strict=True)
            ]

    outcome = train(task_of(corrections(ROWS)), TrainingOptions(), Tools(Failing()))
    assert outcome.edits is not None
    assert 10 <= outcome.cases < len(task_of(corrections(ROWS)).cases)


def test_answers_in_free_text_are_covered_not_matched() -> None:
    rows = [(text, f"Dear customer, about {text}: we look into it.") for text, _ in ROWS]
    options = TrainingOptions(approach="few_shot", max_examples=4)
    outcome = train(task_of(corrections(rows)), options, Tools(offline()))
    assert outcome.edits is None
    assert {tried.name.split(", ")[1] for tried in outcome.tried} == {"cover", "diverse"}


def test_changes_keep_the_place_of_what_stays() -> None:
    data = learnt(("one", "t1", an_id(1)), ("two", "t2", an_id(2)), ("three", "t3", an_id(3)))
    before = a_prompt(data)
    new = Example({"message": "four"}, "t4", (an_id(4),))
    after = Prompt(before.name, 1, before.messages, examples=(before.examples[0], before.examples[2], new))
    found = difference(before, after, {})
    result = load_prompt(edit(data, found.edits, file="x"), file="x")
    assert result.examples == after.examples
    told = [(change.kind, change.path, change.because) for change in found.changes]
    assert told == [("removed", "examples[1]", (an_id(2),)), ("added", "examples[2]", (an_id(4),))]


def test_scores_are_means_over_models() -> None:
    scorer = SessionScorer(Session([OfflineModel(), OfflineModel()], repeats=2))
    cases = [case_of(item) for item in build(corrections(ROWS[:4]), a_prompt()).items]
    assert scorer.calls_per_case == 4
    alone = [one.score for one in offline().ask(a_prompt(), cases)]
    assert [one.score for one in scorer.ask(a_prompt(), cases)] == alone
    assert scorer.session.spent.calls == 16


def test_the_digest_of_a_training_is_what_it_was() -> None:
    outcome = train(task_of(corrections(ROWS)), TrainingOptions(max_examples=4), Tools(offline()))
    digest = hashlib.sha256(trained(PROMPT, outcome)).hexdigest()
    assert digest == DIGEST, "the bytes of a training changed: on purpose? Or a platform computes differently"


DIGEST = "1b42915e770e4147b69b155416cf8e449357ef7ec7548d9e5de5afd3a420ea9c"
