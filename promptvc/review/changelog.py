"""A prompt's changelog: what changed in each version, who or what changed it, why, and what became of it.

In the order of Keep a Changelog (https://keepachangelog.com): the newest version first; what was added, then changed,
then removed. Foreign text in the Markdown is inert: see :mod:`promptvc.base.spans`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.spans import code, words
from promptvc.evidence.values import Score
from promptvc.store.diff import Change
from promptvc.store.diff import words as stretches

_LISTED = 50
"""Changes and events of a version that are listed; the rest is counted."""

_QUOTED = 3
"""Events of a version that are quoted."""

_SHOWN = 80
"""Characters of a text above which only its words that changed are shown."""

_WIDE = 300
"""Characters of what is shown of it."""

_NEAR = 24
"""Characters shown around words that changed."""

_HEADINGS = (("Added", ("added",)), ("Changed", ("changed", "moved")), ("Removed", ("removed",)))


@dataclass(frozen=True, slots=True)
class Voice:
    """An event behind a version: what it says, None where it is in no segment any more."""

    id: str
    kind: str | None
    words: str | None

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` prints it."""
        return {"id": self.id, "kind": self.kind, "words": self.words}


@dataclass(frozen=True, slots=True)
class Happening:
    """What became of a version in an environment: ``deployed``, ``rolled back to``, ``rolled back from``,
    ``removed``, ``held`` or ``no longer held``. ``time`` is RFC 3339; ``text`` a reason."""

    time: str
    environment: str
    what: str
    by: str
    text: str

    def to_json(self) -> dict[str, str]:
        """As `changelog --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Section:
    """One version.

    Attributes:
        on_main: False for what only the current branch has.
        changes: against the version before it; None where one of both cannot be read.
        events: those that this version cites and the one before did not.
        happenings: newest first.
    """

    version: int
    digest: str
    commit: str
    time: str
    author: str
    subject: str
    on_main: bool
    previous: int | None
    approach: str | None
    verdict: str | None
    score: Score | None
    changes: tuple[Change, ...] | None
    events: tuple[Voice, ...]
    happenings: tuple[Happening, ...]

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` prints it."""
        plain = ("version", "digest", "commit", "time", "author", "subject", "on_main", "previous")
        return {
            **{name: getattr(self, name) for name in plain},
            "approach": self.approach,
            "verdict": self.verdict,
            "score": self.score.to_json() if self.score else None,
            "changes": None if self.changes is None else [change.to_json() for change in self.changes],
            "events": [one.to_json() for one in self.events],
            "happenings": [one.to_json() for one in self.happenings],
        }


@dataclass(frozen=True, slots=True)
class Changelog:
    """The versions of one prompt, the newest first."""

    name: str
    sections: tuple[Section, ...]

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` prints it."""
        return {"name": self.name, "versions": [section.to_json() for section in self.sections]}


def markdown(changelogs: Sequence[Changelog]) -> str:
    """The changelogs as one document."""
    if len(changelogs) == 1:
        parts = [f"# Changelog of {code(changelogs[0].name)}\n", *_versions(changelogs[0], "##")]
    else:
        parts = ["# Changelog\n"]
        for one in changelogs:
            parts += [f"\n## {code(one.name)}\n", *_versions(one, "###")]
    return "".join(parts)


def _versions(changelog: Changelog, heading: str) -> Iterator[str]:
    if not changelog.sections:
        yield "\nNothing changed.\n"
    for section in changelog.sections:
        yield f"\n{heading} v{section.version} - {section.time[:10]}\n\n"
        yield f"{_maker(section)}\n"
        yield from _changes(section, heading + "#")
        yield from _events(section.events, heading + "#")
        yield from _happenings(section.happenings, heading + "#")


def _maker(section: Section) -> str:
    made = f"by {words(section.approach)}" if section.approach else "by hand"
    lines = [
        f"{code(section.subject, 200)}, {made}, {code(section.author)}, commit {code(section.commit[:10])}."
    ]
    if not section.on_main:
        lines.append("Not on main yet.")
    if section.verdict is not None:
        lines.append(f"Verdict: **{words(section.verdict)}**{_numbers(section.score)}.")
    return "\n".join(lines)


def _numbers(score: Score | None) -> str:
    if score is None:
        return ""
    interval = f"{100 * score.level:.3g} % interval {100 * score.low:+.1f} to {100 * score.high:+.1f}"
    points = f"{100 * score.difference:+.1f} points, {interval}, n={score.n}"
    return f" ({score.baseline:.3f} to {score.candidate:.3f}: {points})"


def _changes(section: Section, heading: str) -> Iterator[str]:
    if section.changes is None:
        yield "\nWhat changed cannot be told: this version or the one before is no prompt.\n"
        return
    told = [change for change in section.changes if change.path != "version"]
    if not told:
        yield f"\n{'The first version.' if section.previous is None else 'Nothing that a model sees.'}\n"
    for title, kinds in _HEADINGS:
        mine = [change for change in told if change.kind in kinds]
        if mine:
            yield f"\n{heading} {title}\n\n"
            yield from (f"- {_told(change)}\n" for change in mine[:_LISTED])
            yield _more(len(mine) - _LISTED)


def _told(change: Change) -> str:
    path = code(change.path)
    if change.kind == "moved":
        return f"{path} moved: {code(_text(change.after))}"
    if change.kind == "changed":
        before, after = _text(change.before), _text(change.after)
        if before == after:
            return f"{path} has the same words, and cites something else: {code(after)}"
        before, after = apart(before, after)
        return f"{path}: {code(before, _WIDE)} became {code(after, _WIDE)}"
    return f"{path}: {code(_text(change.after if change.kind == 'added' else change.before), 200)}"


def apart(before: str, after: str) -> tuple[str, str]:
    """Both texts, of long ones only the words that changed, with a few that stand around them."""
    if max(len(before), len(after)) <= _SHOWN:
        return before, after
    sides: tuple[list[str], list[str]] = ([], [])
    found = stretches(before, after)
    for at, one in enumerate(found):
        if one.op == "=":
            kept = _around(one.text, first=at == 0, last=at == len(found) - 1)
            for side in sides:
                side.append(kept)
        else:
            sides[one.op == "+"].append(one.text)
    return "".join(sides[0]).strip(), "".join(sides[1]).strip()


def _around(text: str, *, first: bool, last: bool) -> str:
    """What is the same on both sides, without its middle; of the first and the last stretch without what is far."""
    head = "" if first else text[:_NEAR].rpartition(" ")[0] or text[:_NEAR]
    tail = "" if last else text[-_NEAR:].partition(" ")[2] or text[-_NEAR:]
    return text if len(text) <= 2 * _NEAR else f"{head} ... {tail}"


def _text(value: Any) -> str:
    """A value in words: of a rule its text, of an example input and output; what they cite is told with the events."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return str(value["text"])
    if isinstance(value, Mapping) and "output" in value and "input" in value:
        given = value["input"]
        shown = " | ".join(str(one) for one in given.values()) if isinstance(given, Mapping) else str(given)
        return f"{shown} -> {value['output']}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _events(events: Sequence[Voice], heading: str) -> Iterator[str]:
    if not events:
        return
    count = len(events)
    yield f"\n{heading} Because of {count} event{'s' * (count != 1)}\n\n"
    kept = [event for event in events if event.words is not None]
    yield from (f"- {words(event.kind or '')}: {code(event.words or '', 200)}\n" for event in kept[:_QUOTED])
    yield _more(len(kept) - _QUOTED)
    gone = count - len(kept)
    if gone:
        yield f"- {gone} no longer here: forgotten, or archived elsewhere\n"


def _happenings(happenings: Sequence[Happening], heading: str) -> Iterator[str]:
    if not happenings:
        return
    yield f"\n{heading} In environments\n\n"
    for one in happenings[:_LISTED]:
        by = f", by {code(one.by)}" if one.by else ""
        text = f": {code(one.text, 300)}" if one.text else ""
        yield f"- {one.time[:10]} {code(one.environment)}: {one.what}{by}{text}\n"
    yield _more(len(happenings) - _LISTED)


def _more(count: int) -> str:
    return f"- and {count} more\n" if count > 0 else ""
