"""What a forge is given to show: titles, bodies, markers and logins, checked before anything is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from promptvc.base.errors import InputError
from promptvc.forge.forge import MOST_COMMENT, PullText
from promptvc.forge.marks import MOST_MARKER, marked

MOST_TITLE = 247
"""Characters: GitHub takes 256, GitLab and Gitea 255, and a draft's prefix takes up to 8 of them."""

_MARKER = re.compile(rf"[a-z0-9][a-z0-9/_.:-]{{0,{MOST_MARKER - 1}}}")
_DRAFT = re.compile(r"\s*(?:\[(?:draft|wip)\]|\(draft\)|(?:draft|wip)\s*:)\s*", re.IGNORECASE)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}(?:\[bot\])?")
_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,254})*")


def plain_title(title: str) -> str:
    """``title`` without the words by which forges mark a draft: only :attr:`PullText.draft` says that it is one."""
    while found := _DRAFT.match(title):
        title = title[found.end() :]
    return title.strip()


def is_draft_title(title: str) -> bool:
    """Whether a forge that goes by titles takes this one for a draft's."""
    return _DRAFT.match(title) is not None


def fitted_title(title: str) -> str:
    """``title``, cut where it is longer than a forge takes."""
    return title if len(title) <= MOST_TITLE else title[: MOST_TITLE - 1].rstrip() + "…"


def checked_title(title: str) -> str:
    """The title without a draft's words.

    Raises:
        InputError: empty, too long, or not one line of printable text.
    """
    plain = plain_title(title)
    if not plain:
        raise InputError("a title is needed")
    if len(plain) > MOST_TITLE:
        raise InputError(f"the title has {len(plain)} characters: at most {MOST_TITLE} are taken")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in plain):
        raise InputError("a title is one line without control characters")
    return plain


def checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels, each once.

    Raises:
        InputError: what no forge takes for a label.
    """
    for label in labels:
        if not label.strip() or len(label) > 50 or "," in label or not label.isprintable():
            raise InputError(
                f"no label: {label[:80]!r}", hint="a label is one line of 1 to 50 characters without a comma"
            )
    return tuple(dict.fromkeys(labels))


def checked_body(body: str) -> str:
    """The body as it is.

    Raises:
        InputError: more than :data:`MOST_COMMENT` bytes, or a character that no forge stores.
    """
    try:
        size = len(body.encode())
    except UnicodeEncodeError:
        raise InputError("the text is no Unicode: half of a surrogate pair is in it") from None
    if size > MOST_COMMENT:
        raise InputError(
            f"the text has {size:,} bytes: a forge takes {MOST_COMMENT:,}",
            hint="shorten it, and link to the rest",
        )
    if "\0" in body:
        raise InputError("the text has a NUL character in it")
    return body


def checked_text(text: PullText) -> PullText:
    """Title and body checked; the body with its mark, if it is to have one.

    Raises:
        InputError: see :func:`checked_title`, :func:`checked_body` and :func:`checked_marked`.
    """
    title = checked_title(text.title)
    body = checked_body(text.body)
    if text.marker is not None:
        body = checked_marked(body, text.marker, title)
    return replace(text, title=title, body=body)


def checked_marked(body: str, marker: str, title: str | None = None) -> str:
    """The body with its mark, which counts for nothing: the limit leaves room for it.

    Raises:
        InputError: not a marker; see also :func:`checked_body`.
    """
    if not _MARKER.fullmatch(marker):
        raise InputError(
            f"no marker: {marker[:80]!r}",
            hint=f"a marker has up to {MOST_MARKER} small letters, digits and / _ . : -",
        )
    return marked(checked_body(body), marker, title)


def wrong_login(login: str, *, team: bool = False) -> str | None:
    """Why nobody can be asked by this name; None where it looks like one."""
    if "@" in login:
        return "an e-mail address: a forge takes logins only"
    if not (_TEAM if team else _LOGIN).fullmatch(login):
        return "not a login"
    return None


def same_text(one: str | None, other: str | None) -> bool:
    """Whether two bodies say the same: forges rewrite line ends and drop blanks at the end."""
    return _flat(one) == _flat(other)


def _flat(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").rstrip()
