"""Quarantine: cases that are asked and reported, and do not count. A file beside the suite, reviewed like code.

``evaluation/NAME.quarantine.yaml``::

    - case: two-teams
      reason: the customer wants two things, and both labels are right
      since: 2026-11-02
      until: 2026-12-24             # the last day; then the case counts again, whether or not anybody remembers

Nothing is quarantined by itself: :func:`proposal` writes what would be, and a person commits it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from promptvc.base.documents import Document, dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schema_messages import nearest_word
from promptvc.base.schemas import validate
from promptvc.evaluation.flaky import Flaky

SUFFIX = ".quarantine.yaml"
UNEXPLAINED = "say here why, and what has to happen before it counts again"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One entry. ``since`` and ``until`` are the first and the last day on which it holds; None is always."""

    case: str
    reason: str
    since: date | None = None
    until: date | None = None
    line: int = 1

    def holds(self, today: date) -> bool:
        """Whether the case is in quarantine ``today``."""
        return (self.since is None or self.since <= today) and not self.expired(today)

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and self.until < today


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The entries of one file, in its order; empty where there is no file."""

    file: str
    entries: tuple[Quarantined, ...] = ()

    def reason(self, case: str, today: date) -> str | None:
        """Why ``case`` does not count today; None where it does."""
        return next(
            (entry.reason for entry in self.entries if entry.case == case and entry.holds(today)), None
        )

    def reasons(self, cases: Iterable[str], today: date) -> dict[str, str]:
        """By case, why it does not count today, of those ``cases`` that do not."""
        held = {entry.case: entry.reason for entry in self.entries if entry.holds(today)}
        return {case: held[case] for case in cases if case in held}

    def unknown(self, cases: Collection[str]) -> tuple[Quarantined, ...]:
        """The entries for cases that the suite has not."""
        return tuple(entry for entry in self.entries if entry.case not in cases)

    def expired(self, today: date) -> tuple[Quarantined, ...]:
        """The entries whose last day is over."""
        return tuple(entry for entry in self.entries if entry.expired(today))


def quarantine_path(name: str) -> str:
    """The file for the prompt ``name``, from the prompt root. Names have no dots, so no suite is there."""
    return f"evaluation/{name}{SUFFIX}"


def prompt_of(path: str) -> str | None:
    """The prompt whose quarantine the file at ``path`` (from the prompt root) is; None if it is none."""
    if not path.startswith("evaluation/") or not path.endswith(SUFFIX):
        return None
    return path.removeprefix("evaluation/").removesuffix(SUFFIX)


def load_quarantine(data: bytes | None, *, file: str, memo: Memo | None = None) -> Quarantine:
    """Read a quarantine; an empty one where ``data`` is None or holds nothing.

    Raises:
        InvalidDocument: with file and line: not YAML, not by the schema, a day that is none, a case twice, an end
            before the beginning.
    """
    if data is None:
        return Quarantine(file)
    document = load_yaml(data, file=file)
    if document.value is None:
        return Quarantine(file)
    validate(document, "quarantine", memo=memo)
    entries: dict[str, Quarantined] = {}
    for position, value in enumerate(document.value):
        entry = _entry(document, position, value)
        before = entries.get(entry.case)
        if before is not None:
            raise InvalidDocument(
                f"`{entry.case}` is in quarantine already, by line {before.line}", file=file, line=entry.line
            )
        entries[entry.case] = entry
    return Quarantine(file, tuple(entries.values()))


def near(entry: Quarantined, cases: Collection[str]) -> str | None:
    """The case that an unknown entry was probably meant for."""
    return nearest_word(entry.case, cases)


def proposal(flaky: Iterable[Flaky], today: date, quarantine: Quarantine | None = None) -> str:
    """The YAML that would put flaky cases into quarantine, to be added to the file; empty where all of them are.

    The reasons say what was seen and ask a person for the rest.
    """
    held = {entry.case for entry in quarantine.entries if not entry.expired(today)} if quarantine else set()
    entries = [
        {
            "case": one.case,
            "reason": f"{one.passes} of {one.repeats} repeats pass: {UNEXPLAINED}",
            "since": today.isoformat(),
        }
        for one in flaky
        if one.case not in held
    ]
    return dump_yaml(entries) if entries else ""


def _entry(document: Document, position: int, value: dict[str, Any]) -> Quarantined:
    entry = Quarantined(
        case=value["case"],
        reason=value["reason"],
        since=_day(document, position, value, "since"),
        until=_day(document, position, value, "until"),
        line=document.line(position, "case"),
    )
    if entry.since is not None and entry.until is not None and entry.until < entry.since:
        raise InvalidDocument(
            f"`until` is before `since` ({entry.since})",
            file=document.file,
            line=document.line(position, "until"),
        )
    return entry


def _day(document: Document, position: int, value: dict[str, Any], key: str) -> date | None:
    if key not in value:
        return None
    try:
        return date.fromisoformat(value[key])
    except ValueError:
        raise InvalidDocument(
            f"`{key}` is {value[key]!r}, and there is no such day",
            file=document.file,
            line=document.line(position, key),
        ) from None
