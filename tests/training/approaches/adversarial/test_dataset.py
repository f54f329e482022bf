from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.cases.case import Case
from promptvc.evaluation.cases.suite import Suite, load_suite
from promptvc.training.approaches.adversarial.adversarial import Adversarial, Adversary
from promptvc.training.approaches.adversarial.dataset import dataset_of, joined, path_of
from promptvc.training.approaches.adversarial.families import FAMILIES
from promptvc.training.approaches.adversarial.probe import Finding
from promptvc.training.approaches.adversarial.seeds import Ground
from promptvc.training.data.holdout import divide
from promptvc.training.data.inputs import alike
from promptvc.training.data.items import build
from promptvc.training.scoring import Tools
from tests.training.approaches.adversarial.readers import (
    Way,
    a_task,
    obeys,
    scorer,
    some_options,
    trips_over_lookalikes,
    trips_over_zero_width,
)
from tests.training.approaches.adversarial.test_adversarial import standing
from tests.training.makers import a_prompt, corrections, questions

PATH = "evaluation/support/triage.adversarial.jsonl"
SUITE = b"""\
match: icontains
cases:
  - {vars: {message: hello}, expected: t1}
  - triage.adversarial.jsonl
"""


class Shelf:
    """Files by path."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def list(self, folder: str) -> Sequence[str]:
        return [path.removeprefix(f"{folder}/") for path in self._files]


def begun(*weaknesses: Way, count: int = 60) -> Adversary:
    task = a_task(count)
    proposer = Adversarial().begin(task, some_options(), Tools(scorer(*weaknesses)))
    proposer.hardened(standing(task))
    return proposer


def loaded(data: bytes) -> Suite:
    return load_suite(SUITE, file="evaluation/support/triage.yaml", files=Shelf({PATH: data}))


def test_a_suite_takes_it_in_with_one_line() -> None:
    ((path, data),) = begun(obeys, trips_over_lookalikes).files().items()
    assert path == PATH == path_of("support/triage")
    cases = list(loaded(data).cases)[1:]
    assert {case.tags for case in cases} == {("adversarial", name) for name in [*FAMILIES][:9]}
    assert all(case.split == "train" and case.cluster and case.metadata["because"] for case in cases)
    events = set(a_task().events)
    assert all(set(case.metadata["because"]) <= events for case in cases)
    assert all(case.description and case.description.startswith(f"{case.tags[1]}: ") for case in cases)


def test_its_cases_fail_where_the_prompt_fails_and_hold_when_it_does_not() -> None:
    data = begun(obeys, trips_over_lookalikes).files()[PATH]
    cases = list(loaded(data).cases)[1:]
    prompt = a_prompt()
    fragile = scorer(obeys, trips_over_lookalikes).ask(prompt, cases)
    robust = scorer().ask(prompt, cases)
    assert [answer.score for answer in fragile] == [0.0] * len(cases)
    assert [answer.score for answer in robust] == [1.0] * len(cases)


def test_what_cannot_be_seen_is_written_out() -> None:
    data = begun(trips_over_zero_width, trips_over_lookalikes).files()[PATH]
    assert data.isascii()
    assert b"\\u200b" in data
    other = begun(obeys).files()[PATH]
    assert "Anweisungen" in other.decode() or "précédentes" in other.decode() or "以前" in other.decode()


def test_no_input_of_the_holdout_is_in_it() -> None:
    prompt = a_prompt()
    dataset = build(corrections(questions(60, 1)), prompt)
    split = divide(dataset.items, None, prompt)
    rows = [json.loads(line) for line in begun(obeys, trips_over_lookalikes).files()[PATH].splitlines()]
    cited = {event for row in rows for event in row["metadata"]["because"]}
    assert cited <= {event for item in split.items for event in item.because}
    forms = [case.form for case in begun(obeys)._ground.task.cases]
    assert not alike(forms, split.holdout_forms)


def test_the_same_failures_give_the_same_lines() -> None:
    assert begun(obeys).files() == begun(obeys).files()


def test_what_the_suite_has_is_left_out() -> None:
    ground = Ground(a_task(), "message", 0)
    family = FAMILIES["override"]
    mutants = [mutant for seed in ground.items[:8] if (mutant := ground.mutant(seed, family))]
    finding = Finding(family, tuple(mutants), tuple(mutants))
    every = dataset_of([finding], [], 100).splitlines()
    assert len(every) == 8
    assert dataset_of([finding], [mutants[0].case], 100).splitlines() == every[1:]
    renamed = Case("mine", 1, dict(mutants[3].input), ())
    assert len(dataset_of([finding], [renamed], 100).splitlines()) == 7
    assert dataset_of([finding, finding], [], 3).splitlines() == every[:6]


def test_an_answer_that_a_suite_cannot_hold_is_left_out() -> None:
    rows = [(text, label) for text, label in questions(40, 2)]
    odd = [
        (text, "t1" if label == "t1" else "[email]" if label == "t2" else "say {{ x }}")
        for text, label in rows
    ]
    task = a_task(0, extra=corrections(odd))
    ground = Ground(task, "message", 0)
    family = FAMILIES["typos"]
    mutants = tuple(mutant for seed in ground.items if (mutant := ground.mutant(seed, family)))
    data = dataset_of([Finding(family, mutants, mutants)], [], 100)
    kept = {json.loads(line)["expected"] for line in data.splitlines()}
    assert kept == {"t1"}


def test_joining_keeps_what_stands_there_and_adds_only_new_cases() -> None:
    old, new = b'{"id": "a", "vars": {"x": "1"}}', b'{"id": "a"}\n{"id": "b"}\n'
    assert joined(None, new, file=PATH) == new
    assert joined(b"\n", new, file=PATH) == new
    both = joined(old, new, file=PATH)
    assert both == old + b'\n{"id": "b"}\n'
    assert joined(both, new, file=PATH) == both
    with pytest.raises(InvalidDocument) as caught:
        joined(b'{"id": "a"}\nnot json\n', new, file=PATH)
    assert (caught.value.file, caught.value.line) == (PATH, 2)
