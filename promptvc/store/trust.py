"""Whether the code of a suite may run here: whose it is decides, not what it does.

Code runs only by leave (``--allow-code``), and then:

========================  ==================================================================================
from a commit             only if main reaches it: somebody has reviewed it
from the working tree     of a person: it is their own word
from the working tree,    only if suite and code files are, byte for byte, what main has: a pull request may
in CI                     change the prompt that code judges, not the code
for a fork                never
========================  ==================================================================================

The rules are a function of facts; :func:`read_facts` gathers them from git and from what a CI system says of itself.
In CI, main must be the branch that the forge calls its default: a file of the pull request could name another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import Refused
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository

_OPTION = "--allow-code"
_NO = frozenset({"", "0", "false", "no"})
_CI = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "BUILDKITE",
    "CIRCLECI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
)
_MOST_EVENT = 25 * 1024 * 1024  # bytes; GitHub's own limit for a payload


@dataclass(frozen=True, slots=True)
class Source:
    """Where a suite with code comes from.

    Attributes:
        commit: its full id; None for the working tree.
        files: the suite, its datasets and its code, as they were read: bytes by path from the prompt root.
    """

    commit: str | None
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Main:
    """What the code is held against.

    Attributes:
        name: of the branch, None where nothing says which it is; commit: its tip, None without one.
        prefix: the prompt root from the top of the repository, ``""`` or with a final slash.
    """

    name: str | None
    commit: str | None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on.

    Attributes:
        allowed: whether the person gave leave.
        commit: that the suite comes from; None for the working tree.
        reached: whether main reaches that commit.
        ci: whether a CI system runs this.
        strange: who says that this is, or may be, for somebody else's pull request, in a clause; None if nobody.
        changed: the files that main has not, or not with these bytes.
        main: name of the main branch; None without one.
        default: what the forge calls the default branch; None where it does not say.
        shallow: whether the clone lacks history.
    """

    allowed: bool
    commit: str | None = None
    reached: bool = False
    ci: bool = False
    strange: str | None = None
    changed: tuple[str, ...] = ()
    main: str | None = "main"
    default: str | None = None
    shallow: bool = False


def require_trust(facts: Facts) -> None:
    """Let code run, or not.

    Raises:
        Refused: with the rule that says no, and what would help.
    """
    if not facts.allowed:
        raise Refused(
            "the suite has code (`python`), which does not run without leave",
            hint=f"read it, then add {_OPTION}; or leave those cases out",
        )
    if facts.strange is not None:
        raise Refused(
            f"code of a suite never runs for a fork: {facts.strange}",
            hint="evaluate it after the merge, or from a branch of this repository",
        )
    if facts.ci:
        _require_main(facts)
    if facts.commit is not None and not facts.reached:
        deeper = "this clone is shallow: git fetch --unshallow; " if facts.shallow else ""
        raise Refused(
            f"the suite comes from {facts.commit[:10]}, which {facts.main or 'main'} does not reach: its code does "
            "not run",
            hint=f"{deeper}merge it first, or evaluate your own working tree",
        )
    if facts.commit is None and facts.ci and facts.changed:
        more = f" and {len(facts.changed) - 1} more" if len(facts.changed) > 1 else ""
        raise Refused(
            f"{facts.changed[0]}{more} is not what {facts.main} has: in CI only code that is merged runs",
            hint="merge the suite and its code first, in a change of their own",
        )


def _require_main(facts: Facts) -> None:
    if facts.main is None:
        raise Refused(
            "nothing says which branch is main, so no code can be held against it",
            hint="say `main: NAME` in promptvc.yaml, and fetch that branch (fetch-depth: 0)",
        )
    if facts.default is not None and facts.main != facts.default:
        raise Refused(
            f"main is `{facts.main}` here, and the forge's default branch is `{facts.default}`: code does not run",
            hint="a pull request could have named its own branch; make the two the same",
        )


def read_facts(
    repository: Repository,
    objects: Objects,
    source: Source,
    main: Main,
    *,
    allowed: bool,
    environ: Mapping[str, str],
) -> Facts:
    """The facts about code from ``source``, for :func:`require_trust`."""
    if not allowed:
        return Facts(allowed=False)
    event = _event(environ)
    known = main.commit is not None
    reached = source.commit is not None and known and repository.is_ancestor(source.commit, str(main.commit))
    ci = any(environ.get(name, "").lower() not in _NO for name in _CI)
    changed = _changed(objects, source, main) if ci and source.commit is None else ()
    return Facts(
        allowed=True,
        commit=source.commit,
        reached=reached,
        ci=ci,
        strange=_strange(environ, event),
        changed=changed,
        main=main.name if known else None,
        default=_default(environ, event),
        shallow=source.commit is not None and not reached and repository.is_shallow,
    )


def _changed(objects: Objects, source: Source, main: Main) -> tuple[str, ...]:
    if main.commit is None:
        return tuple(sorted(source.files))
    found = []
    for path, data in sorted(source.files.items()):
        there = objects.at(main.commit, main.prefix + path)
        if there is None or there[1] != data:
            found.append(path)
    return tuple(found)


def _event(environ: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The event that GitHub started this for; {} where there is none, None where it cannot be read."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return None if environ.get("GITHUB_ACTIONS", "").lower() not in _NO else {}
    try:
        place = Path(path)
        value = json.loads(place.read_bytes()) if place.stat().st_size <= _MOST_EVENT else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _strange(environ: Mapping[str, str], event: Mapping[str, Any] | None) -> str | None:
    if event is None:
        return "GITHUB_EVENT_PATH cannot be read, so nobody knows whose change this is"
    if environ.get("GITHUB_EVENT_NAME") == "pull_request_target":
        return "pull_request_target runs with the rights of this repository on what anybody proposes"
    here = _name(event.get("repository"))
    pull = _part(event, "pull_request")
    for what, present, theirs, ours in (
        (
            "pull request",
            "pull_request" in event,
            _part(pull, "head", "repo"),
            _name(_part(pull, "base", "repo")),
        ),
        ("workflow run", "workflow_run" in event, _part(event, "workflow_run", "head_repository"), here),
    ):
        if not present:
            continue
        name = _name(theirs)
        if name is None:
            return f"the repository that the {what} comes from is gone"
        if theirs.get("fork") is True or name != (ours or here):
            return f"the {what} comes from {name}"
    return _strange_elsewhere(environ)


def _strange_elsewhere(environ: Mapping[str, str]) -> str | None:
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
    targets = {environ.get(name, source) for name in ("CI_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID")}
    if source and targets != {source}:
        return f"the merge request comes from project {source}"
    if environ.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() not in _NO:
        return "SYSTEM_PULLREQUEST_ISFORK says so"
    return "CIRCLE_PR_REPONAME is set" if environ.get("CIRCLE_PR_REPONAME") else None


def _default(environ: Mapping[str, str], event: Mapping[str, Any] | None) -> str | None:
    name = _part(event or {}, "repository").get("default_branch") or environ.get("CI_DEFAULT_BRANCH")
    return name if isinstance(name, str) and name else None


def _part(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        inner = value.get(key)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def _name(repository: Any) -> str | None:
    name = repository.get("full_name") if isinstance(repository, dict) else None
    return name.lower() if isinstance(name, str) else None
