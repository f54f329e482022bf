"""A model's answer read strictly: edits as JSON, each turned into a proposal or refused with the reason.

An answer that is not the JSON object that was asked for is an error. In one that is, an edit is dropped when it cites
nothing or what was not shown, touches what is not there, or has words that may not become guidance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import InvalidDocument, ProviderError
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.assertions.assertion import shown
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.guard import Guard, signs
from promptvc.training.approaches.meta_prompt.voices import Piece
from promptvc.training.proposal import Proposal

_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_WHY = 300


@dataclass(frozen=True, slots=True)
class Reflection:
    """What came out of one question: edits, and why others were refused, half a sentence each."""

    proposals: tuple[Proposal, ...] = ()
    refused: tuple[str, ...] = ()


def read_edits(text: str, objections: Callable[[Any], list[str]]) -> Sequence[Mapping[str, Any]]:
    """The edits in an answer; a fence of three backticks around it is accepted.

    Args:
        objections: what the schema of the answer has against a value.

    Raises:
        ProviderError: not one JSON object of that schema.
    """
    body = text.strip()
    fence = _FENCE.fullmatch(body)
    try:
        value = parse_json(fence[1] if fence else body, file="the answer")
    except (InvalidDocument, RecursionError):
        raise ProviderError(f"the model answered with {shown(body)}, which is no JSON object alone") from None
    found = objections(value)
    if found:
        raise ProviderError(f"the model answered with JSON that does not fit its schema: {found[0]}")
    edits: Sequence[Mapping[str, Any]] = value["edits"]
    return edits


def judged(
    edits: Sequence[Mapping[str, Any]], prompt: Prompt, pieces: Sequence[Piece], guard: Guard, origin: str
) -> Reflection:
    """The edits as proposals.

    Args:
        pieces: what was shown; number 1 is the first.
        origin: the model.
    """
    proposals: list[Proposal] = []
    refused: list[str] = []
    touched: set[str] = set()
    said = {rule.text for rule in prompt.rules}
    for edit in edits:
        made = _proposal(edit, prompt, pieces, origin)
        reason = made if isinstance(made, str) else _against(made, prompt, guard)
        if reason is None and not isinstance(made, str):
            if made.action == "add_rule" and made.text in said:
                reason = "the prompt says it already"
            elif made.at is not None and made.path in touched:
                reason = f"{made.path} is edited twice"
        if reason is not None or isinstance(made, str):
            refused.append(f"{edit['action']}: {reason}")
            continue
        if made.at is not None:
            touched.add(made.path)
        if made.action != "remove_rule" and made.text is not None:
            said.add(made.text)
        proposals.append(made)
    return Reflection(tuple(proposals), tuple(refused))


def _proposal(
    edit: Mapping[str, Any], prompt: Prompt, pieces: Sequence[Piece], origin: str
) -> Proposal | str:
    action, at, text = edit["action"], edit.get("at"), edit.get("text")
    numbers = sorted({int(number) for number in edit["because"]})
    if not numbers:
        return "it cites no feedback"
    if numbers[0] < 1 or numbers[-1] > len(pieces):
        return "it cites feedback that was not shown"
    because = {event for number in numbers for event in pieces[number - 1].because}
    if not because:
        return "it cites feedback without events"
    there = len(prompt.messages) if action == "reword_message" else len(prompt.rules)
    if action == "add_rule":
        at = None
    elif at is None or at >= there:
        return "it edits what is not there"
    if action == "remove_rule":
        text = None
    elif not isinstance(text, str):
        return "it has no words"
    elif action != "reword_message":
        text = " ".join(text.split()).removeprefix("- ")
    return Proposal(
        action=action,
        because=tuple(sorted(because)),
        at=None if at is None else int(at),
        text=text,
        origin=origin,
        why=_reason(edit.get("why")),
    )


def _against(made: Proposal, prompt: Prompt, guard: Guard) -> str | None:
    if made.text is None:
        return None
    if made.action != "reword_message":
        if made.at is not None and made.text == prompt.rules[made.at].text:
            return "it changes nothing"
        reason = guard.against_rule(made.text)
    else:
        assert made.at is not None
        message = prompt.messages[made.at]
        if message.role not in {"system", "user"}:
            return "it edits an answer that the prompt gives"
        if made.text == message.content:
            return "it changes nothing"
        if prompt.template != "simple":
            return "messages with Jinja are left alone"
        reason = guard.against_message(made.text, message.content)
    return None if reason is None else f"its text {reason}"


def _reason(why: Any) -> str:
    text = "".join(one for one in " ".join(str(why or "").split()) if one.isprintable())
    if signs(text):  # people read it
        return ""
    return text if len(text) <= _WHY else text[: _WHY - 3] + "..."
