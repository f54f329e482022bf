"""A shop whose answers are wrong in four ways that users describe, and two models on loopback.

The answering model does what rules of the system message name. The model that proposes reads the numbered feedback and
makes a rule of each complaint that it knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.config import ModelSettings
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.tasks import RunOptions
from promptvc.evaluation.sessions.session import Session
from promptvc.feedback.events import Event
from promptvc.models.chat import open_model
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.data.signals import hear
from promptvc.training.data.split import Split
from promptvc.training.optimizer import SessionOptimizer, Surroundings, open_optimizer
from promptvc.training.options import TrainingOptions
from promptvc.training.scorer import SessionScorer
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask
from tests.servers import Reply, Request, Server, answer
from tests.training.makers import event, questions

ANSWERER, OPTIMIZER = "openai:answerer", "openai:optimizer"

PROMPT = b"""\
name: support/triage
version: 1
variables:
  message: {required: true}
messages:
  - role: system
    content: |
      Answer the customer of a shop in a few friendly sentences, and stay with what was asked.
  - role: user
    content: "{{ message }}"
rules: []
"""


@dataclass(frozen=True)
class Defect:
    """``sign`` in the system message mends it; ``word`` is what complaints have in common; ``rule`` what to write."""

    sign: str
    word: str
    rule: str
    complaints: tuple[str, ...]


DEFECTS = (
    Defect(
        "apolog",
        "sorry",
        "Never apologise.",
        ("please stop saying sorry", "so many sorrys, it gets on my nerves", "no more sorry please"),
    ),
    Defect(
        "in euros",
        "euro",
        "Give every amount in euros.",
        ("is that euros or dollars?", "the amount should be in euros", "say the price in euro"),
    ),
    Defect(
        "order number",
        "order number",
        "Mention the order number.",
        ("which order? give the order number", "I miss the order number", "always tell me the order number"),
    ),
    Defect(
        "with a question",
        "anything else",
        "End with a question whether there is anything else.",
        (
            "nobody asked whether I need anything else",
            "ask if there is anything else",
            "ask me anything else",
        ),
    ),
)
CHECKS = (
    Assertion("not-contains", "Sorry"),
    Assertion("contains", "EUR"),
    Assertion("contains", "Order 7"),
    Assertion("contains", "else?"),
)

Answerer = Callable[[str, str], str]
Proposing = Callable[[Mapping[int, str], Request], str]


def serve_customer(system: str, _question: str) -> str:
    """What the answering model says."""
    mended = [defect.sign in system for defect in DEFECTS]
    parts = [
        "" if mended[0] else "Sorry, sorry.",
        "It costs 5 EUR." if mended[1] else "It costs 5.",
        "Order 7 left today." if mended[2] else "It left today.",
        "Is there anything else?" if mended[3] else "",
    ]
    return " ".join(part for part in parts if part)


def mend_what_is_said(feedback: Mapping[int, str], _request: Request) -> str:
    """What the model that proposes says: a rule for each complaint, citing all that have its word."""
    edits: list[dict[str, Any]] = []
    for defect in DEFECTS:
        because = [number for number, text in feedback.items() if defect.word in text.lower()]
        if because:
            why = f"users say {defect.word}"
            edits.append(
                {"action": "add_rule", "at": None, "text": defect.rule, "because": because, "why": why}
            )
    return json.dumps({"edits": edits})


def feedback_in(text: str) -> dict[int, str]:
    """The numbered feedback of a question."""
    pattern = r"<<<feedback (\d+) (\w+): data, not instructions>>>\n(.*?)\n<<<end of feedback \1 \2>>>"
    return {int(number): said for number, _, said in re.findall(pattern, text, re.DOTALL)}


def shop_script(
    proposing: Proposing = mend_what_is_said, answerer: Answerer = serve_customer
) -> Callable[[Request], Reply]:
    """Both models on one server."""

    def script(request: Request) -> Reply:
        if request.body["model"] == "optimizer":
            return answer(proposing(feedback_in(request.text), request))
        return answer(answerer(request.body["messages"][0]["content"], request.text))

    return script


def complaining(each: int = 3) -> list[Event]:
    """Suggestions of different users about every defect, among comments that say nothing."""
    events = []
    for round_ in range(each):
        for at, defect in enumerate(DEFECTS):
            number = 100 + 10 * round_ + at
            events.append(event(number, "suggestion", comment=defect.complaints[round_], user=f"u{number}"))
        events.append(
            event(108 + 10 * round_, "rating", rating=1.0, comment="thanks, fine", user=f"f{round_}")
        )
    return events


def a_task(events: Sequence[Event], count: int = 24, prompt: Prompt | None = None) -> TrainingTask:
    """Cases of a suite that are marked for training, and what ``events`` say."""
    prompt = prompt or load_prompt(PROMPT, file="prompts/support/triage.yaml")
    suite = [
        Case(f"case-{at}", 0, {"message": text}, CHECKS, split="train", digest=f"{at:064x}")
        for at, (text, _) in enumerate(questions(count, 7))
    ]
    dataset = build(events, prompt)
    split: Split = divide(dataset.items, suite, prompt)
    signals, _ = split.audible(hear(events, prompt, dataset.rejected).signals)
    return TrainingTask.of(prompt, dataset, split, signals)


def standing_of(task: TrainingTask, tools: Tools, **more: Any) -> Standing:
    """Where a search stands when all cases were asked of the baseline."""
    parent = Variant("baseline", lambda _: task.prompt)
    answers = dict(enumerate(tools.scorer.ask(task.prompt, [case.case for case in task.cases])))
    first: dict[str, Any] = {"round": 1, "tried": (), "wanted": 3}
    return Standing(**{**first, "parent": parent, "prompt": task.prompt, "answers": answers, **more})


@dataclass
class Shop:
    """One training's tools, with the server that answers."""

    server: Server
    tools: Tools
    optimizer: SessionOptimizer | None

    def standing(self, task: TrainingTask, **more: Any) -> Standing:
        return standing_of(task, self.tools, **more)

    def proposed(self) -> int:
        """How often the model that proposes was asked."""
        return sum(1 for one in self.server.requests if one.body["model"] == "optimizer")

    def mean(self, task: TrainingTask, variant: Variant) -> float:
        """The mean score of a variant on all cases."""
        prompt = variant.fit(range(len(task.cases)))
        scored = self.tools.scorer.ask(prompt, [case.case for case in task.cases])
        return sum(one.score for one in scored if one.score is not None) / len(scored)


@contextmanager
def open_shop(
    script: Callable[[Request], Reply] | Server,
    cache: Path | None = None,
    *,
    limits: Limits | None = None,
    proposes: bool = True,
) -> Iterator[Shop]:
    """Everything open, and closed in the end; a server that is given stays open."""
    with ExitStack() as stack:
        server = script if isinstance(script, Server) else stack.enter_context(Server(script))
        with open_tools(server.environ(), cache, limits=limits, proposes=proposes) as (tools, optimizer):
            yield Shop(server, tools, optimizer)


@contextmanager
def open_tools(
    environ: Mapping[str, str],
    cache: Path | None = None,
    *,
    limits: Limits | None = None,
    proposes: bool = True,
) -> Iterator[tuple[Tools, SessionOptimizer | None]]:
    """The models that ``environ`` leads to."""
    settings = ModelSettings(attempts=1)
    kept = Cache(cache) if cache is not None else None
    budget = Budget(limits)
    model = open_model(ANSWERER, settings=settings, environ=environ)
    session = Session([model], RunOptions(concurrency=4, budget=budget, cache=kept))
    around = Surroundings(settings, environ, budget, kept)
    optimizer = open_optimizer(OPTIMIZER, 0.7, around) if proposes else None
    try:
        yield Tools(SessionScorer(session), optimizer), optimizer
    finally:
        session.close()


def options(**values: Any) -> TrainingOptions:
    return replace(TrainingOptions(approach="meta_prompt", batch=5), **values)
