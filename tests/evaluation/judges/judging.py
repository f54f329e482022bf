"""A judge on loopback, and answers graded by one assertion with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.config import ModelSettings
from promptvc.evaluation.assertions.assertion import Assertion, ComparingGrader, Grade
from promptvc.evaluation.assertions.registry import ASSERTIONS, problem
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import Grading
from promptvc.evaluation.judges.bench import BenchOptions, ModelBench
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evidence.runs import GradeLine
from promptvc.models.chat import open_model
from promptvc.models.embeddings import LEXICAL, open_embeddings
from promptvc.models.messages import ChatMessage, Completion
from tests.servers import Reply, Request, Script, Server, answer

JUDGE = "openai:judge"
QUESTION = "I was charged twice. What now?"
TEXT = "It was billed twice by mistake; the second charge comes back within three days."


def says(*values: Any) -> Script:
    """A judge that gives these answers, one after the other and the last for ever: texts, or values as JSON."""
    given: list[Reply] = [
        answer(value if isinstance(value, str) else json.dumps(value))
        if not isinstance(value, Reply)
        else value
        for value in values
    ]
    return lambda request: given[min(request.number, len(given)) - 1]


def completion(text: str, finish: str = "stop") -> Completion:
    return Completion(text, tokens_in=5, tokens_out=9, cost=None, latency_ms=1.0, finish_reason=finish)


@dataclass
class Judging:
    """Grades answers with the judge that ``script`` plays; ``requests`` are what it was asked."""

    script: Script
    judge: str | None = JUDGE
    embeddings: str = LEXICAL
    requests: list[Request] = field(default_factory=list)

    def grade(
        self,
        kind: str,
        value: Any = None,
        *,
        text: str = TEXT,
        threshold: float | None = None,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - as suites call them
        provider: str | None = None,
        finish: str = "stop",
        question: str | None = QUESTION,
    ) -> GradeLine:
        """The line that results keep of one assertion about one answer."""
        assertion = Assertion(kind, value, threshold=threshold, provider=provider)
        assert problem(assertion) is None
        asked: tuple[ChatMessage, ...] = (ChatMessage("system", "You help."),)
        if question is not None:
            asked += (ChatMessage("user", question),)
        case = Case("one", 1, vars or {}, (assertion,))
        grading = Grading(case, Outcome("one", 0, completion(text, finish), messages=asked))
        self._with_bench(grading.judge)
        (line,) = grading.result().grades
        return line

    def compare(
        self, kind: str, texts: Sequence[str], scores: Sequence[float] = (), value: Any = None, **more: Any
    ) -> Sequence[Grade]:
        """One grade for each of several answers to one question."""
        assertion = Assertion(kind, value, **more)
        assert problem(assertion) is None
        grader = ASSERTIONS[assertion.base]
        assert isinstance(grader, ComparingGrader)
        asked = (ChatMessage("user", QUESTION),)
        answers = []
        for text in texts:
            made = Grading(
                Case("one", 1, {}, (assertion,)), Outcome("one", 0, completion(text), messages=asked)
            ).answer
            assert made is not None
            answers.append(made)
        given = list(scores) or [0.0] * len(texts)
        grades: Sequence[Grade] = self._with_bench(
            lambda bench: grader.compare(answers, given, assertion, bench)
        )
        return grades

    def _bench(self, server: Server) -> ModelBench:
        """One without a cache, whose models make one attempt a call."""
        settings = ModelSettings(attempts=1)
        return ModelBench(
            BenchOptions(
                open_model=lambda spec: open_model(spec, settings=settings, environ=server.environ()),
                open_embeddings=lambda spec: open_embeddings(
                    spec, settings=settings, environ=server.environ()
                ),
                budget=Budget(),
                judge=self.judge,
                embeddings=self.embeddings,
            )
        )

    def _with_bench(self, work: Callable[[Any], Any]) -> Any:
        with Server(self.script) as server:

            async def run() -> Any:
                bench = self._bench(server)
                try:
                    return await work(bench)
                finally:
                    await bench.rest()
                    bench.close()

            try:
                return asyncio.run(run())
            finally:
                self.requests += server.requests
