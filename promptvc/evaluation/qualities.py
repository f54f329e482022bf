"""Coherence, relevance and safety of a version's answers: for every prompt, whatever its suite asserts.

By lexical measures, which need nothing, or graded by a judge; always labelled with which. Of many answers a sample is
measured, evenly spread over the suite, so that every run measures the same ones. Lexical qualities are told and never
guarded: words alone are no ground to refuse a version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.base.errors import OverBudget, ProviderError, ProviderRefused
from promptvc.base.stats import mean
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.judges.lexical import NAMES, measure
from promptvc.evaluation.reports.report import Quality
from promptvc.evaluation.running.results import Results
from promptvc.prompts.render import Renderer

LEXICAL = "lexical"
MOST_MEASURED = 500
MOST_JUDGED = 100


def lexical_qualities(renderer: Renderer, cases: Sequence[Case], results: Results) -> tuple[Quality, ...]:
    """The three by lexical measures; nothing where there is no answer."""
    asked = _sample(renderer, cases, results, MOST_MEASURED)
    if not asked:
        return ()
    return tuple(
        Quality(
            name,
            mean(measure(name, question, answer) for question, answer in asked) or 0.0,
            LEXICAL,
            len(asked),
        )
        for name in NAMES
    )


@dataclass(frozen=True, slots=True)
class JudgedQualities:
    """What a judge says; ``failed`` judgements could not be read, the first for this ``reason``."""

    qualities: tuple[Quality, ...]
    failed: int = 0
    reason: str | None = None


def judged_qualities(
    renderer: Renderer, cases: Sequence[Case], results: Results, bench: ModelBench, concurrency: int
) -> JudgedQualities:
    """The three as the bench's judge grades them; an answer that cannot be judged is left out of ``n``.

    Where the budget ends, or the judge refuses, what was judged until then is told, and the reason.
    """
    asked = _sample(renderer, cases, results, MOST_JUDGED)
    with asyncio.Runner() as runner:
        found = runner.run(_judged(asked, bench, concurrency))
    judge = bench.judge_name() or ""
    reasons = [one for one in found if isinstance(one, str)]
    scores = {
        name: [one[1] for one in found if not isinstance(one, str) and one[0] == name] for name in NAMES
    }
    return JudgedQualities(
        tuple(
            Quality(name, mean(values) or 0.0, judge, len(values))
            for name, values in scores.items()
            if values
        ),
        len(reasons),
        reasons[0] if reasons else None,
    )


def sampled(cases: int, most: int) -> list[int]:
    """The positions of at most so many cases, evenly spread."""
    count = min(most, cases)
    return [number * cases // count for number in range(count)]


async def _judged(
    asked: Sequence[tuple[str, str]], bench: ModelBench, concurrency: int
) -> list[tuple[str, float] | str]:
    """(name, score) of each judgement, or why there is none; after an end nothing more is asked."""
    places = asyncio.Semaphore(concurrency)
    ended: list[str] = []

    async def one(name: str, question: str, answer: str) -> tuple[str, float] | str:
        async with places:
            if ended:
                return ended[0]
            try:
                said = await bench.ask(name, {"question": question, "answer": answer})
            except (OverBudget, ProviderRefused) as error:
                ended.append(error.message)
                return error.message
            except ProviderError as error:
                return error.message
            return name, float(said["score"])

    try:
        return await asyncio.gather(*(one(name, *pair) for pair in asked for name in NAMES))
    finally:
        await bench.rest()


def _sample(renderer: Renderer, cases: Sequence[Case], results: Results, most: int) -> list[tuple[str, str]]:
    """(question, answer) of the first repeat of at most so many cases, in the order of the suite."""
    found = []
    for position in sampled(len(cases), most):
        answers = [result.output for result in results.of(position) if result.output is not None]
        if answers:
            turns = renderer.render(cases[position].vars)
            question = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
            found.append((question, answers[0]))
    return found
