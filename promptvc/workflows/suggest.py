"""`suggest`: edits worth making, each with the events that speak for it. Nothing is trained, run or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.errors import InvalidDocument, ProviderError
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Cache
from promptvc.feedback.events import Event
from promptvc.models.providers import OFFLINE
from promptvc.training.approaches.meta_prompt.extracting.effects import expected
from promptvc.training.approaches.meta_prompt.extracting.finding import voice_of
from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.approaches.meta_prompt.meta_prompt import NO_MODEL
from promptvc.training.approaches.meta_prompt.reflecting import edits_from_words
from promptvc.training.data.signals import Signal
from promptvc.training.optimizer import Surroundings, open_optimizer
from promptvc.training.proposal import Proposal
from promptvc.training.scoring import Optimizer
from promptvc.training.search.growth import FLOOR
from promptvc.training.sizes import instructions_length
from promptvc.training.trained import TrainRequest
from promptvc.workflows.learning import Prepared, prepare
from promptvc.workflows.project import Progress, Project, silent


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """What to look at.

    Attributes:
        name: of a prompt; None: all prompts of main.
        framework: only events of this one, as their context names it, whatever its case.
        days: only events of the last so many days before each prompt's newest event.
        limit: at most so many suggestions in all.
        optimizer: the model that proposes, ``provider:model``; ``offline``: none; None: the settings'.
    """

    name: str | None = None
    framework: str | None = None
    days: int = 7
    limit: int = 5
    optimizer: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An edit of ``prompt``. ``events`` are (id, words) of all that speaks for it; ``people``: how many said so."""

    prompt: str
    proposal: Proposal
    events: tuple[tuple[str, str], ...]
    people: int

    def to_json(self) -> dict[str, Any]:
        """As `suggest --json` prints it."""
        events = [{"id": event, "words": words} for event, words in self.events]
        return {"prompt": self.prompt, **self.proposal.to_json(), "people": self.people, "events": events}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The suggestions, those of most people first, and what a reader has to know, a sentence each."""

    suggestions: tuple[Suggestion, ...]
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `suggest --json` prints it."""
        return {"suggestions": [each.to_json() for each in self.suggestions], "remarks": list(self.remarks)}


def suggest(project: Project, request: SuggestRequest, *, progress: Progress = silent) -> Suggestions:
    """Edits of one prompt or of all, by what main's committed events say; what the hold-out has is not heard.

    Raises:
        NotFound: no such prompt on main.
        Usage: the name has a revision.
        InvalidDocument: the prompt or its suite cannot be read; with all prompts that is a remark.
        InputError: the optimizer cannot be opened. Its failure to answer is a remark.
        OverBudget, Interrupted: from the optimizer.
    """
    spec = request.optimizer or project.settings.training.optimizer.model
    if spec is None or spec == OFFLINE:
        return _Suggesting(project, request, None).outcome(progress)
    limits = Limits(
        calls=project.settings.training.max_calls,
        tokens=project.settings.training.budget.tokens,
        cost=project.settings.training.budget.cost,
    )
    with closing(Cache(project.state / "cache", clock=project.clock)) as cache:
        around = Surroundings(project.settings.models, project.environ, Budget(limits), cache)
        optimizer = open_optimizer(spec, project.settings.training.optimizer.temperature, around)
        return _Suggesting(project, request, optimizer).outcome(progress)


class _Suggesting:
    """One look at the prompts."""

    def __init__(self, project: Project, request: SuggestRequest, optimizer: Optimizer | None) -> None:
        self.project, self.request = project, request
        self.optimizer = optimizer
        self.remarks: list[str] = [] if optimizer is not None else [NO_MODEL]

    def outcome(self, progress: Progress) -> Suggestions:
        """All suggestions, ranked and cut."""
        given = self.request.name
        names = self.project.resolver.names(self.project.need_main()) if given is None else [given]
        show = progress("suggesting")
        found: list[Suggestion] = []
        for done, name in enumerate(names, 1):
            prepared = self._prepared(name)
            if prepared is not None:
                found += self._of(prepared)
            show(done, len(names))
        found.sort(key=_rank)
        return Suggestions(tuple(found[: self.request.limit]), tuple(self.remarks))

    def _prepared(self, name: str) -> Prepared | None:
        try:
            return prepare(self.project, name, TrainRequest(days=self.request.days))
        except InvalidDocument as error:
            if self.request.name is not None:
                raise
            self.remarks.append(f"{name} was left out: {error}.")
            return None

    def _of(self, prepared: Prepared) -> list[Suggestion]:
        """The suggestions for one prompt."""
        signals = [signal for signal in prepared.task.signals if self._counts(signal)]
        proposals = self._proposals(prepared, signals) if signals else ()
        self._say_what_lacks(prepared, signals, proposals)
        words = {event.id: _words(event) for event in prepared.reading.events}
        return [_suggestion(prepared.name, each, signals, words) for each in proposals]

    def _counts(self, signal: Signal) -> bool:
        wanted = self.request.framework
        return wanted is None or (signal.framework or "").casefold() == wanted.casefold()

    def _proposals(self, prepared: Prepared, signals: Sequence[Signal]) -> Sequence[Proposal]:
        """By the model while it answers, else by rules; a remark says which and why."""
        prompt, bars = prepared.prompt, self.project.settings.feedback
        if self.optimizer is not None:
            settings = self.project.settings.training
            room = max(FLOOR, int(instructions_length(prompt) * settings.max_growth))
            name = self.optimizer.name
            try:
                found = edits_from_words(
                    self.optimizer, prompt, signals, batch=settings.batch, room=room, thresholds=bars
                )
            except ProviderError as error:
                self.optimizer = None  # a provider that fails is not asked for every prompt
                self.remarks.append(f"{name} failed: {error.message}; rules are extracted from users' words")
            else:
                if found.proposals:
                    return found.proposals
                self.remarks.append(
                    f"{name} proposed nothing that can be used for {prepared.name};"
                    " rules are extracted from users' words"
                )
        return extract(signals, prompt, most=self.request.limit, thresholds=bars)

    def _say_what_lacks(
        self, prepared: Prepared, signals: Sequence[Signal], proposals: Sequence[Proposal]
    ) -> None:
        if proposals:
            return
        least = self.project.settings.training.triggers.min_events
        heard = f"{len(signals):,} event" if len(signals) == 1 else f"{len(signals):,} events"
        where = f" of {self.request.framework}" if self.request.framework is not None else ""
        if len(signals) < least:
            self.remarks.append(
                f"{prepared.name}: {heard}{where} in {self.request.days} days, too few to suggest anything;"
                f" {least - len(signals):,} more would do."
            )
        elif self.request.name is not None:
            self.remarks.append(f"{prepared.name}: {heard}{where} heard, and no edit found in them.")


def _suggestion(
    name: str, proposal: Proposal, signals: Sequence[Signal], words: Mapping[str, str]
) -> Suggestion:
    cited = set(proposal.because)
    mine = [signal for signal in signals if cited.intersection(signal.because)]
    if proposal.effect is None:
        effect, basis = expected(mine, signals)
        proposal = replace(proposal, effect=effect, basis=basis)
    people = {voice_of(signal, " ".join(signal.words)) for signal in mine}
    events = tuple((event, words.get(event, "")) for event in proposal.because)
    return Suggestion(name, proposal, events, len(people))


def _words(event: Event) -> str:
    """What was said and what was corrected, in one text."""
    said = event.comment or event.data.get("notes")
    if event.kind == "annotation" and not said:
        said = event.corrected
    if event.kind in {"correction", "demonstration"} and said:
        return f"{event.words} ({said})"
    return str(said or event.words)


def _rank(one: Suggestion) -> tuple[int, int, float, str]:
    """Most people first, then most events, then what is expected; of one prompt in the order found."""
    return -one.people, -len(one.events), -(one.proposal.effect or 0.0), one.prompt
