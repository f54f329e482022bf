"""Verbs that people use of answers, and from each of their forms back to the plain one: `saying`, `said` -> `say`."""

from __future__ import annotations

import re

_VERBS = """
abbreviate accept acknowledge add address admit advise answer apologise apologize argue ask assume attach avoid be begin
blame break bullet call capitalise capitalize check choose cite clarify close combine compare complain conclude confirm
contact copy count cover cut decide define describe direct discuss display drop duplicate emphasise emphasize end
escalate exaggerate exclude explain express extract finish focus follow format forward give greet group guess handle
have help highlight hint ignore include indent insert insult introduce invent invite joke keep label lead leave lecture
limit link list look make mark mention mix move name note number offer omit open order pad paraphrase pick point praise
prefer present preserve print promise provide push put quote read recommend refer refuse remind remove rename repeat
rephrase reply report request respond return reuse rewrite round route say select sell send separate shorten shout show
sign simplify skip sort sound speak specify speculate spell split start state stay stick stop structure suggest
summarise summarize swear take talk tell thank translate treat try use verify waffle wait wish wrap write
"""
_IRREGULAR = {
    "am": "be", "are": "be", "is": "be", "was": "be", "were": "be", "been": "be", "being": "be",
    "began": "begin", "begun": "begin", "broke": "break", "chose": "choose", "chosen": "choose", "gave": "give",
    "given": "give", "had": "have", "has": "have", "having": "have", "kept": "keep", "led": "lead", "left": "leave",
    "made": "make", "put": "put", "read": "read", "said": "say", "sent": "send", "showed": "show", "shown": "show",
    "sold": "sell", "spoke": "speak", "spoken": "speak", "stuck": "stick", "swore": "swear", "taken": "take",
    "took": "take", "told": "tell", "tried": "try", "went": "go", "wrote": "write", "written": "write",
    "rewrote": "rewrite", "rewritten": "rewrite", "says": "say", "does": "do", "did": "do", "doing": "do",
}  # fmt: skip
_DOUBLED = "admit begin cut drop forget get omit pad put refer skip split stop swear wrap"
_DOUBLING = frozenset(_DOUBLED.split())
_VOWELS = "aeiou"
_FIRST = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")


def _forms(verb: str) -> set[str]:
    if verb in _DOUBLING:
        return {f"{verb}s", f"{verb}{verb[-1]}ing", f"{verb}{verb[-1]}ed"}
    if verb.endswith("e"):
        return {f"{verb}s", f"{verb[:-1]}ing", f"{verb}d"}
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return {f"{verb[:-1]}ies", f"{verb}ing", f"{verb[:-1]}ied"}
    plural = f"{verb}es" if verb.endswith(("s", "sh", "ch", "x")) else f"{verb}s"
    return {plural, f"{verb}ing", f"{verb}ed"}


VERBS = frozenset(_VERBS.split()) | {"do", "go", "get"}
_BASE = {form: verb for verb in sorted(VERBS) for form in _forms(verb)} | _IRREGULAR


def is_plain(text: str) -> bool:
    """Whether ``text`` begins with a verb that can be told to somebody: `mention the price`."""
    return _first(text) in VERBS


def is_gerund(text: str) -> bool:
    """Whether it begins with a form in -ing: `saying sorry`."""
    first = _first(text)
    return first.endswith("ing") and len(first) > 5 and (first in _BASE or first not in VERBS)


def plain(text: str) -> str | None:
    """``text`` with its first word in the plain form, `said sorry` -> `say sorry`; None where that is no known verb."""
    found = _FIRST.match(text)
    if found is None:
        return None
    word = found[0].lower()
    base = word if word in VERBS else _BASE.get(word)
    return None if base is None else base + text[found.end() :]


def _first(text: str) -> str:
    found = _FIRST.match(text)
    return found[0].lower() if found else ""
