"""The events that somebody cites, out of many: only the lines that hold one of the ids are read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from promptvc.feedback.events import Event
from promptvc.feedback.segments import read_segments

_ID = re.compile(rb'"id"\s*:\s*"([0-9A-Z]{26})"')


def read_cited(files: Mapping[str, bytes], ids: Collection[str]) -> dict[str, Event]:
    """The events ``ids`` among segments (``{path: content}``), by id, sorted; what is not there is left out.

    One id with two contents gives the same event as :func:`~promptvc.feedback.segments.read_segments`.
    """
    wanted = {each.encode() for each in ids}
    lines = {path: _with(content, wanted) for path, content in files.items()} if wanted else {}
    found = read_segments({path: content for path, content in lines.items() if content})
    return {event.id: event for event in found.events if event.id in ids}


def _with(content: bytes, wanted: Collection[bytes]) -> bytes:
    return b"\n".join(
        line for line in content.split(b"\n") if any(each in wanted for each in _ID.findall(line))
    )
