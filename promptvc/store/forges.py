"""What a CI system says of itself: whether one runs this, for whose change, and which branch is the default.

Only what comes from the CI system and from git counts. A file of a pull request could say anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAIN = "PROMPTVC_MAIN"
"""The variable that names main where the forge does not."""

_NO = frozenset({"", "0", "false", "no"})
_SYSTEMS = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "BUILDKITE",
    "CIRCLECI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "BITBUCKET_BUILD_NUMBER",
    "DRONE",
    "TRAVIS",
    "APPVEYOR",
    "CODEBUILD_BUILD_ID",
)
_DEFAULTS = (
    "CI_DEFAULT_BRANCH",
    "CI_REPO_DEFAULT_BRANCH",
    "DRONE_REPO_BRANCH",
    "BUILDKITE_PIPELINE_DEFAULT_BRANCH",
)
_FORKS = ("CHANGE_FORK", "CIRCLE_PR_REPONAME")
"""Set for forks alone: by Jenkins and CircleCI."""

_PAIRS = (
    ("BUILDKITE_PULL_REQUEST_REPO", "BUILDKITE_REPO"),
    ("TRAVIS_PULL_REQUEST_SLUG", "TRAVIS_REPO_SLUG"),
    ("APPVEYOR_PULL_REQUEST_HEAD_REPO_NAME", "APPVEYOR_REPO_NAME"),
    ("SEMAPHORE_GIT_PR_SLUG", "SEMAPHORE_GIT_REPO_SLUG"),
)
"""Whose change it is, and whose repository."""

_SILENT = (
    ("BUILDKITE_PULL_REQUEST", "BUILDKITE_PULL_REQUEST_REPO"),
    ("CI_COMMIT_PULL_REQUEST", None),
    ("DRONE_PULL_REQUEST", None),
)
"""Set for every pull request, and what says whose it is: Woodpecker and Drone never do."""

_NUMBERS = ("CI_MERGE_REQUEST_IID", "CI_COMMIT_PULL_REQUEST", "DRONE_PULL_REQUEST")
"""The number of a pull request: by GitLab, Woodpecker, Drone."""

_MOST_EVENT = 25 * 1024 * 1024  # bytes; GitHub's own limit for a payload
_ADDRESS = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<place>.*?)(?:\.git)?/*")


@dataclass(frozen=True, slots=True)
class Forge:
    """What is known of where this runs.

    Attributes:
        ci: whether a CI system runs this.
        strange: who says that this is, or may be, for somebody else's pull request, in a clause; None if nobody.
        default: the default branch, by the forge or else by the variable :data:`MAIN`; None where neither says.
        pull: the number of the pull request that this runs for; None where it runs for none.
    """

    ci: bool = False
    strange: str | None = None
    default: str | None = None
    pull: int | None = None


def read_forge(environ: Mapping[str, str]) -> Forge:
    """What the variables say, and on GitHub the event."""
    event = _event(environ)
    ci = any(_is_set(environ, name) for name in _SYSTEMS)
    return Forge(ci, _strange(environ, event), _default(environ, event), _pull(environ, event))


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() not in _NO


def _event(environ: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The event that GitHub started this for; {} where there is none, None where it cannot be read."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return None if _is_set(environ, "GITHUB_ACTIONS") else {}
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
    path = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "")
    paths = {environ.get(name, path) for name in ("CI_PROJECT_PATH", "CI_MERGE_REQUEST_PROJECT_PATH")}
    if path and paths != {path}:
        return f"the merge request comes from project {path}"
    if _is_set(environ, "SYSTEM_PULLREQUEST_ISFORK"):
        return "SYSTEM_PULLREQUEST_ISFORK says so"
    for name in _FORKS:
        if environ.get(name):
            return f"{name} is set"
    for theirs, ours in _PAIRS:
        if environ.get(theirs) and _place(environ[theirs]) != _place(environ.get(ours, "")):
            return f"{theirs} is not {ours}"
    for pull, whose in _SILENT:
        if _is_set(environ, pull) and not (whose and environ.get(whose)):
            return f"{pull} is set, and nothing says whose pull request that is"
    return None


def _default(environ: Mapping[str, str], event: Mapping[str, Any] | None) -> str | None:
    said = _part(event or {}, "repository").get("default_branch")
    if isinstance(said, str) and said:
        return said
    return next((environ[name] for name in (*_DEFAULTS, MAIN) if environ.get(name)), None)


def _pull(environ: Mapping[str, str], event: Mapping[str, Any] | None) -> int | None:
    event = event or {}
    said: list[Any] = [_part(event, "pull_request").get("number")]
    if _part(event, "issue", "pull_request"):  # a comment on one
        said.append(_part(event, "issue").get("number"))
    of_run = _part(event, "workflow_run").get("pull_requests")
    if isinstance(of_run, list) and len(of_run) == 1 and isinstance(of_run[0], dict):
        said.append(of_run[0].get("number"))
    said += [int(text) for name in _NUMBERS if (text := environ.get(name, "")).isascii() and text.isdigit()]
    return next((number for number in said if isinstance(number, int) and number > 0), None)


def _place(address: str) -> str:
    """A repository by its host and path, however its address is written; a name stays what it is."""
    found = _ADDRESS.fullmatch(address.strip().lower())
    return found["place"].replace(":", "/", 1) if found else address


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
