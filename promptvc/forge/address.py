"""From a remote's address to the forge that hosts it: its kind, the base of its API, the repository's name.

The address comes from git's own configuration (``git remote get-url``), the rest from the environment: neither is in a
pull request. What ``review: {forge: …}`` of the settings says is believed only where nothing else tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from promptvc.base.errors import InputError
from promptvc.forge.forge import KINDS
from promptvc.forge.url import Remote, host_of, is_loopback, parse_remote

API = "PROMPTVC_FORGE_URL"
"""The variable that overrides the base of the API."""

_KNOWN = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
_CLOUD = ".ghe.com"
_SEGMENT = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_PREFIX = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is hosted.

    Attributes:
        kind: one of ``KINDS``, or what an installed extension is called.
        host: for people: the forge's host, with its port where that is not the usual one.
        api: the base of its API, without a final slash.
        name: ``owner/repository``, with all groups.
    """

    kind: str
    host: str
    api: str
    name: str

    @property
    def groups(self) -> tuple[str, ...]:
        """What the repository is in, outermost first."""
        return tuple(self.name.split("/")[:-1])

    @property
    def hosts(self) -> frozenset[str]:
        """Where requests go."""
        host = host_of(self.api)
        return frozenset({host} if host else ())


def find_address(remote_url: str, environ: Mapping[str, str], *, kind: str | None = None) -> Address:
    """Which forge hosts the remote.

    Args:
        remote_url: what ``git remote get-url`` says.
        kind: what the settings say.

    Raises:
        InputError: no address of a forge, or one that does not tell which kind it is.
    """
    remote = parse_remote(remote_url)
    base = _web_base(remote, environ)
    found = _kind(remote, environ, kind)
    path, sub = _place(remote, base, found)
    segments = path.split("/")
    most = 2 if found in {"github", "gitea"} else 32
    if not 2 <= len(segments) <= most or not all(_SEGMENT.fullmatch(s) and s.strip(".") for s in segments):
        raise InputError(
            f"the remote {_shown(remote)} is no repository of a forge: it needs an owner and a name",
            hint="see `git remote -v`, and the key `remote` of promptvc.yaml",
        )
    api = environ.get(API) or _declared_api(remote, environ, found) or _api(remote, base, found, sub)
    return Address(found, remote.authority, _checked_api(api), path)


def _shown(remote: Remote) -> str:
    return f"{remote.authority}/{remote.path}"[:200]


def _servers(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the environment says of forges: the web address of each and its kind."""
    gitea = bool(environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS"))
    gitea = gitea or environ.get("GITHUB_API_URL", "").rstrip("/").endswith("/api/v1")
    said = [
        (environ.get("GITEA_SERVER_URL", ""), "gitea"),
        (environ.get("FORGEJO_SERVER_URL", ""), "gitea"),
        (environ.get("GITHUB_SERVER_URL", ""), "gitea" if gitea else "github"),
        (environ.get("GH_HOST", ""), "github"),
        (environ.get("CI_SERVER_URL", "") if environ.get("CI_API_V4_URL") else "", "gitlab"),
        (environ.get("GITLAB_HOST", ""), "gitlab"),
        # Woodpecker says which forge it works for.
        (environ.get("CI_FORGE_URL", ""), environ.get("CI_FORGE_TYPE", "").replace("forgejo", "gitea")),
    ]
    return [(url, kind) for url, kind in said if url and kind in KINDS]


def _is_at(remote: Remote, url: str) -> bool:
    """Whether a web address is of the remote's host. The port of ssh says nothing of that of the web."""
    host = host_of(url)
    if host is None:
        return False
    return host == remote.authority or (not remote.web and host.rsplit(":", 1)[0] == remote.authority)


def _web_base(remote: Remote, environ: Mapping[str, str]) -> str | None:
    """The web address that the environment gives to the remote's host, without a final slash."""
    for url, _ in _servers(environ):
        if _is_at(remote, url):
            return (url if "://" in url else f"https://{url}").rstrip("/")
    return None


def _kind(remote: Remote, environ: Mapping[str, str], wanted: str | None) -> str:
    known = _KNOWN.get(remote.host) or ("github" if remote.host.endswith(_CLOUD) else None)
    said = next((kind for url, kind in _servers(environ) if _is_at(remote, url)), None)
    label = remote.host.split(".", 1)[0].replace("forgejo", "gitea")
    told = known or said or wanted or (label if label in KINDS else None)
    if told is None:
        raise InputError(
            f"nothing tells which kind of forge {remote.host} is",
            hint="write `review: {forge: github}` into promptvc.yaml, or gitlab, or gitea (also for Forgejo)",
        )
    if known and wanted and known != wanted:
        raise InputError(
            f"{remote.host} is {known}, and `review.forge` says {wanted}", hint="leave the key out"
        )
    return told


def _place(remote: Remote, base: str | None, kind: str) -> tuple[str, str]:
    """The repository's path, and below which path of the host the forge is installed."""
    sub = urlsplit(base).path.strip("/") if base else ""
    if sub and remote.web and remote.path.startswith(sub + "/"):
        return remote.path.removeprefix(sub + "/"), sub
    own = remote.host in _KNOWN or remote.host.endswith(_CLOUD)
    if kind != "gitlab" and remote.web and base is None and not own and remote.path.count("/") > 1:
        # GitHub and Gitea have no groups in groups: what comes before is where the forge is installed.
        above, owner, name = remote.path.rsplit("/", 2)
        return f"{owner}/{name}", above
    return remote.path, sub


def _declared_api(remote: Remote, environ: Mapping[str, str], kind: str) -> str | None:
    pairs = {
        "github": (("GITHUB_SERVER_URL", "GITHUB_API_URL"),),
        "gitlab": (("CI_SERVER_URL", "CI_API_V4_URL"),),
        "gitea": (("GITHUB_SERVER_URL", "GITHUB_API_URL"),),
    }.get(kind, ())
    for server, api in pairs:
        if environ.get(api) and _is_at(remote, environ.get(server, "")):
            return environ[api]
    return None


def _api(remote: Remote, base: str | None, kind: str, sub: str) -> str:
    if kind == "github" and remote.host == "github.com":
        return "https://api.github.com"
    if kind == "github" and remote.host.endswith(_CLOUD):
        return f"https://api.{remote.host}"
    if base is not None:
        return base + _PREFIX.get(kind, "")
    scheme = "http" if remote.scheme == "http" else "https"
    return f"{scheme}://{remote.authority}{'/' + sub if sub else ''}{_PREFIX.get(kind, '')}"


def _checked_api(api: str) -> str:
    host = host_of(api)
    try:
        parts = urlsplit(api.strip())
    except ValueError:
        host = None
    if (
        host is None
        or parts.scheme not in {"http", "https"}
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise InputError(
            f"the address of the forge's API is none: {API} or what the CI system says", hint=None
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InputError(
            f"the API of {host} is asked over plain http: a token would be readable on the way",
            hint=f"set its https address: {API}=https://{host}{parts.path}",
        )
    return api.strip().rstrip("/")
