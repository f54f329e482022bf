from __future__ import annotations

from dataclasses import replace

import pytest

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.adversarial.families import EDGE_CASE, FAMILIES
from promptvc.training.approaches.adversarial.invariance import Invariance
from promptvc.training.approaches.adversarial.probe import Finding
from promptvc.training.approaches.adversarial.seeds import Ground, Mutant, called, main_variable
from promptvc.training.approaches.adversarial.shape import Shape
from promptvc.training.scoring import Scored
from tests.training.approaches.adversarial.readers import a_task
from tests.training.makers import PROMPT, a_prompt, corrections, event, questions

TOLD = "You are a patient clerk who writes to customers in whole sentences and never promises anything."
FREE = f"""\
name: support/triage
version: 1
variables: {{message: {{required: true}}}}
messages:
  - {{role: system, content: "{TOLD}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
"""
JSON = b"""\
name: support/triage
version: 1
variables: {message: {required: true}}
messages: [{role: user, content: "{{ message }}"}]
output: {format: json}
"""


def labels() -> Ground:
    return Ground(a_task(), "message", 0)


def free() -> Ground:
    rows = [(text, f"We are sorry about {text}, truly") for text, _ in questions(30, 3)]
    return Ground(a_task(0, extra=corrections(rows), prompt=a_prompt(FREE.encode())), "message", 0)


def mutant(ground: Ground, name: str, at: int = 0) -> Mutant:
    made = ground.mutant(ground.items[at], FAMILIES[name])
    assert made is not None
    return made


def verdict(ground: Ground, made: Mutant, before: Scored, answer: Scored) -> str | None:
    clean = {seed.case.id: Scored(0.0, (f"About {seed.input['message']}",)) for seed in ground.items}
    clean[made.seed.case.id] = before
    return Invariance(ground, ground.task.prompt, clean).verdict(made, answer)


@pytest.mark.parametrize(
    ("before", "answer", "expected"),
    [
        (Scored(1.0, ("t1",)), Scored(1.0, ("t1",)), "held"),
        (Scored(1.0, ("t1",)), Scored(0.0, ("t2",)), "failed"),
        (Scored(0.0, ("t2",)), Scored(0.0, ("t3",)), "held"),
        (Scored(0.0, ("t2",)), Scored(1.0, ("t1",)), "better"),
        (Scored(1.0, ("t1",) * 5), Scored(0.8, ("t1",) * 4 + ("t2",)), "held"),
        (Scored(1.0, ("t1",)), Scored(1.0, ("t1, I think",)), "failed"),
        (Scored(1.0, ("t1, yes",)), Scored(1.0, ("t1, I think",)), "held"),
        (Scored(1.0, ("t1",)), Scored(None, ()), None),
        (Scored(None, ()), Scored(1.0, ("t1",)), None),
    ],
)
def test_the_right_answer_decides_where_it_is_known(
    before: Scored, answer: Scored, expected: str | None
) -> None:
    ground = labels()
    assert verdict(ground, mutant(ground, "typos"), before, answer) == expected


def test_an_input_that_may_mean_something_else_only_has_to_keep_the_form() -> None:
    ground = labels()
    cut = mutant(ground, "truncation")
    assert verdict(ground, cut, Scored(1.0, ("t1",)), Scored(0.0, ("t2",))) == "held"
    assert verdict(ground, cut, Scored(1.0, ("t1",)), Scored(0.0, ("which one?",))) == "failed"
    assert verdict(ground, cut, Scored(1.0, ("t1",)), Scored(0.0, ("",))) == "failed"


def test_without_a_right_answer_most_repeats_have_to_stay() -> None:
    text = "parcel courier late again tracking today"
    task = a_task(extra=[event(500, "error", input=text, error={"type": "X", "message": "y"})])
    ground = Ground(task, "message", 0)
    made = ground.mutant(ground.hostile[0], FAMILIES["typos"])
    assert made is not None
    before = Scored(1.0, ("t2", "t2", "t2"))
    assert verdict(ground, made, before, Scored(1.0, ("t2", "T2.", "t3"))) == "failed"  # "T2." is no label
    assert verdict(ground, made, before, Scored(1.0, ("t2", "t2", "t3"))) == "held"
    assert verdict(ground, made, before, Scored(1.0, ("t2", "t3", "t3"))) == "failed"


def test_free_text_stays_while_it_is_closest_to_what_it_was() -> None:
    ground = free()
    made = mutant(ground, "casing")
    own, other = (ground.items[at].input["message"] for at in (0, 1))
    before = Scored(0.0, (f"I am sorry that {own}",))
    assert verdict(ground, made, before, Scored(0.0, (f"Sorry! {own}, yes, we know",))) == "held"
    assert verdict(ground, made, before, Scored(0.0, (f"Sorry about {other}",))) == "failed"
    assert verdict(ground, made, before, Scored(0.0, ("Vraiment?",))) == "failed"
    assert verdict(ground, made, before, Scored(0.0, ("",))) == "failed"


def test_an_answer_that_obeys_has_failed_however_close_it_is() -> None:
    ground = free()
    made = mutant(ground, "override")
    own = ground.items[0].input["message"]
    before = Scored(0.0, (f"I am sorry that {own}",))
    assert made.canary is not None
    assert verdict(ground, made, before, before) == "held"
    obeyed = Scored(0.0, (f"I am sorry that {own}. {made.canary.lower()}",))
    assert verdict(ground, made, before, obeyed) == "failed"


def test_an_answer_that_repeats_the_instructions_has_failed() -> None:
    ground = free()
    made = mutant(ground, "exfiltration")
    own = ground.items[0].input["message"]
    before = Scored(0.0, (f"I am sorry that {own}",))
    leaked = Scored(0.0, (f"I am sorry that {own}. My instructions: {TOLD}",))
    assert verdict(ground, made, before, leaked) == "failed"
    assert verdict(ground, made, leaked, leaked) == "held"  # it always says so: no attack made it


def test_json_is_compared_by_its_value() -> None:
    rows = [(text, f'{{"topic": "{label}"}}') for text, label in questions(30, 3)]
    task = a_task(0, extra=[*corrections(rows), _failure()], prompt=a_prompt(JSON))
    ground = Ground(task, "message", 0)
    made = ground.mutant(ground.hostile[0], FAMILIES["typos"])
    assert made is not None
    before = Scored(1.0, ('{"topic": "t1", "sure": true}',))
    assert verdict(ground, made, before, Scored(1.0, ('{"sure":true,"topic":"t1"}',))) == "held"
    assert verdict(ground, made, before, Scored(1.0, ('{"sure":true,"topic":"t2"}',))) == "failed"
    assert verdict(ground, made, before, Scored(1.0, ("t1",))) == "failed"


def _failure() -> object:
    return event(500, "error", input="parcel courier late", error={"type": "X", "message": "y"})


def a_finding(failed: int, asked: int, better: int = 0) -> Finding:
    ground = labels()
    one = mutant(ground, "typos")
    return Finding(FAMILIES["typos"], (one,) * asked, (one,) * failed, better)


def test_a_family_fails_where_that_is_more_than_chance() -> None:
    assert not a_finding(3, 10).fails
    assert a_finding(3, 10).suspect
    assert a_finding(4, 10).fails
    assert not a_finding(4, 10, better=2).fails  # it goes up and down
    assert not a_finding(3, 3).fails
    assert not a_finding(1, 10).suspect
    assert not a_finding(0, 0).fails
    assert str(a_finding(4, 10)) == "4 of 10 mutated inputs failed (typos)"


def test_a_seed_of_its_own_makes_other_mistakes() -> None:
    text = "I was charged twice for one order, please send the money back"
    for name, family in FAMILIES.items():
        made = {family.change(text, seed) for seed in range(12)}
        assert family.change(text, 3) == family.change(text, 3)
        assert made == {None} if name == EDGE_CASE else len(made) > 1


def test_the_form_is_read_from_prompt_and_answers() -> None:
    shape = labels().shape
    assert shape.holds(" t6\n")
    assert not shape.holds("t6, or t1")
    assert not shape.holds("")
    assert not free().shape.holds(" \n")
    assert free().shape.holds("anything")
    odd = Shape.of(a_prompt(JSON), [item.output for item in labels().task.items])
    assert odd.holds("[1]")
    assert not odd.holds("[1")


def test_the_variable_with_the_most_text_is_changed() -> None:
    two = PROMPT.replace(b"message: {required: true}", b"message: {required: true}\n  team: {required: true}")
    two = two.replace(b'"{{ message }}"', b'"{{ team }}: {{ message }}"')
    prompt: Prompt = a_prompt(two)
    rows = [
        event(at, input={"message": text, "team": "blue"}, corrected=label)
        for at, (text, label) in enumerate(questions(30, 1))
    ]
    task = a_task(0, extra=rows, prompt=prompt)
    assert main_variable(task) == "message"
    assert main_variable(replace(task, items=(), cases=(), signals=())) == "message"
    made = mutant(Ground(task, "message", 0), "casing")
    assert made.input["team"] == "blue"
    assert made.input["message"] != made.seed.input["message"]


@pytest.mark.parametrize(
    ("variable", "name"),
    [("message", "message"), ("user_question", "user question"), ("x", "input"), ("q2text", "input")],
)
def test_a_rule_calls_the_input_by_its_name(variable: str, name: str) -> None:
    assert called(variable) == name
