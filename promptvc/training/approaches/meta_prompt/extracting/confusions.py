"""Labels that are corrected into one another: `A message about a refund is refunds, not billing.`

What tells the two apart are words of the corrected inputs: in at least :data:`COMMON` of them, from more than one
person, and wherever else they occur with a known right answer it is nearly always the same (:data:`SURE`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS
from promptvc.models.instructions import read_labels
from promptvc.models.words import FUNCTION_WORDS, words_of
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extracting.finding import Finding, voice_of
from promptvc.training.approaches.screening import screened
from promptvc.training.data.signals import Signal

FEWEST = 3
PEOPLE = 2
COMMON = 0.4
SURE = 0.7
MOST_WORDS = 3
MUCH, MANY = 5, 3
"""Corrections, and people, from which a pair alone is worth a rule."""
MOST_UNTOLD = 2
"""Rules of pairs alone: they say little, and there may be one for every pair."""

_LONGEST_LABEL = 40


def labels_of(prompt: Prompt) -> tuple[str, ...]:
    """The labels that the prompt's system messages name, in their order."""
    text = "\n".join(message.content for message in prompt.messages if message.role == "system")
    return tuple(label.name for label in read_labels(text).labels)


def confusions(
    signals: Sequence[Signal], prompt: Prompt, thresholds: FeedbackSettings = THRESHOLDS
) -> list[Finding]:
    """For each pair of labels that is corrected often enough and one way, a rule."""
    known = {label.casefold(): label for label in labels_of(prompt)}
    pairs: dict[tuple[str, str], list[Signal]] = {}
    for signal in signals:
        wrong, right = _label(signal.output, known), _label(signal.corrected, known)
        if wrong and right and wrong != right:
            pairs.setdefault((wrong, right), []).append(signal)
    rights = {signal.id: right for signal in signals if (right := _right(signal, thresholds)) is not None}
    told: list[Finding] = []
    untold: list[Finding] = []
    for (wrong, right), group in sorted(pairs.items()):
        voices = len({voice_of(signal, " ".join((signal.input or {}).values())) for signal in group})
        back = len(pairs.get((right, wrong), ()))
        if len(group) >= FEWEST and voices >= PEOPLE and 4 * back <= len(group):
            by_words = _by_words(group, signals, rights, (wrong, right))
            if by_words is not None:
                told.append(by_words)
            elif len(group) >= MUCH and voices >= MANY:
                text = f"Where both {right} and {wrong} seem to fit, answer {right}."
                untold.append(Finding(text, tuple(group), voices, "correct"))
    untold.sort(key=lambda finding: (-finding.voices, -len(finding.signals), finding.text))
    return told + untold[:MOST_UNTOLD]


def _by_words(
    group: Sequence[Signal], signals: Sequence[Signal], rights: Mapping[str, str], labels: tuple[str, str]
) -> Finding | None:
    """The rule by the words that tell the two apart; None where none do."""
    wrong, right = labels
    words = _telling(group, [signal for signal in signals if signal.id in rights], rights, labels)
    if not words:
        return None
    telling = tuple(signal for signal in group if set(words) & _words(signal))
    people = {voice_of(signal, " ".join((signal.input or {}).values())) for signal in telling}
    return Finding(
        f"A message about {_either(words)} is {right}, not {wrong}.", telling, len(people), "correct"
    )


def _telling(
    group: Sequence[Signal], known: Sequence[Signal], rights: Mapping[str, str], labels: tuple[str, str]
) -> list[str]:
    """The words of ``group`` that mean its label, those of most inputs first.

    Args:
        known: signals whose right answer ``rights`` has by their id.
    """
    right = labels[1]
    own = {word for label in labels for word in words_of(label.replace("_", " "))}
    mine: dict[str, set[str]] = {}
    for signal in group:
        for word in _words(signal) - own:
            mine.setdefault(word, set()).add(signal.user)
    count = Counter(word for signal in group for word in _words(signal))
    having = Counter(word for signal in known for word in _words(signal))
    meant = Counter(
        word for signal in known if rights[signal.id] == right.casefold() for word in _words(signal)
    )
    telling = [
        word
        for word, users in sorted(mine.items())
        if count[word] >= max(FEWEST, COMMON * len(group))
        and len(users) >= PEOPLE
        and meant[word] >= SURE * (having[word] + 1)
    ]
    return sorted(telling, key=lambda word: (-count[word], word))[:MOST_WORDS]


def _right(signal: Signal, thresholds: FeedbackSettings) -> str | None:
    """The answer that is right for its input, as far as a person says; in lower case."""
    if signal.corrected is not None:
        return signal.corrected.strip().casefold()
    good = signal.score is not None and signal.score >= thresholds.positive and not signal.judged
    return signal.output.strip().casefold() if good and signal.output else None


def _words(signal: Signal) -> set[str]:
    text = " ".join((signal.input or {}).values())
    return {
        word
        for word in words_of(text)
        if len(word) >= 3 and word.isalpha() and len(word) <= 20 and word not in FUNCTION_WORDS
    }


def _label(text: str | None, known: Mapping[str, str]) -> str | None:
    """The label that an answer is: one of the prompt's; any short one where it names none."""
    if not text or len(text.strip()) > _LONGEST_LABEL or "\n" in text.strip():
        return None
    bare = text.strip().strip(".\"'`").strip()
    if known:
        return known.get(bare.casefold())
    return bare if bare and len(bare.split()) <= 3 and screened(bare) == bare else None


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
