"""Whether two texts say the same, or the opposite: a rule against what users ask for, and rules against one another.

Two texts are about the same when one's concepts are among the other's and are at least half of them
(:mod:`.concepts`). They say the opposite when the one wants what the other avoids, or another value of one scale.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extracting.concepts import About, about
from promptvc.training.approaches.meta_prompt.extracting.themes import Stance, stance_of
from promptvc.training.approaches.meta_prompt.extracting.wishes import wishes
from promptvc.training.data.texts import normalised

Relation = Literal["same", "opposite", "none"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a prompt says already.

    Attributes:
        relation: whether it says the same or the opposite; ``none``: it does not speak of it.
        rule: the position of the rule that does; None: a message does.
    """

    relation: Relation
    rule: int | None = None


@functools.lru_cache(maxsize=1 << 12)
def stances(text: str) -> tuple[Stance, ...]:
    """What each wish in a text comes down to; a plain statement is one."""
    found = tuple(stance_of(wish) for wish in wishes(text, suggested=True) if wish.sense != "open")
    return found or (_as_a_whole(about(text)),)


def relation(one: Stance, other: Stance) -> Relation:
    """How two stances stand to each other."""
    mine, theirs = _bare(one), _bare(other)
    both = mine & theirs
    if not both or not (mine <= theirs or theirs <= mine):
        return "none"
    # A list of what to avoid says so of each of its parts.
    listed = one.sense == other.sense == "avoid" and len(both) >= 2 and mine <= theirs
    if (3 if listed else 2) * len(both) < len(mine | theirs):
        return "none"
    wanted = dict(one.wanted)
    if any(wanted.get(scale, value) != value for scale, value in other.wanted):
        return "opposite"
    if one.wanted & other.against or other.wanted & one.against:
        return "opposite"
    if {one.sense, other.sense} == {"do", "avoid"}:
        return "opposite"
    return "same" if one.wanted <= other.wanted else "none"


def related(text: str, other: str) -> Relation:
    """How a rule stands to another text: the opposite of any of its parts, else the same as one."""
    if normalised(text) == normalised(other):
        return "same"
    found = {relation(one, theirs) for one in stances(text) for theirs in stances(other)}
    return "opposite" if "opposite" in found else "same" if "same" in found else "none"


def said_by(prompt: Prompt, text: str) -> Said:
    """What the prompt says of a rule already, its rules before its system messages."""
    found = [(at, related(text, rule.text)) for at, rule in enumerate(prompt.rules)]
    for wanted in ("opposite", "same"):
        for at, how in found:
            if how == wanted:
                return Said(how, at)
    told = [related(text, sentence) for sentence in _sentences(prompt)]
    how = "same" if "same" in told else "opposite" if "opposite" in told else "none"
    return Said(how)


def _sentences(prompt: Prompt) -> Sequence[str]:
    text = " ".join(message.content for message in prompt.messages if message.role == "system")
    return [
        part for part in " ".join(text.split()).replace("? ", ". ").replace("! ", ". ").split(". ") if part
    ]


def _as_a_whole(found: About) -> Stance:
    return Stance("do", found.tokens, frozenset(found.values))


def _bare(stance: Stance) -> set[str]:
    return {token for token in stance.tokens if "=" not in token}
