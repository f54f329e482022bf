"""What a remark asks for, read off the way people put it: `could you mention X`, `X is missing`, `no more X`.

A sentence that fits none of the ways (:mod:`.grammar`) is no wish of its own. It may still be of one mind with others,
so it is kept as ``open``: "it was in German again" counts towards "answer in English", and asks for nothing alone.

The ways are English. A remark in another language is a wish only as a whole sentence of a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from promptvc.training.approaches.meta_prompt.extracting.concepts import about
from promptvc.training.approaches.meta_prompt.extracting.grammar import framed
from promptvc.training.approaches.meta_prompt.extracting.wish import Wish

_OPENER = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|well|so|and|but|also|btw|by the way|again|seriously|honestly|overall|generally"
    r"|maybe|perhaps|ideally|in (?:the )?future|next time|from now|pls|plz|please|kindly|just|thanks|thank you|thx|imo"
    r"|imho|(?:i|we) (?:think|feel|believe|guess|find)(?: that)?|guys|nice|good|great|fine|nope|wrong|bad|sigh|ugh"
    r"|argh|wow|hm+|same (?:here|again|issue|problem)|(?:a )?(?:small )?(?:suggestion|feedback|idea|note|tip|remark"
    r"|comment|complaint|request|wish|issue|problem|reminder|bug))\b(?:[,:;.!-]+ ?| ))+",
    re.IGNORECASE,
)
_CLOSER = re.compile(
    r"(?:[ ,.!-]*(?:\b(?:please|pls|plz|thanks|thank you|thx|next time|in (?:the )?future|from now on|if possible|again"
    r"|as always|once more|yet again|ok|okay|though|tho|at all|by the way)\b|[:;]-?[()DP]|[.!?,; -])+)$",
    re.IGNORECASE,
)
_CONTRACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), plain_form)
    for pattern, plain_form in (
        (r"\bcan'?t\b", "cannot"),
        (r"\bwon'?t\b", "will not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|should|must|need|could|would)n'?t\b", r"\1 not"),
        (r"\b(it|that|there|what|where|he|she)'s\b", r"\1 is"),
        (r"\b(i|you|we|they|it)'d\b", r"\1 would"),
        (r"\b(you|we|they)'re\b", r"\1 are"),
        (r"\b(i|you|we|they)'ve\b", r"\1 have"),
        (r"\bi'm\b", "i am"),
        (r"\b(dont)\b", "do not"),
        (r"\b(doesnt)\b", "does not"),
        (r"\b(didnt)\b", "did not"),
        (r"\b(isnt)\b", "is not"),
        (r"\b(shouldnt)\b", "should not"),
    )
)
_STRONG = re.compile(r"(?<=[.!?])\s+|\s*[;\n]\s*")
_WEAK = re.compile(r"\s+-+\s+|\s+[\u2013\u2014]\s+|,?\s+but\s+|,\s+and\s+(?:also\s+)?|,\s+"
                   r"|\s+and\s+(?=(?:please|do not|always|never|stop|no|also|it should)\b)"
                   r"|\s+plus\s+|:\s+", re.IGNORECASE)  # fmt: skip
_ASIDE = re.compile(r",? (?:please|pls|plz)(?=,)|(?<=,) (?:please|pls|plz),", re.IGNORECASE)
# Why somebody wants it is no part of what they want.
_REASON = re.compile(
    r",? (?:because|since|otherwise)\b"
    r"|, (?=(?:nobody|no one|we|i|it|they|he|she|this|that|the \w+ (?:is|are|was|were))\b)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"(?:if|when|whenever|unless|for|with|after|before|as soon as|in case|where)\b", re.IGNORECASE
)
_TELLS = re.compile(
    r"->|\u2192|=|\b(?:belongs? to|goes? to|go to|means?|(?:is|are) (?:not )?(?:[a-z]+_[a-z_]+|ours))\b",
    re.IGNORECASE,
)
# The prompt, its author or its making: a wish for the workshop, not for the answer.
_META = re.compile(
    r"\b(?:prompts?|training data|few-?shot|temperature|fine-?tun\w*|a (?:line|rule|sentence|paragraph) about"
    r"|a new (?:label|team|category)|examples? (?:per|to the|for each)|as examples|instructions?)\b",
    re.IGNORECASE,
)
_QUOTES = frozenset("'\"")


def wishes(text: str, *, suggested: bool = False) -> tuple[Wish, ...]:
    """What a screened remark asks for, in the order in which it does.

    Args:
        suggested: it was given as a suggestion: a plain statement is a wish too.
    """
    found: list[Wish] = []
    for sentence in _STRONG.split(text):
        found += _of_sentence(_trimmed(sentence), suggested=suggested)
    return tuple(wish for wish in found if about(wish.text).tokens and not _META.search(wish.text))


def _of_sentence(sentence: str, *, suggested: bool) -> Iterator[Wish]:
    if len(sentence) < 2:
        return
    whole = framed(sentence)
    if whole is not None and whole.against:
        yield whole
        return
    parts = [part for part in map(_trimmed, _WEAK.split(sentence)) if part]
    read = [framed(part) for part in parts]
    if len(read) > 1 and _CONDITION.match(sentence) and any(read) and _is_statement(sentence):
        yield Wish("do", "clause", sentence)
    elif len(read) > 1 and (
        all(read) or (whole is None and any(read) and not (suggested and _tells(sentence)))
    ):
        yield from (wish for wish in read if wish is not None)
    elif whole is not None:
        yield framed(_REASON.split(sentence, maxsplit=1)[0]) or whole
    elif suggested and _is_statement(sentence):
        yield Wish("do", "clause", sentence)
    else:
        yield Wish("open", "clause", sentence, asked=False)


def _trimmed(sentence: str) -> str:
    sentence = sentence.strip(" \t*_,;:-")
    if sentence[:1] in _QUOTES and sentence[-1:] == sentence[:1]:
        sentence = sentence[1:-1]
    for pattern, plain_form in _CONTRACTIONS:
        sentence = pattern.sub(plain_form, sentence)
    sentence = _ASIDE.sub("", sentence)
    before = None
    while before != sentence:
        before = sentence
        sentence = _CLOSER.sub("", _OPENER.sub("", sentence)).strip(" ,;:-")
    return sentence


def _tells(sentence: str) -> bool:
    """Whether it says what something is or where it belongs: a rule as it stands."""
    return _TELLS.search(sentence) is not None and _is_statement(sentence)


def _is_statement(sentence: str) -> bool:
    words = sentence.split()
    first = words[0].lower()
    story = first in {"i", "we", "my", "he", "she", "yesterday", "today", "why", "what", "who", "how"}
    return 4 <= len(words) <= 45 and not story and len(about(sentence).tokens) >= 2
