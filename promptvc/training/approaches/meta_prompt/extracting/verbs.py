"""Verbs that people use of answers, and from each of their forms back to the plain one: `saying`, `said` -> `say`."""

from __future__ import annotations

import re

_VERBS = """
" abbreviate accept acknowledge adapt add address adjust admit advise answer apologise apologize apply argue ask
assume attach avoid be begin blame bold break bullet calculate call capitalise capitalize change check choose cite
clarify close combine compare complain compute conclude confirm congratulate contact convert copy correct count cover
cut decide define describe direct discuss display drop duplicate emphasise emphasize end enumerate escalate exaggerate
exclude expand explain express extract finish fix focus follow format forward give greet group guarantee guess handle
have help hide highlight hint identify ignore include indent inform insert insist insult introduce invent invite
italicise itemise itemize joke justify keep label lead leave lecture limit link list look lower maintain make mark
match measure mention mix move name note notify number offer omit open order pad paraphrase paste phrase pick point
praise prefer present preserve print prioritise prioritize promise propose provide push put quote react read recap
recommend reduce refer reference refuse remind remove rename repeat rephrase replace reply report request resolve
respond restate return reuse review rewrite round route say select sell send separate share shift shorten shout show
sign simplify skip soften sort sound speak specify speculate spell split start state stay stick stop stress strip
structure suggest sum summarise summarize swear switch take talk tell thank translate treat trim try turn type
underline update use verify waffle wait welcome wish wrap write
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
_NOUNS = """
answer bold bullet call check copy date format group guess label lead limit link list look mark match measure name note
number open order phrase place point print promise reference reply report request review round share sign sort sound
spell state stress sum switch talk type update view wish word
"""
_VOWELS = "aeiou"
_AFTER_A_VERB = re.compile(
    r"(?:the|an?|all|each|every|any|this|that|these|those|it|its|them|me|us|your|their|to|in|on|as|at|with|by|for|from|of"
    r"|off|out|up|only|no|not|more|less|again|two|three|like|under|less|briefly|\d+|[\w-]+ly|['\"].*)$",
    re.IGNORECASE,
)
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
_AS_WELL_NOUNS = frozenset(_NOUNS.split())
_BASE = {form: verb for verb in sorted(VERBS) for form in _forms(verb)} | _IRREGULAR


def is_plain(text: str) -> bool:
    """Whether ``text`` begins with a verb that can be told to somebody: `mention the price`."""
    return _first(text) in VERBS


def is_gerund(text: str) -> bool:
    """Whether it begins with a form in -ing: `saying sorry`."""
    first = _first(text)
    return first.endswith("ing") and len(first) > 5 and (first in _BASE or first not in VERBS)


def is_noun(text: str) -> bool:
    """Whether its first word is as well a noun, and is one here: `order number`, but `order the points by date`."""
    words = text.split()
    return _first(text) in _AS_WELL_NOUNS and (len(words) < 2 or not _AFTER_A_VERB.match(words[1]))


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
