"""The digest of a suite's judge: what may have a say in its scores, whatever a run came to ask."""

from __future__ import annotations

from dataclasses import replace

from promptvc.base.errors import NotFound
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.judges.bench import BenchOptions, ModelBench
from promptvc.evaluation.judges.digest import judge_digest
from promptvc.evaluation.judges.prompts import judge_prompt
from promptvc.evaluation.running.budget import Budget
from promptvc.models.embeddings import Embedder
from promptvc.models.messages import Model

EQUALS = Assertion("equals", "x")
RUBRIC = Assertion("llm-rubric", "is polite")


def nothing(spec: str) -> Model:
    raise NotFound(spec)


def no_embeddings(spec: str) -> Embedder:
    raise NotFound(spec)


OPTIONS = BenchOptions(nothing, no_embeddings, Budget(), judge="openai:judge")


def digest(*assertions: Assertion, options: BenchOptions = OPTIONS) -> str:
    cases = [Case(f"c{n}", 1, {}, (each,)) for n, each in enumerate(assertions)]
    return judge_digest(cases, ModelBench(options))


def test_a_suite_that_no_model_grades_has_none() -> None:
    assert digest(EQUALS, Assertion("python", "True"), Assertion("cost", threshold=1)) == ""


def test_it_is_the_suites_and_not_the_runs() -> None:
    """Nothing was asked here: the digest follows from types, models and judge prompts."""
    own = digest(EQUALS, RUBRIC)
    assert own == digest(RUBRIC, Assertion("not-llm-rubric", "is rude"))
    assert own == digest(Assertion("assert-set", members=(EQUALS, RUBRIC)))
    assert own != digest(RUBRIC, Assertion("factuality", "x"))
    assert own != digest(replace(RUBRIC, provider="openai:other"))
    assert own != digest(RUBRIC, options=replace(OPTIONS, judge="openai:other"))


def test_another_judge_prompt_is_another_judge() -> None:
    ours = replace(judge_prompt("llm-rubric"), digest="0" * 40)
    with_ours = replace(OPTIONS, prompts={"llm-rubric": ours})
    assert digest(RUBRIC, options=with_ours) != digest(RUBRIC)
    steps = replace(ours, name="g-eval-steps")
    with_steps = replace(OPTIONS, prompts={"g-eval-steps": steps})
    assert digest(Assertion("g-eval", "x"), options=with_steps) != digest(Assertion("g-eval", "x"))
    assert digest(RUBRIC, options=with_steps) == digest(RUBRIC)


def test_embeddings_have_a_say_where_they_are_compared() -> None:
    other = replace(OPTIONS, embeddings="openai:embedding")
    assert digest(RUBRIC, options=other) == digest(RUBRIC)
    for kind in ("similar", "answer-relevance"):
        assert digest(Assertion(kind, "x"), options=other) != digest(Assertion(kind, "x"))
    no_judge = replace(OPTIONS, judge=None)
    assert digest(Assertion("similar", "x"), options=no_judge) == digest(Assertion("similar", "x"))
