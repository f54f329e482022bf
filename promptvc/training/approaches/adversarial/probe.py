"""Asking a prompt a sample of hard inputs, to find the families that it fails.

A sixth of the calls that a training may spend, at most. Every family gets the same few inputs, as many as
``options.batch``; one that seems to fail gets as many again before it is believed. A family fails when the lower bound
of its failure rate (Wilson 1927) is above a bar, and above the share of inputs that the same change made better: a
model that answers differently each time does both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptvc.base.stats import wilson
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.adversarial.edge_cases import thought_of
from promptvc.training.approaches.adversarial.families import EDGE_CASE, Family
from promptvc.training.approaches.adversarial.invariance import Invariance, Verdict
from promptvc.training.approaches.adversarial.seeds import Ground, Mutant, Seed, families_for
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Scored, Tools

BAR = 0.15
CONFIDENCE = 0.9
"""Of the interval with two ends, whose lower one is used."""
SHARE = 6
"""One call of so many that a training may spend is spent here."""
FEWEST = 5
"""Inputs of a family, or nothing can be said of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a prompt did on one family.

    Attributes:
        answered: the mutants that got an answer; ``failed``: those of them that were not answered as before.
        better: how many were answered better than their plain inputs.
    """

    family: Family
    answered: tuple[Mutant, ...]
    failed: tuple[Mutant, ...]
    better: int = 0

    @property
    def asked(self) -> int:
        """How many mutants were answered."""
        return len(self.answered)

    @property
    def rate(self) -> float:
        """The share that failed."""
        return len(self.failed) / self.asked if self.asked else 0.0

    @property
    def fails(self) -> bool:
        """Whether that is more than chance."""
        if self.asked < FEWEST:
            return False
        low, _ = wilson(len(self.failed), self.asked, CONFIDENCE)
        return low > max(BAR, self.better / self.asked)

    @property
    def suspect(self) -> bool:
        """Whether more inputs might show that it fails."""
        return not self.fails and self.rate > BAR

    def __str__(self) -> str:
        return f"{len(self.failed)} of {self.asked} mutated inputs failed ({self.family.name})"


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found.

    Attributes:
        findings: by family, in the order in which they were asked.
        clean: the answers to plain inputs, by the id of their case; all that were asked.
        remarks: what was left out, one sentence each.
    """

    findings: tuple[Finding, ...]
    clean: Mapping[str, Scored]
    remarks: tuple[str, ...] = ()

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The families that fail, the worst first."""
        found = [finding for finding in self.findings if finding.fails]
        return tuple(sorted(found, key=lambda each: (-each.rate, each.family.name)))


def probe(
    ground: Ground, prompt: Prompt, known: Mapping[int, Scored], options: TrainingOptions, tools: Tools
) -> Probed:
    """Ask ``prompt`` hard inputs.

    Args:
        known: its answers by position of a case in the task, as far as they are there.

    Raises:
        Exhausted, ProviderError, OverBudget, Interrupted: as asking does.
    """
    proposing = 1 if tools.optimizer is not None else 0
    room = max(0, options.bounds.calls // SHARE - proposing) // max(1, tools.scorer.calls_per_case)
    families = families_for(ground.task, ground.variable)
    wanted = len(families)
    families = families[: max(0, room // FEWEST - 1)]
    if not families:
        return Probed((), {}, ("there was no room in the calls for asking hard inputs",))
    remarks = []
    if len(families) < wanted:
        remarks.append(f"there was room in the calls for {len(families)} of {wanted} families of hard inputs")
    size = min(options.batch, ground.size, room // (len(families) + 1))
    size = max(size, min(FEWEST, ground.size))
    seeds = _in_turn(ground, size)
    asking = _Asking(ground, prompt, known, tools)
    asking.note(families, seeds[:size])
    if tools.optimizer is not None:
        edges, remark = thought_of(ground, seeds[:size], tools.optimizer, options.batch)
        remarks += [remark] if remark else []
        asking.edges(edges[: max(0, room - asking.calls)])
    again = min(size, len(seeds) - size, options.batch)
    suspects = [finding.family for finding in asking.findings() if finding.suspect]
    suspects = [family for family in suspects if family.name != EDGE_CASE]
    most = (room - asking.calls) // again - 1 if again > 0 else 0
    if suspects[: max(0, most)]:
        asking.note(suspects[:most], seeds[size : size + again])
    return Probed(asking.findings(), asking.clean, tuple(remarks))


def _in_turn(ground: Ground, size: int) -> list[Seed]:
    """All seeds, those whose right answer is known first; a quarter of the first ``size`` may be inputs of errors."""
    first = size // 4
    return [*ground.hostile[:first], *ground.items, *ground.hostile[first:], *ground.heard]


class _Asking:
    """The answers of one prompt so far."""

    def __init__(self, ground: Ground, prompt: Prompt, known: Mapping[int, Scored], tools: Tools) -> None:
        self._ground, self._prompt, self._known = ground, prompt, known
        self._scorer = tools.scorer
        self.clean: dict[str, Scored] = {}
        self._answers: dict[str, tuple[Mutant, Scored]] = {}
        self._families: dict[str, Family] = {}
        self.calls = 0

    def note(self, families: Sequence[Family], seeds: Sequence[Seed]) -> None:
        """Ask the plain inputs of ``seeds``, and what each of ``families`` makes of them."""
        self._ask_clean(seeds)
        mutants = [self._ground.mutant(seed, family) for family in families for seed in seeds]
        self._ask([mutant for mutant in mutants if mutant is not None])
        self._families.update((family.name, family) for family in families)

    def edges(self, mutants: Sequence[Mutant]) -> None:
        """Ask what a model thought of; the plain inputs were asked."""
        self._ask(mutants)
        self._families.update((mutant.family.name, mutant.family) for mutant in mutants)

    def _ask_clean(self, seeds: Sequence[Seed]) -> None:
        # Counted whether asked or known: what else is asked must not depend on what was asked before.
        fresh = {seed.case.id: seed for seed in seeds if seed.case.id not in self.clean}
        self.calls += len(fresh)
        for seed in list(fresh.values()):
            answer = None if seed.at is None else self._known.get(seed.at)
            if answer is not None and answer.outputs:
                self.clean[seed.case.id] = answer
                del fresh[seed.case.id]
        cases = [seed.case for seed in fresh.values()]
        if cases:
            answers = self._scorer.ask(self._prompt, cases)
            self.clean.update((case.id, answer) for case, answer in zip(cases, answers, strict=True))

    def _ask(self, mutants: Sequence[Mutant]) -> None:
        fresh: dict[str, Mutant] = {}
        for mutant in mutants:  # two inputs may be made into one, such as an empty one
            if mutant.case.id not in self._answers:
                fresh.setdefault(mutant.case.id, mutant)
        if not fresh:
            return
        self.calls += len(fresh)
        answers = self._scorer.ask(self._prompt, [mutant.case for mutant in fresh.values()])
        for mutant, answer in zip(fresh.values(), answers, strict=True):
            self._answers[mutant.case.id] = (mutant, answer)

    def findings(self) -> tuple[Finding, ...]:
        """How each family did, by all answers so far."""
        invariance = Invariance(self._ground, self._prompt, self.clean)
        judged: dict[str, list[tuple[Mutant, Verdict]]] = {name: [] for name in self._families}
        for mutant, answer in self._answers.values():
            verdict = invariance.verdict(mutant, answer)
            if verdict is not None:
                judged[mutant.family.name].append((mutant, verdict))
        return tuple(
            Finding(
                self._families[name],
                tuple(mutant for mutant, _ in found),
                tuple(mutant for mutant, verdict in found if verdict == "failed"),
                sum(1 for _, verdict in found if verdict == "better"),
            )
            for name, found in judged.items()
        )
