"""Patterns over 100,000 scored events: how long it takes, and how much memory, to find what was planted.

Ratings with inputs and outputs of made-up words, one in three with a comment; three things are planted: a phrase in
inputs that people rate badly, a form of output that they rate well, and a model that fails. Then the same with the
scores dealt out anew, in which nothing is to be found. Limits: 10 seconds, 1 GB.
Run from the repository: ``python -m benchmarks.patterns [EVENTS]``.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks.many_events import Words
from promptvc.analysis.patterns.mining import mine
from promptvc.base.ids import derived_ulid
from promptvc.feedback.query.facts import Said

SECONDS, MEGABYTES = 10.0, 1000
PLANTED = {"parcel was late", "is JSON", "small-2"}


def events(count: int, seed: int = 6) -> list[Said]:
    """So many ratings, newest first."""
    words, start = Words(seed), datetime(2026, 11, 1, tzinfo=UTC)
    draw = words.draw
    found = []
    for number in range(count):
        late, listed = draw.random() < 0.03, draw.random() < 0.1
        model = draw.choice(("large-1", "large-1", "small-2"))
        text, output = words.text(), words.text()
        if late:
            text = f"{text[: len(text) // 2]} my parcel was late again {text[len(text) // 2 :]}"
        if listed:
            output = '{"answer": "' + output + '"}'
        good = 0.7 - 0.35 * late + 0.15 * listed - 0.1 * (model == "small-2")
        score = draw.choice((0.9, 1.0)) if draw.random() < good else draw.choice((0.0, 0.25, 0.5))
        moment = start - timedelta(seconds=7 * number)
        found.append(
            Said(
                id=derived_ulid(moment, b"event", number),
                time=moment,
                prompt="desk",
                version=1,
                kind="rating",
                source="human",
                score=score,
                model=model,
                framework=None,
                technique=None,
                input=text,
                output=output,
                corrected=None,
                comment=words.text(20, 80) if draw.random() < 0.3 else None,
                tags=tuple(draw.sample(("billing", "delivery", "account", "other"), 1)),
                issues=(),
            )
        )
    return found


def shuffled(said: Sequence[Said]) -> list[Said]:
    """The same texts with each other's scores."""
    scores = [one.score for one in said]
    random.Random(1).shuffle(scores)
    return [replace(one, score=score) for one, score in zip(said, scores, strict=True)]


def main() -> int:
    """Print the figures; 1 if a limit was missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    said = events(count)
    before = time.process_time()
    mined = mine(said)
    took = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    named = {one.text for pattern in mined.patterns for one in (pattern.candidate, *pattern.aliases)}
    print(f"{count:,} events: {took:.1f} s of CPU (limit {SECONDS:.0f}), {memory:.0f} MB (limit {MEGABYTES})")
    print(f"{mined.tested:,} tests, {mined.found:,} stand, {len(mined.patterns):,} patterns:")
    for pattern in mined.patterns[:12]:
        one = pattern.candidate
        effect = f"{pattern.effect.value:+.2f} {pattern.measure}"
        print(
            f"  {pattern.type} {one.kind} {one.where or ''} {one.text[:40]!r}: {effect}, {pattern.events:,}"
        )
    null = mine(shuffled(said))
    print(f"with scores dealt out anew: {len(null.patterns)} patterns")
    found = PLANTED & named
    print(f"planted {len(PLANTED)}, found {len(found)}")
    missed = took > SECONDS or memory > MEGABYTES or found != PLANTED or len(null.patterns) > 2
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
