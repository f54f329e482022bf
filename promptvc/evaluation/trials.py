"""One case, asked of versions of a prompt: from what is known where possible, in as many repeats as it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from promptvc.base.errors import OverBudget, ProviderError
from promptvc.evaluation.bisecting import State, is_flaky, majority, repeats_missing
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Keys
from promptvc.evaluation.sessions.opening import Asking, Demands, Place, open_session
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.runs import CaseResult
from promptvc.models.messages import ChatMessage, ImmediateModel, RemoteModel
from promptvc.models.providers import OFFLINE
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer

REPEATS = 3
"""How often a provider's model is asked before its answers are taken for stable; ``offline`` always answers alike."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case did on one version.

    Attributes:
        flaky: its repeats disagreed, and most of them decided.
        calls: made for it now; 0 where everything was known.
        reason: what an assertion that does not hold says; why it cannot be judged.
    """

    state: State
    flaky: bool
    calls: int
    reason: str | None


class Trials:
    """Asks ``case``. Close it.

    Args:
        asking: how; its models are named version by version.
        repeats: how often at first; None: three times, once for ``offline``.
        budget: of everything that is asked.
    """

    def __init__(self, case: Case, asking: Asking, repeats: int | None, place: Place, budget: Budget) -> None:
        self._case = case
        self._asking = asking
        self._repeats = repeats
        self._place = place
        self._budget = budget
        self._demands = Demands.of([case])
        self._sessions: dict[str, Session] = {}

    @property
    def warnings(self) -> list[str]:
        """What the cache had to say, each once."""
        return list(dict.fromkeys(one for session in self._sessions.values() for one in session.warnings))

    def close(self) -> None:
        """Close the completion cache."""
        for session in self._sessions.values():
            session.close()

    def recall(self, prompt: Prompt, model: str) -> Verdict | None:
        """What the completion cache knows; None where it would take a call to tell."""
        session = self._session(model)
        if not self._is_cached(session, prompt, self._first(model)):
            return None
        free = open_session(
            replace(self._asking, models=(model,)), self._demands, self._place, Budget(Limits(calls=0))
        )
        try:
            return self._verdict(free, prompt, model)
        except OverBudget:
            return None  # a judge would have to be asked, or repeats disagree and more are needed
        finally:
            free.close()

    def ask(self, prompt: Prompt, model: str) -> Verdict:
        """Ask as often as it takes.

        Raises:
            OverBudget: the calls are used up; the answers that came are kept.
            ProviderError: the model could not be asked.
            Usage, InputError: the case takes a judge or leave to run code, or the model cannot be opened.
        """
        return self._verdict(self._session(model), prompt, model)

    def _verdict(self, session: Session, prompt: Prompt, model: str) -> Verdict:
        before = _calls(session)
        passes: list[bool] = []
        results: list[CaseResult] = []
        while missing := repeats_missing(passes, self._first(model)):
            results = self._results(session, prompt, len(passes) + missing)
            reason = next((one.error for one in results if one.passed is None), None)
            if reason is not None:
                return Verdict("skipped", flaky=False, calls=_calls(session) - before, reason=reason)
            passes = [bool(one.passed) for one in results]
        failures = [failure for one in results for failure in one.extra.get("failures", ())]
        return Verdict(
            state=majority(passes),
            flaky=is_flaky(passes),
            calls=_calls(session) - before,
            reason=str(failures[0]) if failures else None,
        )

    def _results(self, session: Session, prompt: Prompt, repeats: int) -> list[CaseResult]:
        """So many repeats; those that were asked before come from the cache."""
        session.repeats = repeats
        collector = session.collect(prompt, [self._case], session.models[0])
        session.settle([collector])
        results = list(collector.results)
        collector.results.close()
        for one in results:
            if one.output_digest is None:
                raise ProviderError(f"v{prompt.version} could not be asked: {one.error}")
        return results

    def _is_cached(self, session: Session, prompt: Prompt, repeats: int) -> bool:
        model, cache = session.models[0], session.options.cache
        if cache is None or isinstance(model, ImmediateModel):
            return False
        keys = Keys(model.name, model.location if isinstance(model, RemoteModel) else None)
        turns = Renderer(prompt).render(self._case.vars)
        messages = tuple(ChatMessage(turn.role, turn.content) for turn in turns)
        wanted = (keys.key(messages, prompt.parameters, repeat) for repeat in range(repeats))
        return all(cache.get(key) is not None for key in wanted)

    def _first(self, model: str) -> int:
        return self._repeats or (1 if model == OFFLINE else REPEATS)

    def _session(self, model: str) -> Session:
        if model not in self._sessions:
            asking = replace(self._asking, models=(model,))
            self._sessions[model] = open_session(asking, self._demands, self._place, self._budget)
        return self._sessions[model]


def _calls(session: Session) -> int:
    judged = session.judging.spent.calls if session.judging is not None else 0
    return session.spent.calls + judged
