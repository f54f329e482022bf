"""Labels that instructions name, and what they say about each.

Four ways of naming the possible answers are read:

- a list after a word for them: ``Answer with one of: billing, delivery, other``; ``Teams: a | b | c``;
- two or more in back-ticks or quotes, one after the other: ``Answer with `yes`, `no` or `unsure`.``;
- bullets (``-``, ``*``, ``1.``), each a label of at most four words alone, or with its description after
  ``:`` or a dash, under a line that speaks of labels, teams, categories and the like, or whose labels
  carry an underscore;
- and, once the labels are known, a sentence with exactly one of them that is not denied tells about it:
  ``A charge the customer does not recognise is card_fraud, never billing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NOUNS = r"labels?|teams?|categor(?:y|ies)|class(?:es)?|intents?|options?|choices?|topics?|queues?|departments?|tags?"
_SPEAKS_OF_LABELS = re.compile(rf"\b(?:{_NOUNS}|one of|answers?|choose|pick|route|classify)\b", re.IGNORECASE)
_LIST_AFTER = re.compile(rf"\b(?:one of|{_NOUNS})\b[^:\n]{{0,60}}:[ \t]*(?P<list>\S.*)$", re.IGNORECASE)
_QUOTED = r"(?:`[^`\n]{1,60}`|\"[^\"\n]{1,60}\")"
_QUOTED_LIST = re.compile(rf"{_QUOTED}(?:\s*(?:,|;|\||/|\bor\b|\band\b|,\s*or\b|,\s*and\b)\s*{_QUOTED})+")
_ITEM = re.compile(_QUOTED)
_SEPARATOR = re.compile(r"\s*(?:,\s*(?:or|and)\s+|,|;|\||\s/\s|\s+or\s+)\s*")
_BULLET = re.compile(r"^(?P<indent>[ \t]*)(?:[-*\u2022]|\d{1,3}[.)])[ \t]+(?P<text>\S.*)$")
_HEAD = re.compile(r"^(?P<label>.{1,60}?)(?:\s*:\s+|\s+(?:-|\u2013|\u2014)\s+|\s*:?$)(?P<rest>.*)$")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_DENIED = re.compile(
    r"\b(?:not|never|nor|no|without|rather than|instead of|isn't|don't)"
    r"(?:\s+(?:answer|say|use|choose|pick|send|route|with|to|as|for|it|the|a))*\s+$",
    re.IGNORECASE,
)
_WRAPPING = "`\"'*_ \t"


@dataclass(frozen=True, slots=True)
class Label:
    """A possible answer, as written, and its description (may be empty)."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What was found: the labels in the order they are named, and where the last one ends in the text."""

    labels: tuple[Label, ...]
    end: int


def read_labels(text: str) -> Named:
    """The labels that ``text`` names; ``Named((), 0)`` when it names none."""
    found: dict[str, str] = {}
    end = 0
    lines = _lines(text)
    for labels, stop in (*_bullets(lines), *_inline(lines)):
        for label in labels:
            if not found.get(label.name):
                found[label.name] = label.description
        end = max(end, stop)
    return Named(tuple(Label(name, description) for name, description in found.items()), end)


def statements(text: str, labels: Sequence[Label]) -> Iterator[tuple[str, str]]:
    """(label, sentence without it) for each sentence of ``text`` that speaks for exactly one label."""
    if not labels:
        return
    names = sorted((label.name for label in labels), key=lambda name: (-len(name), name))
    pattern = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, names)) + r")(?![\w-])")
    for sentence in _SENTENCE.split(text):
        bullet = _BULLET.match(sentence)
        if (
            bullet is not None
            and (head := _HEAD.match(bullet["text"]))
            and head["label"].strip(_WRAPPING) in names
        ):
            continue  # the line that names the label: read as its description
        spans = [match.span() for match in pattern.finditer(sentence)]
        affirmed = {sentence[a:b] for a, b in spans if not _DENIED.search(sentence[:a].rstrip("`\"'"))}
        if len(affirmed) != 1:
            continue
        rest = pattern.sub(" ", sentence)
        if len(rest.split()) >= 4:
            yield affirmed.pop(), rest


def _lines(text: str) -> list[tuple[str, int]]:
    """Each line with the offset at which it ends."""
    lines, offset = [], 0
    for line in text.split("\n"):
        offset += len(line)
        lines.append((line.rstrip("\r"), offset))
        offset += 1
    return lines


def _bullets(lines: Sequence[tuple[str, int]]) -> Iterator[tuple[list[Label], int]]:
    intro, indent, end = "", "", 0
    block: list[str] = []
    for line, stop in [*lines, ("end of text", 0)]:
        bullet = _BULLET.match(line)
        if bullet is not None and (not block or bullet["indent"] == indent):
            indent, end = bullet["indent"], stop
            block.append(bullet["text"])
        elif block and line.strip() and line.startswith((indent + " ", indent + "\t")):
            block[-1], end = f"{block[-1]} {line.strip()}", stop
        elif line.strip():
            if (labels := _block(intro, block)) is not None:
                yield labels, end
            intro, block = line, []
    # A blank line neither ends a block nor begins one.


def _block(intro: str, block: Sequence[str]) -> list[Label] | None:
    labels = []
    for text in block:
        head = _HEAD.match(text)
        if head is None or not _is_label(name := head["label"].strip(_WRAPPING)):
            return None
        labels.append(Label(name, head["rest"].strip()))
    if len(labels) < 2:
        return None
    announced = _SPEAKS_OF_LABELS.search(intro) is not None
    return labels if announced or all("_" in label.name for label in labels) else None


def _inline(lines: Sequence[tuple[str, int]]) -> Iterator[tuple[list[Label], int]]:
    texts = [line for line, _ in lines]
    for number, (line, stop) in enumerate(lines):
        if _SPEAKS_OF_LABELS.search(line) is None or _BULLET.match(line):
            continue
        if (after := _LIST_AFTER.search(line)) is not None:
            listed, last = after["list"], number
            while listed.rstrip().endswith(",") and last + 1 < len(texts):
                last += 1
                listed = f"{listed} {texts[last].strip()}"
            names = [item.strip(_WRAPPING) for item in _SEPARATOR.split(re.split(r"\.(?:\s|$)", listed)[0])]
            if len(names) >= 2 and all(map(_is_label, names)):
                yield [Label(name) for name in names], lines[last][1]
                continue
        for quoted in _QUOTED_LIST.finditer(line):
            names = [item.strip(_WRAPPING) for item in _ITEM.findall(quoted.group())]
            if all(map(_is_label, names)):
                yield [Label(name) for name in names], stop


def _is_label(name: str) -> bool:
    return (
        0 < len(name) <= 60
        and len(name.split()) <= 4
        and any(map(str.isalnum, name))
        and name[-1] not in ".!;,"
    )
