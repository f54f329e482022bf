"""Assertions that count words an answer shares with reference texts: bleu, gleu, meteor, rouge-n.

The home of sacrebleu, nltk and rouge-score. They compare wording and know no meaning. Case does not count. With several
references bleu takes them together, as its definition says; of the others the best score counts.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, share_threshold
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.libraries import lacks
from promptvc.evaluation.assertions.text import as_text

_LONGEST_STEM = 60  # letters; the stemmer takes the square of a word's length, and no word is longer
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """The answer scores at least ``threshold`` (or the metric's ``default``) against a reference in ``value``.

    ``measure`` gives the score, 0..1, of an answer against the references.
    """

    measure: Callable[[str, Sequence[str]], float]
    default: float
    library: str
    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """A text or a list of texts, a share as the threshold, and the library."""
        wanted = _references(assertion.value)
        if not wanted or not all(text.strip() for text in wanted):
            return "needs a text or a list of texts as its `value`"
        return share_threshold(assertion) or lacks(self.library)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """The score; it passes from the threshold on."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        threshold = self.default if assertion.threshold is None else assertion.threshold
        return Grade.reaching(self.measure(answer.text, _references(assertion.value)), threshold)


def bleu(text: str, references: Sequence[str]) -> float:
    """BLEU of one text, 0..1, as sacrebleu computes it for sentences.

    Papineni et al., BLEU: a method for automatic evaluation of machine translation, 2002 (doi 10.3115/1073083.1073135):
    the geometric mean of the shares of 1- to 4-grams that a reference has too, times a penalty for being shorter.
    Tokens as of mteval-v13a; exponential smoothing (Chen and Cherry 2014); of a text with fewer than four words only
    the orders it has count, so that a short text can score 1.
    """
    found: float = _bleu().sentence_score(text, list(references)).score
    return found / 100


def gleu(text: str, references: Sequence[str]) -> float:
    """GLEU, 0..1, as nltk computes it: the smaller of precision and recall of all 1- to 4-grams together.

    Wu et al., Google's neural machine translation system, 2016 (arXiv 1609.08144), section 6.1.
    """
    return float(_gleu()([_words(each) for each in references], _words(text)))


def meteor(text: str, references: Sequence[str]) -> float:
    """METEOR, 0..1, with two of its three stages: equal words, then words of equal stem (Porter).

    The third, synonyms of WordNet, is left out: it takes data that no package carries, and a score must not depend on
    what is on a disk. Lavie and Agarwal, METEOR, 2007, with alpha 0.9, beta 3, gamma 0.5: with P and R the shares of
    words matched, F = P R / (0.9 P + 0.1 R), times 1 - 0.5 (chunks / matches)^3; so one word alone scores 0.5 at most.
    Words are matched from the end, as nltk does, in time linear in the texts.
    """
    words = _words(text)
    return max(_meteor(words, _words(each)) for each in references)


def rouge_1(text: str, references: Sequence[str]) -> float:
    """ROUGE-1, 0..1, of rouge-score: the share of a reference's words that the answer has, each as often.

    Lin, ROUGE: a package for automatic evaluation of summaries, 2004, section 2: a recall, so a long answer is not
    punished. promptfoo's `rouge-n` is this, with n = 1. Words are letters and digits of any script.
    """
    scorer = _rouge()
    return max(float(scorer.score(each, text)["rouge1"].recall) for each in references)


BLEU = Overlap(bleu, 0.5, "sacrebleu")
GLEU = Overlap(gleu, 0.5, "nltk")
METEOR = Overlap(meteor, 0.5, "nltk")
ROUGE_N = Overlap(rouge_1, 0.75, "rouge_score")


def _references(value: Any) -> list[str]:
    """The texts, none where one of them is no text."""
    texts = [as_text(each) for each in value] if isinstance(value, list | tuple) else [as_text(value)]
    return [text for text in texts if text is not None] if None not in texts else []


def _words(text: str) -> list[str]:
    """Words as promptfoo's gleu and meteor take them: between white space, in lower case, no full stop."""
    return [stripped for word in text.lower().split() if (stripped := word.rstrip("."))]


def _meteor(words: list[str], reference: list[str]) -> float:
    pairs, words_left, reference_left = _matches(dict(enumerate(words)), dict(enumerate(reference)))
    stem = _stem()
    more, _, _ = _matches(
        {at: stem(word) for at, word in words_left.items()},
        {at: stem(word) for at, word in reference_left.items()},
    )
    matched = sorted(pairs + more)
    if not matched:
        return 0.0
    precision, recall = len(matched) / len(words), len(matched) / len(reference)
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    chunks = 1 + sum(
        (after[0] - before[0], after[1] - before[1]) != (1, 1)
        for before, after in itertools.pairwise(matched)
    )
    return mean * (1 - 0.5 * (chunks / len(matched)) ** 3)


def _matches(
    words: dict[int, str], reference: dict[int, str]
) -> tuple[list[tuple[int, int]], dict[int, str], dict[int, str]]:
    """Pairs of places with equal words, the last with the last; and what is left of both."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at, word in reference.items():
        places[word].append(at)
    pairs = [(at, places[word].pop()) for at, word in reversed(words.items()) if places.get(word)]
    mine, theirs = {at for at, _ in pairs}, {at for _, at in pairs}
    return (
        pairs,
        {at: word for at, word in words.items() if at not in mine},
        {at: word for at, word in reference.items() if at not in theirs},
    )


class _AnyScript:
    """A tokenizer for rouge-score, whose own knows only a to z and would find no word in Greek or Chinese."""

    def tokenize(self, text: str) -> list[str]:
        """Runs of letters and digits, in lower case."""
        return _WORD.findall(text.lower())


@functools.cache
def _bleu() -> Any:
    from sacrebleu.metrics import bleu as metric

    return metric.BLEU(lowercase=True, effective_order=True)


@functools.cache
def _gleu() -> Callable[[list[list[str]], list[str]], float]:
    from nltk.translate.gleu_score import sentence_gleu

    found: Callable[[list[list[str]], list[str]], float] = sentence_gleu
    return found


@functools.cache
def _stem() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer

    stem = PorterStemmer().stem
    return functools.lru_cache(maxsize=50_000)(lambda word: word if len(word) > _LONGEST_STEM else stem(word))


@functools.cache
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1"], tokenizer=_AnyScript())
