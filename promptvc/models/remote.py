"""What models behind a network have in common, whatever they answer with: clients, connections, calls."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

from promptvc.base.config import ModelSettings
from promptvc.base.errors import InputError, PromptvcError
from promptvc.models.access import Access, resolve
from promptvc.models.calls import Calls, Manners
from promptvc.models.connections import connections
from promptvc.models.failures import scrub
from promptvc.models.throttle import Throttle

_Client = TypeVar("_Client")


def reachable(spec: str, *, settings: ModelSettings, environ: Mapping[str, str]) -> Access:
    """How the model that ``spec`` names is reached, and its provider's package is there.

    Raises:
        InputError: see :func:`promptvc.models.access.resolve`; the package is missing, or the settings do not allow it.
    """
    if settings.allow is not None and not any(fnmatchcase(spec, pattern) for pattern in settings.allow):
        raise InputError(
            f"{spec} may not be called here: `models.allow` does not name it",
            hint="bring the model to main first, in a change of its own, or add it to models.allow there",
        )
    access = resolve(spec, local_only=settings.local_only, environ=environ)
    provider = access.provider
    if provider is not None and importlib.util.find_spec(provider.package) is None:
        raise InputError(f"{spec}: the package of {provider.name} is not installed", hint=provider.install)
    return access


class Remote(Generic[_Client]):
    """A model that LangChain's clients call, with promptvc's own retries and limits.

    It can be used from one event loop after another, not from two at once: connections belong to a loop and are opened
    anew for the next. Call :meth:`close` before a loop ends.
    """

    def __init__(self, access: Access, manners: Manners, throttle: Throttle) -> None:
        self._access = access
        self._timeout_s = manners.timeout_s
        self._calls = Calls(manners, throttle)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: Any = None
        self._clients: dict[str, _Client] = {}

    @property
    def name(self) -> str:
        """``provider:model``."""
        return self._access.spec

    @property
    def location(self) -> str | None:
        """The address that calls go to; None where only the provider's package knows it."""
        return self._access.location

    def hurry(self) -> None:
        """Make no further attempt for the calls under way; those that wait for one, or for their turn, give up."""
        self._calls.hurry()

    def ask_before_retries(self, may: Callable[[], bool]) -> None:
        """From now on ask ``may`` before each attempt but a call's first; False: give up. It counts them."""
        self._calls.ask_before_retries(may)

    async def close(self) -> None:
        """Close the connections of this event loop; a later call opens new ones."""
        http, self._http, self._loop = self._http, None, None
        self._clients.clear()
        if http is not None:
            await http.aclose()

    def _client(self, key: str, make: Callable[[Any], _Client]) -> _Client:
        """This loop's client of that key; ``make`` builds it over the loop's connections where it is the first."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # The old connections died with their loop; nothing of them may be used, or closed, from here.
            self._loop, self._http, self._clients = loop, None, {}
        client = self._clients.get(key)
        if client is None:
            if self._http is None:
                self._http = connections(self._access, self._timeout_s, self._calls.hear)
            client = self._clients[key] = make(self._http)
        return client

    def _built(self, construct: Callable[[], _Client], wrong: str, hint: str) -> _Client:
        """What ``construct`` makes; what a provider's package raises instead becomes one error of ours.

        Raises:
            InputError: ``wrong`` and the reason, without the key; or a package that is missing.
        """
        try:
            return construct()
        except PromptvcError:
            raise
        except ImportError as error:
            package = scrub(str(error), self._access.secrets)
            raise InputError(
                f"{self.name}: {package}", hint="install the provider's LangChain package"
            ) from None
        except Exception as error:  # noqa: BLE001  pydantic's, the SDK's, or LangChain's own
            reason = scrub(str(error), self._access.secrets)
            raise InputError(f"{self.name} {wrong}: {reason}", hint=hint) from None
