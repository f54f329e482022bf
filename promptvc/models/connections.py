"""Connections of our own for the provider packages that take them, so that nothing else decides where a call goes."""

from __future__ import annotations

import contextlib
import importlib
import ssl
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from promptvc.base.errors import ProviderError
from promptvc.models.access import Access

Hook = Callable[[Any], Awaitable[None]]
"""Called with every response, once its headers are there."""


def connections(access: Access, timeout_s: float, hook: Hook) -> Any:
    """An HTTP client for the SDKs that take one, None for others: aiohttp's where installed, at half the CPU cost.

    No redirects; and no proxy from the environment for a server on this machine.
    """
    if access.provider_name not in {"openai", "anthropic"} or access.endpoint is None:
        return None
    sdk: ModuleType = importlib.import_module(access.provider_name)
    options: dict[str, Any] = {
        "timeout": timeout_s,
        "follow_redirects": False,
        "trust_env": not access.endpoint.is_loopback,
        "event_hooks": {"response": [hook]},
    }
    if access.endpoint.url.startswith("http://"):
        # Trusts nobody, and is never asked to: spares reading the system's certificates, 40 ms.
        options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(RuntimeError):
        return sdk.DefaultAioHttpClient(**options)
    return sdk.DefaultAsyncHttpxClient(**options)


def reached(access: Access, http: Any) -> dict[str, Any]:
    """Endpoint, key and connections, in the words of each class; nothing for a provider unknown to us."""
    if access.endpoint is None:
        return {}
    options: dict[str, Any] = {"base_url": access.endpoint.url}
    if access.key is not None:
        options["api_key"] = access.key.value
    if access.provider_name == "openai":
        options |= {"http_async_client": http, "openai_proxy": None}
    if access.provider_name == "ollama":
        options["client_kwargs"] = {"follow_redirects": False, "trust_env": not access.endpoint.is_loopback}
    return options


def give_anthropic(model: Any, access: Access, http: Any) -> None:
    """ChatAnthropic takes no client, and its own is shared between event loops, where it fails: put ours in."""
    if not hasattr(type(model), "_async_client"):
        raise ProviderError(
            "this langchain-anthropic is not supported", hint="pip install -U langchain-anthropic"
        )
    sdk = importlib.import_module("anthropic")
    assert access.key is not None
    assert access.endpoint is not None
    model.__dict__["_async_client"] = sdk.AsyncAnthropic(
        api_key=access.key.value, base_url=access.endpoint.url, max_retries=0, http_client=http
    )
