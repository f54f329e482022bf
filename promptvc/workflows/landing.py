"""How commits on main reach the remote: pushed by compare-and-swap, or proposed in a pull request.

What others pushed meanwhile is fetched, and everything decided again on it. Shared by the stories that deploy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from promptvc.base.errors import GitError, NotFound, Refused, Usage
from promptvc.base.spans import code
from promptvc.evaluation.reports.parts import Part
from promptvc.forge.forge import MOST_COMMENT, PullText
from promptvc.forge.marks import marker_for, was_written
from promptvc.forge.opening import open_forge
from promptvc.forge.text import fitted_title
from promptvc.git.refs import delete_branch
from promptvc.git.remotes import Result, fetch, push
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipped
from promptvc.workflows.upstream import refuse_others

_ATTEMPTS = 5
T = TypeVar("T")
Ship = Callable[[str | None, str | None], T]


@dataclass(frozen=True, slots=True)
class Landing:
    """What is done with the commits: pushed, proposed, or left where they are."""

    push: bool = False
    propose: bool = False

    def __post_init__(self) -> None:
        if self.push and self.propose:
            raise Usage("--push does not go with --pr", hint="push to main, or propose")


@dataclass(frozen=True, slots=True)
class Proposed:
    """The pull request that carries them."""

    number: int
    url: str

    def to_json(self) -> dict[str, object]:
        """As ``--json`` prints it."""
        return {"number": self.number, "url": self.url}


def land(
    project: Project,
    landing: Landing,
    topic: str,
    ship: Ship[T],
    shipped: Callable[[T], Sequence[Shipped]],
) -> tuple[T, Proposed | None]:
    """Let ``ship`` commit, and bring what it committed to the remote as ``landing`` says.

    Args:
        topic: names the branch of a pull request: ``deploy/production``.
        ship: commits to the branch that it is given, None the current one; called again where main has moved. The
            second argument is what an open pull request of the same branch proposes, a commit, None without one.
        shipped: what of its answer was committed.

    Raises:
        NotFound: nothing says which branch is main, or there is no remote.
        Refused: main here is not what the remote has; a person's commit is on the branch of the pull request; or
            somebody closed the one that proposed just this.
        GitError, Unfinished: main cannot be pushed, or the forge not be reached. Nothing is half deployed.
    """
    if not landing.push and not landing.propose:
        return ship(None, None), None
    if project.main is None:
        raise NotFound("nothing says which branch is main", hint="say `main: NAME` in promptvc.yaml")
    if landing.push:
        return _pushed(project, project.main, ship, shipped), None
    return _proposed(project, project.main, topic, ship, shipped)


def _pushed(project: Project, main: str, ship: Ship[T], shipped: Callable[[T], Sequence[Shipped]]) -> T:
    repository, remote = project.repository, project.settings.remote
    ref = f"refs/heads/{main}"
    ours = repository.resolve(ref)
    for _ in range(_ATTEMPTS):
        there = _fetched(project, main)
        if ours is not None and there is not None and not repository.is_ancestor(there, ours):
            ours = _brought_forward(project, main, ours, there)
        done = ship(main, None)
        tip = repository.resolve(ref)
        if tip is None or tip == there or not any(one.changed for one in shipped(done)):
            return done
        pushed = push(repository, remote, ref, expect=there or "")
        if pushed.ok:
            return done
        if ours is not None or pushed.result is not Result.REJECTED:
            break
        # The branch is ours: it began at what the remote had. What others pushed since then comes first.
        delete_branch(repository, main, tip)
    raise GitError(f"cannot push {main} to {remote}: {pushed.reason}", hint=pushed.hint)


def _brought_forward(project: Project, main: str, ours: str, there: str) -> str:
    """Main, where it was only behind: as ``git pull`` would, where nobody's work is in the way.

    Raises:
        Refused: it has commits of its own, is not the current branch, or a file is in the way.
    """
    repository = project.repository
    behind = repository.is_ancestor(ours, there) and repository.head().branch == main
    if not behind or repository.outcome("merge", "--ff-only", "--quiet", there)[0]:
        hint = f"git switch {main} && git pull"
        raise Refused(f"{main} here is not what {project.settings.remote} has", hint=hint)
    project.refresh()
    return there


def _proposed(
    project: Project,
    main: str,
    topic: str,
    ship: Ship[T],
    shipped: Callable[[T], Sequence[Shipped]],
) -> tuple[T, Proposed | None]:
    """On a branch that begins at main anew each time; what an open pull request has is ``ship``'s to bring again.

    Raises:
        Refused: the branch has commits of others, or somebody closed a pull request that proposed just this.
    """
    repository, remote = project.repository, project.settings.remote
    url = repository.remote_url(remote)
    if url is None:
        raise NotFound(f"there is no remote {remote}", hint="git remote add")
    base = _fetched(project, main)
    branch = f"promptvc-{topic}"
    forge = open_forge(url, project.environ, kind=project.settings.review.forge)
    found = forge.find_pull(branch, main)
    there = _begun_anew(project, branch, base)
    done = ship(branch, there if found is not None and found.state == "open" else None)
    news = [one for one in shipped(done) if one.changed]
    if not news:
        return done, None
    text = _text(topic, news)
    ref = f"refs/heads/{branch}"
    if found is not None and found.state == "closed" and was_written(text.body, found.body):
        delete_branch(repository, branch, repository.resolve(ref) or "")
        raise Refused(
            f"#{found.number} proposed just that, and was closed",
            hint=f"reopen it if it is wanted after all: {found.url}",
        )
    pushed = push(repository, remote, ref, expect=there or "")
    if not pushed.ok:
        raise GitError(f"cannot push {branch} to {remote}: {pushed.reason}", hint=pushed.hint)
    if found is not None and found.state == "open":
        pull = forge.update_pull(found.number, text)
    else:
        pull = forge.open_pull(branch, main, text)
    forge.label(pull.number, project.settings.review.labels)
    return done, Proposed(pull.number, pull.url)


def _begun_anew(project: Project, branch: str, base: str | None) -> str | None:
    """The tip that the remote's branch has, None where there is none; here ``branch`` is gone.

    Raises:
        Refused: a commit on it is a person's; it is checked out.
    """
    repository, remote = project.repository, project.settings.remote
    tracking = f"refs/remotes/{remote}/{branch}"
    seen = fetch(repository, remote, f"+refs/heads/{branch}:{tracking}")
    there = None if seen.result is Result.ABSENT else repository.resolve(tracking)
    stale = repository.resolve(f"refs/heads/{branch}")
    if there is not None:
        refuse_others(project, there, [base], f"{branch} on {remote}")
    if stale is not None:
        refuse_others(project, stale, [base, there], branch)
        delete_branch(repository, branch, stale)
    return there


def _text(topic: str, news: Sequence[Shipped]) -> PullText:
    places = sorted({one.environment for one in news})
    title = f"Let {', '.join(places)} run {', '.join(f'{one.name} v{one.version}' for one in news)}"
    rows = [f"- {code(one.name, 200)} in {code(one.environment, 200)}: {_step(one)}\n" for one in news]
    body = Part("Merging this changes what runs:\n\n", rows, len(rows), "deployment").fitted(MOST_COMMENT)
    return PullText(fitted_title(title), body, marker=marker_for(topic))


def _fetched(project: Project, main: str) -> str | None:
    """The tip of the remote's main, now; ``project`` knows it too."""
    remote = project.settings.remote
    tracking = f"refs/remotes/{remote}/{main}"
    done = fetch(project.repository, remote, f"+refs/heads/{main}:{tracking}")
    if not done.ok:
        raise GitError(f"cannot fetch {main} from {remote}: {done.reason}", hint=done.hint)
    project.refresh()
    return project.repository.resolve(tracking)


def _step(one: Shipped) -> str:
    return f"v{one.version}" if one.previous is None else f"v{one.previous} -> v{one.version}"
