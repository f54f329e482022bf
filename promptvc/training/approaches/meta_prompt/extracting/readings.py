"""From the parts of a sentence that a pattern of :mod:`.grammar` found to the wish that it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from promptvc.training.approaches.meta_prompt.extracting.concepts import about, opposite
from promptvc.training.approaches.meta_prompt.extracting.verbs import is_gerund, is_noun, is_plain, plain
from promptvc.training.approaches.meta_prompt.extracting.wish import Wish

Reading = Callable[[re.Match[str]], Wish | None]
"""From a match, whose group ``x`` is what is spoken of, to a wish; None where it is none after all."""

STOP = (
    r"(?:stop|quit|avoid|cease|refrain from|skip|drop|remove|omit|leave out|leave off|get rid of|cut(?: out)?|lose"
    r"|ditch|spare (?:me|us)|do without|no more|enough (?:of|with)|enough|less|fewer)(?: with)? (?P<x>.+)"
)
_STOP = re.compile(f"^{STOP}$", re.IGNORECASE)
_ADVERBS = re.compile(
    r"^(?:(?:also|really|just|please|maybe|at least|still|simply|ever|even|better) )+", re.IGNORECASE
)
_NEGATED = re.compile(r"(?:not |never )(?:be (?=\w+ing\b))?(?P<rest>.+)$", re.IGNORECASE)
_ALWAYS = re.compile(r"always (?P<rest>.+)$", re.IGNORECASE)
_HAVE = re.compile(r"^have (?=\w+(?:ed|en|d|t)\b)", re.IGNORECASE)
_HAD = re.compile(r"(?:have|has|had|get|see) (?P<rest>.+)$", re.IGNORECASE)
_BE = re.compile(r"(?:be|been|is|are|was|were|stay|become|sound|come|get) (?P<rest>.+)$", re.IGNORECASE)
_WAS = re.compile(r"(?:be|been|being|is|was|were) (?P<rest>.+)$", re.IGNORECASE)
_SMALL = re.compile(
    r"^(?:a (?:little |tiny )?bit |much |far |way |a lot |written |answered |given |sent |in fact )+"
)
_LESS = re.compile(r"(?:less|not so|not too|not as|not) (?P<rest>.+)$", re.IGNORECASE)
_COMPARED = re.compile(r"(?:more |less |\w+er\b)", re.IGNORECASE)
_SO = re.compile(r"(?:it|this|that|them) (?P<rest>(?:as|in|with) .+)$", re.IGNORECASE)
_AFTERWARDS = re.compile(
    r",| because | since | so | (?:we|i|you|they) (?:can|do|have|are|need)", re.IGNORECASE
)
_POINTING = re.compile(
    r"^(?:any|some|all (?:this|the|these|that)|this|these|those|such|the usual) ", re.IGNORECASE
)
_DO = re.compile(r"^do (?!not\b|without\b)(?=\w+ )", re.IGNORECASE)
_TOLD = re.compile(r",|\b(?:is|are|was|were|has|had|did|does|do|got)\b", re.IGNORECASE)
_NOBODY = re.compile(r"(?:i|we|he|she|who|what|why|how|that)\b", re.IGNORECASE)
_MINDED = frozenset({"rude", "vague", "complicated"})
_OWN = frozenset({"be", "have", "get", "wait", "try", "do", "go"})
"""What people do themselves, and no answer does."""


def verb(text: str, *, asked: bool = True) -> Wish | None:
    """What follows `should` or `could you`, in whatever form; `not`, `be`, `stop` and `always` are read apart."""
    text = _ADVERBS.sub("", text)
    if negated := _NEGATED.match(text):
        return unwanted(negated["rest"], asked=asked)
    if always := _ALWAYS.match(text):
        return Wish("do", "always", always["rest"], asked=asked) if plain(always["rest"]) else None
    text = _HAVE.sub("", text)
    if be := _BE.match(text):
        return trait(be["rest"], asked=asked)
    if stop := _STOP.match(text):
        return unwanted(stop["x"], asked=asked)
    if had := _HAD.match(text):
        return thing(had["rest"], asked=asked)
    base = plain(text)
    return None if base is None else Wish("do", "verb", base, asked=asked)


def trait(text: str, *, asked: bool = True) -> Wish:
    """How an answer is to be: `in English`, `shorter`, `less formal`."""
    text = _SMALL.sub("", text)
    less = _LESS.match(text)
    return Wish("avoid" if less else "do", "trait", less["rest"] if less else text, asked=asked)


def unwanted(text: str, *, asked: bool = True) -> Wish:
    """What is not to be done or be there: `say sorry`, `saying sorry`, `be rude`, `the apology`."""
    base = plain(text)
    if was := _WAS.match(text):
        return Wish("avoid", "trait", was["rest"], asked=asked)
    if is_gerund(text):
        return Wish("avoid", "verb" if base else "gerund", base or text, asked=asked)
    if is_plain(text):
        return Wish("avoid", "verb", text, asked=asked)
    return Wish("avoid", "thing", bare(text), asked=asked)


def thing(text: str, *, asked: bool = False) -> Wish:
    """What is to be there."""
    how = _SO.match(text)
    return trait(how["rest"], asked=asked) if how else Wish("do", "thing", bare(text), asked=asked)


def bare(text: str) -> str:
    """A thing without what points at it, and without what is said of it afterwards."""
    return _POINTING.sub("", _AFTERWARDS.split(text, maxsplit=1)[0].strip(" .!?"))


def _spared(match: re.Match[str]) -> Wish:
    base = plain(match["x"])
    return Wish("spare", "verb", base) if base else Wish("spare", "thing", bare(match["x"]))


def _never(match: re.Match[str]) -> Wish | None:
    base = plain(match["x"])
    return Wish("avoid", "never", base) if base else None


def _always(match: re.Match[str]) -> Wish | None:
    return Wish("do", "always", match["x"]) if is_plain(match["x"]) else None


def _told(match: re.Match[str]) -> Wish | None:
    """An imperative as it is; `do mention X` is one of `mention`."""
    text = _DO.sub("", match["x"])
    plainly = is_plain(text) and not re.match(r"\w+[,:]", text) and not is_noun(text)
    return Wish("do", "verb", text) if plainly else None


def _must(match: re.Match[str]) -> Wish | None:
    """`prices should be in euros`: a sentence about something of its own."""
    who, rest = match["who"].strip(), match["x"]
    if _TOLD.search(who) or _NOBODY.match(who) or len(who.split()) > 8:
        return None
    if who.lower() == "there":
        return thing(re.sub(r"^(?:always )?be ", "", rest), asked=True)
    return Wish("avoid", "clause", f"{who} must not {rest}") if match["no"] else Wish(
        "do", "clause", f"{who} must {rest}"
    )  # fmt: skip


def _supposed(match: re.Match[str]) -> Wish | None:
    who = match["who"].strip()
    return Wish("do", "clause", f"{who} must be {match['x']}") if len(who.split()) <= 5 else None


def _repeated(match: re.Match[str]) -> Wish | None:
    """`it always says X`: what it does is what is minded."""
    base = plain(match["x"])
    return None if base is None else unwanted(base, asked=False)


def _house(match: re.Match[str]) -> Wish | None:
    """`we write 'Hi'`: how a house does it is how it is to be done."""
    base = plain(match["x"])
    if base is None or base.split(" ", 1)[0] in _OWN:
        return None
    return unwanted(base) if match["no"] else Wish("do", "verb", base)


def _placed(match: re.Match[str]) -> Wish | None:
    """`amounts in euros`; `answer in German` may as well say what was wrong."""
    many = any(opposite(*value) is None for value in about(match["x"]).values)
    named = about(match["who"]).tokens and not _TOLD.search(match["who"])
    known = named and many and len(match["x"].split()) <= 6
    return Wish("do", "clause", f"{match['who']} must be {match['x']}") if known else None


def _preposition(match: re.Match[str]) -> Wish | None:
    """`in euros`, `with a question at the end`."""
    known = about(match["x"]).tokens and len(match["x"].split()) <= 8
    return Wish("do", "trait", match["x"]) if known else None


def _graded(match: re.Match[str]) -> Wish | None:
    """`too long`; `so` and `very` only where the word stands on a scale."""
    text = match["x"]
    if match["how"].lower() != "too" and not about(text).values:
        return None
    return Wish("avoid", "trait", text, asked=False) if len(text.split()) <= 4 else None


def _scaled(match: re.Match[str]) -> Wish | None:
    """One word or two on a scale: `shorter`, `more polite`, `english`, `a bit long`."""
    text = match["x"]
    found = about(text)
    if _LESS.match(text) and not text.lower().startswith("less"):
        return None
    if not found.values or set(found.tokens) != {scale for scale, _ in found.values}:
        return None
    if _COMPARED.match(text):
        return trait(text)
    if any(opposite(*value) is None for value in found.values):
        return Wish("do", "trait", text)
    minded = any(scale == "length" or value in _MINDED for scale, value in found.values)
    return Wish("avoid", "trait", text, asked=False) if minded else None


def _valued(match: re.Match[str]) -> Wish | None:
    """`was not polite`: it is to be."""
    return Wish("do", "trait", match["x"], asked=False) if about(match["x"]).values else None


def _ended(match: re.Match[str]) -> Wish | None:
    """`not polite`; `not German` may be a complaint of either."""
    ends = any(opposite(*value) for value in about(match["x"]).values)
    return Wish("do", "trait", match["x"], asked=False) if ends else None


READINGS: Mapping[str, Reading] = {
    "asked": lambda match: verb(match["x"]),
    "lacked": lambda match: verb(match["x"], asked=False),
    "could": lambda match: verb(plain(match["x"]) or match["x"]),
    "thing": lambda match: thing(match["x"], asked=True),
    "missing": lambda match: thing(match["x"]),
    "spared": _spared,
    "minded": lambda match: unwanted(match["x"], asked=False),
    "stop": lambda match: unwanted(match["x"]),
    "never": _never,
    "always": _always,
    "told": _told,
    "most": lambda match: Wish("do", "verb", f"use at most {match['x']}"),
    "only": lambda match: Wish("do", "verb", f"use only {bare(match['x'])}"),
    "why": lambda match: verb(match["x"], asked=False) or trait(match["x"], asked=False),
    "being": lambda match: Wish("avoid", "trait", match["x"], asked=False),
    "not_so": lambda match: trait(match["x"], asked=False),
    "be": lambda match: trait(match["x"]),
    "valued": _valued,
    "ended": _ended,
    "many": lambda match: Wish("avoid", "fewer", bare(match["x"]), asked=False),
    "more": lambda match: Wish("do", "more", match["x"]),
    "no": lambda match: Wish("no", "thing", bare(match["x"])),
    "must": _must,
    "supposed": _supposed,
    "repeated": _repeated,
    "house": _house,
    "placed": _placed,
    "preposition": _preposition,
    "graded": _graded,
    "scaled": _scaled,
}
