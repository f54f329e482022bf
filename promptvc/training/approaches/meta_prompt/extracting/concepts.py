"""What words of feedback are about: everyday words for one thing are one concept, opposites are two ends of one scale.

The table is of words about answers (their language, length, tone, parts), not of any subject matter: subjects are
compared by their own words. What it does not know is compared by stems and pieces of words
(:mod:`promptvc.models.words`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.models.words import FUNCTION_WORDS, features, stem, words_of

_CONCEPTS = """
apology: apology apologies apologise apologize apologising apologizing apologised apologized apologetic sorry regret
 regrets forgive pardon excuse excuses entschuldigung entschuldigungen excuser désolé
end: end ends ending finish finishing close closing conclude concluding conclusion last final finally ende schluss fin
begin: begin beginning start starting starts open opening opener first intro introduction anfang début
question: question questions ask asking asks asked frage fragen counter-question
number: number numbers nr num id ids nummer numéro
greeting: greet greeting greetings hello hi dear salutation hallo anrede bonjour
2: two twice
3: three
4: four
5: five
6: six
7: seven
8: eight
9: nine
10: ten
emoji: emoji emojis emoticon emoticons smiley smileys
bullet: bullet bullets list lists bulleted bulletpoint bulletpoints
amount: amount amounts sum sums total totals price prices cost costs figure figures betrag preis preise prix montant
step: step steps
repeat: repeat repeats repeating repeated repetition repetitive repetitions
source: source sources cite citation citations
link: link links url urls
date: date dates datum
capital: caps capital capitals uppercase capitalised capitalized
name: name names
summary: summary summarise summarize summarised summary
explain: explain explains explanation explanations reason reasons reasoning why
promise: promise promises promising promised guarantee guarantees
json: json
table: table tables
heading: heading headings headline headlines header headers
paragraph: paragraph paragraphs
example: example examples
order: order orders ordered purchase bestellung commande
thank: thank thanks thanking
advert: advert adverts advertising advertisement ads promotion promote upsell upselling marketing
"""
# Scales with two ends: not to want the one is to want the other.
_OPPOSITES = """
length: short shorter shortest brief briefer briefly concise succinct compact terse kurz kürzer court
 | long longer lengthy verbose wordy longwinded rambling rambles waffle waffling wall novel essay lang länger
detail: detail details detailed specific specifics precise concrete | vague generic unspecific superficial
tone: polite politer politely friendly friendlier kind kinder warm warmer courteous nice nicer
 | rude impolite unfriendly cold harsh unkind curt
ease: simple simpler simply plain plainer easy easier clear clearer understandable
 | complicated complex difficult confusing jargon technical unclear incomprehensible
register: formal | informal casual colloquial chummy slang
"""
# Scales with many values: not to want one says nothing of which.
_VALUES = """
language=english: english englisch anglais
language=german: german deutsch allemand
language=french: french französisch français
language=spanish: spanish spanisch espagnol español
language=italian: italian italienisch italien
language=dutch: dutch niederländisch
language=portuguese: portuguese
language=polish: polish
language=turkish: turkish
language=chinese: chinese mandarin
language=japanese: japanese
currency=euro: euro euros eur
currency=dollar: dollar dollars usd
currency=pound: pound pounds gbp sterling
currency=franc: franc francs chf
currency=yen: yen jpy
"""
_SCALES = {"language": "language", "languages": "language", "sprache": "language", "currency": "currency",
           "currencies": "currency", "tone": "tone", "length": "length"}  # fmt: skip
_SIGNS = {"€": " euro ", "$": " dollar ", "£": " pound ", "¥": " yen ", "#": " number "}
_SIGN = re.compile("[€$£¥#]")
_NUMERO = re.compile(r"\b(order|ticket|invoice|case|customer|reference) no\b", re.IGNORECASE)
# What nearly every remark on an answer says, whatever it is about.
_EVERYWHERE = """
answer answers answered answering reply replies replied replying respond response responses responds output outputs
text texts mail mails email emails e message messages draft drafts bot model assistant ai letter system chat
mention mentions mentioned mentioning include includes included including contain contains containing give gives given
giving gave state states stated say says said saying tell tells told telling write writes writing written wrote put
puts add adds added adding show shows showing provide provides provided use uses using used make makes making made sure
want wants need needs needed wish wishes prefer missing misses missed miss forgot forget forgets forgotten forgetting
lack lacks lacking absent omit omits omitted leave leaving left out without stop stops avoid quit keep keeps keeping
kept always never please pls plz bitte often still again every each time times must shall ought suggestion feedback
thing things something anything everything nothing way instead rather better best good bad well great fine wrong right
correct incorrect okay really quite bit lot lots many much more less few fewer enough one once only even
customer customers user users client people person everyone nobody somebody someone im ive id youre its thats there
would could might maybe perhaps also see seen saw read reading get gets got getting come comes came coming go goes
going went look looks like think feel know remember ensure try everytime nice annoying annoyed hate unnecessary
necessary needless pointless superfluous useless hello? ist sind nicht der die das ein eine und im in auf mit zu bei
le la les un une des du de et est pas en dans avec pour sur
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a text is about.

    Attributes:
        tokens: concepts, stems and scales (``language``), sorted.
        values: what it names on scales, ``(scale, value)``, sorted.
    """

    tokens: tuple[str, ...]
    values: tuple[tuple[str, str], ...] = ()


def opposite(scale: str, value: str) -> str | None:
    """The other end of a scale with two; None where it has more."""
    ends = _ENDS.get(scale)
    return None if ends is None else ends[1 - ends.index(value)]


@functools.lru_cache(maxsize=1 << 14)
def about(text: str) -> About:
    """The concepts of ``text``, without words that every remark has."""
    tokens: set[str] = set()
    values: set[tuple[str, str]] = set()
    plain = _NUMERO.sub(r"\1 number", _SIGN.sub(lambda found: _SIGNS[found[0]], text))
    for word in words_of(plain):
        value = _VALUE_OF.get(word)
        if value is not None:
            values.add(value)
            tokens.add(value[0])
        elif word in _SCALES:
            tokens.add(_SCALES[word])
        elif word in _CONCEPT_OF:
            tokens.add(_CONCEPT_OF[word])
        elif word not in _COMMON and word not in FUNCTION_WORDS and not _is_mark(word):
            tokens.add(_CONCEPT_OF.get(stem(word), stem(word)))
    # "in dollars" is of the currency, and every amount has one: the scale says more.
    if "currency" in tokens:
        tokens.discard("amount")
    return About(tuple(sorted(tokens)), tuple(sorted(values)))


def bag(tokens: Iterable[str], wanted: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Features as :class:`promptvc.models.similarity.Rarity` weighs them; ``wanted`` are values of scales."""
    counts: dict[str, int] = {}
    for token in tokens:
        found = {"w" + token: 1} if token in _KNOWN else features(token)
        for feature in found:
            counts[feature] = 1
    for scale, value in wanted:
        counts[f"w{scale}={value}"] = 1
    return counts


def _is_mark(word: str) -> bool:
    return len(word) == 1 and word.isascii() and not word.isdigit()


def _rows(table: str) -> list[tuple[str, str]]:
    joined = table.strip().replace("\n ", " ")
    return [(name.strip(), rest) for name, rest in (line.split(":", 1) for line in joined.splitlines())]


def _concepts() -> dict[str, str]:
    found = {}
    for name, words in _rows(_CONCEPTS):
        for word in words.split():
            found[word] = name
            found.setdefault(stem(word), name)
    return found


def _values() -> dict[str, tuple[str, str]]:
    found = {}
    for name, words in _rows(_VALUES):
        scale, value = name.split("=")
        found.update(dict.fromkeys(words.split(), (scale, value)))
    for scale, rest in _rows(_OPPOSITES):
        for side in rest.split("|"):
            first, *others = side.split()
            found.update(dict.fromkeys((first, *others), (scale, first)))
    return found


_CONCEPT_OF = _concepts()
_VALUE_OF = _values()
_ENDS = {scale: tuple(side.split()[0] for side in rest.split("|")) for scale, rest in _rows(_OPPOSITES)}
_COMMON = frozenset(_EVERYWHERE.split())
_KNOWN = frozenset({*_CONCEPT_OF.values(), *_SCALES.values(), *_ENDS, "language", "currency"})
