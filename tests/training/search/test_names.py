"""What a training is told to be by: an approach, also where two of its variants were brought together."""

from __future__ import annotations

import pytest

from promptvc.prompts.model import Prompt
from promptvc.training.approach import Proposer
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Tools
from promptvc.training.selector import APPROACHES
from promptvc.training.task import TrainingTask
from promptvc.training.train import train
from tests.training.search.worlds import Chances, Offers, a_task, rules_of


class Two:
    """An approach with two good variants, which are better together."""

    name = "two"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        return None

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> Proposer:
        return Offers(["a", "b"])


def chance(prompt: Prompt) -> float:
    return 0.3 + 0.25 * len({"a", "b"}.intersection(rules_of(prompt)))


def test_a_merge_is_of_the_approach_that_made_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(APPROACHES, "two", Two())
    outcome = train(a_task(), TrainingOptions(approach="two"), Tools(Chances(chance)))
    assert outcome.tried[-1].approach == "merge"
    assert outcome.tried[-1].ended == "won"
    assert (outcome.approach, outcome.chosen) == ("two", "as asked")
    assert outcome.reason.startswith("two brings")
