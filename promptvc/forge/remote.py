"""A forge by its dialect: every call repeatable, one pull request of a branch, one comment and issue of a marker."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.forge.dialect import Account, Comment, Dialect, Issue, Thread
from promptvc.forge.forge import Asked, Kind, Note, Pull, PullText
from promptvc.forge.line import Line, Trouble
from promptvc.forge.marks import is_title_untouched, is_untouched, marked, marker_of
from promptvc.forge.text import (
    checked_labels,
    checked_marked,
    checked_text,
    checked_title,
    same_text,
    wrong_login,
)


class RemoteForge:
    """:class:`promptvc.forge.forge.Forge`, for any dialect."""

    def __init__(self, dialect: Dialect, line: Line) -> None:
        self.kind: Kind = dialect.kind
        self._dialect = dialect
        self._line = line
        self._account: Account | None = None

    @property
    def name(self) -> str:
        """``owner/repository``."""
        return self._line.name

    def default_branch(self) -> str:
        """The branch that the forge calls its default."""
        return self._line.ask("read the repository", self._dialect.default_branch)

    def find_pull(self, head: str, base: str) -> Pull | None:
        """The pull request of this repository's branch ``head`` onto ``base``: the open one, else the newest other."""
        return self._line.ask("list pull requests", lambda: self._found(head, base))

    def _found(self, head: str, base: str) -> Pull | None:
        pulls = [
            pull
            for pull in self._dialect.pulls(head=head, base=base, state="all")
            if (pull.head, pull.base, pull.fork) == (head, base, False)
        ]
        opened = [pull for pull in pulls if pull.state == "open"]
        return next(iter(opened or sorted(pulls, key=lambda pull: -pull.number)), None)

    def open_pulls(self, prefix: str = "") -> tuple[Pull, ...]:
        """The open pull requests whose head is a branch of this repository that begins with ``prefix``, by number."""
        pulls = self._line.ask("list pull requests", lambda: self._dialect.pulls(state="open"))
        ours = [pull for pull in pulls if not pull.fork and pull.head.startswith(prefix)]
        return tuple(sorted(ours, key=lambda pull: pull.number))

    def open_pull(self, head: str, base: str, text: PullText) -> Pull:
        """Open one; if there is an open one already, by whomever it was opened meanwhile, that one, updated."""
        text = checked_text(text)

        def find() -> Pull | None:
            found = self._found(head, base)
            return found if found is not None and found.state == "open" else None

        what = f"open a pull request of {head} onto {base}"
        pull, made = self._line.make(what, find, lambda: self._dialect.open(head, base, text))
        return pull if made else self._brought(pull, text)

    def update_pull(self, number: int, text: PullText) -> Pull:
        """Set title, body and draft where they differ; with a marker only what nobody has changed."""
        return self._brought(self._pull(number), checked_text(text))

    def _pull(self, number: int) -> Pull:
        return self._line.ask(f"read pull request {number}", lambda: self._dialect.pull(number))

    def _brought(self, pull: Pull, text: PullText) -> Pull:
        """``pull`` with ``text``, of which only what is another is sent: nobody's title is cut or refused by us."""
        wanted = text if text.marker is None else _ours(pull, text, text.marker)
        # Of one that is closed it cannot be changed.
        draft = wanted.draft if pull.state == "open" else pull.draft
        heading = None if (pull.title, pull.draft) == (wanted.title, draft) else (wanted.title, draft)
        body = None if same_text(pull.body, wanted.body) else wanted.body
        if heading is None and body is None:
            return pull
        what = f"write pull request {pull.number}"
        self._line.ask(what, lambda: self._dialect.write(pull.number, heading, body))
        return self._pull(pull.number)

    def close_pull(self, number: int) -> Pull:
        """Close it, unmerged; closed is fine."""
        pull = self._pull(number)
        if pull.state != "open":
            return pull
        self._line.ask(f"close pull request {number}", lambda: self._dialect.close(number))
        return self._pull(number)

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels to a pull request; those that the repository does not know are made. Others stay."""
        missing = _missing(self._pull(number).labels, labels)
        if missing:
            what = f"label pull request {number}"
            self._line.ask(what, lambda: self._dialect.label(Thread("pull", number), missing))

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> Asked:
        """Ask for reviews. The author, and who was asked or has answered already, are left out silently."""
        pull = self._pull(number)
        done = self._line.ask(f"read pull request {number}", lambda: self._dialect.asked(number))
        refused: list[tuple[str, str]] = []
        wanted: list[tuple[str, bool]] = []
        for given, team in [*((user, False) for user in users), *((team, True) for team in teams)]:
            login = given.removeprefix("@")
            wrong = wrong_login(login, team=team)
            if wrong is not None:
                refused.append((given, wrong))
            elif (login.lower() != pull.author.lower() or team) and _key(login, team=team) not in done:
                wanted.append((login, team))
        wanted = list(dict.fromkeys(wanted))
        asked = self._ask(number, wanted)
        return Asked(asked.reviewers, (*refused, *asked.refused))

    def _ask(self, number: int, wanted: Sequence[tuple[str, bool]]) -> Asked:
        if not wanted:
            return Asked()
        users = [login for login, team in wanted if not team]
        teams = [login for login, team in wanted if team]
        try:
            return self._line.try_once(lambda: self._dialect.ask(number, users, teams))
        except Trouble as trouble:
            if trouble.status not in {403, 404, 422}:
                raise self._line.error(trouble, f"ask for a review of {number}") from None
            if len(wanted) == 1:
                error = self._line.error(trouble, "ask them").message
                said = " ".join(trouble.message.split())[:200]
                return Asked((), ((wanted[0][0], said or error),))
        # One that cannot be asked makes the forge refuse all.
        each = [self._ask(number, [one]) for one in wanted]
        return Asked(
            tuple(login for one in each for login in one.reviewers),
            tuple(pair for one in each for pair in one.refused),
        )

    def comment(self, number: int, marker: str, body: str) -> Note:
        """Keep one comment of ours with ``marker`` on a pull request: the first that nobody changed, else a new one."""
        return self._comment(Thread("pull", number), marker, checked_marked(body, marker))

    def _comment(self, at: Thread, marker: str, text: str) -> Note:
        what = f"comment on {at.number}"
        me = self._me()

        def find() -> Comment | None:
            ours = [
                comment
                for comment in self._dialect.comments(at)
                if comment.author == me.id and marker_of(comment.body) == marker
            ]
            whole = [comment for comment in ours if is_untouched(comment.body, marker)]
            # A forge that rewrites what we say would get a new one each time: the second is written over.
            return next(iter(whole or ours[1:]), None)

        comment, made = self._line.make(what, find, lambda: self._dialect.say(at, text))
        if made:
            return Note(at.number, comment.url, made=True)
        if same_text(comment.body, text):
            return Note(at.number, comment.url, changed=False)
        self._line.ask(what, lambda: self._dialect.edit_comment(comment, text))
        return Note(at.number, comment.url)

    def keep_issue(self, marker: str, title: str, body: str, labels: Sequence[str] = ()) -> Note:
        """Keep one open issue of ours with ``marker``: updated, else made.

        Once a person has changed its text, that stays, and ours is kept in a comment below it.
        """
        title = checked_title(title)
        text = checked_marked(body, marker, title)
        issue, made = self._line.make(
            "open an issue",
            lambda: self._issue(marker),
            lambda: self._dialect.open_issue(title, text),
        )
        changed = made or self._brought_issue(issue, marker, (title, body, text))
        missing = _missing(issue.labels, labels)
        if missing:
            what = f"label issue {issue.number}"
            self._line.ask(what, lambda: self._dialect.label(Thread("issue", issue.number), missing))
            changed = True
        return Note(issue.number, issue.url, changed, made)

    def _brought_issue(self, issue: Issue, marker: str, wanted: tuple[str, str, str]) -> bool:
        """Whether anything was written; ``wanted``: the title, the body, and the body with its mark."""
        title, body, text = wanted
        if not is_untouched(issue.body, marker):
            news = f"{marker}:news"
            return self._comment(Thread("issue", issue.number), news, marked(body, news)).changed
        heading = title if is_title_untouched(issue.title, issue.body) and issue.title != title else None
        told = None if same_text(issue.body, text) else text
        if heading is None and told is None:
            return False
        what = f"write issue {issue.number}"
        self._line.ask(what, lambda: self._dialect.edit_issue(issue.number, heading, told))
        return True

    def close_issue(self, marker: str, body: str) -> Note | None:
        """Close the open issue with ``marker``, ``body`` being its last word; None if none is open."""
        checked_marked(body, marker)
        end = f"{marker}:end"
        issue = self._line.ask("list issues", lambda: self._issue(marker))
        if issue is None:
            return None
        if body.strip():
            # A comment of its own marker, so that a second try does not say it twice.
            self._comment(Thread("issue", issue.number), end, marked(body, end))
        what = f"close issue {issue.number}"
        self._line.ask(what, lambda: self._dialect.close_issue(issue.number))
        return Note(issue.number, issue.url)

    def _issue(self, marker: str) -> Issue | None:
        me = self._me()
        for issue in self._dialect.issues(me):
            if issue.author == me.id and marker_of(issue.body) == marker:
                return issue
        return None

    def _me(self) -> Account:
        """Whose token it is: a marker in somebody else's comment is not ours to touch."""
        if self._account is None:
            self._account = self._line.ask("tell whose token it is", self._dialect.me)
        return self._account


def _ours(pull: Pull, text: PullText, marker: str) -> PullText:
    """``text`` as far as what it replaces is still ours. A title is known by the body that it was written with."""
    if not is_untouched(pull.body, marker):
        return PullText(pull.title, pull.body, pull.draft)
    title = text.title if is_title_untouched(pull.title, pull.body) else pull.title
    return PullText(title, text.body, pull.draft)


def _missing(present: Sequence[str], labels: Sequence[str]) -> list[str]:
    known = {label.lower() for label in present}
    return [label for label in checked_labels(labels) if label.lower() not in known]


def _key(login: str, *, team: bool) -> str:
    return f"@{login.rpartition('/')[2].lower()}" if team else login.lower()
