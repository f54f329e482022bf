"""A judge on loopback, and answers graded by one assertion with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.config import ModelSettings
from promptvc.base.errors import ProviderError
from promptvc.evaluation.assertions.assertion import Assertion, ComparingGrader, Grade
from promptvc.evaluation.assertions.registry import ASSERTIONS, problem
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import Grading
from promptvc.evaluation.judges.parse import read
from promptvc.evaluation.judges.prompts import judge_prompt
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evidence.runs import GradeLine
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.similarity import UNIT, Index, Rarity
from promptvc.models.words import features
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

    def _with_bench(self, work: Callable[[Any], Any]) -> Any:
        with Server(self.script) as server:

            async def run() -> Any:
                bench = LoopbackBench(self.judge, server)
                try:
                    return await work(bench)
                finally:
                    await bench.close()

            try:
                return asyncio.run(run())
            finally:
                self.requests += server.requests


class LoopbackBench:
    """A bench without cache and budget: judges are asked on loopback, similarity is by words."""

    def __init__(self, judge: str | None, server: Server) -> None:
        self._judge = judge
        self._server = server
        self._models: dict[str, Model] = {}

    async def ask(
        self, prompt: str, variables: Mapping[str, Any], *, model: str | None = None, sample: int = 0
    ) -> Mapping[str, Any]:
        name = self.judge_name(model)
        if name is None:
            raise ProviderError("no model judges here")
        found = judge_prompt(prompt)
        if name not in self._models:
            settings = ModelSettings(attempts=1)
            self._models[name] = open_model(name, settings=settings, environ=self._server.environ())
        said = await self._models[name].complete(
            found.questions(variables), found.prompt.parameters, repeat=sample
        )
        return read(found, said.text)

    def judge_name(self, model: str | None = None) -> str | None:
        return model or self._judge

    async def similarities(
        self, text: str, others: Sequence[str], *, model: str | None = None
    ) -> list[float]:
        del model
        bags = [features(each) for each in (text, *others)]
        rarity = Rarity(bags)
        index = Index()
        for bag in bags[1:]:
            index.add(rarity.vector(bag))
        return [product / UNIT**2 for product in index.products(rarity.vector(bags[0]))]

    def embeddings_name(self, model: str | None = None) -> str:
        return model or "lexical"

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        for model in self._models.values():
            await model.close()
