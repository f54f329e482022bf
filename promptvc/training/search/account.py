"""What a training has asked for so far, and whether its bounds leave room for more.

Answers are counted as if nothing were cached: a training that is run again, or that goes on after a kill, then
makes the same plan. Of its bounds only seconds depend on the machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from promptvc.base.errors import ProviderError
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.spent import Spent
from promptvc.prompts.model import Prompt
from promptvc.training.options import Bounds
from promptvc.training.scoring import Optimizer, Scored, Scorer, Tools

_CHARACTERS_A_TOKEN = 4
_SAMPLES = 1000


class Exhausted(Exception):
    """A bound is reached; what was found until then stands. The search catches it, approaches let it pass."""


@runtime_checkable
class Metered(Protocol):
    """What keeps an account of all its answers, whether they were paid for now or earlier."""

    @property
    def total(self) -> Spent:
        """The same in every run."""
        ...


@runtime_checkable
class Judging(Protocol):
    """A scorer whose grading takes calls besides the answers."""

    def judging(self, cases: Sequence[Case]) -> int:
        """How many, at least, for all answers to ``cases``."""
        ...


class Account:
    """Counts against ``bounds``.

    Attributes:
        calls: answers and proposals so far.
        tokens, cost: what they took; None once one is unknown.
        stopped: which bound was reached first, as a clause; None while none is.
        proposals: answers of the optimizer; ``failed_after``: after how many it failed, None while it did not.
    """

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self.calls = 0
        self.tokens: int | None = 0
        self.cost: float | None = 0.0
        self.stopped: str | None = None
        self.proposals = 0
        self.failed_after: int | None = None
        self._answers = 0
        self._clock = clock
        self._started = clock()

    def require(self, calls: int) -> None:
        """There is room for so many calls more.

        Raises:
            Exhausted: there is not.
        """
        reason = self._lacking(calls)
        if reason is not None:
            self.stopped = self.stopped or reason
            raise Exhausted(reason)

    def took(self, calls: int, tokens: int | None, cost: float | None) -> None:
        """Note what calls took."""
        self.calls += calls
        self._answers += calls
        self.tokens = None if self.tokens is None or tokens is None else self.tokens + tokens
        self.cost = None if self.cost is None or cost is None else self.cost + cost

    def _lacking(self, calls: int) -> str | None:
        bounds = self.bounds
        if self.calls + calls > bounds.calls:
            kept = f", {bounds.reserved:,} of them kept for the comparison" if bounds.reserved else ""
            return f"{bounds.calls + bounds.reserved:,} calls{kept}"
        ahead = calls + bounds.reserved
        for name, bound, used in (("tokens", bounds.tokens, self.tokens), ("cost", bounds.cost, self.cost)):
            if bound is None or not self._answers:
                continue
            if used is None:
                return f"{name}, which a model does not tell"
            if used + used / self._answers * ahead > bound:
                return f"{bound:,} tokens" if name == "tokens" else f"${bound:g}"
        if bounds.seconds is not None and self._clock() - self._started >= bounds.seconds:
            return f"{bounds.seconds:g} s"
        return None


def counted(tools: Tools, account: Account, seed: int = 0) -> Tools:
    """``tools`` whose every question is counted, and refused when there is no room for it.

    Args:
        seed: another one gets other answers of the optimizer to the same questions.
    """
    optimizer = _CountedOptimizer(tools.optimizer, account, seed) if tools.optimizer is not None else None
    return Tools(_CountedScorer(tools.scorer, account), optimizer, tools.embed)


class _CountedScorer:
    def __init__(self, scorer: Scorer, account: Account) -> None:
        self._scorer = scorer
        self._account = account

    @property
    def calls_per_case(self) -> int:
        return self._scorer.calls_per_case

    def ask(self, prompt: Prompt, cases: Sequence[Case]) -> Sequence[Scored]:
        calls = len(cases) * self.calls_per_case
        if isinstance(self._scorer, Judging):
            calls += self._scorer.judging(cases)
        self._account.require(calls)
        answers = self._scorer.ask(prompt, cases)
        tokens = [answer.tokens for answer in answers if answer.tokens is not None]
        costs = [answer.cost for answer in answers if answer.cost is not None]
        # An answer that failed tells nothing; one that came without its tokens makes the sum unknown.
        came = sum(1 for answer in answers if answer.outputs)
        self._account.took(
            calls,
            sum(tokens) if len(tokens) >= came else None,
            math.fsum(costs) if len(costs) >= came else None,
        )
        return answers


class _CountedOptimizer:
    def __init__(self, optimizer: Optimizer, account: Account, seed: int) -> None:
        self._optimizer = optimizer
        self._first = seed * _SAMPLES
        self._account = account

    @property
    def name(self) -> str:
        return self._optimizer.name

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        self._account.require(1)
        before = self._metered()
        if self._account.proposals == self._account.bounds.proposals:
            raise ProviderError(f"{self.name} failed here in the training that is repeated")
        try:
            answer = self._optimizer.ask(system, text, sample=self._first + sample)
        except ProviderError:
            self._account.failed_after = self._account.proposals
            raise
        self._account.proposals += 1
        after = self._metered()
        if before is None or after is None:
            tokens = (len(system) + len(text) + len(answer)) // _CHARACTERS_A_TOKEN
            self._account.took(1, tokens, None)
        else:
            self._account.took(1, _more(before[0], after[0]), _more(before[1], after[1]))
        return answer

    def _metered(self) -> tuple[int | None, float | None] | None:
        """Tokens and cost of its answers so far; None where it keeps no account."""
        if not isinstance(self._optimizer, Metered):
            return None
        total = self._optimizer.total
        tokens = total.tokens_in, total.tokens_out
        return (None if None in tokens else sum(count or 0 for count in tokens)), total.cost


_N = TypeVar("_N", int, float)


def _more(before: _N | None, after: _N | None) -> _N | None:
    return None if before is None or after is None else after - before
