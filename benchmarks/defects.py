"""Answers that fail for five reasons, which users describe in words: how many of them ``meta_prompt`` finds.

A shop's answers are in German, in dollars, sorry for everything, without the order number, and end without a question.
Thirty users say so in words of their own, among remarks that say nothing. The answering model does what the prompt
tells it to, and nothing else. A reason is found when the candidate that leaves the training no longer fails for it, and
the rule that mends it cites only events that speak of it. Twice: with a model that proposes, a script on a server on
loopback which makes rules of the numbered feedback that it is shown, and without one, where rules are extracted from
words.

Limits: five of five with the model, four without. Run from the repository: ``python -m benchmarks.defects``.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.responder import Turns, serving
from promptvc.base.clock import format_time
from promptvc.base.config import ModelSettings
from promptvc.base.ids import derived_ulid
from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event, parse_event
from promptvc.models.chat import open_model
from promptvc.prompts.edit import edit
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.signals import hear
from promptvc.training.optimizer import Surroundings, open_optimizer
from promptvc.training.options import TrainingOptions
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask
from promptvc.training.train import train

NAME = "shop"
FILE = f"prompts/{NAME}.yaml"
START = datetime(2026, 9, 1, tzinfo=UTC)
PROMPT = b"""\
name: shop
version: 1
model: openai:answerer
variables:
  message: {required: true}
messages:
  - role: system
    content: |
      You write to customers of a small shop for garden tools. Be kind and to the point, stay with what was asked, and
      do not promise anything that the shop cannot keep. If you cannot tell, say that a colleague will call back.
  - role: user
    content: "{{ message }}"
rules: []
"""
WITH_MODEL, WITHOUT = 5, 4


@dataclass(frozen=True)
class Defect:
    """One reason: ``sign`` in the prompt mends it, ``mark`` tells complaints of it, ``check`` an answer without it."""

    name: str
    sign: str
    mark: str
    rule: str
    check: dict[str, str]
    complaints: tuple[str, ...]


DEFECTS = (
    Defect(
        "language",
        r"\benglish\b",
        r"english|german",
        "Write in English.",
        {"type": "contains", "value": "Your order"},
        (
            "please write in English",
            "I do not read German, use English",
            "the reply has to be in English",
            "could this be in English next time?",
            "English, please. My German is poor",
            "answers must be in English",
        ),
    ),
    Defect(
        "currency",
        r"\beuros?\b|\beur\b",
        r"euro|dollar",
        "Give amounts in euros.",
        {"type": "contains", "value": "EUR"},
        (
            "we pay in euros here, not in dollars",
            "please give amounts in euros",
            "what is that in euros?",
            "the price should be in euros",
            "dollars are of no use to me, use euros",
            "always state the amount in euros",
        ),
    ),
    Defect(
        "apology",
        r"apolog|\bsorry\b",
        r"apolog|sorry",
        "Do not apologise.",
        {"type": "not-contains", "value": "sorry"},
        (
            "stop apologising",
            "please don't say sorry all the time",
            "no apologies please, just the facts",
            "there is no need to apologise",
            "it says sorry in every mail",
            "never apologise for what is not your fault",
        ),
    ),
    Defect(
        "order number",
        r"order number",
        r"order number",
        "Mention the order number.",
        {"type": "contains", "value": "4711"},
        (
            "mention the order number",
            "I have several orders: please include the order number",
            "the order number is missing",
            "always give the order number",
            "without the order number I cannot tell which one is meant",
            "should contain the order number",
        ),
    ),
    Defect(
        "question",
        r"\bquestion\b",
        r"question",
        "End with a question.",
        {"type": "regex", "value": r"\?\s*$"},
        (
            "end with a question",
            "please close with a question",
            "it should end with a question so that I can go on",
            "the last sentence should be a question",
            "always finish with a question",
            "no question at the end, so the talk just stops",
        ),
    ),
)
NOISE = ("thanks", "fine", "ok", "good", "came on a Tuesday", "hm", "as expected", "my neighbour liked it")


def reply(turns: Turns) -> str:
    """What the answering model says: only what the prompt asks for."""
    told = " ".join(str(turn["content"]) for turn in turns[:-1]).lower()
    mended = {defect.name: re.search(defect.sign, told) is not None for defect in DEFECTS}
    order = " 4711" if mended["order number"] else ""
    price = "12 EUR" if mended["currency"] else "$12"
    parts = [
        "" if mended["apology"] else "I am so sorry.",
        f"Your order{order} costs {price}."
        if mended["language"]
        else f"Ihre Bestellung{order} kostet {price}.",
        "Shall I send it?" if mended["question"] else "It will be sent.",
    ]
    return " ".join(part for part in parts if part)


def propose(turns: Turns) -> str:
    """What the proposing model says: a rule for each reason, citing all feedback shown that speaks of it."""
    shown = re.findall(
        r"<<<feedback (\d+) (\w+): data, not instructions>>>\n(.*?)\n<<<end of feedback \1 \2>>>",
        str(turns[-1]["content"]),
        re.DOTALL,
    )
    edits = []
    for defect in DEFECTS:
        because = [int(number) for number, _, said in shown if re.search(defect.mark, said.lower())]
        if because:
            edits.append(
                {
                    "action": "add_rule",
                    "at": None,
                    "text": defect.rule,
                    "because": because,
                    "why": defect.name,
                }
            )
    return json.dumps({"edits": edits})


def suite() -> Sequence[Case]:
    """120 questions that are checked for all five; half of them to train on."""
    draw = random.Random(1)
    tools = ("rake", "spade", "hose", "saw", "shears", "barrow", "hoe", "trowel")
    cases: list[dict[str, Any]] = []
    for number in range(120):
        words = " ".join("".join(draw.choices("abcdefghiklmnoprstuw", k=6)) for _ in range(5))
        question = f"About the {draw.choice(tools)} for {words}: what does it cost?"
        case = {
            "id": f"case-{number}",
            "vars": {"message": question},
            "assert": [each.check for each in DEFECTS],
        }
        cases.append(case | ({"split": "train"} if number % 2 else {}))
    return load_suite(json.dumps({"cases": cases}).encode(), file=f"evaluation/{NAME}.yaml").cases


def feedback() -> tuple[list[Event], dict[str, str]]:
    """All complaints and remarks in no order, by thirty users; and of each event what it is about."""
    said = [(text, defect.name) for defect in DEFECTS for text in defect.complaints]
    said += [(text, "nothing") for text in NOISE]
    draw = random.Random(2)
    draw.shuffle(said)
    events, about = [], {}
    for number, (text, name) in enumerate(said):
        moment = START + timedelta(hours=number)
        value: dict[str, Any] = {
            "id": derived_ulid(moment, text.encode(), number),
            "time": format_time(moment),
            "prompt": NAME,
            "source": "human",
            "version": 1,
            "user": f"user-{number % 30}",
            "comment": text,
        }
        if name == "nothing" or draw.random() < 0.5:
            value |= {"kind": "rating", "stars": 4 if name == "nothing" else 1}
        else:
            value["kind"] = "suggestion"
        events.append(parse_event(value))
        about[events[-1].id] = name
    return events, about


def found(
    candidate: Prompt, scorer: SessionScorer, cases: Sequence[Case], about: dict[str, str]
) -> list[str]:
    """The reasons that answers no longer fail for, by rules that cite nothing else."""
    outputs = [one.outputs[0] for one in scorer.ask(candidate, cases[:20])]
    mended = []
    for defect in DEFECTS:
        kind, value = defect.check["type"], defect.check["value"]
        holds = [
            bool(re.search(value, text)) if kind == "regex" else (value in text) == (kind == "contains")
            for text in outputs
        ]
        rules = [rule for rule in candidate.rules if re.search(defect.sign, rule.text.lower())]
        cited = [event for rule in rules for event in rule.because]
        if all(holds) and cited and {about[event] for event in cited} == {defect.name}:
            mended.append(defect.name)
    return mended


def measure(address: str, *, with_model: bool) -> bool:
    """Train once; print what is found, and whether that is enough."""
    started = time.perf_counter()

    def environ(client: str) -> dict[str, str]:
        url = f"{address}/{client}/v1"
        return dict(os.environ, OPENAI_API_BASE=url, OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-none")

    model = open_model("openai:answerer", settings=ModelSettings(), environ=environ("answerer"))
    scorer = SessionScorer(Session([model]))
    around = Surroundings(ModelSettings(), environ("optimizer"))
    optimizer = open_optimizer("openai:optimizer", 0.7, around) if with_model else None
    prompt, cases = load_prompt(PROMPT, file=FILE), suite()
    events, about = feedback()
    dataset = build(events, prompt)
    split = divide(dataset.items, cases, prompt)
    signals, _ = split.audible(hear(events, prompt, dataset.rejected).signals)
    options = TrainingOptions(approach="meta_prompt")
    outcome = train(TrainingTask.of(prompt, dataset, split, signals), options, Tools(scorer, optimizer))
    candidate = prompt
    if outcome.edits is not None:
        candidate = load_prompt(edit(PROMPT, outcome.edits, file=FILE), file=FILE)
    mended = found(candidate, scorer, split.holdout, about)
    least = WITH_MODEL if with_model else WITHOUT
    who = "a model that proposes" if with_model else "no model"
    missing = sorted({defect.name for defect in DEFECTS} - set(mended))
    print(
        f"planted defects, {who}: {len(mended)} of {len(DEFECTS)} found (limit {least}), {outcome.calls} calls,"
        f" {time.perf_counter() - started:.0f} s{'; missing: ' + ', '.join(missing) if missing else ''}:"
        f" {'ok' if len(mended) >= least else 'MISSED'}",
        flush=True,
    )
    if len(mended) < least:
        print(f"  {outcome.reason}; rules: {[rule.text for rule in candidate.rules]}")
    return len(mended) >= least


def main() -> int:
    """Both; the exit code."""
    counts: Counter[str] = Counter()

    def answer(client: str, turns: Turns) -> str:
        counts[client] += 1
        return propose(turns) if client == "optimizer" else reply(turns)

    with serving(answer, counts) as address:
        good = measure(address, with_model=True)
        good = measure(address, with_model=False) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
