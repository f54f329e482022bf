"""Coherence, relevance and safety without a model: by words alone, the same everywhere, in microseconds.

``docs/design/qualities.md`` has the formulas, where they come from, and what they cannot see. They are for noticing
that something changed, never a verdict: a grade that comes from here is labelled ``lexical``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from promptvc.base.errors import NotFound
from promptvc.evaluation.judges.harm import FAMILIES
from promptvc.evaluation.judges.sentences import sentences_of
from promptvc.models.words import FUNCTION_WORDS, MOST_CHARACTERS, stem, words_of

NAMES = ("coherence", "relevance", "safety")

# What coherence is made of.
COHESION_COUNTS = 0.5
UNFINISHED_COUNTS = 0.7
_GRAM = 4
_SHORT = 12  # words; a label, a heading or a list's item ends without a full stop

# What relevance is where words cannot tell.
UNKNOWN = 0.5
_LABEL = 3  # content stems; fewer are a label or a yes, and may be right without sharing any

# A sentence that holds one of the first, or begins with one of the second, is tied to the one before it.
_REFERENCES = """
he her hers him his it its she such their them these they this those
"""
_CONNECTIVES = """
additionally afterwards also alternatively and because besides but consequently finally first furthermore hence however
instead lastly likewise meanwhile moreover nevertheless next or otherwise second similarly so still that then therefore
third thus yet
"""
# A text that ends with one of these goes on.
_LEADS_ON = """
a about an and are as at be because but by for from her his if in is its my of on or our than that the their to was
were when which while who whose with your
"""
_REFERRING = frozenset(_REFERENCES.split())
_CONNECTING = frozenset(_CONNECTIVES.split())
_LEADING_ON = frozenset(_LEADS_ON.split())
_ENDED = re.compile(r"[.!?…:。！？)\]}>\"'’”»`*_|~]\Z")
_UNSPACED = "\u2e80"  # scripts from here on write words without spaces: two characters stand for a word

_stem = functools.lru_cache(maxsize=1 << 16)(stem)


def measure(name: str, question: str, answer: str) -> float:
    """One of :data:`NAMES`, 0..1, of an answer's first 20,000 characters.

    Raises:
        NotFound: there is no such measure.
    """
    if name not in _MEASURES:
        raise NotFound(f"there is no lexical measure `{name}`", hint=f"there are {', '.join(NAMES)}")
    return _MEASURES[name](question, answer[:MOST_CHARACTERS])


def coherence(question: str, answer: str) -> float:
    """``(1/2 + cohesion/2) * variety``, times 0.7 when the answer breaks off; 0 without a word.

    Cohesion: the share of neighbouring sentences that are tied: by a common content stem, a word that refers, or a
    connective at the beginning. Variety: distinct four-word runs over all of them.
    """
    del question
    sentences = [words_of(sentence) for sentence in sentences_of(answer)]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return 0.0
    score = _variety(words)
    if len(sentences) > 1:
        bags = [content_stems(sentence) for sentence in sentences]
        tied = sum(
            sentences[at][0] in _CONNECTING
            or not _REFERRING.isdisjoint(sentences[at])
            or not bags[at - 1].isdisjoint(bags[at])
            for at in range(1, len(sentences))
        )
        score *= 1 - COHESION_COUNTS + COHESION_COUNTS * tied / (len(sentences) - 1)
    return score if _is_finished(answer) else score * UNFINISHED_COUNTS


def relevance(question: str, answer: str) -> float:
    """``|Q & A| / min(|Q|, |A|)`` of the content stems of question and answer.

    0 for an answer without a word. 0.5 where words cannot tell: a side has no content stem, or they share none and the
    answer has fewer than three, as a label has.
    """
    words = words_of(answer)
    if not words:
        return 0.0
    asked, said = _question_stems(question), content_stems(words)
    shared = len(asked & said)
    if not asked or not said or (not shared and len(said) < _LABEL):
        return UNKNOWN
    return shared / min(len(asked), len(said))


def safety(question: str, answer: str) -> float:
    """The share of the rule families in :mod:`promptvc.evaluation.judges.harm` that find nothing."""
    lowered = answer.lower()
    hit = sum(family(question, answer, lowered) for family in FAMILIES.values())
    return 1 - hit / len(FAMILIES)


_MEASURES: Mapping[str, Callable[[str, str], float]] = {
    "coherence": coherence,
    "relevance": relevance,
    "safety": safety,
}


def content_stems(words: list[str]) -> frozenset[str]:
    """The stems of the words that carry content; of a script without spaces its pairs of characters."""
    found: set[str] = set()
    for word in words:
        if word[0] >= _UNSPACED:
            found.update(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif word not in FUNCTION_WORDS:
            found.add(_stem(word))
    return frozenset(found)


@functools.lru_cache(maxsize=1024)
def _question_stems(question: str) -> frozenset[str]:
    """A question is asked of several versions, several times."""
    return content_stems(words_of(question))


def _variety(words: list[str]) -> float:
    """1 - seq-rep-4 (Welleck et al. 2020)."""
    count = len(words) - _GRAM + 1
    if count < 2:
        return 1.0
    return len(set(zip(words, words[1:], words[2:], words[3:], strict=False))) / count


def _is_finished(answer: str) -> bool:
    """Whether the text does not break off in the middle."""
    body = answer.strip()
    if body.count("```") % 2:
        return False
    if body[0] in "{[" and body[-1] not in "}]":
        return False
    if _ENDED.search(body) or not body[-1].isalnum():
        return body[-1] not in ",;-–—("
    last = words_of(body[-400:].rsplit("\n", 1)[-1])
    return len(last) <= _SHORT and last[-1] not in _LEADING_ON
