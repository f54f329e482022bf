"""What a run would take, before a cent is spent: calls, tokens and US dollars, and what the cache has already.

Where an answer is known, what is asked about it is looked up like the answer itself. Where it is not, each of its
graded assertions is counted with a text that stands for it: so many calls at most, for an answer that fails a cheap
assertion is not judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from promptvc.base.config import Price
from promptvc.base.errors import Refused, Unfinished
from promptvc.evaluation.assertions.assertion import Answer, Assertion, ComparingGrader, JudgedGrader
from promptvc.evaluation.assertions.registry import ASSERTIONS, AT_ONCE, COMPARING, leaves
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import Grading
from promptvc.evaluation.judges.lexical import NAMES
from promptvc.evaluation.judges.looking import UNASKED, LookingBench, Unasked
from promptvc.evaluation.qualities import MOST_JUDGED, sampled
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.guess import CHARACTERS_A_TOKEN, Guess, answer_tokens
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evaluation.sessions.session import Session
from promptvc.evidence.runs import OUTPUT_LIMIT
from promptvc.models.messages import ChatMessage, Completion, ImmediateModel, Model
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Judgements:
    """What judges and embeddings would take: ``calls``, ``tokens`` of both directions, ``cost`` in US dollars.

    ``cost`` is None where one of them has no price.
    """

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0

    def to_json(self) -> dict[str, Any]:
        """By name."""
        return {key: getattr(self, key) for key in self.__slots__}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One version on one model.

    Attributes:
        answers: that the run needs; ``cached`` of them are there, ``calls`` are to be made.
        tokens: about so many, both directions: a quarter of the characters asked, and of answers the mean of those in
            the cache, or what the prompt allows.
        cost: US dollars, about; None without a price.
        judgements: assertions that take a judge, an embedding or a process, and are not known.
        judge: what those take, and the qualities where a judge is to measure them. What compares the answers of
            several versions or models counts on the last of them, and a question that two would ask on the first.
    """

    version: int | None
    model: str
    answers: int
    cached: int
    calls: int
    tokens: int
    cost: float | None
    judgements: int
    judge: Judgements = Judgements()

    @property
    def total(self) -> float | None:
        """US dollars for answers and judging; None where one is unknown."""
        judging = self.judge.cost
        return None if self.cost is None or judging is None else self.cost + judging

    def to_json(self) -> dict[str, Any]:
        """As ``evaluate --estimate --json`` prints it."""
        found = {key: getattr(self, key) for key in self.__slots__}
        return {**found, "judge": self.judge.to_json()}


@dataclass(frozen=True, slots=True)
class Asked:
    """One version on one model; ``qualities``: a judge measures them too."""

    prompt: Prompt
    model: Model
    qualities: bool = False


def estimate(runs: Sequence[Asked], cases: Sequence[Case], session: Session) -> tuple[Estimate, ...]:
    """Look at every request of a run without making it. A model in this process costs nothing, and answers."""
    looker = _Looker(cases, session)
    return tuple(looker.side(asked, last=at == len(runs) - 1) for at, asked in enumerate(runs))


class _Looker:
    """What is known and what is not, side by side."""

    def __init__(self, cases: Sequence[Case], session: Session) -> None:
        self._cases = cases
        self._session = session
        self._bench = LookingBench(session.judging.options) if session.judging is not None else None
        self._measured = set(sampled(len(cases), MOST_JUDGED))
        self._held: defaultdict[tuple[int, int], list[Answer]] = defaultdict(list)
        self._stand_ins = 0

    def side(self, asked: Asked, *, last: bool) -> Estimate:
        """One version on one model."""
        session, prompt, model = self._session, asked.prompt, asked.model
        price = session.prices.get(model.name)
        options = session.options
        caller = Caller(model, budget=Budget(), cache=options.cache, since=options.since)
        renderer = Renderer(prompt)
        cached = characters = judgements = 0
        known_out: list[int] = []
        if self._bench is not None:
            self._bench.guess = Guess()
        for position, case in enumerate(self._cases):
            messages = tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars))
            graded = _graded(case)
            measured = asked.qualities and position in self._measured
            for repeat in range(session.repeats):
                found = (
                    caller.known(caller.key(messages, prompt.parameters, repeat)) if caller.cached else None
                )
                if found is not None:
                    cached += 1
                    if found.tokens_out is not None:
                        known_out.append(found.tokens_out)
                else:
                    characters += sum(len(message.content) for message in messages)
                if self._bench is None or not (graded or measured):
                    continue
                if found is None and isinstance(model, ImmediateModel):
                    found = model.answer(messages, prompt.parameters, repeat=repeat)
                completion = found or self._stand_in(_mean(known_out, prompt.parameters))
                answer = Answer(completion, case.vars, messages, case.expected)
                if found is None:
                    judgements += _guessed(self._bench, graded, answer)
                else:
                    outcome = Outcome(case.id, repeat, completion, messages=messages)
                    judgements += _judged(self._bench, case, outcome)
                self._hold((position, repeat), graded, answer)
                if measured and repeat == 0:
                    _measure(self._bench, answer)
        if last and self._bench is not None:
            judgements += self._compared(self._bench)
        answers = len(self._cases) * session.repeats
        calls = 0 if isinstance(model, ImmediateModel) else answers - cached
        tokens_in = characters / CHARACTERS_A_TOKEN if calls else 0.0
        tokens_out = calls * _mean(known_out, prompt.parameters)
        return Estimate(
            version=prompt.version,
            model=model.name,
            answers=answers,
            cached=cached,
            calls=calls,
            tokens=round(tokens_in + tokens_out),
            cost=_cost(tokens_in, tokens_out, price) if calls else 0.0,
            judgements=judgements,
            judge=self._taken(),
        )

    def _hold(self, place: tuple[int, int], graded: Sequence[Assertion], answer: Answer) -> None:
        if any(leaf.base in COMPARING for leaf in graded):
            self._held[place].append(answer)

    def _compared(self, bench: LookingBench) -> int:
        """How many comparisons of answers are not known."""
        unknown = 0
        for (position, _), answers in self._held.items():
            for leaf in _graded(self._cases[position]):
                grader = ASSERTIONS[leaf.base]
                if not isinstance(grader, ComparingGrader):
                    continue
                try:
                    _now(grader.compare(answers, [0.0] * len(answers), leaf, bench))
                except Unasked:
                    unknown += 1
                except (Unfinished, Refused):
                    continue
        return unknown

    def _stand_in(self, tokens: float) -> Completion:
        """A text in the place of an unknown answer: of the length that is expected, and unlike all others."""
        self._stand_ins += 1
        text = f"answer {self._stand_ins} ".ljust(round(tokens * CHARACTERS_A_TOKEN), "x")
        return Completion(text, None, None, None, 0.0, None)

    def _taken(self) -> Judgements:
        if self._bench is None:
            return Judgements()
        guess = self._bench.guess
        return Judgements(guess.calls, round(guess.tokens), guess.cost)


def _judged(bench: LookingBench, case: Case, outcome: Outcome) -> int:
    """How many assertions about a known answer are to be asked."""
    grading = Grading(case, outcome)
    if not grading.waits:
        return 0
    _now(grading.judge(bench))
    return sum(line.error == UNASKED for line in grading.result().grades)


def _guessed(bench: LookingBench, graded: Sequence[Assertion], answer: Answer) -> int:
    """How many assertions about an unknown answer are to be asked, at most."""
    alone = [leaf for leaf in graded if leaf.base not in COMPARING]
    for leaf in alone:
        grader = ASSERTIONS[leaf.base]
        assert isinstance(grader, JudgedGrader)
        with suppress(Unfinished, Refused):
            _now(grader.judge(answer, leaf, bench))
    return len(alone)


def _measure(bench: LookingBench, answer: Answer) -> None:
    for name in NAMES:
        with suppress(Unfinished):
            _now(bench.ask(name, {"question": answer.question, "answer": answer.text[:OUTPUT_LIMIT]}))


def _graded(case: Case) -> list[Assertion]:
    """The assertions that the answer alone does not decide."""
    return [leaf for each in case.assertions for leaf in leaves(each) if leaf.base not in AT_ONCE]


def _mean(known: Sequence[int], parameters: Mapping[str, Any]) -> float:
    """Tokens of an answer: as those in the cache, or as many as the prompt allows."""
    return sum(known) / len(known) if known else answer_tokens(parameters)


def _cost(tokens_in: float, tokens_out: float, price: Price | None) -> float | None:
    return None if price is None else (tokens_in * price.input + tokens_out * price.output) / 1e6


def _now(work: Coroutine[Any, Any, _Value]) -> _Value:
    """What comes of work that never waits, with or without an event loop around."""
    try:
        work.send(None)
    except StopIteration as done:
        value: _Value = done.value
        return value
    work.close()
    raise AssertionError("looking something up does not wait")
