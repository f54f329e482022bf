"""The providers whose endpoint and key promptvc resolves itself, and how a model is named.

Any other provider that LangChain's ``init_chat_model`` knows works too, with the endpoint and the
credentials that its own package reads from the environment; ``local_only`` refuses those, because nothing
here could vouch for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from promptvc.base.errors import InputError
from promptvc.models.endpoints import Endpoint, parse_endpoint

OFFLINE = "offline"

# A name may hold slashes, dots, colons and tags (`org/model`, `qwen3:8b`, `ft:gpt-4o:acme::id`), but neither
# a URL nor a path upwards: some clients take a URL in place of a name and would send the key there.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_PROVIDER = re.compile(r"[a-z][a-z0-9_]*")

PARAMETERS = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "min_p",
        "presence_penalty",
        "reasoning_effort",
        "repetition_penalty",
        "seed",
        "stop",
        "temperature",
        "top_k",
        "top_p",
        "verbosity",
    }
)


@dataclass(frozen=True, slots=True)
class Provider:
    """What promptvc knows of a provider.

    ``url_variables`` and ``key_variables`` are tried in order. ``renamed`` maps a parameter to the word that
    the LangChain class uses for it.
    """

    name: str
    package: str
    default_url: str
    url_variables: tuple[str, ...]
    key_variables: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def install(self) -> str:
        """The line that installs it."""
        return f"pip install 'promptvc[{self.name}]'"

    def endpoint(self, environ: Mapping[str, str]) -> Endpoint:
        """Where calls go: the first variable that is set, else the provider's own address.

        Raises:
            InputError: the variable holds no usable http(s) address.
        """
        for variable in self.url_variables:
            if environ.get(variable):
                return parse_endpoint(environ[variable], variable=variable)
        return parse_endpoint(self.default_url, variable=None)

    def key(self, environ: Mapping[str, str], endpoint: Endpoint) -> str | None:
        """The API key; a loopback server needs none.

        Raises:
            InputError: no variable holds a key and the endpoint is elsewhere.
        """
        for variable in self.key_variables:
            if environ.get(variable):
                return environ[variable]
        if not self.key_variables:
            return None
        if endpoint.is_loopback:
            return "none"
        raise InputError(
            f"no API key for {self.name}: the environment variable {self.key_variables[0]} is not set",
            hint=f"export {self.key_variables[0]}=..., or use `model: {OFFLINE}`",
        )


KNOWN: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider(
                "anthropic",
                "langchain_anthropic",
                "https://api.anthropic.com",
                ("ANTHROPIC_API_URL", "ANTHROPIC_BASE_URL"),
                ("ANTHROPIC_API_KEY",),
            ),
            Provider(
                "ollama",
                "langchain_ollama",
                "http://127.0.0.1:11434",
                ("OLLAMA_HOST",),
                renamed=MappingProxyType({"max_tokens": "num_predict"}),
            ),
            Provider(
                "openai",
                "langchain_openai",
                "https://api.openai.com/v1",
                ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
                ("OPENAI_API_KEY",),
            ),
        )
    }
)


def parse_spec(spec: str) -> tuple[str, str]:
    """``provider:name`` as its two parts.

    Raises:
        InputError: it is no such thing, or the name could be taken for an address.
    """
    provider, colon, name = spec.partition(":")
    if not colon or not _PROVIDER.fullmatch(provider) or not name:
        raise InputError(
            f"not a model: {spec!r}", hint=f"write provider:name, such as openai:gpt-4.1-mini, or `{OFFLINE}`"
        )
    if not _NAME.fullmatch(name) or "//" in name or ".." in name:
        raise InputError(
            f"not a model name: {name!r}",
            hint="a prompt names a model, never an address; endpoints come from the environment",
        )
    return provider, name


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse what is not on the list, so that a prompt can set neither an endpoint nor a header.

    Raises:
        InputError: naming the parameter.
    """
    for name in parameters:
        if name not in PARAMETERS:
            raise InputError(
                f"unknown model parameter {name!r}", hint=f"known are {', '.join(sorted(PARAMETERS))}"
            )
