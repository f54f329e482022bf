"""How one model is reached: its provider, its endpoint and its key, from the environment and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from promptvc.base.errors import InputError
from promptvc.models.endpoints import Endpoint
from promptvc.models.providers import KNOWN, OFFLINE, Provider, parse_spec


class Secret:
    """A text that does not show in ``repr``, and so not in tracebacks and logs."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "[secret]"


@dataclass(frozen=True, slots=True)
class Access:
    """``provider``, ``endpoint`` and ``key`` are None where only LangChain knows the provider."""

    provider_name: str
    name: str
    provider: Provider | None
    endpoint: Endpoint | None
    key: Secret | None

    @property
    def spec(self) -> str:
        """``provider:name``."""
        return f"{self.provider_name}:{self.name}"

    @property
    def location(self) -> str | None:
        """The address that calls go to; None where only the provider's package knows it."""
        return self.endpoint.url if self.endpoint else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be in no message."""
        return (self.key.value,) if self.key else ()


_NO_KEY = "no-key-and-no-calls"


def keyless(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with a placeholder for each key of a known provider that it lacks.

    For opening models of which only kept answers are read: an answer is kept by model and endpoint, the key has no part
    in it. What opens models with it must not let them call.
    """
    missing = {
        provider.key_variables[0]: _NO_KEY
        for provider in KNOWN.values()
        if provider.key_variables and not any(environ.get(variable) for variable in provider.key_variables)
    }
    return {**environ, **missing}


def resolve(spec: str, *, local_only: bool, environ: Mapping[str, str]) -> Access:
    """Find out how the model that ``spec`` names is reached.

    Raises:
        InputError: not a model's name, no key, no usable endpoint, or one that ``local_only`` refuses.
    """
    provider_name, name = parse_spec(spec)
    provider = KNOWN.get(provider_name)
    if provider is None:
        if local_only:
            raise InputError(
                f"{spec}: local_only is set, and where {provider_name} is reached cannot be checked",
                hint=f"local_only allows {OFFLINE}, and these on this machine: {', '.join(sorted(KNOWN))}",
            )
        return Access(provider_name, name, None, None, None)
    endpoint = provider.endpoint(environ)
    if local_only and not endpoint.is_loopback:
        raise InputError(
            f"{spec}: local_only is set, and {endpoint.origin} is not this machine",
            hint=f"set {provider.url_variables[0]} to a server on 127.0.0.1, or use `model: {OFFLINE}`",
        )
    key = provider.key(environ, endpoint)
    return Access(provider_name, name, provider, endpoint, None if key is None else Secret(key))
