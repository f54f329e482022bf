"""A theme as one rule, in the words of somebody who asked for it: imperative, one sentence, literal.

Of all that was said, the words are taken that name most of what most voices name, and then those that need least
to be a rule: `end with a question` before `the question at the end is missing`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from promptvc.models.words import FUNCTION_WORDS, stem, words_of
from promptvc.training.approaches.meta_prompt.extracting.concepts import about
from promptvc.training.approaches.meta_prompt.extracting.themes import Said, Theme
from promptvc.training.approaches.meta_prompt.extracting.verbs import plain
from promptvc.training.approaches.meta_prompt.extracting.wish import Form, Sense, Wish
from promptvc.training.approaches.screening import screened

LONGEST = 240
"""Characters of a rule."""

_EASE: Mapping[Form, int] = {
    "verb": 0, "always": 0, "never": 0, "trait": 1, "clause": 1, "gerund": 2, "thing": 3, "more": 3, "fewer": 4,
}  # fmt: skip
_DETERMINED = re.compile(
    r"^(?:the|a|an|any|no|its?|their|his|her|your|our|my|each|every|all|both|one|two|three|more|what|which|how|why|when"
    r"|where|whether|that|some|at|in|on|with|\d\S*)\b",
    re.IGNORECASE,
)
_PERSONS = (
    (re.compile(r"\b(?:my|mine)\b", re.IGNORECASE), "the user's"),
    (re.compile(r"\bme\b", re.IGNORECASE), "the user"),
)
_OPENING = re.compile(r"^(?:in|with|by|as|at) ", re.IGNORECASE)
_NAMES = re.compile(
    r"\b(?:english|german|french|spanish|italian|dutch|portuguese|polish|turkish|chinese|japanese)\b"
)
_QUALIFIED = re.compile(r"^(?:more|less|so|too|very|as) ", re.IGNORECASE)


def rule_of(theme: Theme) -> str | None:
    """The rule that a theme comes to; None where nobody's words make one."""
    wanted = theme.tokens()
    most, usual = len(theme.voices), _usual(theme)
    same = Counter(each.wish.text.casefold() for each in theme.said)
    ranked = sorted(
        (each for each in theme.said if _could_speak(each, theme)),
        key=lambda each: (
            *_fitness(each.wish, wanted, most, usual),
            -same[each.wish.text.casefold()],
            each.wish.text.casefold(),
            each.wish.text,
        ),
    )
    for each in ranked:
        text = phrase(each.wish, theme.sense)
        if text is not None and screened(text) == text and len(text) <= LONGEST:
            return text
    return None


def phrase(wish: Wish, sense: Sense) -> str | None:
    """One wish as a rule. ``sense`` is what its theme says where the wish does not (`no dates`)."""
    text = wish.text.strip(" ,.!?;:")
    own = sense if wish.sense in {"no", "open"} else wish.sense
    if not text or own not in {"do", "avoid", "spare"}:
        return None
    if wish.form == "clause":
        return _sentence(_NAMES.sub(lambda found: found[0].capitalize(), text))
    text = _persons(text)
    rule = _wanted(wish, text) if own == "do" else _unwanted(wish, text)
    if wish.against and wish.form != "thing":
        rule = f"{rule}, not {_persons(wish.against)}"
    return _sentence(rule)


def _could_speak(said: Said, theme: Theme) -> bool:
    """What is not said from the theme's side names its subject only; `no X` can speak once the theme is decided."""
    return said.wish.sense != "open" and (said.wish.sense != "no" or theme.sense in {"do", "avoid"})


def _usual(theme: Theme) -> dict[str, int]:
    """How many voices use each word itself: `number` before `id`, where most say `number`."""
    voices: dict[str, set[str]] = {}
    for each in theme.said:
        for word in _content(each.wish.text):
            voices.setdefault(word, set()).add(each.voice)
    return {word: len(who) for word, who in voices.items()}


def _content(text: str) -> list[str]:
    return [stem(word) for word in words_of(text) if word not in FUNCTION_WORDS]


def _fitness(
    wish: Wish, wanted: Mapping[str, int], most: int, usual: Mapping[str, int]
) -> tuple[int, int, int, int, int, int]:
    found = about(wish.text)
    named = {*found.tokens, *(f"{scale}={value}" for scale, value in found.values)}
    common = {token for token, voices in wanted.items() if 2 * voices >= most}
    strange = sum(1 for token in named if wanted.get(token, 0) * 4 < most)
    words = _content(wish.text) or [""]
    heard = 1000 * sum(usual.get(word, 0) for word in words) // (len(words) * most)
    return (
        -len(named & common),
        strange,
        _EASE[wish.form],
        int(not wish.asked),
        -heard,
        len(wish.text.split()) // 2,
    )


def _wanted(wish: Wish, text: str) -> str:
    if wish.form == "always":
        return f"always {plain(text) or text}"
    if wish.form == "more":
        return f"give more {text}"
    if wish.form == "thing":
        return f"include {_determined(text)}"
    if wish.form == "trait":
        if _OPENING.match(text):
            return f"answer {text}"
        if re.match(r"an? ", text, re.IGNORECASE):
            return f"answer with {text}"
        scales = {scale for scale, _ in about(text).values}
        if "language" in scales or "currency" in scales:
            return f"answer in {text}" if "language" in scales else f"use {text}"
        return f"be {text}"
    return text


def _unwanted(wish: Wish, text: str) -> str:
    if wish.form == "never":
        return f"never {text}"
    if wish.form == "verb":
        return f"do not {text}"
    if wish.form == "gerund":
        return f"avoid {text}"
    if wish.form == "fewer":
        return f"use fewer {text}" if text.split(maxsplit=1)[0].endswith("s") else f"use less {text}"
    values = about(text).values
    if wish.form == "trait" or (values and len(text.split()) <= 2):
        if _OPENING.match(text):
            return f"do not answer {text}"
        if any(scale == "length" and value == "long" for scale, value in values):
            return "keep the answer short"
        if any(scale in {"language", "currency"} for scale, _ in values):
            return f"do not use {text}"
        return f"do not be {text}" if _QUALIFIED.match(text) else f"do not be too {text}"
    return f"write no {re.sub(r'^(?:the|a|an|any) ', '', text, flags=re.IGNORECASE)}"


def _determined(text: str) -> str:
    first = text.split(maxsplit=1)[0]
    plural = first.endswith("s") and not first.endswith("ss")
    return text if _DETERMINED.match(text) or plural or len(text.split()) > 6 else f"the {text}"


def _persons(text: str) -> str:
    for pattern, who in _PERSONS:
        text = pattern.sub(who, text)
    return _NAMES.sub(lambda found: found[0].capitalize(), text)


def _sentence(text: str) -> str:
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
