"""How well redaction finds what it is to find, and lets stand what it is not; and how fast.

``python -m benchmarks.redaction [--misses]``. The labelled texts are in ``redaction.txt``, a third of them hard ones
with nothing to find: order numbers, versions, dates, hashes, prices. Recall: of what is labelled, the share whose every
letter and digit was replaced, by the right category. Precision: of what was replaced, the share that is labelled so.
They say how redaction does on these texts, not on yours: names and postal addresses are not looked for at all, and
are not labelled. A few texts are there because no shape tells them.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.feedback_settings import RedactionSettings
from promptvc.feedback.redact import CATEGORIES, redact
from promptvc.feedback.redaction_rules import Rules, placeholder

FILE = Path(__file__).with_suffix(".txt")
RECALL, PRECISION, SPEED = 0.90, 0.95, 10_000
_MARK = re.compile(r"<(email|phone|card|iban|ip|secret)>(.*?)</\1>")
_PLACEHOLDER = placeholder()

Item = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, and what is to be found in it: (start, end, category)."""

    text: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one category: labelled, found among those, replaced, right among those."""

    labelled: int
    found: int
    replaced: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.labelled if self.labelled else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.replaced if self.replaced else 1.0


def read(path: Path = FILE) -> tuple[Labelled, ...]:
    """The labelled texts; lines that begin with # are remarks."""
    lines = path.read_text("utf-8").splitlines()
    return tuple(_labelled(line) for line in lines if line and not line.startswith("# "))


def scores(texts: Sequence[Labelled]) -> tuple[dict[str, Score], list[str]]:
    """By category, and a line for each thing that was missed or should have stayed."""
    labelled, found, replaced, right = (Counter[str]() for _ in range(4))
    wrong = []
    for one in texts:
        spans = tuple(replaced_in(one.text))
        for start, end, category in one.items:
            labelled[category] += 1
            covered = {at for first, last, said in spans if said == category for at in range(first, last)}
            hit = all(at in covered for at in range(start, end) if one.text[at].isalnum())
            found[category] += hit
            if not hit:
                wrong.append(f"missed {category}: {one.text}")
        for first, last, category in spans:
            replaced[category] += 1
            hit = any(said == category and first < end and start < last for start, end, said in one.items)
            right[category] += hit
            if not hit:
                wrong.append(f"no {category}: {one.text[first:last]!r} in {one.text}")
    return {
        name: Score(labelled[name], found[name], replaced[name], right[name]) for name in CATEGORIES
    }, wrong


def replaced_in(text: str) -> Iterator[Item]:
    """What redaction replaces in ``text``: the gaps between what it leaves."""
    clean, _ = redact(text)
    at, gap = 0, ""
    pieces = [*_PLACEHOLDER.finditer(clean)]
    start = 0
    for found in pieces:
        literal = clean[start : found.start()]
        here = text.index(literal, at) if literal else at
        if gap:
            yield at, here, gap
        at, gap, start = here + len(literal), found.group()[1:-1], found.end()
    if gap:
        rest = clean[start:]
        yield at, len(text) - len(rest), gap


def speed(texts: Sequence[Labelled], rounds: int = 20) -> float:
    """Texts in a second of this process, with nothing remembered of earlier ones."""
    began = time.process_time()
    for _ in range(rounds):
        rules = Rules(RedactionSettings())
        for one in texts:
            redact(one.text, rules)
    return rounds * len(texts) / (time.process_time() - began)


def _labelled(line: str) -> Labelled:
    parts: list[str] = []
    items: list[Item] = []
    at = size = 0
    for found in _MARK.finditer(line := line.replace("·", "")):
        before = line[at : found.start()]
        size += len(before)
        items.append((size, size + len(found[2]), found[1]))
        parts += [before, found[2]]
        size += len(found[2])
        at = found.end()
    return Labelled("".join((*parts, line[at:])), tuple(items))


def main() -> int:
    """Print the figures and their limits; 1 if one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--misses", action="store_true", help="also print what was missed or should have stayed"
    )
    options = parser.parse_args()
    texts = read()
    by_category, wrong = scores(texts)
    whole = Score(*(sum(getattr(one, name) for one in by_category.values()) for name in Score.__slots__))
    empty = sum(not one.items for one in texts)
    print(f"{len(texts)} texts, {empty} of them with nothing to find")
    missed = False
    for name, one in {**by_category, "all": whole}.items():
        bad = one.recall < RECALL or one.precision < PRECISION
        missed |= bad
        print(
            f"{name:8} recall {one.recall:.3f} of {one.labelled:3} (limit {RECALL})   "
            f"precision {one.precision:.3f} of {one.replaced:3} (limit {PRECISION}){'   MISSED' if bad else ''}"
        )
    rate = speed(texts)
    print(
        f"{rate:,.0f} texts/s of {sum(len(one.text) for one in texts) // len(texts)} characters (limit {SPEED:,})"
    )
    if options.misses:
        print("\n".join(wrong))
    return int(missed or rate < SPEED)


if __name__ == "__main__":
    sys.exit(main())
