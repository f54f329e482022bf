"""Rules that say opposite things, as far as their words alone show it.

Four shapes are known, each with the same words around what differs: one rule asks for what the other forbids;
two give one subject different labels; two ask for different languages; two ask for lengths that no text has both
of. A rule with a condition is compared only with a rule that has the same condition. Languages and lengths count
where they are those of the answer, behind a word such as "answer" or "write": a language or a length of what comes in
tells two kinds of it apart. Words in quotes are what is quoted, and deny nothing. Anything else needs a reader.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from promptvc.prompts.lint.remark import Remark
from promptvc.prompts.lint.repeats import word_key
from promptvc.prompts.model import Prompt

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019_-][^\W_]+)*|[.,;:]")
_NOT = frozenset({
    "not", "never", "no", "cannot", "avoid", "without",
    *(f"{verb}n{mark}t" for verb in ("do", "does", "is", "are", "must", "should") for mark in "'\u2019"),
    *(f"can{mark}t" for mark in "'\u2019"),
})  # fmt: skip
_DENIES = re.compile(r"\b(?:not|never|no|cannot|avoid|without|\w+['\u2019]t)\b", re.IGNORECASE)
_CONDITION = frozenset({
    "if", "when", "whenever", "where", "wherever", "unless", "until", "except", "while", "who", "whose", "which",
    "that", "because", "since", "although", "before", "after", "only", "even",
})  # fmt: skip
_LABEL = re.compile(
    r"^(?P<subject>.{3,}?)\s+(?:is|are|means|mean|goes to|go to|belongs to|belong to)\s+"
    r"(?:`(?P<quoted>[^`\s]+)`|(?P<name>[a-z0-9]+(?:_[a-z0-9]+)+))\s*[.!]?$",
    re.IGNORECASE,
)
_LANGUAGES = (
    "arabic|chinese|czech|danish|dutch|english|finnish|french|german|greek|hebrew|hindi|hungarian|italian|japanese"
    "|korean|norwegian|polish|portuguese|romanian|russian|spanish|swedish|turkish|ukrainian|vietnamese"
)
_LANGUAGE = re.compile(rf"\bin ({_LANGUAGES})\b", re.IGNORECASE)
_ANSWERS = re.compile(
    r"\b(?:answer|reply|respond|write|speak|talk|say|translate|explain|summari[sz]e|describe|output|use|keep|give"
    r"|make|stay|be|return|produce|limit|draft|phrase|repl(?:y|ies)|answers|responses?|summar(?:y|ies)|titles?)\b",
    re.IGNORECASE,
)
"""What an answer is made with, or is."""
_INCOMING = re.compile(
    r"\b(?:messages?|questions?|requests?|tickets?|e-?mails?|mails?|quer(?:y|ies)|comments?|reviews?|documents?|texts?"
    r"|calls?|posts?|letters?|orders?|inputs?|customers? who|users? who)\b",
    re.IGNORECASE,
)
"""What comes in."""
_QUOTED = re.compile(
    r"(?<!\w)'[^'\n]{1,80}'(?!\w)|\"[^\"\n]{1,80}\"|`[^`\n]{1,80}`|\u201c[^\u201d\n]{1,80}\u201d"
    r"|\u2018[^\u2019\n]{1,80}\u2019(?!\w)"
)
_LENGTH = re.compile(
    r"\b(?:(?P<most>at most|no more than|not more than|up to|a maximum of)|(?P<under>fewer than|less than|under)"
    r"|(?P<least>at least|no fewer than|no less than|a minimum of)|(?P<over>more than|over)|exactly)"
    r"\s+(?P<number>[0-9]{1,6})\s+(?P<unit>(?:word|sentence|character|letter|line|paragraph|token|syllable|page|bullet"
    r"|bullet point|point|item|example|reason|step|section|tag|emoji|exclamation mark)s?)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile("[0-9]")
_STOPS = frozenset(".,;:")
_SORTS = frozenset({
    "label", "mark", "tag", "classify", "treat", "count", "code", "call", "name", "route", "send", "forward", "flag",
    "file", "record", "log",
})  # fmt: skip
"""What begins a rule that sorts: "no" belongs to the name of a thing there, as in "label no shows as missed"."""
_MOST_RULES = 500
_LONGEST_RULE = 2000


@dataclass(frozen=True, slots=True)
class _Said:
    """What a rule says: its words without denials, and how often it denies."""

    words: tuple[str, ...]
    denials: int


def contradiction_remarks(prompt: Prompt) -> Iterator[Remark]:
    """Each rule that contradicts an earlier one, with the first that it contradicts."""
    # One blank for many, and none that nobody reads to its end: the patterns below need no time for them.
    texts = [" ".join(rule.text[:_LONGEST_RULE].split()) for rule in prompt.rules[:_MOST_RULES]]
    found: dict[int, tuple[int, str]] = {}
    for first, second, how in itertools.chain(
        _opposites(texts), _labels(texts), _languages(texts), _lengths(texts)
    ):
        found.setdefault(second, (first, how))
    for index, (first, how) in sorted(found.items()):
        message = f"contradicts rule {first + 1}: {how}"
        hint = "keep one of them, or say in both when it holds"
        yield Remark("contradicting-rules", ("rules", index, "text"), message, hint)


_Pairs = Iterator[tuple[int, int, str]]


def _opposites(texts: list[str]) -> _Pairs:
    if not any(_DENIES.search(text) for text in texts):
        return
    asked: dict[tuple[str, ...], dict[int, int]] = {}
    for index, text in enumerate(texts):
        said = _said(text)
        if len(said.words) < 2:
            continue
        before = asked.setdefault(said.words, {})
        other = next((at for denials, at in before.items() if abs(denials - said.denials) == 1), None)
        if other is not None:
            yield other, index, "one asks for what the other forbids"
        before.setdefault(said.denials, index)


def _said(text: str) -> _Said:
    """Denials outside of a condition are counted and left out; inside they are words of their own."""
    kept: list[str] = []
    denials = 0
    conditional = False
    words = _TOKEN.findall(_QUOTED.sub(_one_word, text).casefold())
    sorts = bool(words) and words[0] in _SORTS
    for word in words:
        if word in _STOPS:
            conditional = False
            continue
        conditional = conditional or word in _CONDITION
        if word not in _NOT:
            kept.append("do" if word == "does" else word)  # goes with the denial that it carries
        elif conditional or (sorts and word == "no"):
            kept.append(f"not-{word}")
        else:
            denials += 1
    return _Said(word_key(" ".join(kept)), denials)


def _one_word(quoted: re.Match[str]) -> str:
    """What stands in quotes, as one word that is none of ours."""
    return " quoted-" + "-".join(_TOKEN.findall(quoted[0])) + " "


def _of_answer(text: str, start: int) -> bool:
    """Whether what stands at ``start`` is about the answer: behind its verb, with nothing that comes in between."""
    verb = None
    for verb in _ANSWERS.finditer(text, 0, start):  # noqa: B007 - the last one
        pass
    return verb is not None and _INCOMING.search(text, verb.end(), start) is None


def _labels(texts: list[str]) -> _Pairs:
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for index, text in enumerate(texts):
        match = _LABEL.match(text.strip())
        said = _said(match["subject"]) if match else None
        if match is None or said is None or said.denials or not said.words:
            continue
        label = (match["quoted"] or match["name"]).casefold()
        at, other = first.setdefault(said.words, (index, label))
        if other != label:
            yield at, index, "one subject, two labels"


def _languages(texts: list[str]) -> _Pairs:
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for index, text in enumerate(texts):
        named = list(_LANGUAGE.finditer(text))
        if len(named) != 1 or not _of_answer(text, named[0].start()):
            continue
        said = _said(_LANGUAGE.sub("in LANGUAGE", text))
        if said.denials:
            continue
        language = named[0][1].casefold()
        at, other = first.setdefault(said.words, (index, language))
        if other != language:
            yield at, index, "two languages for one answer"


def _lengths(texts: list[str]) -> _Pairs:
    spans: dict[tuple[str, ...], list[tuple[int, float, float]]] = {}
    for index, text in enumerate(texts):
        if not _DIGIT.search(text):
            continue
        matches = list(_LENGTH.finditer(text))
        if len(matches) != 1 or not _of_answer(text, matches[0].start()):
            continue
        match = matches[0]
        rest = text[: match.start()] + f"LENGTH {match['unit']}" + text[match.end() :]
        said = _said(rest)
        low, high = _bounds(match)
        for at, other_low, other_high in spans.setdefault(said.words, []) if not said.denials else []:
            if low > other_high or high < other_low:
                yield at, index, "no text has both lengths"
                break
        if not said.denials:
            spans[said.words].append((index, low, high))


def _bounds(match: re.Match[str]) -> tuple[float, float]:
    number = int(match["number"])
    if match["most"]:
        return 0, number
    if match["under"]:
        return 0, number - 1
    if match["least"]:
        return number, float("inf")
    return (number + 1, float("inf")) if match["over"] else (number, number)
