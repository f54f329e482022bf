"""`alerts`: what somebody should act on, by what is committed; told on a terminal, in one issue, and to a webhook.

A function of main, the ledger and the moment that it is asked for: no job has to have run before. What is not
committed is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from promptvc.base.errors import NotFound
from promptvc.forge.forge import Note
from promptvc.forge.marks import marker_for
from promptvc.forge.opening import open_forge
from promptvc.review.alerts import Alert, alerts_markdown, alerts_title, ordered
from promptvc.review.webhook import post, read_webhook
from promptvc.workflows.concerns import Concerns, Stories
from promptvc.workflows.project import Project

MARKER = "alerts"
LABELS = ("promptvc",)
MOST_TOLD = 3
"""Alerts that the text for a chat names; each in ``LONGEST_TOLD`` characters at most."""
LONGEST_TOLD = 200
_INERT = str.maketrans({"`": "'", "<": "\u2039", ">": "\u203a"})
"""Slack calls everybody at ``<!channel>``, also inside of code."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for: other stories, and ``pause``, which waits so many seconds before a webhook is called again."""

    stories: Stories
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class AlertsRequest:
    """What to do with alerts.

    Attributes:
        days: after which a lag, or a candidate that waits, is an alert.
        as_of: instead of now.
        issue: keep one issue of the forge; ``webhook``: tell the one that the environment names.
    """

    days: int = 14
    as_of: datetime | None = None
    issue: bool = False
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Alerts:
    """What was found, in its fixed order.

    Attributes:
        commit: main, which it is about.
        remarks: what could not be looked at, a sentence each.
        issue: the one that was kept or closed; None where none was asked for or needed.
        posted: whether a webhook was told.
    """

    commit: str
    found: tuple[Alert, ...]
    remarks: tuple[str, ...] = ()
    issue: Note | None = None
    posted: bool = False

    @property
    def urgent(self) -> bool:
        """Whether anything is more than a notice."""
        return any(one.severity == "alert" for one in self.found)

    def to_json(self) -> dict[str, Any]:
        """As `alerts --json` prints it."""
        issue = self.issue
        return {
            "commit": self.commit,
            "alerts": [one.to_json() for one in self.found],
            "remarks": list(self.remarks),
            "issue": None
            if issue is None
            else {"number": issue.number, "url": issue.url, "changed": issue.changed},
            "posted": self.posted,
        }


def alerts(project: Project, request: AlertsRequest, asking: Asking) -> Alerts:
    """What somebody should act on; with ``issue`` it is kept on the forge, and :func:`tell` tells the webhook.

    Raises:
        NotFound: nothing is committed on main; ``issue`` without a remote.
        InputError: no forge or no token for ``issue``; no usable address for ``webhook``.
        Unfinished, Refused: the forge cannot be reached, or says no.
    """
    if request.webhook:
        read_webhook(project.environ)  # before anything is looked at
    looking = Concerns(project, request.days, asking.stories)
    with _at(project, request.as_of):
        found = ordered(list(looking.all()))
    remarks = tuple(looking.remarks)
    result = Alerts(looking.main, found, remarks)
    issue = _keep(project, result) if request.issue else None
    return replace(result, issue=issue)


def tell(project: Project, found: Alerts, asking: Asking) -> Alerts:
    """Tell the webhook that the environment names of ``found``; nobody is told where nothing is urgent.

    Raises:
        InputError: no usable address.
        Unfinished: it cannot be reached, or says no. ``found`` is what it was.
    """
    hook = read_webhook(project.environ)
    if not found.urgent:
        return found
    value = {"text": _text(found), "commit": found.commit, "alerts": [one.to_json() for one in found.found]}
    post(hook, value, asking.pause)
    return replace(found, posted=True)


@contextmanager
def _at(project: Project, moment: datetime | None) -> Iterator[None]:
    """Let it be ``moment`` for every story that is asked."""
    clock = project.clock
    if moment is not None:
        project.clock = lambda: moment
    try:
        yield
    finally:
        project.clock = clock


def _text(told: Alerts) -> str:
    """What a chat shows: how many, the first three, and where the rest is."""
    urgent = [one for one in told.found if one.severity == "alert"]
    lines = [alerts_title(told.found), *(f"- `{_inert(one)}`" for one in urgent[:MOST_TOLD])]
    if len(urgent) > MOST_TOLD:
        lines.append(f"- and {len(urgent) - MOST_TOLD} more")
    where = "" if told.issue is None else f"; {told.issue.url}"
    return "\n".join([*lines, f"main is at {told.commit[:12]}: promptvc alerts{where}"])


def _inert(one: Alert) -> str:
    """One alert as a span of code: it may hold what strangers wrote, and a chat would make links and calls of it."""
    about = " in ".join(each for each in (one.name, one.environment) if each is not None)
    words = " ".join(f"{about}: {one.message}".split() if about else one.message.split())
    shown = "".join(each if each.isprintable() else "?" for each in words).translate(_INERT)
    return shown if len(shown) <= LONGEST_TOLD else f"{shown[: LONGEST_TOLD - 3]}..."


def _keep(project: Project, result: Alerts) -> Note | None:
    """One issue while there is an alert; it is closed when there is none."""
    remote = project.settings.remote
    url = project.repository.remote_url(remote)
    if url is None:
        raise NotFound(f"there is no remote {remote}", hint="git remote add, or `remote:` in promptvc.yaml")
    forge = open_forge(url, project.environ, kind=project.settings.review.forge)
    # Two prompt roots in one repository have an issue each.
    root = re.sub(r"[^a-z0-9/_.-]", "-", project.prefix.strip("/").lower())
    marker = marker_for(MARKER, root) if root else MARKER
    if not result.urgent:
        return forge.close_issue(marker, "Nothing is left to act on.\n")
    body = alerts_markdown(result.found, result.remarks)
    return forge.keep_issue(marker, alerts_title(result.found), body, LABELS)
