"""What somebody should act on, as frozen values and as the Markdown of one issue.

An *alert* calls for somebody now; a *notice* can wait, and stands beside the alerts. The order is fixed and no sentence
says how long ago something was: the same facts give the same text, so that an issue is not written anew every night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.spans import code, words
from promptvc.evaluation.reports.figures import counted
from promptvc.evaluation.reports.parts import Part
from promptvc.forge.forge import MOST_COMMENT

Severity = Literal["alert", "notice"]
Kind = Literal[
    "deployment", "held", "lag", "drift", "check", "score", "training", "due", "waiting", "suggestion"
]

_TITLES: dict[Kind, str] = {
    "deployment": "Deployments that are no version of main",
    "held": "Held versions that run",
    "lag": "Environments that lag behind main",
    "drift": "Environments that drift from main",
    "check": "Errors that `promptvc check` finds",
    "score": "Scores that went down",
    "training": "Trainings that failed",
    "due": "Prompts that are due for training",
    "waiting": "Candidates that wait",
    "suggestion": "Edits that users' words suggest",
}
_ORDER = {kind: at for at, kind in enumerate(_TITLES)}


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to act on.

    Attributes:
        name: of the prompt; None where it is about none.
        environment: None where it is about none.
        message: one sentence; it may hold what strangers wrote.
        hint: the command, or what else to do.
    """

    kind: Kind
    severity: Severity
    message: str
    name: str | None = None
    environment: str | None = None
    hint: str | None = None

    @property
    def order(self) -> tuple[bool, int, str, str, str]:
        """Alerts before notices, then by kind, prompt, environment and words."""
        notice = self.severity == "notice"
        return notice, _ORDER[self.kind], self.name or "", self.environment or "", self.message

    def to_json(self) -> dict[str, Any]:
        """As `alerts --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def ordered(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Each once, in their fixed order."""
    return tuple(sorted(dict.fromkeys(alerts), key=lambda one: one.order))


def alerts_title(alerts: Sequence[Alert]) -> str:
    """The title of the issue: plain text."""
    urgent = sum(one.severity == "alert" for one in alerts)
    if not urgent:
        return "promptvc: nothing to act on"
    return f"promptvc: {counted(urgent, 'thing')} to act on"


def alerts_markdown(alerts: Sequence[Alert], remarks: Sequence[str] = (), limit: int = MOST_COMMENT) -> str:
    """The body of the issue, in at most ``limit`` bytes; foreign text is inert."""
    found = ordered(alerts)
    text: list[str] = []
    room = limit
    for part in _parts(found, remarks):
        fits = part.fitted(round(room * part.share))
        room -= len(fits.encode())
        text.append(fits)
    return "".join(text)


def _parts(found: Sequence[Alert], remarks: Sequence[str]) -> list[Part]:
    urgent = [one for one in found if one.severity == "alert"]
    parts = [Part(_lead(urgent), (), 0)]
    for severity, level in (("alert", "####"), ("notice", "#####")):
        if severity == "notice" and len(urgent) < len(found):
            parts.append(Part("\n#### Worth knowing\n", (), 0))
        for kind, title in _TITLES.items():
            mine = [one for one in found if (one.kind, one.severity) == (kind, severity)]
            if mine:
                head = f"\n{level} {title} ({len(mine):,})\n\n"
                parts.append(Part(head, [_row(one) for one in mine], len(mine), "line", 0.5))
    if remarks:
        rows = [f"- {words(remark)}\n" for remark in remarks]
        parts.append(Part("\n#### What could not be looked at\n\n", rows, len(rows), "remark", 0.5))
    return parts


def _lead(urgent: Sequence[Alert]) -> str:
    if not urgent:
        return "Nothing to act on.\n"
    return f"{counted(len(urgent), 'thing')} to act on, by what is committed on main and in the ledger.\n"


def _row(one: Alert) -> str:
    about = [code(each) for each in (one.name, one.environment) if each is not None]
    which = f"{' in '.join(about)}: " if about else ""
    hint = "" if one.hint is None else f"\n  - {code(one.hint, 200)}"
    return f"- {which}{words(one.message)}{hint}\n"
