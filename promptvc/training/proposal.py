"""One edit that might make a prompt better, with its evidence: what approaches race and what `suggest` lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from promptvc.prompts.model import Example, Message, Prompt, Rule
from promptvc.training.approach import Fit, Variant

Action = Literal[
    "add_rule", "reword_rule", "remove_rule", "add_example", "swap_example", "drop_example", "reword_message"
]
RULES = "rules"
"""The origin of what was proposed without a model."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit worth trying.

    Attributes:
        action: what is done; ``at`` the position of the rule, example or message, None for what is added.
        text: the new words of a rule or message.
        example: what is added or takes the place of another.
        because: the events that it rests on, sorted; never empty but for what only takes something away.
        origin: ``rules``, or the model that proposed it.
        why: the reason in one sentence.
        effect: the gain in score that is expected of it, -1..1; None when nothing is known. ``basis`` says of what.
    """

    action: Action
    because: tuple[str, ...]
    at: int | None = None
    text: str | None = None
    example: Example | None = None
    origin: str = RULES
    why: str = ""
    effect: float | None = None
    basis: str = ""

    @property
    def path(self) -> str:
        """What it touches: ``rules``, ``rules[1]``, ``examples[0]``, ``messages[0]``."""
        part = {"rule": "rules", "example": "examples", "message": "messages"}[self.action.split("_")[1]]
        return part if self.at is None else f"{part}[{self.at}]"

    def to_json(self) -> dict[str, Any]:
        """As `suggest --json` prints it."""
        example = self.example
        return {
            "action": self.action,
            "path": self.path,
            "text": self.text,
            "example": {"input": dict(example.input), "output": example.output} if example else None,
            "because": list(self.because),
            "origin": self.origin,
            "why": self.why,
            "effect": self.effect,
            "basis": self.basis,
        }


def applied(prompt: Prompt, proposals: Sequence[Proposal]) -> Prompt:
    """``prompt`` with all ``proposals`` made; positions are those of ``prompt`` itself.

    A rule whose words the prompt has already gets the further evidence instead of a twin.
    """
    rules: list[Rule | None] = list(prompt.rules)
    examples: list[Example | None] = list(prompt.examples)
    messages = list(prompt.messages)
    for each in proposals:
        if each.action == "add_rule":
            _add_rule(rules, each)
        elif each.action == "add_example":
            examples.append(each.example)
        else:
            assert each.at is not None
            if each.action == "reword_rule":
                rules[each.at] = Rule(each.text or "", each.because)
            elif each.action == "remove_rule":
                rules[each.at] = None
            elif each.action == "swap_example":
                examples[each.at] = each.example
            elif each.action == "drop_example":
                examples[each.at] = None
            else:
                messages[each.at] = Message(messages[each.at].role, each.text or "")
    return replace(
        prompt,
        rules=tuple(rule for rule in rules if rule is not None),
        examples=tuple(example for example in examples if example is not None),
        messages=tuple(messages),
    )


def _add_rule(rules: list[Rule | None], proposal: Proposal) -> None:
    for at, rule in enumerate(rules):
        if rule is not None and rule.text == proposal.text:
            rules[at] = Rule(rule.text, tuple(sorted({*rule.because, *proposal.because})))
            return
    rules.append(Rule(proposal.text or "", proposal.because))


def variant(name: str, parent: Variant, proposals: Sequence[Proposal], *, note: str = "") -> Variant:
    """``parent`` with the proposals made, whatever the fold; their positions are those of the parent's prompt.

    Only for parents that keep the order and number of what the proposals touch, whatever they are fitted on; examples
    that are touched should be touched by a fit of their own.
    """
    cites = dict(parent.cites)
    for each in proposals:
        if each.action == "reword_message":
            cites[each.path] = tuple(sorted({*cites.get(each.path, ()), *each.because}))
    return Variant(name, _fit(parent.fit, tuple(proposals)), cites, note)


def _fit(fit: Fit, proposals: Sequence[Proposal]) -> Fit:
    return lambda learn: applied(fit(learn), proposals)
