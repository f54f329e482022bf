"""The assertion answer-relevance: questions guessed from the answer are like the one that was asked.

After Ragas (Es et al. 2023, arXiv 2309.15217): the mean cosine similarity of the real question to those generated from
the answer alone. An evasive answer fits many questions, and none well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Bench, Grade, share_threshold
from promptvc.evaluation.judges.judged import Judged

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class AnswerRelevance(Judged):
    """The mean similarity reaches the threshold, by default 0."""

    def problem(self, assertion: Assertion) -> str | None:
        """No value, and a threshold up to 1 or none."""
        if assertion.value is not None:
            return "takes no `value`: it compares with the question that was asked"
        return share_threshold(assertion)

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """Three calls to the judge, and the embeddings of four texts."""
        if not answer.question.strip():
            return Grade.failed("there is no question: the prompt has no message of the user")
        model = assertion.provider
        guessed = []
        for sample in range(SAMPLES):
            said = await bench.ask("answer-relevance", {"answer": answer.text}, model=model, sample=sample)
            guessed.append(str(said["question"]))
        alike = await bench.similarities(answer.question, guessed)
        measure = f"{bench.judge_name(model)}, similarity by {bench.embeddings_name()}"
        return Grade.reaching(math.fsum(alike) / SAMPLES, assertion.threshold or 0.0, measure=measure)
