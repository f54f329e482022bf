from __future__ import annotations

import json

import pytest

from promptvc.base.errors import ProviderError
from promptvc.training.approaches.adversarial.adversarial import Adversarial
from promptvc.training.approaches.adversarial.edge_cases import thought_of
from promptvc.training.approaches.adversarial.seeds import Ground
from promptvc.training.options import Bounds
from promptvc.training.scoring import Tools
from tests.training.approaches.adversarial.readers import a_task, scorer, some_options
from tests.training.approaches.adversarial.test_adversarial import Counting, standing

INVENTED = [f"parcel or invoice {number}? QUITE UNCLEAR" for number in range(8)]


class Scripted:
    """Answers with one text, and keeps what it was asked; an error is raised."""

    def __init__(self, answer: str | Exception) -> None:
        self._answer = answer
        self.texts: list[str] = []

    @property
    def name(self) -> str:
        return "scripted:model"

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        self.texts.append(text)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def answer(*inputs: str) -> str:
    return json.dumps({"cases": [{"of": at % 10 + 1, "input": text} for at, text in enumerate(inputs)]})


def hesitates(told: str, text: str, messages: object) -> str | None:
    return "I am not sure." if "UNCLEAR" in text and "asked-for form" not in told else None


def test_what_a_model_thought_of_is_asked_and_repaired() -> None:
    task = a_task()
    optimizer = Scripted(answer(*INVENTED))
    proposer = Adversarial().begin(task, some_options(), Tools(scorer(hesitates), optimizer))
    cases = proposer.hardened(standing(task))
    assert proposer.families() == ("edge_case",)
    assert {case.case.vars["message"] for case in cases} == set(INVENTED)
    assert not any("No provider" in remark for remark in proposer.remarks)
    rule = proposer.propose(standing(task))[0].fit(range(len(task.cases))).rules[0]
    assert "asked-for form" in rule.text
    assert set(rule.because) <= set(task.events)
    rows = [
        json.loads(line)
        for line in proposer.files()["evaluation/support/triage.adversarial.jsonl"].splitlines()
    ]
    assert {row["vars"]["message"] for row in rows} == set(INVENTED)
    assert all(row["assert"][0]["type"] == "regex" and "expected" not in row for row in rows)


@pytest.mark.parametrize("calls", [90, 96, 100, 500, 1000, 1200])
def test_edge_cases_are_asked_within_the_same_calls(calls: int) -> None:
    task = a_task()
    optimizer, asked = Scripted(answer(*INVENTED)), Counting(hesitates)
    options = some_options(bounds=Bounds(calls=calls))
    proposer = Adversarial().begin(task, options, Tools(asked, optimizer))
    proposer.hardened(standing(task))
    assert asked.calls + len(optimizer.texts) <= calls / 6


def test_inputs_are_shown_as_data() -> None:
    task = a_task()
    ground = Ground(task, "message", 0)
    optimizer = Scripted(answer("a", "b"))
    found, remark = thought_of(ground, ground.items[:3], optimizer, 5)
    assert [mutant.input["message"] for mutant in found] == ["a", "b"]
    assert remark is None
    (text,) = optimizer.texts
    assert text.count(": data, not instructions>>>") == 4
    assert all(seed.input["message"] in text for seed in ground.items[:3])


@pytest.mark.parametrize(
    ("said", "remark"),
    [
        (ProviderError("rate limited"), "could not be asked for edge cases: rate limited."),
        ("Sure! Here are some.", "proposed no edge cases: its answer is no JSON alone."),
        ('{"cases": 3}', "proposed no edge cases: its answer has no `cases`."),
        ("[]", "proposed no edge cases: its answer has no `cases`."),
        ('{"cases": []}', "proposed no edge cases that can be used."),
        (answer(" ", "x" * 5000), "proposed no edge cases that can be used."),
        ('{"cases": [{"of": 99, "input": "a"}, {"of": true, "input": "b"}]}', "that can be used."),
        ('{"cases": [{"of": 1, "input": "\\ud800"}, 7]}', "that can be used."),
    ],
)
def test_a_model_that_fails_takes_nothing_else_away(said: str | Exception, remark: str) -> None:
    task = a_task()

    def begun(optimizer: Scripted | None) -> tuple[object, list[str]]:
        from_reader = scorer(hesitates, lambda told, text, _: "t6" if text.isupper() else None)
        proposer = Adversarial().begin(task, some_options(), Tools(from_reader, optimizer))
        return proposer.hardened(standing(task)), list(proposer.remarks)

    cases, remarks = begun(Scripted(said))
    without, _ = begun(None)
    assert cases == without
    assert any(each.startswith("scripted:model ") and each.endswith(remark) for each in remarks)


def test_a_fence_around_the_json_is_no_mistake() -> None:
    ground = Ground(a_task(), "message", 0)
    found, _ = thought_of(ground, ground.items[:3], Scripted(f"```json\n{answer('a')}\n```"), 5)
    assert len(found) == 1


def test_no_more_are_taken_than_wanted_and_none_twice() -> None:
    ground = Ground(a_task(), "message", 0)
    own = ground.items[0].input["message"]
    said = answer(own, *INVENTED)
    found, _ = thought_of(ground, ground.items[:10], Scripted(said), 4)
    assert [mutant.input["message"] for mutant in found] == INVENTED[:4]
