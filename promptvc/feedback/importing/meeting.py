"""Telling which events of a stage are there already: committed, spooled, or counted by a rollup.

A hundred thousand known events are not parsed for that. Canonical lines name their ids where a search finds them; only
where an id meets one of the stage is its line compared, and only where bytes differ is it read.
"""

from __future__ import annotations

import re
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.fields import ROLLED
from promptvc.feedback.importing.staging import (
    KNOWN,
    OTHERWISE,
    REFUSED,
    WRITING,
    WRITTEN,
    Stage,
    Staged,
)
from promptvc.feedback.rollups import fingerprint, members

_ID = re.compile(rb'"id"\s*:\s*"([0-7][0-9A-Z]{25})"')
_THEIRS = re.compile(rb'"external_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_WINDOW = 1024 * 1024
_ROLLUP = b'"rollup":'


class Meeting:
    """One look at everything that is known: :meth:`look` for each file, in any order."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        # In the phase of writing what is met was written by this import, before it was killed.
        self._fate = WRITTEN if stage.phase == WRITING else KNOWN
        self._noted = False

    def look(self, data: bytes) -> None:
        """Look at the lines of a segment, or of a file of the spool, some of them at a time."""
        start = 0
        while start < len(data):
            end = data.find(b"\n", start + _WINDOW) + 1 or len(data)
            self._look(data[start:end])
            start = end

    def _look(self, data: bytes) -> None:
        ids = [found.decode("ascii") for found in dict.fromkeys(_ID.findall(data))]
        hits: dict[str, list[tuple[Staged, bytes | None]]] = {}
        for key, staged, former in self._stage.staged(ids):
            hits.setdefault(key, []).append((staged, former))
        # Who goes on writing meets what this very import wrote: rows of one file may share an id.
        if self._stage.any_theirs and self._stage.phase != WRITING:
            self._look_for_theirs(data)
        if not hits and _ROLLUP not in data:
            return
        for line in data.split(b"\n"):
            for found in _ID.findall(line) if hits else ():
                for staged, former in hits.get(found.decode("ascii"), ()):
                    self._compare(line, found.decode("ascii"), staged, former)
            if _ROLLUP in line:
                self._count(line)

    def _look_for_theirs(self, data: bytes) -> None:
        """Settle what a tool calls by an id that is known, of the same prompt, with another content."""
        names = {one: _text(one) for one in dict.fromkeys(_THEIRS.findall(data))}
        hits: dict[str, list[Staged]] = {}
        for own, staged in self._stage.named(list(names.values())):
            hits.setdefault(own, []).append(staged)
        for line in data.split(b"\n") if hits else ():
            near = [staged for one in _THEIRS.findall(line) for staged in hits.get(names[one], ())]
            known = (_read(line) if near else None) or {}
            for staged in near:
                own = parse_json(staged.data, file="<stage>")
                same = all(own.get(key) == known.get(key) for key in ("external_id", "prompt"))
                if same and own["id"] != known.get("id"):
                    self._stage.settle(staged.n, OTHERWISE)

    def _compare(self, line: bytes, key: str, staged: Staged, former: bytes | None) -> None:
        ours = staged.data if former is None else former
        if line == ours.rstrip(b"\n"):
            self._stage.settle(staged.n, self._fate)
            return
        known = _read(line)
        if known is None or known.get("id") != key:
            return  # the id of something else, which the event speaks of
        own = parse_json(ours, file="<stage>")
        if staged.undated and "time" in known:
            own["time"] = known["time"]
        # What main did not tell of a row when it came first it may tell now: it is the same row.
        own, known = ({key: one[key] for key in one if key not in staged.given} for one in (own, known))
        same = "expired" in known or canonical_json(own) == canonical_json(known)
        self._stage.settle(staged.n, self._fate if same else REFUSED)

    def _count(self, line: bytes) -> None:
        """Settle what a rollup counts: the stage's events of its prompt, kind and hour whose fingerprint it has."""
        known = _read(line)
        if known is None or not isinstance(known.get("rollup"), dict):
            return
        if not self._noted:
            self._noted = True
            for staged in self._stage.of_kinds(ROLLED):
                own = parse_json(staged.data, file="<stage>")
                self._stage.note_print(_place(own), fingerprint(staged.id), staged.n)
        counted = sorted(members(known["rollup"]))
        for n in self._stage.with_prints(_place(known), counted):
            self._stage.settle(n, self._fate)


def _place(value: dict[str, Any]) -> str:
    """Prompt, kind and hour: what a rollup and the events that it counts have in common."""
    return f"{value.get('prompt')} {value.get('kind')} {str(value.get('time'))[:13]}"


def _text(data: bytes) -> str:
    try:
        return str(parse_json(data, file="<known>"))
    except InvalidDocument:
        return ""


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        value = parse_json(line, file="<known>")
    except InvalidDocument:
        return None
    return value if isinstance(value, dict) else None
