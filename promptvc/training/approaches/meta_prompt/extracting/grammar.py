"""The ways in which people put a wish or a complaint, as a table of patterns; the first that fits is taken.

A line is ``reading: pattern``. In a pattern, words in capitals stand for those of :data:`_WORDS`, X is what is spoken
of, and a group in braces, ``{a|b}``, may be left out. Patterns match whole sentences, whatever their case.
"""

from __future__ import annotations

import re
from dataclasses import replace

from promptvc.training.approaches.meta_prompt.extracting.readings import READINGS, STOP, Reading
from promptvc.training.approaches.meta_prompt.extracting.wish import Wish

_ADVERB = (
    r"(?:(?:always|also|really|just|please|maybe|at least|still|again|often|simply|ever|even|only|better"
    r"|constantly) )"
)
_ANSWER = (
    r"(?:answers?|repl(?:y|ies)|responses?|outputs?|texts?|e-?mails?|mails?|messages?|drafts?|bots?|model|assistant|ai"
    r"|letters?|system|chat|tool|result|generated \w+)"
)
_ITS = (
    r"(?:all |every |each |most |your |the |these |those |some |its? |our |his )?"
    r"(?:whole |entire |first |model |bot )?"
)
_WORDS = {
    "STOPPING": STOP,
    "WHO": rf"(?:{_ITS}{_ANSWER}|you|it|this|that|they|these|those|one|he|she)",
    "EVER": f"{_ADVERB}*",
    "MUST": r"(?:should|must|shall|ought to|ha(?:s|ve|d) to|needs? to|better"
    r"|(?:is|are) (?:supposed|meant|required) to)",
    "NICE": r"(?:would|might|will|could) (?:be|help|make|improve).{0,40}?",
    "GOOD": r"would (?:be|have been) \w+(?: \w+)?",
    "TOSEE": r"to (?:see|have|get|know|find|read)",
    "WISH": r"(?:wish|want|like|love|prefer|need|expect|miss|lack)(?:ed)?",
    "WAS": r"(?:is|are|was|were)",
    "DID": r"(?:do|does|did|will|has|have|had)",
    "QUITE": r"(?:(?:totally|really|completely|just|so|quite|even|very|at all) )*",
    "TIRED": r"(?:(?:annoyed|irritated|bothered) by|tired of|sick of|fed up with|hate|dislike|(?:do|did) not"
    r" (?:like|want|need|care for|appreciate)|(?:nobody|no one|no-one|none of us) (?:wants|needs|likes|asked for))",
    "NEEDLESS": r"(?:not (?:really )?(?:needed|necessary|required|wanted|helpful|useful)|unnecessary|superfluous"
    r"|pointless|needless|redundant|useless|unwanted|annoying|irritating|silly|out of place|over the top"
    r"|unprofessional)",
    "GONE": r"(?:missing|absent|lacking|left out|forgotten|omitted|skipped|(?:WAS )?not (?:mentioned|given|included"
    r"|there|stated|shown|present|named|provided|quoted|listed"
    r"|in (?:it|there|the \w+))|nowhere(?: to be (?:found|seen))?)",
    "LACKS": r"(?:missing|misses|missed|miss|lacks?|lacking|lacked|forgot|forgets|forgotten|omits|omitted|left out"
    r"|leaves out|leaves off|came without|comes without|is without|skips|skipped|dropped)",
    "FAILS": r"(?:failed|fails|forgot|forgets|neglects|neglected|omits|refuses)",
    "OFTEN": r"(?:too|so) (?:often|much|many times)",
    "FEELS": r"(?:feels?|sounds?|seems?|looks?|became)",
    "BIT": r"(?:(?:a (?:little )?bit|a little|way|far|much|just|really|still) )*",
}
_TABLE = """
spared: {there is }{absolutely }no need (?:to|for|of) X
spared: {WHO |we |i }(?:do|does|did|should|would) not (?:have|need) to X
minded: X+ WAS QUITENEEDLESS
could: (?:can|could|would|will|may) (?:WHO|we|i) EVER{mind }X
asked: (?:it|that) NICE (?:if|when) (?:WHO|we|i|there) EVER{could |would |can |will }EVERX
supposed: (?:it|that) NICE (?:if|when) (?P<who>.{2,40}?) (?:was|were|is|are|could be|would be) X
thing: {it |that |this }GOOD TOSEE X
asked: {it |that }GOOD to X
asked: (?:i|we){ would} {really |just |all |also }WISH {that |for }WHO {to |would |could |should }X
thing: (?:i|we){ would} {really |just |all |also }WISH {TOSEE }X
asked: {WHO }EVERMUST EVERX
thing: {WHO {also }}needs? X
asked: (?:make|be) sure {that |to }{WHO }{MUST }X
asked: (?:remember|try|aim|take care|ensure|see){ that| to} {WHO }X
asked: (?:do not|never|you|they|it) (?:forget|omit|leave out|skip|miss) to X
thing: (?:do not|never|you|they|it) (?:forget|omit|leave out|skip|miss) {about }X
minded: (?:do not|does not|cannot) (?:like|want|need|care for|wish|appreciate) X
stop: {please }(?:do not|must not|should not) X
never: never X
always: always X
most: (?:{a }max{imum}{ of}|at most|not more than|no more than|no longer than|up to) (?P<x>\\S+ .+)
stop: STOPPING
minded: (?:i |we |really |so )*{am |are }TIRED {it when it |to (?:see|read|hear|get) }X
missing: why WAS there (?:no|not any) X
minded: why WAS there (?:always |so many |so much |still )*X
missing: why no X
why: why {do|does|did|can|could|is|are|was|were} ?{WHO }not EVERX
minded: why (?:do|does|did|must|would) WHO EVER{keep(?: on)? |have to |need to }X
being: why WAS WHO EVER{so |too }X
minded: why (?:do|does|did|must) (?:i|we) {always |still |have to }(?:get|see|have|read|receive) {so many |so much }X
minded: why (?!do |does |did |is |are |was |were |can |must ){all |so many |so much }X
missing: {and |so }(?:where|what|which){ is| are| was| were| about} (?P<x>(?:the|my|our|its|order|case)\\b.+)
missing: {WHO |there WAS |i see |came }(?:has|have|had|with|got|came with|contains|contained|shows|showed) no X
missing: (?:there WAS|i (?:see|saw|got|found|find)) (?:no|not any) X
missing: {i |we }(?:can|could|did|do) ?not (?:find|see|spot|get) X
missing: {WHO }EVERDID not EVER(?:have|contain|come with) X
lacked: {WHO }EVERDID not EVERX
not_so: {WHO }WAS not QUITE(?P<x>(?:in|with|by|as|at) .+)
valued: {WHO }WAS not QUITEX+{ enough}
ended: not QUITEX+{ enough}
missing: X+ {(?:WAS|has been|have been|gets) }(?:(?:still|again|always|often|completely) )*GONE{ (?:from|in|again).*}
lacked: {WHO |you }EVERFAILS to X
missing: {WHO |you }EVERLACKS X
many: {WHO (?:has|have|had|uses?|used|contains?|contained) }BITtoo (?:many|much) X
repeated: {WHO }(?P<x>\\w+(?: .+)? OFTEN(?: .+)?)
repeated: {WHO }(?:always|constantly|keeps{ on}|kept|forever|all the time|every time) (?P<x>\\w+.*)
repeated: WHO keep{ on} (?P<x>\\w+.*)
graded: (?:.{0,40}? (?:WAS|FEELS) )?BIT(?P<how>too|so|very|pretty|quite|rather) X+{ for (?:me|us|a \\w+)}
minded: (?:unnecessary|needless|pointless|annoying|superfluous|unwanted|silly) X
be: be X
only: only X
no: no X
no: {with}out X
scaled: BIT(?P<x>{more |less }\\w+{ \\w+})
more: more X
must: (?P<who>.{2,60}?) EVERMUST EVER(?P<no>not |never )?EVERX
house: {here |usually |in our team }we {always |usually |normally |only |just }(?P<no>never |do not )?X
placed: (?P<who>(?:all |the |every )?\\w+(?: \\w+)?) (?P<x>in .+)
preposition: (?P<x>(?:in|with|by) .+)
told: X
"""
_RIVAL = re.compile(
    r"^(?P<x>.{2,}?),? (?:instead of|rather than|in place of|and not|but not|(?<!do )(?<!is )(?<!are )not)"
    r"(?: in| with| to| as)? (?P<y>.+)$"
    r"|^not(?: in| with)? (?P<y2>.{2,}?),? but (?P<x2>.{2,})$",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"^(?:it|this|that|them|so|me|anything|something|nothing|everything|one|need|idea|way|problems?|complaints?|comments?"
    r"|thanks?|worries|issues?|doubt|clue|help|good|use|reason)$",
    re.IGNORECASE,
)


def framed(sentence: str) -> Wish | None:
    """The wish that a trimmed sentence is; None where no pattern fits."""
    for pattern, reading in _PATTERNS:
        match = pattern.match(sentence)
        wish = reading(match) if match else None
        if wish is not None and wish.text and not _EMPTY.match(wish.text):
            return _without_rival(wish)
    return None


def _without_rival(wish: Wish) -> Wish:
    """`in euros, not in dollars`: the first is wanted, the second only set aside."""
    rival = _RIVAL.match(wish.text)
    if rival is None or wish.sense not in {"do", "avoid"}:
        return wish
    wanted, other = rival["x"] or rival["x2"], rival["y"] or rival["y2"]
    against = other.strip(" ,") if wish.sense == "do" else ""
    return replace(wish, text=wanted.strip(" ,"), against=against)


_NAME = re.compile("|".join(_WORDS))
_OPTIONAL = re.compile(r"\{([^{}0-9][^{}]*)\}")


def _compiled(pattern: str) -> re.Pattern[str]:
    before = None
    while before != pattern:
        before = pattern
        pattern = _OPTIONAL.sub(r"(?:\1)?", pattern)
    for _ in range(2):  # GONE holds another word
        pattern = _NAME.sub(lambda found: _WORDS[found[0]], pattern)
    pattern = pattern.replace("X+", r"(?P<x>.+?)")
    if "(?P<x>" not in pattern:
        pattern = re.sub(r"\bX\b|(?<=\*|\)|\?)X\b", r"(?P<x>.+)", pattern)
    return re.compile(rf"^{pattern}[.!? ]*$", re.IGNORECASE)


_PATTERNS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (_compiled(pattern), READINGS[name])
    for name, pattern in (line.split(": ", 1) for line in _TABLE.strip().splitlines())
)
