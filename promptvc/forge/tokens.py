"""Tokens, from the environment alone, and each only to the host that it is for.

A job of GitHub holds a token of GitHub whatever remote a clone has: so ``GITHUB_TOKEN`` goes to the host that
``GITHUB_SERVER_URL`` names (github.com where nothing does) and to no other, and the same for the rest. The one that
goes wherever the remote is, is ``PROMPTVC_FORGE_TOKEN``: it is set for promptvc. What the settings of a repository say
of its forge names no host to any token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from promptvc.base.errors import InputError
from promptvc.forge.address import API, Address
from promptvc.forge.url import host_of

OURS = "PROMPTVC_FORGE_TOKEN"
JOB = "CI_JOB_TOKEN"
_HUB = ("github.com", "api.github.com")
_TEAS = ("codeberg.org", "gitea.com")
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and the variable that held it. ``job``: a CI job token of GitLab, which has rights of its own."""

    value: str = field(repr=False)
    variable: str
    job: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A variable, the hosts that its token is for (None: wherever the remote is), and what would name another."""

    variable: str
    hosts: frozenset[str] | None
    named_by: str | None = None


def find_token(address: Address, environ: Mapping[str, str]) -> Token:
    """The first token that is for this host.

    Raises:
        InputError: there is none, or only one that cannot do it.
    """
    held: list[str] = []
    hint = ""
    for one in _candidates(address, environ):
        value = environ.get(one.variable, "").strip()
        if not value:
            continue
        if not value.isascii() or not value.isprintable() or " " in value:
            raise InputError(f"{one.variable} holds no token: it has characters that none has")
        if one.hosts is None or address.hosts & one.hosts:
            return _usable(Token(value, one.variable, job=one.variable == JOB), address)
        held.append(f"{one.variable} is for {' and '.join(sorted(one.hosts)) or 'no host that is named'}")
        if one.named_by is not None and not hint:
            hint = f"if {one.variable} is for {address.host}, say so: {one.named_by}=https://{address.host}; else "
    reason = f"; {', '.join(held)}" if held else ""
    # The token of a job of GitLab's is looked at only to say why it does not do.
    fitting = [one.variable for one in _candidates(address, environ) if one.variable != JOB]
    names = " or ".join(dict.fromkeys(fitting))
    raise InputError(f"there is no token for {address.host}{reason}", hint=f"{hint}set one of {names}")


def _usable(token: Token, address: Address) -> Token:
    if token.job:
        raise InputError(
            f"{JOB} may read {address.host}, but it may not open merge requests, comment or open issues",
            hint="make a project access token with the scope `api` and put it into GITLAB_TOKEN",
        )
    return token


def _candidates(address: Address, environ: Mapping[str, str]) -> Iterator[_Candidate]:
    """In their order. A host counts that the environment names, or that is well known; never the remote's own word."""

    def named(*variables: str, default: tuple[str, ...] = ()) -> frozenset[str]:
        found = {host for v in variables if (host := host_of(environ.get(v, ""))) is not None}
        found |= {f"api.{host}" for host in found if host == "github.com" or host.endswith(".ghe.com")}
        return frozenset(found or default)

    yield _Candidate(OURS, None)
    server = named("GITHUB_SERVER_URL", "GITHUB_API_URL", default=_HUB)
    if address.kind == "github":
        yield _Candidate("GITHUB_TOKEN", server)
        cloud = frozenset(host for host in address.hosts if host.endswith(".ghe.com"))
        yield _Candidate("GH_TOKEN", cloud.union(_HUB))
        elsewhere = named("GH_HOST", "GITHUB_SERVER_URL", "GITHUB_API_URL", API).difference(_HUB)
        for variable in _ENTERPRISE:
            yield _Candidate(variable, elsewhere, "GH_HOST")
    elif address.kind == "gitlab":
        instance = named("CI_SERVER_URL", "CI_API_V4_URL", "GITLAB_HOST", default=("gitlab.com",))
        yield _Candidate("GITLAB_TOKEN", instance, "GITLAB_HOST")
        yield _Candidate(JOB, named("CI_SERVER_URL", "CI_API_V4_URL"))
    elif address.kind == "gitea":
        # Their own runners set GITHUB_SERVER_URL, and the token of the job as GITHUB_TOKEN.
        runner = bool(environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS"))
        own = named("GITEA_SERVER_URL", "FORGEJO_SERVER_URL", API)
        if environ.get("CI_FORGE_TYPE") in {"gitea", "forgejo"}:
            own |= named("CI_FORGE_URL")
        if runner:
            own |= server
        for variable in ("GITEA_TOKEN", "FORGEJO_TOKEN"):
            yield _Candidate(
                variable, own or frozenset(_TEAS), f"{variable.removesuffix('_TOKEN')}_SERVER_URL"
            )
        if runner:
            yield _Candidate("GITHUB_TOKEN", server)
