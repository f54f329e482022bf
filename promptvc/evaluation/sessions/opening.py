"""Opening what a run asks with: models, judge, cache, budget and bench, from what was asked for and the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from promptvc.base.config import Settings
from promptvc.base.errors import Usage
from promptvc.evaluation.assertions.assertion import Requirement
from promptvc.evaluation.assertions.registry import AT_ONCE, leaves, needs
from promptvc.evaluation.assertions.sandbox import Sandbox
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.judges.bench import BenchOptions, ModelBench
from promptvc.evaluation.judges.digest import EMBEDDED, SIMILAR
from promptvc.evaluation.judges.prompts import JudgePrompt
from promptvc.evaluation.reduce import MEAN, Reducer
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.tasks import RunOptions
from promptvc.evaluation.sessions.session import Session
from promptvc.models.chat import open_model
from promptvc.models.embeddings import LOCAL, Embedder, open_embeddings
from promptvc.models.messages import Model
from promptvc.models.providers import OFFLINE
from promptvc.models.throttle import Throttles


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask.

    Attributes:
        models: specs of the models under test.
        judge: instead of the settings' judge.
        since: accept from the cache only what was stored at this moment or later.
        code: whether the suite's code may run.
    """

    models: tuple[str, ...]
    repeats: int = 1
    reducer: Reducer = MEAN
    concurrency: int | None = None
    judge: str | None = None
    since: datetime | None = None
    code: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run happens: settings, environment, the folder of what is derived, the clock, the repository's judges."""

    settings: Settings
    environ: Mapping[str, str]
    state: Path
    clock: Callable[[], datetime]
    judges: Mapping[str, JudgePrompt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demands:
    """What grading some cases takes.

    Attributes:
        waits: whether anything is graded by more than the answer alone.
        models: that assertions name themselves.
        judged: types that need the run's judge.
        code: whether code of the suite is to run.
        embeds: whether texts are compared by the run's embeddings.
        embedders: embedding models that assertions name themselves.
    """

    waits: bool
    models: frozenset[str]
    judged: tuple[str, ...]
    code: bool
    embeds: bool = False
    embedders: frozenset[str] = frozenset()

    def pure(self, embeddings: str) -> bool:
        """Whether grading takes no model, no network and no key, with these ``embeddings``."""
        named = self.models or self.judged or self.embedders - LOCAL
        return not named and not (self.embeds and embeddings not in LOCAL)

    @classmethod
    def of(cls, cases: Iterable[Case]) -> Demands:
        """What the assertions of ``cases`` take."""
        models: set[str] = set()
        embedders: set[str] = set()
        judged: dict[str, None] = {}
        code = waits = embeds = False
        for case in cases:
            for each in case.assertions:
                if each.base in AT_ONCE:
                    continue
                for leaf in leaves(each):
                    if leaf.base in AT_ONCE:
                        continue
                    waits = True
                    found: set[Requirement] = needs(leaf)
                    code = code or "code" in found
                    own = leaf.base == SIMILAR and leaf.provider is not None
                    embeds = embeds or (leaf.base in EMBEDDED and not own)
                    if own:
                        embedders.add(leaf.provider or "")
                    elif leaf.provider is not None:
                        models.add(leaf.provider)
                    elif "judge" in found:
                        judged[leaf.type] = None
        return cls(waits, frozenset(models), tuple(judged), code, embeds, frozenset(embedders))


def judgements(cases: Iterable[Case]) -> int:
    """How many calls grading one answer to each case takes at least: one for each assertion that asks a model."""
    return sum(
        1
        for case in cases
        for each in case.assertions
        if each.base not in AT_ONCE
        for leaf in leaves(each)
        if leaf.base not in AT_ONCE and (leaf.provider not in {None, *LOCAL} or "judge" in needs(leaf))
    )


def open_session(asking: Asking, demands: Demands, place: Place, budget: Budget | None = None) -> Session:
    """A session that is ready to run; nothing is called yet. Close it.

    Args:
        budget: of everything that is spent, judging included; shared by the sessions that are given the same one.

    Raises:
        InputError: a model that cannot be opened.
        Usage: graded assertions without a judge, code without leave, a bound on cost without a price.
    """
    settings = place.settings
    judge = asking.judge or settings.evaluation.judge
    if judge == OFFLINE:
        raise Usage(
            "the offline responder cannot judge: it answers with what a prompt shows",
            hint="name a model: --judge provider:model",
        )
    if demands.judged and judge is None:
        raise Usage(
            f"{', '.join(f'`{name}`' for name in demands.judged[:3])} takes a model that judges, and there is none",
            hint="name one: --judge provider:model, or evaluation.judge in promptvc.yaml",
        )
    if demands.code and not asking.code:
        raise Usage(
            "the suite has `python` assertions, and its code does not run without leave",
            hint="look at the code, then add --allow-code",
        )
    budget = budget or Budget()
    _require_prices(asking, demands, judge, budget, settings)
    # The models first: one that cannot be opened must leave no open cache behind.
    throttles = Throttles(ceiling=asking.concurrency or settings.models.concurrency)

    def opened(spec: str) -> Model:
        return open_model(spec, settings=settings.models, environ=place.environ, throttles=throttles)

    def embedder(spec: str) -> Embedder:
        return open_embeddings(spec, settings=settings.models, environ=place.environ, throttles=throttles)

    models = [opened(spec) for spec in asking.models]
    for spec in sorted(demands.models | ({judge} if demands.judged and judge else set())):
        opened(spec)
    for spec in sorted(demands.embedders | ({settings.evaluation.embeddings} if demands.embeds else set())):
        embedder(spec)
    cache = Cache(place.state / "cache", clock=place.clock)
    bench = ModelBench(
        BenchOptions(
            open_model=opened,
            open_embeddings=embedder,
            budget=budget,
            judge=judge,
            embeddings=settings.evaluation.embeddings,
            prompts=place.judges,
            prices=settings.models.prices,
            cache=cache,
            since=asking.since,
            code=Sandbox() if asking.code and demands.code else None,
        )
    )
    return Session(
        models,
        RunOptions(
            concurrency=asking.concurrency or settings.models.concurrency,
            budget=budget,
            cache=cache,
            since=asking.since,
        ),
        repeats=asking.repeats,
        reducer=asking.reducer,
        bench=bench if demands.waits else None,
        judging=bench,
        prices=settings.models.prices,
    )


def _require_prices(
    asking: Asking, demands: Demands, judge: str | None, budget: Budget, settings: Settings
) -> None:
    if budget.limits.cost is None:
        return
    asked = {*asking.models, *demands.models, *demands.embedders}
    if demands.judged and judge:
        asked.add(judge)
    if demands.embeds:
        asked.add(settings.evaluation.embeddings)
    asked -= {OFFLINE, *LOCAL}
    for spec in sorted(asked):
        if spec not in settings.models.prices:
            raise Usage(
                f"the cost of {spec} is unknown, so a bound on it cannot be kept",
                hint=f'give its price: models.prices."{spec}" in promptvc.yaml',
            )
