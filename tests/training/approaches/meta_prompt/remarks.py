"""Feedback in words for the extractor: five things wrong, said in many ways, among remarks that say nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.data.signals import Signal, hear
from promptvc.training.proposal import Proposal
from tests.training.makers import a_prompt, event

MAIL = b"""\
name: support/triage
version: 1
variables:
  message: {required: true}
messages:
  - role: system
    content: |
      You answer letters to a small shop.
  - role: user
    content: "{{ message }}"
"""

DEFECTS: Mapping[str, Sequence[str]] = {
    "english": (
        "answer must be in English",
        "Why do I get German? English please!",
        "we only speak english here, reply in English",
        "this should have been in English",
        "It would be great if the replies were in english",
        "wrong language again",
        "not in English :(",
        "switch to English, nobody here reads German",
        "I need it in English",
    ),
    "euros": (
        "give the amount in euros",
        "Prices have to be in EUR.",
        "the total was in dollars, we use euros",
        "please quote € and not $",
        "amount should be given in euros, not in dollars",
        "wrong currency",
        "convert it to euros please",
        "euros!!",
    ),
    "apology": (
        "no apology",
        "please stop apologising all the time",
        "Too many apologies.",
        "it says sorry way too often",
        "don't apologize, just answer",
        "there is no need to say sorry",
        "I am tired of the apologies",
        "unnecessary apology",
        "apologised twice in one mail, annoying",
    ),
    "order number": (
        "mention the order number",
        "The order number is missing.",
        "where is the order no?",
        "could you please include the order number next time",
        "forgot the order id",
        "it does not mention the order number",
        "no order number in the answer",
        "should repeat the order number",
        "which order? please always give the order number",
    ),
    "question": (
        "end with a question",
        "please finish with a question to the customer",
        "The last sentence should be a question",
        "it should ask something at the end",
        "no closing question",
        "missing a question at the end",
        "always close by asking a question",
        "I'd like every reply to end with a question",
    ),
}
NOISE = (
    "fine",
    "thanks",
    "ok",
    "good",
    "hm",
    "not great",
    "bad",
    "could be better",
    "thumbs up from me",
    "as usual",
    "?",
)


def planted(order: Iterable[int] | None = None) -> tuple[tuple[Signal, ...], dict[str, str]]:
    """Signals of 24 people, and by event the defect that it speaks of. ``order`` permutes the remarks."""
    rows = [(text, defect) for defect, texts in DEFECTS.items() for text in texts]
    rows += [(text, "noise") for text in NOISE]
    events, truth = [], {}
    for number, at in enumerate(range(len(rows)) if order is None else order):
        text, defect = rows[at]
        made = remark(number, text, user=f"u{at % 24}", suggestion=at % 4 == 0 and defect != "noise")
        truth[made.id] = defect
        events.append(made)
    return hear(events, mail(), frozenset()).signals, truth


def remark(number: int, text: str, *, user: str | None = None, suggestion: bool = False, **more: Any) -> Any:
    """A suggestion, or a bad rating with a comment."""
    values: dict[str, Any] = {"comment": text, **({"user": user} if user else {}), **more}
    if suggestion:
        return event(number, "suggestion", **values)
    return event(number, "rating", **{"stars": 1, **values})


def mail(*rules: str, system: str = "") -> Prompt:
    """The shop's prompt with rules, and further words in its system message."""
    data = MAIL.replace(b"small shop.\n", f"small shop. {system}".strip().encode() + b"\n")
    if rules:
        data += b"rules:\n" + b"".join(f'  - text: "{rule}"\n'.encode() for rule in rules)
    return a_prompt(data)


def found(events: Iterable[Any], prompt: Prompt | None = None, *, most: int = 10) -> tuple[Proposal, ...]:
    """What is extracted from events."""
    prompt = prompt or mail()
    return extract(hear(events, prompt, frozenset()).signals, prompt, most=most)


def said(*texts: str, prompt: Prompt | None = None, **more: Any) -> tuple[Proposal, ...]:
    """What is extracted when each text is another person's remark on a bad answer."""
    events = [remark(number, text, user=f"u{number}", **more) for number, text in enumerate(texts)]
    return found(events, prompt)


def rules(proposals: Sequence[Proposal]) -> list[str | None]:
    return [each.text for each in proposals]
