"""Tags by dimension, and tags that are probably one: spelt in another case, in the plural, or with a slip."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.feedback.query.facts import Labelled, Tally, total

MOST_COMPARED = 1_000
"""Different tags that are compared for slips, the most frequent; more are no vocabulary."""

_SHORTEST = 5
"""Letters from which on one slip in a word is no other word: `cat` and `car` are two tags."""


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, the dimension whose vocabulary has it (None: no one's), and how many events carry it."""

    tag: str
    dimension: str | None
    events: int
    rated: int
    mean: float | None

    def to_json(self) -> dict[str, Any]:
        """As `feedback tags --json` prints it."""
        return {
            "tag": self.tag,
            "dimension": self.dimension,
            "events": self.events,
            "rated": self.rated,
            "mean": None if self.mean is None else round(self.mean, 9),
        }


@dataclass(frozen=True, slots=True)
class Twin:
    """A tag that is probably another one, which is in the vocabulary or more frequent; ``why``: case, plural, slip."""

    tag: str
    other: str
    why: str

    def to_json(self) -> dict[str, str]:
        """``{"tag", "other", "why"}``."""
        return {"tag": self.tag, "other": self.other, "why": self.why}

    @property
    def text(self) -> str:
        """One sentence for a person."""
        return f"the tag {self.tag!r} is probably {self.other!r} ({_WHY[self.why]})"


_WHY = {
    "case": "only case or separators differ",
    "plural": "singular and plural",
    "slip": "one letter differs",
}


def count(labelled: Iterable[Labelled], vocabulary: Mapping[str, Sequence[str]]) -> tuple[TagCount, ...]:
    """The tags by dimension, in the order of the vocabulary and then of the alphabet; unused words of it with 0."""
    tallies: dict[str, list[Tally]] = {}
    for one in labelled:
        tallies.setdefault(one.label, []).append(one.tally)
    found = {tag: total(tallies[tag]) for tag in sorted(tallies)}
    home = {word: name for name, words in reversed(list(vocabulary.items())) for word in words}
    known = [(word, name) for name, words in vocabulary.items() for word in words if home[word] == name]
    loose: list[tuple[str, str | None]] = [(tag, None) for tag in found if tag not in home]
    return tuple(
        TagCount(tag, dimension, tally.n, tally.rated, tally.mean)
        for tag, dimension in [*known, *loose]
        for tally in (found.get(tag, Tally()),)
    )


def twins(counts: Mapping[str, int], vocabulary: Iterable[str] = ()) -> tuple[Twin, ...]:
    """Tags that are probably others, each with the best of these: of the vocabulary first, then the most frequent.

    Args:
        counts: how many events carry each tag. What is in the vocabulary is never a twin.
    """
    known = dict.fromkeys(vocabulary)
    order = [
        *known,
        *sorted(
            (tag for tag in counts if tag not in known),
            key=lambda tag: (-counts[tag], tag != tag.casefold(), tag),
        ),
    ]
    same: dict[str, str] = {}
    plural: dict[str, str] = {}
    long: list[str] = []
    found = []
    for at, tag in enumerate(order):
        plain = _plain(tag)
        one = _singular(plain)
        twin = None
        if tag not in known:
            if plain in same:
                twin = Twin(tag, same[plain], "case")
            elif one in plural:
                twin = Twin(tag, plural[one], "plural")
            elif at < MOST_COMPARED and (near := next(_near(plain, long), None)) is not None:
                twin = Twin(tag, same[near], "slip")
        if twin is None:
            same.setdefault(plain, tag)
            plural.setdefault(one, tag)
            if len(plain) >= _SHORTEST and plain not in long:
                long.append(plain)
        else:
            found.append(twin)
    return tuple(sorted(found, key=lambda twin: twin.tag))


def remarks(tags: Iterable[str], vocabulary: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What to say of tags that are being recorded: a sentence for each that is probably a word of the vocabulary."""
    words = [word for words in vocabulary.values() for word in words]
    return tuple(twin.text for twin in twins(dict.fromkeys(tags, 1), words) if twin.other in words)


def _near(word: str, others: Iterable[str]) -> Iterator[str]:
    """Words that one letter more, less or other, or two changed places, make of ``word``; never where digits differ."""
    if len(word) < _SHORTEST:
        return
    for other in others:
        if abs(len(word) - len(other)) <= 1 and _one_slip(word, other):
            yield other


def _one_slip(word: str, other: str) -> bool:
    edits = [
        one
        for one in difflib.SequenceMatcher(None, word, other, autojunk=False).get_opcodes()
        if one[0] != "equal"
    ]
    changed = "".join(word[i:j] + other[k:m] for _, i, j, k, m in edits)
    if any(map(str.isdigit, changed)):
        return False  # v2 and v3 are two things
    if len(edits) == 1:
        _, i, j, k, m = edits[0]
        return max(j - i, m - k) == 1
    # Two letters that changed places are one taken out and one put in beside it.
    return (
        len(word) == len(other)
        and sum(a != b for a, b in zip(word, other, strict=True)) == 2
        and (sorted(word) == sorted(other) and len(changed) == 2)
    )


def _plain(tag: str) -> str:
    return "".join(letter for letter in tag.casefold() if letter not in " -_./")


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )
