"""adversarial: make inputs harder, see which ways of that the prompt does not stand, and propose what helps.

First the prompt is asked a sample of hard inputs (:mod:`promptvc.training.approaches.adversarial.probe`). For each
family that fails there are rules and examples (:mod:`promptvc.training.approaches.adversarial.repairs`). Plain cases
do not show whether these help, so hard ones are added to what the race judges by: fresh ones as far as there are any,
for those that showed a failure would also seem to improve by chance. What failed is proposed to the suite as a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from promptvc.base.jsonl import canonical_json
from promptvc.prompts.model import Prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.adversarial.dataset import dataset_of, path_of
from promptvc.training.approaches.adversarial.families import EDGE_CASE
from promptvc.training.approaches.adversarial.invariance import DROP
from promptvc.training.approaches.adversarial.probe import BAR, Finding, Probed, probe
from promptvc.training.approaches.adversarial.repairs import repairs
from promptvc.training.approaches.adversarial.seeds import Ground, Mutant, main_variable
from promptvc.training.data.split import TrainingCase
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask

FEWEST_INPUTS = 10
SHARE = 3
"""One hard case to so many plain ones in the race, or a gain on the hard ones would be lost among the plain. Where many
families fail there are more, but never more than plain ones."""
TELLING = 3
"""Answers to hard cases of a family that say whether the best so far stands it."""
CALLS = 12
"""A hard case is asked of about so many variants, over all rounds."""


class Adversarial:
    """See the module."""

    @property
    def name(self) -> str:
        """``adversarial``."""
        return "adversarial"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """Too few inputs, with or without a right answer, or one that cannot be changed."""
        variable = main_variable(task)
        if variable is None:
            return "the prompt takes no input that could be made harder"
        size = Ground(task, variable, options.seed).size
        if size < FEWEST_INPUTS:
            return f"it needs {FEWEST_INPUTS} different inputs, and the feedback and the suite have {size}"
        return None

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> Adversary:
        """See :class:`~promptvc.training.approach.Approach`."""
        return Adversary(task, options, tools)


class Adversary:
    """The approach in one training: a :class:`~promptvc.training.approach.Hardening` proposer."""

    def __init__(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> None:
        variable = main_variable(task)
        assert variable is not None, "a task that lacks() has refused"
        self._ground = Ground(task, variable, options.seed)
        self._options, self._tools = options, tools
        self._probed: Probed | None = None
        self._harder: tuple[Mutant, ...] = ()
        self._unraced: tuple[str, ...] = ()
        self._proposed: list[Prompt] = []

    @property
    def remarks(self) -> Sequence[str]:
        """How the families did, and what was left out."""
        if self._probed is None:
            return ()
        remarks = [_told(self._probed), *self._probed.remarks]
        if self._tools.optimizer is None:
            remarks.append("no model thinks of edge cases here: inputs are made harder by rule")
        if self._unraced:
            why = (
                "answers are free text"
                if self._ground.free
                else "no right answer, and no label, is known there"
            )
            remarks.append(
                f"{', '.join(self._unraced)}: that answers change was seen, but cannot be raced: {why}"
            )
        return tuple(remarks)

    def hardened(self, standing: Standing) -> Sequence[TrainingCase]:
        """Hard cases of the families that fail. Asks for a sample first, if nothing was asked yet.

        Raises:
            Exhausted, ProviderError, OverBudget, Interrupted: as asking does.
        """
        self._look(standing)
        return tuple(self._ground.training_case(mutant) for mutant in self._harder)

    def families(self) -> Sequence[str]:
        """The names of the families that fail, the worst first."""
        return () if self._probed is None else tuple(each.family.name for each in self._probed.failing)

    def files(self) -> Mapping[str, bytes]:
        """What failed, as a dataset; nothing when nothing did."""
        if self._probed is None:
            return {}
        task = self._ground.task
        known = [case.case for case in task.cases]
        data = dataset_of(self._probed.failing, known, self._options.batch)
        return {path_of(task.prompt.name): data} if data else {}

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """Rules and examples against the families that the parent still fails.

        Raises:
            Exhausted, ProviderError, OverBudget, Interrupted: as asking does.
        """
        probed = self._look(standing)
        failing = [finding for finding in probed.failing if not self._repaired(finding, standing)]
        if not failing:
            return ()
        everything = range(len(self._ground.task.cases))
        wanted: list[Variant] = []
        for variant in repairs(self._ground, standing, failing, self._options):
            if len(wanted) == standing.wanted:
                break
            prompt = variant.fit(everything)
            if prompt not in self._proposed and prompt != standing.prompt:
                self._proposed.append(prompt)
                wanted.append(variant)
        return wanted

    def _look(self, standing: Standing) -> Probed:
        if self._probed is None:
            probed = probe(self._ground, standing.prompt, standing.answers, self._options, self._tools)
            self._harder = self._hard_cases(probed)
            self._probed = probed
        return self._probed

    def _hard_cases(self, probed: Probed) -> tuple[Mutant, ...]:
        """For each family as many, from inputs that were not asked yet and then from the others.

        What has no right answer is held to the form of answers, and to none of what an attack asks for. Under noise it
        is held to the label that its plain input got, and so only where that was asked.

        Each family takes those that others took least: what is made of one input counts as one when a gain is tested,
        and a gain on two inputs can be chance, in however many families it shows.
        """
        task, ground = self._ground.task, self._ground
        asked = [seed for seed in ground.seeds if seed.case.id in probed.clean]
        fresh = [seed for seed in ground.seeds if seed.case.id not in probed.clean]
        taken = {canonical_json(dict(case.case.vars)) for case in task.cases}
        found: list[Mutant] = []
        failing = probed.failing
        plain = len(task.cases) or ground.size
        wanted = min(plain, max(self._options.batch * len(failing), plain // SHARE))
        room = self._options.bounds.calls // CALLS // max(1, self._tools.scorer.calls_per_case)
        each = min(wanted, room) // max(1, len(failing))
        uses = Counter({seed.case.id: 1 for seed in asked})
        for finding in failing:
            seeds = sorted((*fresh, *asked), key=lambda seed: uses[seed.case.id])
            made = (
                finding.answered
                if finding.family.name == EDGE_CASE
                else [ground.mutant(seed, finding.family) for seed in seeds]
            )
            left = each
            for one in made:
                if one is None or not left:
                    continue
                answer = probed.clean.get(one.seed.case.id)
                mutant = one if answer is None else ground.steadied(one, answer.outputs)
                key = canonical_json(dict(mutant.input))
                if key in taken or not mutant.is_raceable:
                    continue
                taken.add(key)
                found.append(mutant)
                uses[mutant.seed.case.id] += 1
                left -= 1
        raced = {mutant.family.name for mutant in found}
        self._unraced = (
            tuple(one.family.name for one in failing if one.family.name not in raced) if each else ()
        )
        return tuple(found)

    def _repaired(self, finding: Finding, standing: Standing) -> bool:
        """Whether the parent stands the family by now, as far as its answers to hard cases tell."""
        first = len(self._ground.task.cases)
        drops: list[bool] = []
        for number, mutant in enumerate(self._harder):
            hard = standing.answers.get(first + number)
            plain = None if mutant.seed.at is None else standing.answers.get(mutant.seed.at)
            if mutant.family.name != finding.family.name or hard is None or hard.score is None:
                continue
            before = 1.0 if not mutant.graded or plain is None or plain.score is None else plain.score
            drops.append(before - hard.score > DROP)
        return len(drops) >= TELLING and sum(drops) <= BAR * len(drops)


def _told(probed: Probed) -> str:
    failing = probed.failing
    if not probed.findings:
        return "no hard input was asked"
    if failing:
        told = ", ".join(f"{each.family.name} {len(each.failed)} of {each.asked}" for each in failing)
        others = len(probed.findings) - len(failing)
        return f"mutated inputs failed: {told}; {others} other famil{'y' if others == 1 else 'ies'} held"
    worst = max(probed.findings, key=lambda each: (each.rate, each.family.name))
    if not worst.failed:
        return f"the prompt held: no mutated input of {len(probed.findings)} families failed"
    return (
        f"the prompt held: none of {len(probed.findings)} families of mutated inputs failed beyond chance, "
        f"the worst {worst.family.name} with {len(worst.failed)} of {worst.asked}"
    )
