"""Coherence, relevance and safety of a version's answers: for every prompt, whatever its suite asserts.

By lexical measures, which need nothing, or graded by a judge; always labelled with which. Of many answers a sample is
measured, evenly spread over the suite, so that every run measures the same ones. Lexical qualities are told and never
guarded: words alone are no ground to refuse a version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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


def judged_qualities(
    renderer: Renderer, cases: Sequence[Case], results: Results, bench: ModelBench, concurrency: int
) -> tuple[Quality, ...]:
    """The three as the bench's judge grades them; an answer that cannot be judged is left out of ``n``.

    Raises:
        OverBudget, ProviderRefused: no further call would succeed.
    """
    asked = _sample(renderer, cases, results, MOST_JUDGED)
    with asyncio.Runner() as runner:
        found = runner.run(_judged(asked, bench, concurrency))
    judge = bench.judge_name() or ""
    scores = {name: [score for one, score in found if one == name] for name in NAMES}
    return tuple(
        Quality(name, mean(values) or 0.0, judge, len(values)) for name, values in scores.items() if values
    )


async def _judged(
    asked: Sequence[tuple[str, str]], bench: ModelBench, concurrency: int
) -> list[tuple[str, float]]:
    places = asyncio.Semaphore(concurrency)

    async def one(name: str, question: str, answer: str) -> tuple[str, float] | None:
        async with places:
            try:
                said = await bench.ask(name, {"question": question, "answer": answer})
            except (OverBudget, ProviderRefused):
                raise
            except ProviderError:
                return None
            return name, float(said["score"])

    try:
        found = await asyncio.gather(*(one(name, *pair) for pair in asked for name in NAMES))
    finally:
        await bench.rest()
    return [each for each in found if each is not None]


def _sample(renderer: Renderer, cases: Sequence[Case], results: Results, most: int) -> list[tuple[str, str]]:
    """(question, answer) of the first repeat of at most so many cases, in the order of the suite."""
    count = min(most, len(cases))
    chosen = [number * len(cases) // count for number in range(count)]
    found = []
    for position in chosen:
        answers = [result.output for result in results.of(position) if result.output is not None]
        if answers:
            turns = renderer.render(cases[position].vars)
            question = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
            found.append((question, answers[0]))
    return found
