"""A shop's mailbox: answers that are wrong for five reasons, users who describe them, and models on loopback.

The model that answers does what the rules of its prompt say, and nothing else makes it better. The model that proposes
reads the numbered feedback that it is shown and makes one rule of all complaints about one thing.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, answer
from tests.training.makers import FILLER, TOPICS

MAIL = "shop/mail"
MAIL_FILE = f"prompts/{MAIL}.yaml"
MAIL_SUITE = f"evaluation/{MAIL}.yaml"
MODEL, OPTIMIZER = "openai:answerer", "openai:optimizer"
SETTINGS = "evaluation: {success: 0.5}\ntraining: {variants: 2, rounds: 2, batch: 5}\n"
PROMPT = """\
name: shop/mail
version: 1
model: openai:answerer
variables:
  letter: {description: what a customer wrote, required: true}
messages:
  - role: system
    content: Answer the customer of a small shop in a few friendly sentences.
  - role: user
    content: "{{ letter }}"
"""


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong.

    Attributes:
        name: what complaints about it have in common, as a pattern.
        mends: a pattern of rules that mend it; ``never``: of rules that do not, though they seem to.
        rule: what a model that proposes writes.
        check: what a case asserts.
        said: what users say of it, each another one.
    """

    name: str
    mends: str
    rule: str
    check: Mapping[str, str]
    said: Sequence[str]


DEFECTS = (
    Defect(
        r"apolog|sorry",
        r"\b(?:no|not|never|stop|avoid|without|don't)\b.*(?:apolog|sorry)",
        "Do not apologise.",
        {"type": "not-icontains", "value": "sorry"},
        (
            "please stop apologising all the time",
            "it says sorry way too often",
            "don't apologize, just answer",
            "there is no need to say sorry",
            "no apology please",
            "do not apologise",
        ),
    ),
    Defect(
        r"\beuros?\b|\bEUR\b",
        r"\beuros?\b|\bEUR\b",
        "Give every amount in euros.",
        {"type": "contains", "value": "EUR"},
        (
            "give the amount in euros",
            "the total was in dollars, we use euros",
            "amounts should be in euros",
            "give amounts in euros, not in dollars",
            "convert it to euros please",
            "prices must be in euros",
        ),
    ),
    Defect(
        r"order number|order no\b",
        r"order number",
        "Mention the order number.",
        {"type": "contains", "value": "Order 7"},
        (
            "mention the order number",
            "The order number is missing.",
            "please include the order number next time",
            "it does not mention the order number",
            "no order number in the answer",
            "always give the order number",
        ),
    ),
    Defect(
        r"question",
        r"\b(?:end|close|finish)\b.*question",
        "End with a question to the customer.",
        {"type": "icontains", "value": "else?"},
        (
            "end with a question",
            "please finish with a question to the customer",
            "it should end with a question",
            "no closing question",
            "missing a question at the end",
            "always end with a question",
        ),
    ),
    Defect(
        r"english",
        r"\bin english\b",
        "Answer in English.",
        {"type": "not-icontains", "value": "grüße"},
        (
            "answer in English",
            "reply in English please",
            "it must be in English",
            "not in English again",
            "please write in English",
            "answers should be in English",
        ),
    ),
)
CHECKS = tuple(dict(defect.check) for defect in DEFECTS)
_WORDS = [*FILLER, *sorted({word for topic in TOPICS.values() for word in topic.split()})]


def letters(count: int, salt: str) -> list[str]:
    """Different letters of eight words that mean nothing in particular."""
    draw = random.Random(f"letters {salt}")
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(draw.sample(_WORDS, 8))] = None
    return list(found)


def mail_suite(
    train: int = 20, hold: int = 32, checks: Sequence[Mapping[str, str]] = CHECKS, *, each: int = 2
) -> str:
    """Cases for training and the hold-out; each asserts ``each`` of ``checks``, in turn."""
    cases = []
    for side, count in (("train", train), ("test", hold)):
        for at, text in enumerate(letters(count, side)):
            mine = [dict(checks[(at + more) % len(checks)]) for more in range(min(each, len(checks)))]
            case: dict[str, Any] = {"id": f"{side}-{at}", "vars": {"letter": text}, "assert": mine}
            cases.append(case | ({"split": "train"} if side == "train" else {}))
    return json.dumps({"cases": cases}, indent=1, ensure_ascii=False) + "\n"


def row(kind: str, at: int, **more: object) -> dict[str, object]:
    """An event of the mailbox: the one number ``at``."""
    time = f"2026-01-{1 + at % 28:02d}T10:{at // 28 % 60:02d}:00Z"
    return {"time": time, "prompt": MAIL, "kind": kind, "source": "human", "user": f"user-{at}", **more}


def complaints(defects: Sequence[Defect] = DEFECTS) -> list[dict[str, object]]:
    """What users say of each defect, as suggestions and as bad ratings with a comment."""
    rows: list[dict[str, object]] = []
    for turn in range(6):
        for defect in defects:
            at = len(rows)
            if turn % 2:
                rows.append(row("suggestion", at, comment=defect.said[turn]))
            else:
                rows.append(row("rating", at, stars=1, comment=defect.said[turn]))
    return rows


def serve(system: str, _letter: str) -> str:
    """What the model that answers says: each part is as the rules want it, or as it was."""
    lines = system.splitlines()
    mended = [any(re.search(each.mends, line, re.IGNORECASE) for line in lines) for each in DEFECTS]
    parts = (
        "" if mended[0] else "We are so sorry for that.",
        "It costs 5 EUR." if mended[1] else "It costs 5 dollars.",
        "Order 7 left today." if mended[2] else "It left today.",
        "" if mended[4] else "Viele Grüße.",
        "Is there anything else?" if mended[3] else "",
    )
    return " ".join(part for part in parts if part)


def edits_for(feedback: Mapping[int, str]) -> str:
    """What the model that proposes says: a rule for each thing that is complained about."""
    edits = []
    for defect in DEFECTS:
        said = {at: _words(text) for at, text in feedback.items()}
        because = [at for at, words in said.items() if re.search(defect.name, words, re.IGNORECASE)]
        if because:
            edits.append({"action": "add_rule", "at": None, "text": defect.rule, "because": because})
    return json.dumps({"edits": edits})


def _words(piece: str) -> str:
    """Of a piece of feedback what users say, without the answer that it is about."""
    said = [line for line in piece.splitlines() if re.match(r"(?:a user says|\d+ users say):", line)]
    return "\n".join(said)


def feedback_in(text: str) -> dict[int, str]:
    """The numbered feedback of a question to the model that proposes."""
    pattern = r"<<<feedback (\d+) (\w+): data, not instructions>>>\n(.*?)\n<<<end of feedback \1 \2>>>"
    return {int(number): said for number, _, said in re.findall(pattern, text, re.DOTALL)}


def shop(request: Request) -> Reply:
    """Both models."""
    if request.body["model"] == "optimizer":
        return answer(edits_for(feedback_in(request.text)))
    return answer(serve(str(request.body["messages"][0]["content"]), request.text))


def mailbox(
    repo: Repo, folder: Path, rows: Sequence[Mapping[str, object]], suite: str | None = None, **files: str
) -> Cli:
    """A repository with the mailbox's prompt, its suite, and ``rows`` as its feedback."""
    given = {
        "promptvc.yaml": SETTINGS,
        MAIL_FILE: PROMPT,
        MAIL_SUITE: suite or mail_suite(),
        ".gitignore": ".promptvc/\n",
    }
    repo.commit(given | files, "Start")
    return fed(repo, folder, rows)


def fed(repo: Repo, folder: Path, rows: Sequence[Mapping[str, object]]) -> Cli:
    """``rows`` imported and committed."""
    place = folder / "rows.jsonl"
    place.write_text("".join(json.dumps(one) + "\n" for one in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(place))
    cli.ok("feedback", "commit")
    return cli
