"""How commits on main reach the remote: pushed by compare-and-swap, or proposed in a pull request.

What others pushed meanwhile is fetched, and everything decided again on it. Shared by the stories that deploy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from promptvc.base.errors import GitError, NotFound, Refused, Usage
from promptvc.forge.forge import PullText, marked
from promptvc.forge.opening import open_forge
from promptvc.git.refs import delete_branch
from promptvc.git.remotes import Result, fetch, push
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipped

_ATTEMPTS = 5
_MOST_TITLE = 200
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
            second argument is what an earlier pull request of the same branch proposes, a commit, None without one.
        shipped: what of its answer was committed.

    Raises:
        NotFound: nothing says which branch is main, or there is no remote.
        Refused: main here is not what the remote has.
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
            raise Refused(f"{main} here is not what {remote} has", hint=f"git switch {main} && git pull")
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


def _proposed(
    project: Project,
    main: str,
    topic: str,
    ship: Ship[T],
    shipped: Callable[[T], Sequence[Shipped]],
) -> tuple[T, Proposed | None]:
    """On a branch that begins at main anew each time; what it had before is ``ship``'s to bring again."""
    repository, remote = project.repository, project.settings.remote
    url = repository.remote_url(remote)
    if url is None:
        raise NotFound(f"there is no remote {remote}", hint="git remote add")
    _fetched(project, main)
    branch = f"promptvc-{topic}"
    stale = repository.resolve(f"refs/heads/{branch}")
    if stale is not None:
        delete_branch(repository, branch, stale)
    tracking = f"refs/remotes/{remote}/{branch}"
    seen = fetch(repository, remote, f"+refs/heads/{branch}:{tracking}")
    there = None if seen.result is Result.ABSENT else repository.resolve(tracking)
    done = ship(branch, there)
    news = [one for one in shipped(done) if one.changed]
    if not news:
        return done, None
    pushed = push(repository, remote, f"refs/heads/{branch}", expect=there or "")
    if not pushed.ok:
        raise GitError(f"cannot push {branch} to {remote}: {pushed.reason}", hint=pushed.hint)
    return done, _opened(project, url, (branch, main, topic), news)


def _opened(project: Project, url: str, where: tuple[str, str, str], news: Sequence[Shipped]) -> Proposed:
    branch, main, topic = where
    forge = open_forge(url, project.environ, kind=project.settings.review.forge)
    places = sorted({one.environment for one in news})
    title = f"Let {', '.join(places)} run {', '.join(f'{one.name} v{one.version}' for one in news)}"
    rows = [f"- `{one.name}` in `{one.environment}`: {_step(one)}" for one in news]
    body = "Merging this changes what runs:\n\n" + "\n".join(rows) + "\n"
    text = PullText(title[:_MOST_TITLE], marked(body, topic))
    found = forge.find_pull(branch, main)
    if found is not None and found.state == "open":
        pull = forge.update_pull(found.number, text)
    else:
        pull = forge.open_pull(branch, main, text)
    forge.label(pull.number, project.settings.review.labels)
    return Proposed(pull.number, pull.url)


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
