"""What a remark asks for, read off the way people put it: `could you mention X`, `X is missing`, `no more X`.

A sentence that fits none of the ways is no wish of its own. It may still be of one mind with others, so it is kept
as ``open``: "it was in German again" counts towards "answer in English", and asks for nothing alone.

The ways are English. A remark in another language is a wish only as a whole sentence of a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from promptvc.training.approaches.meta_prompt.extracting.concepts import about, opposite
from promptvc.training.approaches.meta_prompt.extracting.verbs import is_gerund, is_plain, plain

Sense = Literal["do", "avoid", "spare", "no", "open"]
"""Wanted; unwanted; not needed; `no X`, which is unwanted or missing; not said."""
Form = Literal["verb", "thing", "trait", "gerund", "clause", "always", "never", "fewer", "more"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a remark asks for.

    Attributes:
        text: what is wanted or not, without the words around it: `the order number`, `say sorry`.
        form: how ``text`` becomes a rule (:mod:`.phrasing`).
        against: what it names only to set it aside, as in `in euros, not dollars`.
        asked: whether it was asked for, rather than found lacking.
    """

    sense: Sense
    form: Form
    text: str
    against: str = ""
    asked: bool = True


_WHO = (
    r"(?:(?:all |every |each |most |your |the |these |those |some |its? |our |his )?(?:whole |entire |first |model |bot )?"
    r"(?:answers?|repl(?:y|ies)|responses?|outputs?|texts?|e-?mails?|mails?|messages?|drafts?|bots?|model|assistant|ai"
    r"|letters?|system|chat|tool|result|generated \w+)|you|it|this|that|they|these|those|one|he|she)"
)
_ADVERB = r"(?:always|also|really|just|please|maybe|at least|still|again|often|simply|ever|even|only|better|constantly)"
_A = rf"(?:{_ADVERB} )*"
_MUST = r"(?:should|must|shall|ought to|has to|have to|had to|needs? to|better|(?:is|are) (?:supposed|meant|required) to)"
_NOT = r"(?:not |never )"
_V = r"(?P<v>.+)"
_X = r"(?P<x>.+?)"
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
    r"|as always|once more|yet again|ok|okay|though|tho|at all|for god'?s sake|by the way)\b|[:;]-?[()DP]|[.!?,; -])+)$",
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
_WEAK = re.compile(r"\s+-+\s+|\s+[\u2013\u2014]\s+|,?\s+but\s+|,\s+and\s+(?:also\s+)?|,\s+|\s+and\s+(?=(?:please|do not|always|never|stop|no|also|it should)\b)"
                   r"|\s+plus\s+|:\s+", re.IGNORECASE)  # fmt: skip
_RIVAL = re.compile(
    r"^(?P<x>.{2,}?),? (?:instead of|rather than|in place of|and not|but not|(?<!do )(?<!is )(?<!are )not)"
    r"(?: in| with| to| as)? (?P<y>.{2,})$"
    r"|^not(?: in| with)? (?P<y2>.{2,}?),? but (?P<x2>.{2,})$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r",? (?:please|pls|plz)(?=,)|(?<=,) (?:please|pls|plz),", re.IGNORECASE)
_CONDITION = re.compile(
    r"(?:if|when|whenever|unless|for|with|after|before|as soon as|in case|where)\b", re.IGNORECASE
)
_TELLS = re.compile(
    r"->|\u2192|=|\b(?:belongs? to|goes? to|go to|means?|(?:is|are) (?:not )?(?:[a-z]+_[a-z_]+|ours))\b", re.I
)
# The prompt, its author or its making: a wish for the workshop, not for the answer.
_META = re.compile(
    r"\b(?:prompts?|training data|few-?shot|temperature|fine-?tun\w*|a (?:line|rule|sentence|paragraph) about"
    r"|a new (?:label|team|category)|examples? (?:per|to the|for each)|as examples|instructions?)\b",
    re.IGNORECASE,
)
_EMPTY = re.compile(r"^(?:it|this|that|them|so|me|anything|something|nothing|everything|one|need|idea|way|problems?"
                    r"|complaints?|comments?|thanks?|worries|issues?|doubt|clue|help|good|use|reason)$", re.I)  # fmt: skip

_MINDED = frozenset({"rude", "vague", "complicated"})

_QUOTES = frozenset("'\"")

Make = Callable[[re.Match[str]], "Wish | None"]


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
    whole = _framed(sentence)
    if whole is not None and whole.against:
        yield whole
        return
    parts = [part for part in map(_trimmed, _WEAK.split(sentence)) if part]
    read = [_framed(part) for part in parts]
    if len(read) > 1 and _CONDITION.match(sentence) and any(read) and _is_statement(sentence):
        yield Wish("do", "clause", sentence)
    elif len(read) > 1 and (
        all(read) or (whole is None and any(read) and not (suggested and _tells(sentence)))
    ):
        yield from (wish for wish in read if wish is not None)
    elif whole is not None:
        yield whole
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


def _framed(sentence: str) -> Wish | None:
    for pattern, make in _FRAMES:
        match = pattern.match(sentence)
        wish = make(match) if match else None
        if wish is not None and wish.text and not _EMPTY.match(wish.text):
            return _split_rival(wish)
    return None


def _split_rival(wish: Wish) -> Wish:
    """`in euros, not in dollars`: the first is wanted, the second only set aside."""
    rival = _RIVAL.match(wish.text)
    if rival is None or wish.sense not in {"do", "avoid"}:
        return wish
    x, y = rival["x"] or rival["x2"], rival["y"] or rival["y2"]
    if wish.sense == "avoid":
        return replace(wish, text=x.strip(" ,"))
    # The words stay whole where they are a rule as they are; what they are about is the wanted half.
    return replace(wish, text=x.strip(" ,"), against=y.strip(" ,"))


def _tells(sentence: str) -> bool:
    """Whether it says what something is or where it belongs: a rule as it stands."""
    return _TELLS.search(sentence) is not None and _is_statement(sentence)


def _is_statement(sentence: str) -> bool:
    words = sentence.split()
    first = words[0].lower()
    story = first in {"i", "we", "my", "he", "she", "yesterday", "today", "why", "what", "who", "how"}
    return 4 <= len(words) <= 45 and not story and len(about(sentence).tokens) >= 2


def _verb(text: str, *, asked: bool = True) -> Wish | None:
    """What follows `should` or `could you`: an infinitive, with `not`, `be`, `stop` and `always` read apart."""
    text = (
        re.sub(rf"^(?:{_ADVERB} )+", "", text, flags=re.IGNORECASE)
        if not text[:6].lower() == "always"
        else text
    )
    negated = re.match(r"(?:not |never )(?:be (?=\w+ing\b))?(?P<rest>.+)$", text, re.IGNORECASE)
    if negated:
        return _unwanted(negated["rest"], asked=asked)
    always = re.match(r"always (?P<rest>.+)$", text, re.IGNORECASE)
    if always:
        return Wish("do", "always", always["rest"], asked=asked) if plain(always["rest"]) else None
    text = re.sub(r"^have (?=\w+(?:ed|en|d|t)\b)", "", text, flags=re.IGNORECASE)
    be = re.match(r"(?:be|been|is|are|stay|become|sound|come|get) (?P<rest>.+)$", text, re.IGNORECASE)
    if be:
        return _trait(be["rest"], asked=asked)
    framed = _FRAME_STOP.match(text)
    if framed:
        return _unwanted(framed["x"], asked=asked)
    base = plain(text)
    return None if base is None else Wish("do", "verb", base, asked=asked)


def _trait(text: str, *, asked: bool = True) -> Wish:
    text = re.sub(
        r"^(?:a (?:little |tiny )?bit |much |far |way |a lot |written |answered |given |sent |in fact )+",
        "",
        text,
    )
    less = re.match(r"(?:less|not so|not too|not as|not) (?P<rest>.+)$", text, re.IGNORECASE)
    if less:
        return Wish("avoid", "trait", less["rest"], asked=asked)
    return Wish("do", "trait", text, asked=asked)


def _unwanted(text: str, *, asked: bool = True) -> Wish | None:
    base = plain(text)
    if base is not None and re.match(r"(?:be|been|being|is|was) ", text, re.IGNORECASE):
        return Wish("avoid", "trait", base[3:], asked=asked)
    if is_gerund(text):
        return Wish("avoid", "verb" if base else "gerund", base or text, asked=asked)
    if is_plain(text) and base is not None:
        return Wish("avoid", "verb", base, asked=asked)
    return Wish("avoid", "thing", _bare(text), asked=asked)


def _avoided(match: re.Match[str]) -> Wish | None:
    return _unwanted(match["x"], asked=False)


def _thing(text: str, *, asked: bool = False) -> Wish:
    how = re.match(r"(?:it|this|that|them) (?P<v>(?:as|in|with) .+)$", text, re.IGNORECASE)
    return _trait(how["v"], asked=asked) if how else Wish("do", "thing", _bare(text), asked=asked)


def _bare(text: str) -> str:
    """A thing without what points at it, and without what is said of it afterwards."""
    text = re.split(
        r",| because | since | so | (?:we|i|you|they) (?:can|do|have|are|need)", text, flags=re.IGNORECASE
    )[0]
    return re.sub(
        r"^(?:any|some|all (?:this|the|these|that)|this|these|those|such|the usual) ", "", text.strip(" .!?")
    )


def _clause(match: re.Match[str]) -> Wish | None:
    who, rest = match["who"].strip(), match["v"]
    told = re.search(r",|\b(?:is|are|was|were|has|had|did|does|do|got)\b", who, re.IGNORECASE)
    if (
        told
        or re.match(r"(?:i|we|he|she|who|what|why|how|that)\b", who, re.IGNORECASE)
        or len(who.split()) > 8
    ):
        return None
    if who.lower() == "there":
        return _thing(re.sub(r"^(?:always )?be ", "", rest), asked=True)
    no = "not " if match["no"] else ""
    return Wish("avoid" if no else "do", "clause", f"{who} must {no}{rest}")


def _past(match: re.Match[str]) -> Wish | None:
    """`if it mentioned X`, `did not mention X`: a verb in whatever form."""
    return _verb(match["v"], asked="asked" in match.re.groupindex)


def _repeated(match: re.Match[str]) -> Wish | None:
    """`it always says X`: what it does is what is minded."""
    base = plain(match["v"])
    return None if base is None else _unwanted(base, asked=False)


def _house(match: re.Match[str]) -> Wish | None:
    no = bool(match["no"])
    base = plain(match["v"])
    if base is None or base.split(" ")[0] in {"be", "have", "get", "wait", "try", "do", "go"}:
        return None
    return _unwanted(base) if no else Wish("do", "verb", base)


def _known(match: re.Match[str]) -> Wish | None:
    plainly = is_plain(match["v"]) and not re.match(r"\w+[,:]", match["v"])
    return Wish("do", "verb", match["v"]) if plainly else None


def _preposition(match: re.Match[str]) -> Wish | None:
    found = about(match["v"])
    return Wish("do", "trait", match["v"]) if found.tokens and len(match["v"].split()) <= 8 else None


def _compared(match: re.Match[str]) -> Wish | None:
    word, rest = match["how"].lower(), match["x"]
    if word == "more":
        return Wish("do", "more", rest)
    return Wish("avoid", "fewer", rest)


def _graded(match: re.Match[str]) -> Wish | None:
    """`too long`; `so` and `very` only where the word stands on a scale."""
    trait = match["x"]
    if match["how"].lower() in {"so", "very", "pretty", "quite", "rather"} and not about(trait).values:
        return None
    return Wish("avoid", "trait", trait, asked=False) if len(trait.split()) <= 4 else None


def _scale(match: re.Match[str]) -> Wish | None:
    """One word or two on a scale: `shorter`, `more polite`, `english`, `a bit long`."""
    text = match["x"]
    found = about(text)
    if not found.values or set(found.tokens) != {scale for scale, _ in found.values}:
        return None
    if re.match(r"(?:more |less |\w+er\b)", text, re.IGNORECASE):
        return _trait(text)
    if any(opposite(*value) is None for value in found.values):
        return Wish("do", "trait", text)
    minded = any(scale == "length" or value in _MINDED for scale, value in found.values)
    return Wish("avoid", "trait", text, asked=False) if minded else None


def _supposed(match: re.Match[str]) -> Wish | None:
    who = match["who"].strip()
    return Wish("do", "clause", f"{who} must be {match['v']}") if len(who.split()) <= 5 else None


def _frame(pattern: str, make: Make) -> tuple[re.Pattern[str], Make]:
    return re.compile(rf"^{pattern}[.!? ]*$", re.IGNORECASE), make


_FRAME_STOP = re.compile(
    r"^(?:stop|quit|avoid|cease|refrain from|skip|drop|remove|omit|leave out|get rid of|cut(?: out)?|lose|spare (?:me|us)"
    r"|do without|leave off|no more|enough (?:of|with)|enough|less|fewer|ditch)(?: with)? (?P<x>.+)$",
    re.IGNORECASE,
)
_FRAMES = (
    # Not needed: what a rule asks for and nobody wants.
    _frame(rf"(?:there is )?(?:absolutely )?no need (?:to (?P<v>.+)|(?:for|of) (?P<x>.+))", lambda m: Wish(
        "spare", "verb", plain(m["v"]) or m["v"]) if m["v"] else Wish("spare", "thing", _bare(m["x"]))),
    _frame(rf"(?:{_WHO} |we |i )?(?:do|does|did|should|would) not (?:have|need) to {_V}", lambda m: Wish(
        "spare", "verb", plain(m["v"]) or m["v"])),
    _frame(rf"{_X} (?:is|are|was|were) (?:totally |really |completely |just |so |quite )?(?:not (?:really )?(?:needed"
           r"|necessary|required|wanted|helpful|useful)|unnecessary|superfluous|pointless|needless|redundant|useless"
           r"|unwanted|annoying|irritating|silly|out of place|over the top|unprofessional)", _avoided),
    # Asked for.
    _frame(rf"(?:can|could|would|will|may) (?:{_WHO}|we|i) {_A}(?:mind )?(?P<x>{_NOT}?.+)",
           lambda m: _verb(plain(m["x"]) or m["x"])),
    _frame(rf"(?:it|that) (?:would|might|will|could) (?:be|help|make|improve).{{0,40}}? (?:if|when) (?:{_WHO}|we|i|there) "
           rf"{_A}(?:could |would |can |will )?{_A}(?P<v>.+)(?P<asked>)", _past),
    _frame(r"(?:it|that) (?:would|might|will|could) (?:be|help|make|improve).{0,40}? (?:if|when) (?P<who>.{2,40}?) "
           r"(?:was|were|is|are|could be|would be) (?P<v>.+)", _supposed),
    _frame(r"(?:it |that |this )?would (?:be|have been) \w+(?: \w+)? to (?:see|have|get|know|find|read) (?P<x>.+)",
           lambda m: _thing(m["x"], asked=True)),
    _frame(rf"(?:it |that )?would (?:be|have been) \w+(?: \w+)? to {_V}", lambda m: _verb(m["v"])),
    _frame(rf"(?:i|we)(?: would)? (?:really |just |all |also )?(?:wish|want|like|love|prefer|need|expect)(?:ed)? "
           rf"(?:that |for )?(?:{_WHO}) (?:to |would |could |should )?{_V}(?P<asked>)", _past),
    _frame(r"(?:i|we)(?: would)? (?:really |just |all |also )?(?:want|like|love|prefer|need|expect|miss|lack)(?:ed)? "
           r"(?:to (?:see|have|get|know|read|find) )?(?P<x>.+)", lambda m: _thing(m["x"], asked=True)),
    _frame(rf"(?:{_WHO} )?{_A}{_MUST} {_A}(?P<v>.+)(?P<asked>)", _past),
    _frame(rf"(?:{_WHO} )(?:also )?needs? (?P<x>.+)", lambda m: _thing(m["x"], asked=True)),
    _frame(rf"needs? (?P<x>.+)", lambda m: _thing(m["x"], asked=True)),
    _frame(rf"(?:make|be) sure (?:that |to )?(?:{_WHO} )?(?:{_MUST} )?(?P<v>.+)(?P<asked>)", _past),
    _frame(rf"(?:remember|try|aim|take care|ensure|see)(?: that| to)? (?:{_WHO} )?{_V}(?P<asked>)", _past),
    _frame(rf"(?:do not|never|you|they|it) (?:forget|omit|leave out|skip|miss) (?:to (?P<v>.+)|(?:about )?(?P<x>.+))",
           lambda m: _verb(m["v"]) if m["v"] else _thing(m["x"], asked=True)),
    _frame(rf"(?:do not|does not|cannot) (?:like|want|need|care for|wish|appreciate) (?P<x>.+)", _avoided),
    _frame(rf"(?:please )?(?:do not|cannot|must not|should not) (?P<x>.+)", lambda m: _unwanted(m["x"])),
    _frame(rf"never (?P<v>.+)", lambda m: Wish("avoid", "never", plain(m["v"]) or "") if plain(m["v"]) else None),
    _frame(rf"always (?P<v>.+)", lambda m: Wish("do", "always", m["v"]) if is_plain(m["v"]) else None),
    _frame(r"(?:(?:a )?max(?:imum)?(?: of)?|at most|not more than|no more than|no longer than|up to) (?P<x>\S+ .+)",
           lambda m: Wish("do", "verb", f"use at most {m['x']}")),
    (_FRAME_STOP, lambda m: _unwanted(m["x"])),
    _frame(rf"(?:i |we |really |so )*(?:am |are )?(?:(?:annoyed|irritated|bothered) by|tired of|sick of|fed up with|hate|dislike"
           rf"|(?:do|did) not (?:like|want|need|care for|appreciate)|(?:nobody|no one|no-one|none of us) (?:wants|needs|likes|asked for)) "
           r"(?:it when it |to (?:see|read|hear|get) )?(?P<x>.+)", _avoided),
    # Found lacking.
    _frame(rf"why (?:is|are) there (?:no|not any) (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"why (?:is|are|was|were) there (?:always |so many |so much |still )*(?P<x>.+)", _avoided),
    _frame(rf"why no (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"why (?:do|does|did|can|could|is|are|was|were)? ?(?:{_WHO} )?not {_A}(?P<v>.+)", lambda m: _verb(
        m["v"], asked=False) or _trait(m["v"], asked=False)),
    _frame(rf"why (?:do|does|did|must|would) {_WHO} {_A}(?:keep(?: on)? |have to |need to )?(?P<x>.+)", _avoided),
    _frame(rf"why (?:is|are|was|were) {_WHO} {_A}(?:so |too )?(?P<x>.+)", lambda m: Wish(
        "avoid", "trait", m["x"], asked=False)),
    _frame(rf"why (?P<x>(?:all |so many |so much )?.+)", _avoided),
    _frame(r"(?:and |so )?(?:where|what|which)(?: is| are| was| were| about| happened to|'s)? (?P<x>(?:the|my|our|its|order|"
           r"ticket|case|invoice)\b.+)", lambda m: _thing(m["x"])),
    _frame(rf"(?:{_WHO} |there (?:is|are|was|were) |i see |(?:has|have|had|got|with) |came )*(?:has |have |had |with |got |came with |"
           r"contains |contained |shows |showed )no (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"(?:there (?:is|are|was|were)|i (?:see|saw|got|found|find)) (?:no|not any) (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"(?:i |we )?(?:could|can|did|do)(?: ?not) (?:find|see|spot|get) (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"cannot (?:find|see|spot) (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(rf"(?:{_WHO} )?{_A}(?:do|does|did|will|has|have|had) not {_A}(?:have|contain|come with) (?P<x>.+)",
           lambda m: _thing(m["x"])),
    _frame(rf"(?:{_WHO} )?{_A}(?:do|does|did|will|has|have|had) not {_A}(?P<v>.+)", _past),
    _frame(rf"(?:{_WHO} )?(?:is|are|was|were) not (?:really |even |very |at all )?(?P<v>(?:in|with|by|as|at) .+)",
           lambda m: _trait(m["v"], asked=False)),
    _frame(rf"(?:{_WHO} )?(?:is|are|was|were) not (?:really |even |very )?(?P<x>.+?)(?: enough)?", lambda m: Wish(
        "do", "trait", m["x"], asked=False) if about(m["x"]).values else None),
    _frame(r"not (?:really |very )?(?P<x>.+?)(?: enough)?", lambda m: Wish("do", "trait", m["x"], asked=False)
           if any(opposite(*value) for value in about(m["x"]).values) else None),
    _frame(rf"{_X} (?:(?:is|are|was|were|has been|have been|got|gets) )?(?:still |again |always |often |completely |once more )*"
           r"(?:missing|absent|lacking|left out|forgotten|omitted|skipped|(?:is |are |was |were )?not (?:mentioned|given|included|there"
           r"|stated|shown|present|named|in (?:it|there|the \w+)|provided|quoted|listed)|nowhere(?: to be (?:found|seen))?)"
           r"(?: (?:from|in|again).*)?",
           lambda m: _thing(m["x"])),
    _frame(rf"(?:{_WHO} |you )?{_A}(?:failed|fails|forgot|forgets|neglects|neglected|omits|refuses) to (?P<v>.+)", _past),
    _frame(rf"(?:{_WHO} |you )?{_A}(?:missing|misses|missed|miss|lacks?|lacking|lacked|forgot|forgets|forgotten|omits|omitted|"
           r"left out|leaves out|leaves off|came without|comes without|is without|skips|skipped|dropped) (?P<x>.+)", lambda m: _thing(m["x"])),
    _frame(r"(?:way |far |just |really )?too (?:many|much) (?P<x>.+)", lambda m: Wish(
        "avoid", "fewer", _bare(m["x"]), asked=False)),
    _frame(rf"(?:{_WHO} )(?:has|have|had|uses?|used|contains?|contained) (?:way |far )?too (?:many|much) (?P<x>.+)", lambda m: Wish(
        "avoid", "fewer", _bare(m["x"]), asked=False)),
    _frame(rf"{_WHO} (?P<v>\w+(?: .+)? (?:too|so) (?:often|much|many times)(?: .+)?)", _repeated),
    _frame(rf"(?P<v>\w+(?: .+)? (?:too|so) (?:often|much|many times))", _repeated),
    _frame(rf"(?:{_WHO} )?(?:always|constantly|keeps(?: on)?|kept|forever|all the time|every time) (?P<v>\w+.*)", _repeated),
    _frame(rf"{_WHO} keep(?: on)? (?P<v>\w+.*)", _repeated),
    _frame(rf"(?:.{{0,40}}? (?:is|are|was|were|feels?|sounds?|seems?|looks?|became) )?(?:a (?:little )?bit |a little |way |far |much |"
           rf"just |really |still )*(?P<how>too|so|very|pretty|quite|rather) {_X}(?: for (?:me|us|a \w+))?", _graded),
    _frame(rf"(?:unnecessary|needless|pointless|annoying|superfluous|unwanted|silly) (?P<x>.+)", _avoided),
    # Said in short.
    _frame(r"be (?P<v>.+)", lambda m: _trait(m["v"])),
    _frame(r"only (?P<x>.+)", lambda m: Wish("do", "verb", f"use only {_bare(m['x'])}")),
    _frame(rf"no (?P<x>.+)", lambda m: Wish("no", "thing", _bare(m["x"]))),
    _frame(rf"(?:with)?out (?P<x>.+)", lambda m: Wish("no", "thing", _bare(m["x"]))),
    _frame(r"(?:a (?:little )?bit |a little |much |way )?(?P<x>(?:more |less )?\w+(?: \w+)?)", _scale),
    _frame(r"(?P<how>more|less|fewer) (?P<x>.+)", _compared),
    _frame(rf"(?P<who>.{{2,60}}?) {_A}{_MUST} {_A}(?P<no>not |never )?{_A}{_V}", _clause),
    _frame(rf"(?:here |usually |normally |in our team )*we (?:always |usually |normally |only |just )?(?P<no>never |do not )?{_V}", _house),
    _frame(r"(?P<v>(?:in|with|by|as|at) .+)", _preposition),
    _frame(r"(?P<v>.+)", _known),
)  # fmt: skip
