"""The search: rounds of variants, each raced against the best so far, until none is better.

Every approach that takes part proposes from the same standing; two good variants of one round are brought together in
the next. What outgrows its bounds, cites nothing or copies answers is refused before a call is made for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from promptvc.training.approach import Hardening, Proposer, Standing, Variant
from promptvc.training.options import TrainingOptions
from promptvc.training.outcome import Tried
from promptvc.training.scoring import Tools
from promptvc.training.search.account import Account, Exhausted
from promptvc.training.search.blocks import Block, blocks_of
from promptvc.training.search.contender import Contender
from promptvc.training.search.found import Found
from promptvc.training.search.front import front
from promptvc.training.search.growth import refusal
from promptvc.training.search.merging import merge
from promptvc.training.search.pair import Pair, row
from promptvc.training.search.race import EQUAL, Ended, Race
from promptvc.training.task import TrainingTask

NOISE = 0.1
"""A gain that noise alone would give with at least this chance is not worth a look at the hold-out, or a next round."""

POOL = 3
"""An approach may offer so many times what is wanted; halving thins them out."""

AS_GOOD = 0.02
"""A shorter variant takes the place of its parent when its score is surely not worse by more (one-sided, at 0.1)."""

PROMISING = 0.25
"""A variant that did not win is brought together with the winner where its gain is less likely than this by chance."""

MERGE = "merge"


class Search:
    """One search under way.

    It has stages, each of which begins proposers by name. Those of a stage race together; the next stage has its turn
    when nothing was found so far that is worth a look at the hold-out.
    """

    def __init__(
        self,
        task: TrainingTask,
        stages: Sequence[Callable[[], Mapping[str, Proposer]]],
        options: TrainingOptions,
        tools: Tools,
        account: Account,
    ) -> None:
        self._task = task
        self._waiting = stages
        self._stages: list[Mapping[str, Proposer]] = []
        self._cut = False
        self._proposers: Mapping[str, Proposer] = {}
        self._hard: dict[str, range] = {}
        self._options = options
        self._tools = tools
        self._account = account
        prompt = task.prompt
        self._baseline = Contender(Variant("unchanged", lambda _: prompt), "")
        self._best = self._baseline
        self._blocks: tuple[Block, ...] = ()
        self._teaching: tuple[int, ...] = ()
        self._asked: tuple[int, ...] = ()
        self._tried: list[Tried] = []
        self._merges: list[Variant] = []
        self._raced = 0

    def run(self, asked: Sequence[int], *, few: bool = False) -> Found | None:
        """Search with the cases at these positions; None when they are too much alike to be told apart in folds.

        Args:
            few: they may be none, for a proposer makes cases of its own.

        Raises:
            Exhausted: the bounds do not even leave room for the baseline.
            ProviderError, OverBudget, Interrupted: from the models.
        """
        task = self._task
        judged = set(asked)
        # A case that is not asked for lack of room still teaches through its item.
        self._teaching = tuple(
            at for at, case in enumerate(task.cases) if at in judged or case.item is not None
        )
        if not self._place(asked) and not few:
            return None
        self._ask_baseline()
        try:
            for begin in self._waiting:
                self._require_blocks()
                self._stages.append(begin())
                self._stage(self._stages[-1])
                if self._is_worth_a_look:
                    break
        except Exhausted:
            self._cut = True
        return self._found()

    def _stage(self, proposers: Mapping[str, Proposer]) -> None:
        self._proposers, self._merges = proposers, []
        for name, each in proposers.items():
            if isinstance(each, Hardening):
                self._harden(name, each)
        if not self._blocks:
            return
        for number in range(1, self._options.rounds + 1):
            if not self._round(number):
                return

    @property
    def begun(self) -> Sequence[Mapping[str, Proposer]]:
        """The stages that had their turn."""
        return self._stages

    @property
    def _is_worth_a_look(self) -> bool:
        pair = self._pair(self._best, self._baseline)
        return pair.gain >= self._options.min_gain and pair.chance() <= NOISE

    def _pair(self, one: Contender, other: Contender) -> Pair:
        return Pair(self._task, one, other)

    def _place(self, asked: Sequence[int]) -> bool:
        self._asked = tuple(asked)
        self._blocks = blocks_of(self._task.cases, asked, self._teaching, self._options.seed)
        return bool(self._blocks)

    def _ask_baseline(self) -> None:
        missing = [at for block in self._blocks for at in self._baseline.missing(block)]
        missing.sort()
        if missing:
            cases = [self._task.cases[at].case for at in missing]
            self._baseline.take(missing, self._tools.scorer.ask(self._task.prompt, cases))

    def _harden(self, name: str, proposer: Hardening) -> None:
        cases = proposer.hardened(self._standing(1, name))
        if not cases:
            return
        first = len(self._task.cases)
        self._hard[name] = range(first, first + len(cases))
        self._task = replace(self._task, cases=(*self._task.cases, *cases))
        self._place((*self._asked, *range(first, first + len(cases))))
        self._ask_baseline()

    def _standing(self, number: int, name: str) -> Standing:
        """As the proposer ``name`` sees it: the cases of the task, and after them those that it made itself."""
        best = self._best
        plain = len(self._task.cases) - sum(map(len, self._hard.values()))
        places = [*range(plain), *self._hard.get(name, ())]
        return Standing(
            round=number,
            parent=best.variant,
            prompt=best.variant.fit(self._teaching),
            answers={at: best.answers[place] for at, place in enumerate(places) if place in best.answers},
            tried=tuple(self._tried),
            wanted=self._options.variants,
        )

    def _round(self, number: int) -> bool:
        """Whether it brought something better, so that another one is worth its while."""
        self._require_blocks()
        proposed = self._proposed(number)
        contenders = self._allowed(proposed, number)
        if not contenders:
            return False
        wanted = self._options.variants * max(1, len(self._proposers))
        race = Race(self._task, self._blocks, self._best, contenders, wanted)
        try:
            race.run(self._tools.scorer.ask, lambda: self._account.calls, self._left)
            if self._left is not None and race.raced == self._left:
                race.stop()
        except Exhausted:
            # What was found until then stands. A model that fails in the middle of a race leaves nothing to settle.
            self._raced += race.raced
            self._settle(race, contenders, number)
            raise
        self._raced += race.raced
        return self._settle(race, contenders, number)

    def _require_blocks(self) -> None:
        """Where the training that is repeated was stopped, nothing more is asked, raced or proposed."""
        if self._left == 0:
            raise Exhausted

    @property
    def _left(self) -> int | None:
        most = self._options.bounds.blocks
        return None if most is None else max(0, most - self._raced)

    def _proposed(self, number: int) -> list[tuple[str, Variant]]:
        found = [(MERGE, variant) for variant in self._merges]
        self._merges = []
        for name, proposer in self._proposers.items():
            most = POOL * self._options.variants
            found += [(name, variant) for variant in proposer.propose(self._standing(number, name))[:most]]
        return found

    def _allowed(self, proposed: Sequence[tuple[str, Variant]], number: int) -> list[Contender]:
        """Those that may be candidates and differ from what is known; the others are noted as refused."""
        known = [self._task.prompt, self._best.variant.fit(self._teaching)]
        allowed = []
        for approach, variant in proposed:
            prompt = variant.fit(self._teaching)
            if prompt in known:
                continue
            known.append(prompt)
            why = refusal(self._task, prompt, variant.cites, self._options)
            if why is None:
                allowed.append(Contender(variant, approach))
            else:
                self._tried.append(
                    Tried(
                        variant.name,
                        score=0.0,
                        parent=0.0,
                        cases=0,
                        examples=len(prompt.examples),
                        approach=approach,
                        round=number,
                        rules=len(prompt.rules),
                        ended="refused",
                        reason=why,
                        calls=self._account.calls,
                    )
                )
        return allowed

    def _settle(self, race: Race, contenders: Sequence[Contender], number: int) -> bool:
        winner = race.winner()
        parent = self._best
        accepted = winner is not None and self._is_better(winner, parent, number)
        if winner is not None and not accepted:
            why = (
                "its gain is what chance often brings"
                if self._pair(winner, parent).gain > 0
                else "it gains nothing"
            )
            race.ended[contenders.index(winner)] = Ended("behind", why)
        for at, one in enumerate(contenders):
            self._tried.append(row(self._pair(one, parent), self._baseline, race.ended[at], number))
        if winner is None or not accepted:
            return False
        self._merges = [
            merge(parent.variant, winner.variant, other.variant, self._options)
            for other in contenders
            if other is not winner and self._is_promising(other, parent)
        ][:1]
        self._best = winner
        return True

    def _is_better(self, winner: Contender, parent: Contender, number: int) -> bool:
        pair = self._pair(winner, parent)
        if pair.gain >= EQUAL and pair.chance() <= NOISE:
            return True
        # What does as well with less is better, once something was found at all; few cases cannot tell that it does.
        if number == 1 or winner.length >= 0.95 * parent.length:
            return False
        low, _ = pair.interval(NOISE)
        return low is not None and low > -AS_GOOD

    def _is_promising(self, one: Contender, parent: Contender) -> bool:
        pair = self._pair(one, parent)
        return pair.gain >= EQUAL and pair.chance() <= PROMISING

    def _found(self) -> Found:
        best = front(self._tried)
        files: dict[str, bytes] = {}
        families: list[str] = []
        for stage in self._stages:
            for name, each in stage.items():
                if not isinstance(each, Hardening):
                    continue
                # What failed is worth keeping, whatever won.
                files |= each.files()
                if self._best.approach in {name, MERGE}:
                    families += each.families()
        return Found(
            best=self._best,
            baseline=self._baseline,
            task=self._task,
            asked=len(self._asked),
            tried=tuple(replace(one, front=at in best) for at, one in enumerate(self._tried)),
            blocks=self._raced,
            cut=self._cut,
            families=tuple(families),
            files=files,
        )
