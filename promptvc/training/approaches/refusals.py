"""What is refused in words that are to become guidance, whoever proposes them.

Feedback is written by anybody, and a model that is shown it may repeat it. There is one list for both, of what no
prompt needs from feedback: orders about the model's own orders, what names a place to go to, to call or to pay to,
secrets, marks of a conversation, code, and characters that a reader does not see. Personal data and secrets are found
as redaction finds them (:mod:`promptvc.feedback.redact`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from promptvc.feedback.lookalikes import plain
from promptvc.feedback.personal import find_cards, find_emails, find_ibans, find_ips
from promptvc.feedback.secret_formats import find_secrets
from promptvc.feedback.telephones import find_phones

Refusal = tuple[str, str]
"""What speaks against a text, half a sentence, and the words of it that do, in lower case."""

NUMBER = "has a number to call or to pay to"

Finder = Callable[[str], Iterable[tuple[int, int]]]

INSTRUCTIONS = r"(?:instruct|direction|prompt|guideline|anweisung|vorgabe|consigne|instruccion|istruzion)"
_QUALIFIED = r"previous|prior|above|earlier|preceding|all|any|every|your|these|those|system|other"
_ORDERS = rf"(?:{INSTRUCTIONS}\w*|rules?|regeln?|r[eè]gles?|commands?|befehle?|polic(?:y|ies)|constraints?)"
_TOLD = (
    r"(?:everything|all|anything|what(?:ever)?)\s+(?:you|that|was|is|above|before|else|so far|prior|previous)"
)
_LEAVE = (
    r"(?:ignor(?:e[rz]?|ing|iere?n?|a)|disregard(?:ing)?|forget(?! to\b)|overrid(?:e|ing)|overrule|bypass|discard"
    r"|neglect|vergiss|missachte|oublie[rz]?|olvida)"
)
_HIDDEN = (
    rf"(?:{INSTRUCTIONS}\w*|your rules|api[ _-]?keys?|credentials?|secrets?|(?:access )?tokens?|passwords?)"
)
_TASK = (
    rf"\b{_LEAVE}\b[^.\n]{{0,40}}\b(?:{_QUALIFIED})\b[^.\n]{{0,30}}\b{_ORDERS}\b"
    rf"|\b{_LEAVE}\b[^.\n]{{0,40}}\b{_ORDERS}\b"
    rf"|\b{_LEAVE}\b[^.\n]{{0,40}}\b{_TOLD}\b"
    rf"|\b(?:not|never|stop|n't)\s+(?:follow|obey|apply|use|heed)\w*\b[^.\n]{{0,30}}\b(?:{_ORDERS}|{_TOLD})\b"
    rf"|\b(?:previous|prior|above|earlier|new|real|hidden|secret|system|initial|original|developer)\s+{INSTRUCTIONS}"
    r"|\byou(?: are|'re) (?:now|no longer)\b|\bfrom now on you\b"
    r"|\b(?:act as|pretend (?:to|you)|role-?play|jail ?break|(?:dan|developer|god) mode|do anything now"
    r"|prompt injection|(?:no|without) restrictions?|unrestricted|sudo)\b"
    rf"|\b(?:reveal|leak|print|repeat|output|show|expose|dump|disclose)\b[^.\n]{{0,30}}\b{_HIDDEN}\b"
)

# Endings of a site's name that are no words people put after a forgotten blank; those that are, only where it is clear.
_SITES = (
    "com|net|org|io|ru|cn|info|biz|xyz|dev|app|ai|co|de|fr|uk|eu|ly|tk|top|zip|shop|store|site|online|club|live|link"
    "|click|pro|vip|tech|cloud|mobi|gov|edu|mil|int|onion|example|test|local|gg|tv|cc|ws|su|ua|by|kz|pl|cz|sk|hu|ro"
    "|bg|gr|tr|es|pt|nl|be|lu|ch|se|dk|fi|ie|jp|kr|tw|hk|sg|vn|th|ph|ca|mx|br|ar|cl|pe|za|ng|ke|eg|ma|ir|pk|nu|la"
    "|icu|buzz|fun|space|website|rocks|world|life|today|news|page|ga|cf|gq|ml|xn--[a-z0-9-]+|рф|укр"
)
_WORDS = "me|is|it|in|at|to|so|no|my|do|am|as|us|id|or|im|pm"
_NAME = r"(?:[\w-]{1,63}\.){0,8}[\w-]{1,63}"
_PATH = r"(?:[:/?#][^\s<>\"']*)?"
_ADDRESS = (
    r"\b(?:https?|ftps?|file|data|javascript|mailto|tel|sms)\s?:[^\s<>\"']+|\bhxxp[^\s]*|\bwww\.[^\s<>\"']+"
    rf"|\b{_NAME}\.(?:{_SITES})\b{_PATH}"
    rf"|\b{_NAME}\.(?:{_WORDS})(?:/[^\s]*|\b(?=:\d))"
    rf"|\b(?:[\w]{{1,30}}-){{1,5}}\w{{1,30}}\.(?:{_WORDS})\b"
    rf"|\b(?:to|at|on|via|from|visit|see|open|auf|unter|bei)\s+({_NAME}\.(?:{_WORDS}))\b"
    rf"|\b[\w-]{{1,63}}\s?(?:[\[({{]\s?(?:\.|dot|punkt)\s?[\])}}]|\s(?:dot|punkt)\s)\s?(?:{_SITES}|{_WORDS})\b"
    r"|\S+@\S+"
)
_NUMBER = (
    r"(?<![\w.])\+(?:\d[\s().\-/]{0,3}){6,}"
    r"|\b(?:call|dial|phone|ring|whatsapp|sms|text|fax|anrufen|hotline|tel)\b[^.\n\d]{0,20}"
    r"(\(?\+?\d(?:[\s().\-/]{0,3}\d){4,})"
    r"|(?<![\w.-])(?!\d{4}-\d\d-\d\d\b)(?:\d[\s()-]?){7,}"
)
_STATE = (
    r"(?:not|no|in|too|also|never|still|wrong|right|correct|incorrect|valid|invalid|lost|forgotten|gone|missing|known"
    r"|unknown|expired|changed|reset|rejected|refused|accepted|asked|needed|required|old|new|the|falsch|vergessen)\b"
)
_PASSWORD = (
    r"\b(?:pass(?:word|wort|code|phrase)|kennwort|pin|api[ _-]?key|(?:access )?token)s?\b"
    rf"(?:\s+(?:for|of|to|für)\s+[^.\n]{{1,40}}?)?"
    rf"(?:\s+(?:is|are|was|ist|lautet|est|es)\b[\s:]*(?!{_STATE})|\s*[:=]\s*)[\"'`]?(\w[^\s\"']*)"
    r"|\b(?:secret|access|door|discount|voucher|promo|geheim)[ _-]?code\s+(?:is\s+)?[\"'`]?(?=\S*\d)(\w[^\s\"']*)"
    r"|\b(?:bc1|0x)[0-9a-zA-Z]{8,}\b|\b(?:bitcoin|ethereum|crypto(?:currency)?)\b"
)
_MARKS = (
    r"<<<|>>>|<\|[^|\n]{0,40}\|?>?|\[/?INST\]|^\s*#{2,}\s*(?:system|user|assistant)\b"
    r"|</?(?:system|user|assistant)>|^\s*(?:system|assistant)\s*:"
)
_CODE = r"```|<script\b|\b(?:eval|exec|system)\("

_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing."""
_LETTERS = re.compile(r"[^\W\d_]+")
_ALPHABETS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
_AROUND = " \t\r\n.,;:!?\"'`()[]<>/"


def _spans(pattern: str) -> Finder:
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    # The group is what is named, without the words that show what it is.
    return lambda text: (match.span(match.lastindex or 0) for match in compiled.finditer(text))


_FOUND: tuple[tuple[str, Finder], ...] = (
    ("tries to change the model's task", _spans(_TASK)),
    ("has an address", _spans(_ADDRESS)),
    ("has an address", find_emails),
    ("has an address", find_ips),
    (NUMBER, _spans(_NUMBER)),
    (NUMBER, find_phones),
    (NUMBER, find_ibans),
    (NUMBER, find_cards),
    ("has a secret", _spans(_PASSWORD)),
    ("has a secret", find_secrets),
    ("has marks of a conversation", _spans(_MARKS)),
    ("has code", _spans(_CODE)),
)


def refusals(text: str) -> Iterator[Refusal]:
    """What speaks against ``text`` as guidance, by its words alone; none when nothing does. One may come twice."""
    for character in text:
        if _is_hidden(character):
            yield "has characters that a reader does not see", f"U+{ord(character):04X}"
    read, _ = plain(unicodedata.normalize("NFKC", text))
    for word in _LETTERS.findall(read):
        if _mixes_alphabets(word):
            yield "mixes letters of several alphabets in a word", word
    for what, find in _FOUND:
        for start, end in find(read):
            yield what, _named(what, read[start:end])


def _named(what: str, words: str) -> str:
    """Numbers are compared without what stands between their digits."""
    if what == NUMBER:
        return "".join(filter(str.isalnum, words))
    return " ".join(words.casefold().split()).strip(_AROUND)


def _is_hidden(character: str) -> bool:
    """Control, format, private, unassigned and surrogate characters, and what is drawn as nothing."""
    if character in _UNSEEN:
        return True
    return unicodedata.category(character).startswith("C") and character not in "\n\r\t"


def _mixes_alphabets(word: str) -> bool:
    """Whether Latin letters stand among those of another alphabet: look-alikes, no word of a language."""
    if word.isascii():
        return False
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in word}
    return "LATIN" in scripts and bool(scripts & _ALPHABETS)
