"""Other optimizers on one task: a program for the Python that has them; it knows nothing of promptvc.

``python peers.py METHOD ADDRESS TASK``: METHOD is ``random-search``, ``mipro`` or ``gepa``, ADDRESS that of
:mod:`benchmarks.responder`, TASK a JSON file with ``instructions``, ``train``, ``validation`` and ``holdout`` (lists of
[question, label]), ``demos`` and ``calls``. Prints one line of JSON: the share of right answers on the hold-out, asked
as the client ``METHOD-holdout``. Exit code 4: the method is not installed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 4
MISSING = 4


def dspy_program(task: dict[str, Any], address: str, method: str) -> float:
    """Compile with one of DSPy's optimizers; accuracy of the program on the hold-out."""
    dspy: Any = importlib.import_module("dspy")

    def model(client: str) -> Any:
        url = f"{address}/{client}/v1"
        return dspy.LM("openai/test-model", api_base=url, api_key="sk-none", cache=False, temperature=0.0)

    def examples(rows: list[list[str]]) -> list[Any]:
        return [dspy.Example(question=text, label=label).with_inputs("question") for text, label in rows]

    def right(example: Any, answer: Any, trace: object = None) -> bool:
        del trace
        return bool(answer.label.strip() == example.label)

    dspy.configure(lm=model(method))
    program = dspy.Predict(dspy.Signature("question -> label", task["instructions"]))
    train, validation = examples(task["train"]), examples(task["validation"])
    few = {"max_bootstrapped_demos": 4, "max_labeled_demos": task["demos"], "num_threads": THREADS}
    if method == "random-search":
        # Three programs of its own come first: without examples, with the first ones, and unshuffled.
        programs = max(1, (task["calls"] - 20) // len(validation) - 3)
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=right, num_candidate_programs=programs, **few
        )
        best = optimizer.compile(program, trainset=train, valset=validation)
    else:
        trials = max(1, task["calls"] // len(validation) - 3)
        optimizer = dspy.MIPROv2(metric=right, auto=None, num_candidates=6, seed=0, **few)
        best = optimizer.compile(
            program,
            trainset=train,
            valset=validation,
            num_trials=trials,
            minibatch=False,
        )
    dspy.configure(lm=model(f"{method}-holdout"))
    evaluate = dspy.Evaluate(devset=examples(task["holdout"]), metric=right, num_threads=THREADS)
    return float(evaluate(best).score) / 100


def gepa_prompt(task: dict[str, Any], address: str) -> float:
    """Evolve the instructions with gepa; accuracy on the hold-out."""
    gepa: Any = importlib.import_module("gepa")

    def asking(client: str) -> Callable[[Any], str]:
        def ask(messages: Any) -> str:
            turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
            data = json.dumps({"model": "test-model", "messages": turns}).encode()
            request = urllib.request.Request(f"{address}/{client}/v1/chat/completions", data)
            with urllib.request.urlopen(request, timeout=60) as reply:
                return str(json.load(reply)["choices"][0]["message"]["content"])

        return ask

    def rows(given: list[list[str]]) -> list[Any]:
        return [{"input": text, "answer": label, "additional_context": {}} for text, label in given]

    found = gepa.optimize(
        seed_candidate={"instructions": task["instructions"]},
        trainset=rows(task["train"]),
        valset=rows(task["validation"]),
        task_lm=asking("gepa"),
        reflection_lm=asking("gepa"),
        max_metric_calls=task["calls"],
        seed=0,
    )
    text, ask = found.best_candidate["instructions"], asking("gepa-holdout")

    def is_right(row: list[str]) -> bool:
        messages = [{"role": "system", "content": text}, {"role": "user", "content": row[0]}]
        return ask(messages).strip() == row[1]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(is_right, task["holdout"]))
    return sum(answers) / len(answers)


def main() -> int:
    """Run one method; the exit code."""
    method, address, path = sys.argv[1:]
    task = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            score = gepa_prompt(task, address) if method == "gepa" else dspy_program(task, address, method)
    except ImportError as error:
        print(json.dumps({"missing": str(error).splitlines()[0]}))
        return MISSING
    print(json.dumps({"score": score}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
