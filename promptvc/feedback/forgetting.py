"""Forgetting a person: which events are theirs, what those leave behind elsewhere, and lines without them.

An event is a person's when its ``user``, ``reviewer``, ``aka`` or ``unit`` names them. With it go events that say
something about it and nothing else: an annotation whose ``target`` it is, and what was ``derived_from`` it alone.
A rollup names nobody but units; theirs is taken out of it, and its sums stay.

Texts are looked for word for word. Short ones, single words, and what somebody else said too are not: a label is
no personal text, and ``billing`` would be found everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.people import akas_in
from promptvc.feedback.pseudonyms import is_pseudonym

FORGOTTEN = "[forgotten]"
LEAST = 12
"""Characters of a text that is looked for."""

_ULID = re.compile(r"(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])")
_ULID_BYTES = re.compile(rb"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_PSEUDONYM = re.compile(r"u-[0-9a-f]{8}-[0-9a-f]{32}")
_NAMING = ("user", "reviewer", "unit")
_SAYING = frozenset(
    {"input", "output", "corrected", "comment", "notes", "error", "query", "chunks", "context", "label"}
)
_LINKS = (b'"target"', b'"derived_from"')
_WORDS = ("before", "after", "text", "input", "output", "vars", "expected", "value")
_START = re.compile(r"(?=\S)")
_OWN = re.compile(r"[a-z][a-z0-9_]*")
"""Keys of records look so. Whoever calls themselves `model` does not take everybody's along."""

Files = Callable[[], Iterable[tuple[str, bytes]]]
"""Gives (path, content) of every file of events, as often as it is called."""


class Texts:
    """Texts that are looked for inside of others."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._by_head: dict[str, list[str]] = {}
        for text in sorted(set(texts), key=lambda text: (-len(text), text)):
            self._by_head.setdefault(text[:LEAST], []).append(text)

    def __bool__(self) -> bool:
        return bool(self._by_head)

    def __iter__(self) -> Iterator[str]:
        for found in self._by_head.values():
            yield from found

    def are_in(self, text: str) -> bool:
        """Whether ``text`` holds one of them."""
        return next(self._spans(text), None) is not None

    def replaced(self, text: str) -> str:
        """``text`` with :data:`FORGOTTEN` in the place of each; the longest wins."""
        parts, at = [], 0
        for start, end in self._spans(text):
            parts += [text[at:start], FORGOTTEN]
            at = end
        return "".join((*parts, text[at:])) if parts else text

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        if not self._by_head or len(text) < LEAST:
            return
        end = 0
        for match in _START.finditer(text, 0, len(text) - LEAST + 1):
            start = match.start()
            if start < end:
                continue
            for known in self._by_head.get(text[start : start + LEAST], ()):
                if text.startswith(known, start):
                    end = start + len(known)
                    yield start, end
                    break


@dataclass(frozen=True, slots=True)
class Traces:
    """What a person has left behind.

    Attributes:
        names: pseudonyms, and the person as the program called them: what ``user`` and its like hold.
        ids: of the events that go.
        texts: their words that nobody else said.
        cases: ids of cases that went, once that is known: evidence keeps figures of them, and no answers.
    """

    names: frozenset[str]
    ids: frozenset[str] = frozenset()
    texts: Texts = field(default_factory=Texts)
    cases: frozenset[str] = frozenset()

    @property
    def pseudonyms(self) -> frozenset[str]:
        """The names that can be nothing else than this person."""
        return frozenset(filter(is_pseudonym, self.names))

    def are_in(self, value: Any) -> bool:
        """Whether any text of a JSON value, at any depth, names the person or an event, or repeats their words."""
        if isinstance(value, str):
            return self.cited_in(value) or self.texts.are_in(value)
        if isinstance(value, Mapping):
            return any(self.are_in(each) for pair in value.items() for each in pair)
        return isinstance(value, list | tuple) and any(map(self.are_in, value))

    def cited_in(self, text: str) -> bool:
        """Whether a text holds one of the ids or pseudonyms."""
        return any(one in self.ids for one in _ULID.findall(text)) or any(
            one in self.names for one in _PSEUDONYM.findall(text)
        )

    def scrubbed(self, text: str) -> str:
        """A text with ids, pseudonyms and words replaced."""
        if self.ids:
            text = _ULID.sub(lambda found: FORGOTTEN if found[0] in self.ids else found[0], text)
        text = _PSEUDONYM.sub(lambda found: FORGOTTEN if found[0] in self.names else found[0], text)
        return self.texts.replaced(text)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Lines without a person.

    Attributes:
        data: what is left; empty when nothing is.
        dropped: lines that went; ``changed``: that lost a unit, a citation or some words.
    """

    data: bytes
    dropped: int
    changed: int


@dataclass(frozen=True, slots=True)
class Theirs:
    """What :func:`gather` found: the traces; numbers of events that name the person, that only say something
    about those, and of rollups with a unit of theirs.
    """

    traces: Traces
    own: int
    about: int
    rollups: int


def names_in(data: Mapping[str, Any]) -> set[str]:
    """Everybody whom an event's object names."""
    return {data[key] for key in _NAMING if isinstance(data.get(key), str)} | set(akas_in(data))


def linked(files: Files, names: Collection[str]) -> frozenset[str]:
    """``names`` and every other that an event's ``aka`` links to one of them."""
    known = set(names)
    before = -1
    while before != len(known):
        before = len(known)
        for data in _objects(files, known):
            # A unit is only what an experiment calls somebody; a user and their earlier names are one person.
            whose = {name for name in (data.get("user"), data.get("reviewer")) if isinstance(name, str)}
            whose |= set(akas_in(data))
            if "aka" in data and not whose.isdisjoint(known):
                known |= whose
    return frozenset(known)


def gather(files: Files, names: Collection[str]) -> Theirs:
    """Find a person's events, the names that ``aka`` links to theirs, and their texts.

    Lines that are no events are left alone here; :func:`without` drops those that hold a name.
    """
    known = linked(files, names)
    own: set[str] = set()
    said: set[str] = set()
    rollups: set[str] = set()
    for data in _objects(files, known):
        if _names_unit(data, known):
            rollups.add(str(data.get("id")))
        if not names_in(data).isdisjoint(known):
            # In history one id has several contents: with its texts, and after they were taken out.
            own.add(str(data.get("id")))
            said.update(_texts_of(data))
    about = _about(files, set(own))
    said.update(text for data in about.values() for text in _texts_of(data))
    going = own | about.keys()
    if said:
        said -= _also_said(files, said, going)
    traces = Traces(known, frozenset(going), Texts(said))
    return Theirs(traces, len(own), len(going) - len(own), len(rollups))


def without(data: bytes, traces: Traces) -> Cleaned:
    """The lines of a file of events without a person's; every other line stays byte for byte."""
    lines: list[bytes] = []
    dropped = changed = 0
    wanted = _needles(traces)
    for line in data.splitlines(keepends=True):
        if not wanted(line):
            lines.append(line)
            continue
        try:
            value = parse_json(line, file="")
        except InvalidDocument:
            value = None
        if not isinstance(value, dict) or value.get("id") in traces.ids or names_in(value) & traces.names:
            dropped += 1
            continue
        clean = _line(value, traces)
        changed += clean != value
        lines.append(line if clean == value else canonical_json(clean) + b"\n")
    return Cleaned(b"".join(lines), dropped, changed)


def scrub(value: Any, traces: Traces) -> Any:
    """A JSON value of a record without a person's ids, names and words; figures stay.

    What an item says that rests on their events alone goes with the citation; so does what was answered to a case
    that is gone. Digests of rewritten contents become those of what they were rewritten to.
    """
    if isinstance(value, str):
        return traces.scrubbed(value)
    if isinstance(value, list):
        kept = [item for item in value if not (isinstance(item, str) and item in traces.ids)]
        return [scrub(item, traces) for item in kept]
    if not isinstance(value, dict):
        return value
    cited = value.get("because")
    alone = isinstance(cited, list) and bool(cited) and all(one in traces.ids for one in cited)
    gone = value.get("case") in traces.cases if isinstance(value.get("case"), str) else False
    result: dict[str, Any] = {}
    for key, item in value.items():
        if alone and key in _WORDS:
            result[key] = _blanked(item)
        elif gone and key == "output":
            result[key] = None
        else:
            name = FORGOTTEN if key in traces.names and not _OWN.fullmatch(key) else key
            result[traces.scrubbed(name)] = scrub(item, traces)
    return result


def _blanked(value: Any) -> Any:
    if isinstance(value, str):
        return FORGOTTEN
    if isinstance(value, list):
        return [_blanked(item) for item in value]
    return {key: _blanked(item) for key, item in value.items()} if isinstance(value, dict) else value


def _line(value: Mapping[str, Any], traces: Traces) -> dict[str, Any]:
    """An event that stays: without the person's unit in a rollup, and without citations of what goes."""
    result = dict(value)
    if _names_unit(value, traces.names):
        units = {unit: count for unit, count in value["rollup"]["units"].items() if unit not in traces.names}
        result["rollup"] = {key: item for key, item in value["rollup"].items() if key != "units"}
        if units:
            result["rollup"]["units"] = units
    cited = value.get("derived_from")
    if isinstance(cited, list) and any(one in traces.ids for one in cited):
        result["derived_from"] = [one for one in cited if one not in traces.ids]
    elif isinstance(cited, str) and cited in traces.ids:
        del result["derived_from"]
    return {key: scrub(item, traces) if key not in {"id", "time"} else item for key, item in result.items()}


def _needles(traces: Traces) -> Callable[[bytes], bool]:
    """Whether a line is worth reading: it holds a name or an id."""
    names = [canonical_json(name)[1:-1] for name in traces.names]
    ids = {one.encode() for one in traces.ids}

    def wanted(line: bytes) -> bool:
        if any(name in line for name in names):
            return True
        # Of their words only those that others said too are in other people's lines, and those are not looked for.
        return bool(ids) and any(one in ids for one in _ULID_BYTES.findall(line))

    return wanted


def _objects(files: Files, names: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """The objects of the lines that hold one of ``names``."""
    needles = [canonical_json(name)[1:-1] for name in names]
    for _, content in files():
        if any(needle in content for needle in needles):
            for line in content.split(b"\n"):
                if any(needle in line for needle in needles):
                    yield from _parsed(line)


def _names_unit(data: Mapping[str, Any], names: Collection[str]) -> bool:
    rollup = data.get("rollup")
    units = rollup.get("units") if isinstance(rollup, Mapping) else None
    return isinstance(units, Mapping) and not units.keys().isdisjoint(names)


def _about(files: Files, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    """Events that only say something about events that go, and about those again."""
    if not ids:
        return {}
    linked = []
    for _, content in files():
        for line in content.split(b"\n") if any(key in content for key in _LINKS) else ():
            if any(key in line for key in _LINKS):
                linked += list(_parsed(line))
    found: dict[str, Mapping[str, Any]] = {}
    growing = True
    while growing:
        growing = False
        for data in linked:
            identifier = str(data.get("id"))
            if identifier not in ids and _rests_on(data, ids):
                ids.add(identifier)
                found[identifier] = data
                growing = True
    return found


def _rests_on(data: Mapping[str, Any], ids: Collection[str]) -> bool:
    if data.get("target") in ids:
        return True
    cited = data.get("derived_from")
    several = [cited] if isinstance(cited, str) else cited
    return isinstance(several, list) and bool(several) and all(one in ids for one in several)


def _also_said(files: Files, said: Collection[str], going: Collection[str]) -> set[str]:
    """Which of the texts somebody else said, too."""
    found: set[str] = set()
    for _, content in files():
        for line in content.split(b"\n"):
            for data in _parsed(line) if line else ():
                if data.get("id") not in going:
                    found.update(text for text in _texts_of(data) if text in said)
    return found


def _texts_of(data: Mapping[str, Any]) -> Iterator[str]:
    for key in _SAYING & data.keys():
        yield from (text.strip() for text in _leaves(data[key]) if is_telling(text))


def is_telling(text: str) -> bool:
    """Whether a text is long enough, and of more than one word, to be somebody's own."""
    text = text.strip()
    return len(text) >= LEAST and (not text.isascii() or any(map(str.isspace, text)))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _parsed(line: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        value = parse_json(line, file="")
    except InvalidDocument:
        return
    if isinstance(value, dict):
        yield value
