"""Training against other optimizers: the bank's questions, one model, the same questions, the same number of calls.

The model is the offline responder behind a server on loopback (:mod:`benchmarks.responder`), which counts what each
asks. It learns from examples and from nothing else: what a method gains by better instructions is not seen here. Peers
are DSPy's BootstrapFewShotWithRandomSearch with its default of 16 programs, MIPROv2, and gepa. All start from one
prompt, may use 1,500 questions (DSPy and gepa set 200 of them aside to choose by) and 64 examples, and meet the same
1,000 questions in the end. promptvc may ask as often as DSPy's random search did.

Limits: promptvc ends at least 5 points above DSPy's random search, and asks at least 40 % less than asking every
variant on every case would have taken. Peers run in the Python that ``PROMPTVC_BENCH_PEERS`` names, else in this one
if it has them; without any that part is left out. Run from the repository:
``python -m benchmarks.optimizers [--calls N]``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bank import Rows, corrections, folder, prompt_bytes, read, suite_of
from benchmarks.peers import MISSING
from benchmarks.responder import answered, running
from promptvc.base.config import ModelSettings
from promptvc.evaluation.sessions.session import Session
from promptvc.models.chat import open_model
from promptvc.prompts.edit import edit
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.options import Bounds, TrainingOptions
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask
from promptvc.training.train import train

MODEL = "openai:test-model"
DEMOS = 64
TRAINING, HOLDOUT, VALIDATION = 1500, 1000, 200
POINTS, SAVED = 5.0, 0.4
METHODS = ("random-search", "mipro", "gepa")
FILE = "prompts/bank.yaml"


@dataclass(frozen=True)
class Questions:
    """What all start from."""

    data: bytes
    prompt: Prompt
    train: Rows
    holdout: Rows


def peer(method: str, python: str, address: str, questions: Questions, calls: int) -> float | None:
    """Accuracy of what a peer ends with; None where it is not installed, or fails."""
    rows = [list(row) for row in questions.train]
    task = {
        "instructions": questions.prompt.messages[0].content,
        "train": rows[VALIDATION:],
        "validation": rows[:VALIDATION],
        "holdout": [list(row) for row in questions.holdout],
        "demos": DEMOS,
        "calls": calls,
    }
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "task.json"
        path.write_text(json.dumps(task), encoding="utf-8")
        script = Path(__file__).with_name("peers.py")
        environ = dict(
            os.environ,
            HOME=scratch,
            DSPY_CACHEDIR=scratch,
            PYTHONPATH="",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
        )
        done = subprocess.run(
            [python, str(script), method, address, str(path)],
            env=environ,
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == MISSING:
        print(f"{method}: skipped, {json.loads(done.stdout)['missing']}", flush=True)
        return None
    if done.returncode:
        print(f"{method} failed: {done.stderr[-1000:]}", flush=True)
        return None
    return float(json.loads(done.stdout.splitlines()[-1])["score"])


def session(address: str, client: str) -> Session:
    """A session with the model, named as this client."""
    url = f"{address}/{client}/v1"
    environ = dict(os.environ, OPENAI_API_BASE=url, OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-none")
    return Session([open_model(MODEL, settings=ModelSettings(), environ=environ)])


def ours(address: str, questions: Questions, calls: int) -> tuple[float, float, int, int]:
    """Accuracy before and after, calls asked, and those that asking everything would have taken."""
    dataset = build(corrections(questions.train), questions.prompt)
    suite = suite_of(questions.holdout)
    split = divide(dataset.items, suite, questions.prompt)
    scorer = SessionScorer(session(address, "promptvc"))
    options = TrainingOptions(approach="few_shot", max_examples=DEMOS, bounds=Bounds(calls=calls))
    outcome = train(TrainingTask.of(questions.prompt, dataset, split), options, Tools(scorer))
    final = questions.prompt
    if outcome.edits is not None:
        final = load_prompt(edit(questions.data, outcome.edits, file=FILE), file=FILE)
    asking = SessionScorer(session(address, "promptvc-holdout"))
    before, after = (
        sum(one.score or 0.0 for one in asking.ask(prompt, suite)) / len(suite)
        for prompt in (questions.prompt, final)
    )
    return before, after, outcome.calls, outcome.full_calls


def python_with_peers() -> str | None:
    """The Python to run peers with."""
    given = os.environ.get("PROMPTVC_BENCH_PEERS")
    if given:
        return given
    return sys.executable if importlib.util.find_spec("dspy") else None


def compare(questions: Questions, calls: int) -> bool:
    """Run everything; whether the limits hold."""
    python, good = python_with_peers(), True
    scores: dict[str, float] = {}
    with running() as address:
        for method in METHODS if python else ():
            assert python is not None
            started = time.perf_counter()
            score = peer(method, python, address, questions, calls)
            if score is not None:
                scores[method] = score
                asked = answered(address, method)
                took = time.perf_counter() - started
                print(f"{method}: {score:.3f} on the hold-out, {asked} calls, {took:.0f} s", flush=True)
        allowed = answered(address, METHODS[0]) if METHODS[0] in scores else calls
        started = time.perf_counter()
        before, after, asked, full = ours(address, questions, allowed)
        took = time.perf_counter() - started
        asked_by_server = answered(address, "promptvc")
    saved = 1 - asked / full if full else 0.0
    print(
        f"promptvc: {before:.3f} -> {after:.3f} on the hold-out, {asked_by_server} calls of {allowed} allowed"
        f" ({asked} counted), {took:.0f} s"
    )
    good &= saved >= SAVED
    print(f"calls saved by racing: {saved:.0%} of {full} (limit {SAVED:.0%}): {_ok(saved >= SAVED)}")
    if METHODS[0] in scores:
        lead = 100 * (after - scores[METHODS[0]])
        good &= lead >= POINTS
        print(f"above DSPy's random search: {lead:+.1f} points (limit {POINTS:+.0f}): {_ok(lead >= POINTS)}")
    else:
        print("skipped: no DSPy to compare with; name a Python that has it in PROMPTVC_BENCH_PEERS")
    return good


def _ok(good: bool) -> str:
    return "ok" if good else "MISSED"


def main() -> int:
    """The comparison on one draw of the questions; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=4000)
    given = parser.parse_args()
    data = folder(None) / "banking77"
    if not (data / "train.csv").is_file():
        print(f"skipped: no questions at {data}; set PROMPTVC_BENCH_DATA")
        return 0
    train_rows, test_rows = read(data / "train.csv"), read(data / "test.csv")
    draw = random.Random(0)
    text = prompt_bytes(sorted({label for _, label in train_rows}), MODEL)
    prompt = load_prompt(text, file=FILE)
    questions = Questions(text, prompt, draw.sample(train_rows, TRAINING), draw.sample(test_rows, HOLDOUT))
    return 0 if compare(questions, given.calls) else 1


if __name__ == "__main__":
    sys.exit(main())
