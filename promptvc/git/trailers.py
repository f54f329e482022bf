"""Trailers: the ``Key: value`` lines that end a commit message. They repeat, for people, what files say.

Reading is tolerant: a squash merge puts the messages of many commits into one, indents them, and adds its own lines,
so trailers are taken from every paragraph that holds nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_TRAILER = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*)[ \t]*:[ \t]+(?P<value>\S.*)")
_FOLDED = re.compile(r"[ \t]+\S")
_PREFIX = "promptvc-"


def with_trailers(subject: str, body: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A commit message: one line, the body if there is one, and the trailers in the order given.

    Line breaks inside a value are folded into spaces: a value can never begin a line of its own.
    """
    lines = [f"{key}: {' '.join(value.split())}" for key, value in pairs]
    parts = [" ".join(subject.split()), body.strip(), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def parse_trailers(message: str) -> dict[str, tuple[str, ...]]:
    """Key -> values in the order of the message. Keys are compared without case and given as first written.

    A paragraph counts when all of its lines are trailers, or when it is the last one and holds at least one
    ``Promptvc-`` line (a forge appends ``Co-authored-by`` and the like). The subject never counts.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip())[1:]
    found: dict[str, tuple[str, list[str]]] = {}
    for position, paragraph in enumerate(paragraphs):
        pairs, whole = _paragraph(paragraph)
        last = position == len(paragraphs) - 1
        if whole or (last and any(key.lower().startswith(_PREFIX) for key, _ in pairs)):
            for key, value in pairs:
                found.setdefault(key.lower(), (key, []))[1].append(value)
    return {key: tuple(values) for key, values in found.values()}


def without_trailers(message: str) -> str:
    """What a message says after its subject, without the paragraphs that hold nothing but trailers."""
    paragraphs = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip())[1:]
    return "\n\n".join(one for one in paragraphs if not _paragraph(one)[1])


def first_trailer(trailers: Mapping[str, tuple[str, ...]], key: str) -> str | None:
    """The first value of a key, whatever its case; None when there is none."""
    return next((values[0] for name, values in trailers.items() if name.lower() == key.lower()), None)


def _paragraph(paragraph: str) -> tuple[list[tuple[str, str]], bool]:
    """The trailers of a paragraph, and whether it holds nothing else."""
    lines = paragraph.splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    pairs: list[tuple[str, str]] = []
    whole = True
    for line in (line[indent:].rstrip() for line in lines):
        found = _TRAILER.fullmatch(line)
        if found:
            pairs.append((found["key"], found["value"]))
        elif pairs and _FOLDED.match(line):
            key, value = pairs.pop()
            pairs.append((key, f"{value} {line.strip()}"))
        else:
            whole = False
    return pairs, whole and bool(pairs)
