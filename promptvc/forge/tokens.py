"""Tokens, from the environment alone, and each only to the host that it is for.

A job of GitHub holds a token of GitHub whatever remote a clone has: so ``GITHUB_TOKEN`` goes to the host that
``GITHUB_SERVER_URL`` names (github.com where nothing does) and to no other, and the same for the rest. The one that
goes wherever the remote is, is ``PROMPTVC_FORGE_TOKEN``: it is set for promptvc.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from promptvc.base.errors import InputError
from promptvc.forge.address import Address, host_of

OURS = "PROMPTVC_FORGE_TOKEN"
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and the variable that held it. ``job``: a CI job token of GitLab, which has rights of its own."""

    value: str = field(repr=False)
    variable: str
    job: bool = False


def find_token(address: Address, environ: Mapping[str, str]) -> Token:
    """The first token that is for this host.

    Raises:
        InputError: there is none, or only one that cannot do it.
    """
    held = []
    for variable, hosts in _candidates(address, environ):
        value = environ.get(variable, "").strip()
        if not value:
            continue
        if not value.isascii() or not value.isprintable() or " " in value:
            raise InputError(f"{variable} holds no token: it has characters that none has")
        if hosts is None or address.hosts & hosts:
            return _usable(Token(value, variable, job=variable == "CI_JOB_TOKEN"), address)
        held.append(f"{variable} is for {' and '.join(sorted(hosts)) or 'another host'}")
    reason = f"; {', '.join(held)}" if held else ""
    names = " or ".join(dict.fromkeys(variable for variable, _ in _candidates(address, environ)))
    raise InputError(f"there is no token for {address.host}{reason}", hint=f"set one of {names}")


def _usable(token: Token, address: Address) -> Token:
    if token.job:
        raise InputError(
            f"CI_JOB_TOKEN may read {address.host}, but it may not open merge requests, comment or open issues",
            hint="make a project access token with the scope `api` and put it into GITLAB_TOKEN",
        )
    return token


def _candidates(address: Address, environ: Mapping[str, str]) -> Iterator[tuple[str, frozenset[str] | None]]:
    """Variables in their order, each with the hosts that it is for; None: wherever the remote is."""

    def named(*variables: str, default: tuple[str, ...] = ()) -> frozenset[str]:
        found = {host for v in variables if (host := host_of(environ.get(v, ""))) is not None}
        found |= {f"api.{host}" for host in found if host == "github.com" or host.endswith(".ghe.com")}
        return frozenset(found or default)

    yield OURS, None
    server = named("GITHUB_SERVER_URL", "GITHUB_API_URL", default=("github.com", "api.github.com"))
    if address.kind == "github":
        yield "GITHUB_TOKEN", server
        cloud = frozenset(host for host in address.hosts if host.endswith(".ghe.com"))
        yield "GH_TOKEN", frozenset({"github.com", "api.github.com"}) | cloud
        only = named("GH_HOST")
        elsewhere = only or frozenset(address.hosts - {"github.com", "api.github.com"})
        for variable in _ENTERPRISE:
            yield variable, elsewhere
    elif address.kind == "gitlab":
        instance = named("CI_SERVER_URL", "CI_API_V4_URL", "GITLAB_HOST", default=("gitlab.com",))
        yield "GITLAB_TOKEN", instance
        yield "CI_JOB_TOKEN", named("CI_SERVER_URL", "CI_API_V4_URL")
    elif address.kind == "gitea":
        # Their own runners set GITHUB_SERVER_URL, and the token of the job as GITHUB_TOKEN.
        own = named("GITEA_SERVER_URL", "FORGEJO_SERVER_URL")
        if environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS"):
            own |= server
        for variable in ("GITEA_TOKEN", "FORGEJO_TOKEN"):
            yield variable, own or None
        if environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS"):
            yield "GITHUB_TOKEN", server
