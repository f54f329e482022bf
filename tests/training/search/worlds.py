"""Small worlds for the search: a model whose answers are right by rule, proposers that offer what they are told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from promptvc.evaluation.cases.suite import Case
from promptvc.prompts.model import Prompt, Rule
from promptvc.training.approach import Standing, Variant
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build, stable_share
from promptvc.training.scoring import Scored
from promptvc.training.task import TrainingTask
from tests.training.makers import a_prompt, corrections, questions

CITED = ("01M7ZC34B67PW0DKFEY91K4108",)


def a_task(count: int = 200) -> TrainingTask:
    prompt = a_prompt()
    dataset = build(corrections(questions(count, 1)), prompt)
    return TrainingTask.of(prompt, dataset, divide(dataset.items, None, prompt))


def with_rule(text: str, parent: Variant, because: tuple[str, ...] = CITED) -> Variant:
    def fit(learn: Sequence[int]) -> Prompt:
        prompt = parent.fit(learn)
        return replace(prompt, rules=(*prompt.rules, Rule(text, because)))

    return Variant(text, fit)


class Chances:
    """A scorer that is right with the chance that ``chance`` gives a prompt; which cases it knows is the same for all.

    So a better prompt knows all that a worse one knows. With ``own`` luck every prompt knows other cases.
    """

    calls_per_case = 1

    def __init__(self, chance: Callable[[Prompt], float], *, own: bool = False) -> None:
        self._chance = chance
        self._own = own
        self.calls = 0

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> list[Scored]:
        self.calls += len(cases)
        salt = repr(prompt.rules) if self._own else "luck"
        chance = self._chance(prompt)
        return [
            Scored(float(stable_share(case.id, salt) < chance), ("answer",), tokens=10, cost=0.001)
            for case in cases
        ]


class Offers:
    """A proposer that offers, round by round, rules on top of the parent."""

    remarks: Sequence[str] = ()

    def __init__(self, *rounds: Sequence[str]) -> None:
        self._rounds = list(rounds)
        self.standings: list[Standing] = []

    def propose(self, standing: Standing) -> Sequence[Variant]:
        self.standings.append(standing)
        offered = self._rounds[standing.round - 1] if standing.round <= len(self._rounds) else ()
        return [with_rule(text, standing.parent) for text in offered]


def rules_of(prompt: Prompt) -> list[str]:
    return [rule.text for rule in prompt.rules]
