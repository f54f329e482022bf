"""One assertion as a suite writes it, the answer it is about, a grader's word on it, and the three kinds of grader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from promptvc.models.messages import ChatMessage, Completion

NEGATION = "not-"

Templates = Literal["text", "pattern", "none"]
"""Where ``{{ name }}`` stands for a variable in an assertion's value: in its texts, escaped in a pattern, nowhere."""

Requirement = Literal["judge", "embeddings", "code"]
"""What grading needs besides the answer: a judge model, an embedding model, leave to run code."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion of a case.

    Attributes:
        type: its name, with ``not-`` where negated.
        value, threshold: as the type takes them.
        weight: of its score in the case's; one with weight 0 is a metric only and cannot fail the case.
        metric: a name under which its score is also reported, and guarded.
        provider: the model that grades it, ``provider:name``, instead of the run's judge.
        members: of an ``assert-set``; empty for any other type.
    """

    type: str
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None
    provider: str | None = None
    members: tuple[Assertion, ...] = ()

    @property
    def negated(self) -> bool:
        """Whether it is a ``not-`` form."""
        return self.type.startswith(NEGATION)

    @property
    def base(self) -> str:
        """The name without ``not-``."""
        return self.type.removeprefix(NEGATION)

    def to_json(self) -> dict[str, Any]:
        """What it says, as JSON; defaults left out."""
        values = {
            "type": self.type,
            "value": self.value,
            "threshold": self.threshold,
            "weight": self.weight if self.weight != 1 else None,
            "metric": self.metric,
            "provider": self.provider,
            "assert": [member.to_json() for member in self.members] or None,
        }
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is graded: a completion, and what was asked.

    Attributes:
        vars: the case's variables.
        messages: as they were sent.
        expected: what the case expects, None where it does not say.
    """

    completion: Completion
    vars: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[ChatMessage] = ()
    expected: Any = None

    @property
    def text(self) -> str:
        """The answer itself."""
        return self.completion.text

    @property
    def question(self) -> str:
        """What was asked: the last message of the user, empty when there is none."""
        return next((turn.content for turn in reversed(self.messages) if turn.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Grade:
    """A grader's word on one answer.

    Attributes:
        score: 0..1.
        passed: whether the assertion holds.
        reason: one line for people, why it does not hold; a judge's words also where it does.
        error: why there is no grade; then score and passed mean nothing, and negation does not make it a pass.
        measure: how it was graded where there are several ways: ``lexical``, or the judge's model.
    """

    score: float
    passed: bool
    reason: str = ""
    error: str | None = None
    measure: str | None = None

    @classmethod
    def of(cls, holds: bool, reason: str = "") -> Grade:  # noqa: FBT001 - the one thing it is about
        """1 where it ``holds``, else 0 with the reason."""
        return HOLDS if holds else cls(score=0.0, passed=False, reason=reason)

    @classmethod
    def reaching(cls, score: float, threshold: float, reason: str = "", measure: str | None = None) -> Grade:
        """A score 0..1 that holds from ``threshold`` on; billionths of rounding do not count against it."""
        score = min(1.0, max(0.0, score))
        passed = score >= threshold - 1e-9
        said = reason or ("" if passed else f"{score:.3g} is below {threshold:g}")
        return cls(score=score, passed=passed, reason=said, measure=measure)

    @classmethod
    def failed(cls, error: str) -> Grade:
        """No grade, and why."""
        return cls(score=0.0, passed=False, error=error)

    def negated(self, name: str) -> Grade:
        """The opposite, for the assertion ``name``; an error stays one."""
        if self.error is not None:
            return self
        said = f": {self.reason}" if self.reason else ""
        reason = f"`{name}` does not hold{said}" if self.passed else ""
        return Grade(score=1.0 - self.score, passed=not self.passed, reason=reason, measure=self.measure)


HOLDS = Grade(score=1.0, passed=True)
"""The grade of what holds: one value for all, for most answers hold."""


@runtime_checkable
class Grader(Protocol):
    """One assertion type that is graded at once, from the answer alone."""

    @property
    def templates(self) -> Templates:
        """Where variables may stand in its value."""
        ...

    def problem(self, assertion: Assertion) -> str | None:
        """What is wrong with it as written ("needs ..."), found when the suite is loaded; else None."""
        ...

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """Grade one answer by an assertion without problem. Never raises: what cannot be graded is an error."""
        ...


class Bench(Protocol):
    """What a grader may ask that cannot decide by itself: the judge's model, embeddings, a process that runs code.

    The calls it makes go through the completion cache and the budgets of the run, and are accounted for apart from
    the answers.
    """

    async def ask(
        self, prompt: str, variables: Mapping[str, Any], *, model: str | None = None, sample: int = 0
    ) -> Mapping[str, Any]:
        """Ask the judge with one of promptvc's own judge prompts; its answer, valid by that prompt's schema.

        Args:
            prompt: name of the judge prompt, such as ``llm-rubric``.
            variables: of that prompt.
            model: an assertion's own ``provider``; the run's judge when None.
            sample: tells apart several answers to one question.

        Raises:
            ProviderError: the call failed, or the answer was unusable twice.
            ProviderRefused, OverBudget: no further call would succeed; ends the run.
        """
        ...

    def judge_name(self, model: str | None = None) -> str | None:
        """The model that would be asked, None when there is no judge."""
        ...

    async def similarities(
        self, text: str, others: Sequence[str], *, model: str | None = None
    ) -> list[float]:
        """Cosine similarity (-1..1) of ``text`` to each of ``others``, by the run's embeddings.

        Raises:
            ProviderError: as :meth:`ask`.
        """
        ...

    def embeddings_name(self, model: str | None = None) -> str:
        """The embedding model that would be asked; ``lexical`` where words are compared without a model."""
        ...

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        """What a suite's Python code says of ``output``; see :mod:`promptvc.evaluation.assertions.code`.

        Raises:
            Refused: code may not run here.
            Unfinished: it failed, took too long or too much memory.
        """
        ...


@runtime_checkable
class JudgedGrader(Protocol):
    """One assertion type that takes calls or a process: graded after the ones that do not, if those pass."""

    @property
    def templates(self) -> Templates:
        """Where variables may stand in its value."""
        ...

    def problem(self, assertion: Assertion) -> str | None:
        """As :meth:`Grader.problem`."""
        ...

    def needs(self, assertion: Assertion) -> Requirement | None:
        """What it cannot do without; None where it has a way of its own too."""
        ...

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """Grade one answer. Raises what ``bench`` raises; that becomes the grade's error."""
        ...


@runtime_checkable
class ComparingGrader(Protocol):
    """One assertion type that compares the answers of all versions and models of a run to one case."""

    @property
    def templates(self) -> Templates:
        """Where variables may stand in its value."""
        ...

    def problem(self, assertion: Assertion) -> str | None:
        """As :meth:`Grader.problem`."""
        ...

    def needs(self, assertion: Assertion) -> Requirement | None:
        """As :meth:`JudgedGrader.needs`."""
        ...

    async def compare(
        self, answers: Sequence[Answer], scores: Sequence[float], assertion: Assertion, bench: Bench
    ) -> Sequence[Grade]:
        """One grade an answer, in their order; ``scores`` (0..1) are what the other assertions gave each."""
        ...


AnyGrader = Grader | JudgedGrader | ComparingGrader


def no_threshold(assertion: Assertion) -> str | None:
    """The problem of a type that holds or does not, when it is given a threshold."""
    return None if assertion.threshold is None else "takes no `threshold`: it holds or it does not"


def share_threshold(assertion: Assertion) -> str | None:
    """The problem of a type whose score is a share, when its threshold is above 1."""
    over = assertion.threshold is not None and assertion.threshold > 1
    return "takes a `threshold` from 0 to 1" if over else None


def shown(text: str, limit: int = 60) -> str:
    """A text in quotes on one line, cut where it is long."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
