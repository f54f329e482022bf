"""What GitHub's objects say, as our values."""

from __future__ import annotations

from typing import Any, Literal

from promptvc.forge.dialect import Comment, Issue, Thread
from promptvc.forge.forge import Pull
from promptvc.forge.text import plain_title

PREFIX = "[draft] "
"""Marks a draft where GitHub has none: in private repositories of its free plans."""


def pull_of(found: Any) -> Pull:
    """A pull request."""
    state: Literal["open", "closed", "merged"] = "open"
    if found.state != "open":
        state = "merged" if found.merged_at is not None else "closed"
    home = found.base.repo
    theirs = found.head.repo  # None of a fork that is gone
    return Pull(
        number=found.number,
        url=found.html_url,
        title=plain_title(found.title),
        head=found.head.ref,
        base=found.base.ref,
        commit=found.head.sha,
        state=state,
        draft=found.draft or found.title.startswith(PREFIX),
        body=found.body or "",
        labels=tuple(label.name for label in found.labels),
        fork=theirs is None or theirs.full_name != home.full_name,
        author=login_of(found),
    )


def login_of(found: Any) -> str:
    """Who wrote it; empty of an account that is gone."""
    return found.user.login if found.user else ""


def comment_of(at: Thread, found: Any) -> Comment:
    """A comment."""
    return Comment(at, found.id, found.user.id if found.user else 0, found.body or "", found.html_url)


def issue_of(found: Any) -> Issue:
    """An issue."""
    labels = tuple(label.name for label in found.labels)
    author = found.user.id if found.user else 0
    return Issue(found.number, author, found.title, found.body or "", found.html_url, labels)
