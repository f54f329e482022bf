"""What failed calls say that a prompt should: answers that are no label, no JSON, or JSON without a key.

The words of an error come from programs and may hold anything that a model wrote; only what is plain is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extracting.confusions import labels_of
from promptvc.training.approaches.meta_prompt.extracting.finding import Finding, voice_of
from promptvc.training.data.signals import Signal

FEWEST = 2
MOST_QUOTED = 3

_LABEL = re.compile(
    r"\bnot (?:one of|in|among) (?:the )?(?:\w+ ){0,2}(?:labels?|classes|categories|options|choices|teams|values)\b"
    r"|\b(?:unknown|unexpected|invalid|no such) ?(?:label|class|category|option|choice|team)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`]([A-Za-z][A-Za-z0-9 _-]{0,30})['\"`]")
_JSON = re.compile(
    r"\bjson ?decode|\b(?:invalid|no|not|malformed|bad|broken) (?:valid )?json\b"
    r"|\bexpecting (?:value|property name|',')"
    r"|\bunterminated string|\bextra data\b|\bcould not parse\b.{0,30}\bjson\b",
    re.IGNORECASE,
)
_KEY = r"([A-Za-z_][A-Za-z0-9_-]{0,30})"
_REQUIRED = re.compile(
    rf"['\"`]{_KEY}['\"`] is a required property|\bmissing (?:key|field|property):? ['\"`]?{_KEY}\b",
    re.IGNORECASE,
)
_ADDITIONAL = re.compile(r"\badditional properties are not allowed\b", re.IGNORECASE)


def faults(signals: Sequence[Signal], prompt: Prompt) -> list[Finding]:
    """Rules out of errors; a kind of error counts from :data:`FEWEST` on."""
    errors = [signal for signal in signals if signal.error]
    labels = labels_of(prompt)
    found: list[Finding | None] = []
    wrong = [signal for signal in errors if _LABEL.search(signal.error or "")]
    if labels:
        text = f"Answer with one of the labels only, exactly as it is written{_never(wrong, labels)}."
    else:
        text = "Answer with one of the allowed answers only, exactly as it is written."
    found.append(_found(text, wrong))
    broken = [signal for signal in errors if _JSON.search(signal.error or "")]
    found.append(_found("Answer with one valid JSON value only, with no text before or after it.", broken))
    missing: dict[str, list[Signal]] = {}
    for signal in errors:
        match = _REQUIRED.search(signal.error or "")
        if match:
            missing.setdefault(match[1] or match[2], []).append(signal)
    found += [_found(f"The JSON always has the key {key}.", group) for key, group in sorted(missing.items())]
    more = [signal for signal in errors if _ADDITIONAL.search(signal.error or "")]
    found.append(_found("Put no other keys into the JSON than those that are asked for.", more))
    return [finding for finding in found if finding is not None]


def _found(text: str, signals: Sequence[Signal]) -> Finding | None:
    if len(signals) < FEWEST:
        return None
    return Finding(
        text, tuple(signals), len({voice_of(signal, signal.error or "") for signal in signals}), "fail"
    )


def _never(signals: Sequence[Signal], labels: Sequence[str]) -> str:
    """`: never payment or delivery`, those that were answered most."""
    counts: dict[str, int] = {}
    known = {label.casefold() for label in labels}
    for signal in signals:
        for word in _QUOTED.findall(signal.error or ""):
            if word.casefold() not in known and len(word.split()) <= 3:
                counts[word] = counts.get(word, 0) + 1
    often = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_QUOTED]
    return f": never {' or '.join(often)}" if often else ""
