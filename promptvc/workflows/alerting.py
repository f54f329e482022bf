"""`alerts`: what somebody should act on, by what is committed; told on a terminal, in one issue, and to a webhook.

A function of main, the ledger and the moment that it is asked for: no job has to have run before. What is not
committed is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    """What somebody should act on; with ``issue`` and ``webhook`` others are told.

    Raises:
        NotFound: nothing is committed on main; ``issue`` without a remote.
        InputError: no forge or no token for ``issue``; no usable address for ``webhook``.
        Unfinished, Refused: the forge or the webhook cannot be reached, or says no.
    """
    hook = read_webhook(project.environ) if request.webhook else None
    looking = Concerns(project, request.days, asking.stories)
    with _at(project, request.as_of):
        found = ordered(list(looking.all()))
    remarks = tuple(looking.remarks)
    result = Alerts(looking.main, found, remarks)
    issue = _keep(project, result) if request.issue else None
    if hook is not None and found:
        told = {"text": _text(found), "commit": looking.main, "alerts": [one.to_json() for one in found]}
        post(hook, told, asking.pause)
    return Alerts(looking.main, found, remarks, issue, posted=hook is not None and bool(found))


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


def _text(found: Sequence[Alert]) -> str:
    """What a chat shows; the sentences, which strangers may have written, are in ``alerts`` alone."""
    which = sorted({one.name for one in found if one.name is not None and one.severity == "alert"})
    more = f", and {len(which) - 10} more" if len(which) > 10 else ""
    return f"{alerts_title(found)}{': ' + ', '.join(which[:10]) + more if which else ''}"


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
