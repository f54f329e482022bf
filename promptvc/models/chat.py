"""Models by name: ``offline``, or ``provider:name`` through LangChain.

LangChain and the provider packages are imported when the first model is opened, here and nowhere else. What
they may not decide is taken from them: retries (theirs are off, ours are counted and injectable), the
endpoint and the key (always given, so that no other variable redirects a call), redirects (never followed)
and response caches (off).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError, PromptvcError, ProviderError
from promptvc.base.jsonl import canonical_json
from promptvc.models.access import Access, resolve
from promptvc.models.failures import Failure, classify, scrub
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.offline import OfflineModel
from promptvc.models.providers import OFFLINE, check_parameters
from promptvc.models.retry import Retry

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage


def open_model(
    spec: str, *, settings: ModelSettings, environ: Mapping[str, str], retry: Retry | None = None
) -> Model:
    """The model that ``spec`` names; nothing is called yet.

    Args:
        spec: ``offline``, or ``provider:name`` as LangChain's ``init_chat_model`` takes it.
        settings: of the user's ``promptvc.yaml``.
        environ: holds endpoints and keys; nothing else may.
        retry: when given, instead of ``settings.attempts`` with the usual pauses.

    Raises:
        InputError: unknown provider, its package is missing, no key, or an endpoint that ``local_only``
            refuses.
    """
    if spec == OFFLINE:
        return OfflineModel()
    access = resolve(spec, local_only=settings.local_only, environ=environ)
    provider = access.provider
    if provider is not None and importlib.util.find_spec(provider.package) is None:
        raise InputError(f"{spec}: the package of {provider.name} is not installed", hint=provider.install)
    model = ChatModel(
        access,
        timeout_s=settings.timeout_s,
        local_only=settings.local_only,
        price=settings.prices.get(spec),
        retry=retry or Retry(attempts=settings.attempts),
    )
    if provider is None:
        model.check()
    return model


class _Call:
    """One call under way: how often it was tried, and the pause it is in."""

    def __init__(self) -> None:
        self.attempts = 0
        self.hurried = False
        self.pause: asyncio.Future[None] | None = None

    async def wait(self, sleep: Awaitable[None]) -> bool:
        """Sleep; False when hurried, before or meanwhile."""
        self.pause = asyncio.ensure_future(sleep)
        if self.hurried:
            self.pause.cancel()
        try:
            await self.pause
        except asyncio.CancelledError:
            if not self.hurried:
                raise
        finally:
            self.pause = None
        return not self.hurried


class ChatModel:
    """A LangChain chat model with promptvc's own retries, limits and accounts.

    It can be used from one event loop after another, not from two at once: connections belong to a loop and
    are opened anew for the next. Call :meth:`close` before a loop ends.
    """

    def __init__(
        self, access: Access, *, timeout_s: float, local_only: bool, price: Price | None, retry: Retry
    ) -> None:
        self._access = access
        self._timeout_s = timeout_s
        self._local_only = local_only
        self._price = price
        self._retry = retry
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: Any = None
        self._clients: dict[bytes, BaseChatModel] = {}
        self._calls: set[_Call] = set()
        self._may_retry: Callable[[], bool] = _always

    @property
    def name(self) -> str:
        """``provider:model``."""
        return self._access.spec

    @property
    def location(self) -> str | None:
        """The address that calls go to; None where only the provider's package knows it."""
        return self._access.endpoint.url if self._access.endpoint else None

    def hurry(self) -> None:
        """Make no further attempt for the calls under way; those that wait to try again give up at once."""
        for call in self._calls:
            call.hurried = True
            if call.pause is not None:
                call.pause.cancel()

    def ask_before_retries(self, may: Callable[[], bool]) -> None:
        """From now on ask ``may`` before each attempt but a call's first; False: give up. It counts them."""
        self._may_retry = may

    def check(self) -> None:
        """Build the client without calling it, to fail early.

        Raises:
            InputError: the provider is unknown, not installed or not configured.
        """
        self._build({}, None)

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """Answer ``messages``; see :class:`promptvc.models.messages.Model`. ``repeat`` changes nothing here.

        Raises:
            ProviderRefused: a failure that every further call would meet: bad key, unknown model, no credit.
            ProviderError: this call failed after its retries.
            InputError: a parameter that is not on the list, or that the provider does not take.
        """
        del repeat
        client = self._client(parameters)
        turns = [(message.role, message.content) for message in messages]
        call = _Call()
        self._calls.add(call)
        try:
            while True:
                call.attempts += 1
                outcome = await self._attempt(client, turns)
                if isinstance(outcome, Completion):
                    return outcome
                seconds = self._retry.pause(call.attempts, outcome.retry_after) if outcome.again else None
                again = seconds is not None and await call.wait(self._retry.sleep(seconds))
                if not again or not self._may_retry():
                    raise outcome.error(self.name, attempts=call.attempts)
        finally:
            self._calls.discard(call)

    async def close(self) -> None:
        """Close the connections of this event loop; a later call opens new ones."""
        http, self._http, self._loop = self._http, None, None
        self._clients.clear()
        if http is not None:
            await http.aclose()

    async def _attempt(self, client: BaseChatModel, turns: list[tuple[str, str]]) -> Completion | Failure:
        started = time.perf_counter()
        try:
            with self._privacy():
                # The client's own timeouts are per read; this one ends an answer that trickles.
                async with asyncio.timeout(self._timeout_s):
                    message = await client.ainvoke(turns)
        except Exception as error:  # noqa: BLE001  each provider's package raises its own
            # The original stays out of the chain: its text may repeat the key.
            return classify(error, secrets=self._access.secrets)
        return self._completion(message, (time.perf_counter() - started) * 1000)

    def _completion(self, message: AIMessage, latency_ms: float) -> Completion | Failure:
        said = message.response_metadata
        finish = said.get("finish_reason") or said.get("stop_reason") or said.get("done_reason")
        text = str(message.text)
        if not text:
            hint = "raise max_tokens" if finish in {"length", "max_tokens"} else None
            return Failure(f"the answer is empty (finish reason: {finish or 'not given'})", hint, again=False)
        usage = message.usage_metadata
        tokens_in = usage["input_tokens"] if usage else None
        tokens_out = usage["output_tokens"] if usage else None
        cost = None
        if self._price and tokens_in is not None and tokens_out is not None:
            cost = (tokens_in * self._price.input + tokens_out * self._price.output) / 1_000_000
        return Completion(text, tokens_in, tokens_out, cost, latency_ms, finish)

    def _client(self, parameters: Mapping[str, Any]) -> BaseChatModel:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # The old connections died with their loop; nothing of them may be used, or closed, from here.
            self._loop, self._http, self._clients = loop, None, {}
        wanted = canonical_json(dict(parameters))
        client = self._clients.get(wanted)
        if client is None:
            if self._http is None:
                self._http = _http_client(self._access, self._timeout_s)
            client = self._clients[wanted] = self._build(parameters, self._http)
        return client

    def _build(self, parameters: Mapping[str, Any], http: Any) -> BaseChatModel:
        """The LangChain object. Its class is found by building it once: that is the only public way to it."""
        check_parameters(parameters)
        try:
            return _construct(self._access, parameters, http, self._timeout_s)
        except PromptvcError:
            raise
        except ImportError as error:
            package = scrub(str(error), self._access.secrets)
            raise InputError(
                f"{self.name}: {package}", hint="install the provider's LangChain package"
            ) from None
        except Exception as error:  # noqa: BLE001  pydantic's, the SDK's, or LangChain's own
            reason = scrub(str(error), self._access.secrets)
            raise InputError(
                f"{self.name} cannot be opened: {reason}",
                hint="look at the provider, its key and the parameters",
            ) from None

    def _privacy(self) -> contextlib.AbstractContextManager[Any]:
        """Under ``local_only``, keep prompts from LangSmith, which an environment variable can switch on."""
        if not self._local_only:
            return contextlib.nullcontext()
        tracing: Any = importlib.import_module("langsmith.run_helpers")
        off: contextlib.AbstractContextManager[Any] = tracing.tracing_context(enabled=False)
        return off


def _always() -> bool:
    return True


def _construct(access: Access, parameters: Mapping[str, Any], http: Any, timeout_s: float) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"model_provider": access.provider_name, **_connection(access, http)}
    first = init_chat_model(access.name, **options)
    names = type(first).model_fields
    known = set(names) | {field.alias for field in names.values() if field.alias}
    renamed = access.provider.renamed if access.provider else {}
    for name, value in parameters.items():
        word = renamed.get(name, name)
        if word not in known:
            raise InputError(f"{access.spec}: {access.provider_name} does not take the parameter {name!r}")
        options[word] = value
    own = {"max_retries": 0, "timeout": timeout_s, "cache": False}
    options.update({name: value for name, value in own.items() if name in known})
    model: BaseChatModel = init_chat_model(access.name, **options)
    if access.provider_name == "anthropic" and http is not None:
        _give_anthropic(model, access, http)
    return model


def _connection(access: Access, http: Any) -> dict[str, Any]:
    """Endpoint, key and connections, in the words of each class; nothing for a provider unknown to us."""
    if access.endpoint is None:
        return {}
    options: dict[str, Any] = {"base_url": access.endpoint.url}
    if access.key is not None:
        options["api_key"] = access.key.value
    if access.provider_name == "openai":
        options |= {"http_async_client": http, "openai_proxy": None}
        if access.endpoint.variable is not None:
            options["use_responses_api"] = False  # compatible servers speak chat completions only
    if access.provider_name == "ollama":
        options["client_kwargs"] = {"follow_redirects": False, "trust_env": not access.endpoint.is_loopback}
    return options


def _http_client(access: Access, timeout_s: float) -> Any:
    """Connections of our own for the SDKs that take them: aiohttp's where installed, at half the CPU cost.

    No redirects; and no proxy from the environment for a server on this machine.
    """
    if access.provider_name not in {"openai", "anthropic"} or access.endpoint is None:
        return None
    sdk: ModuleType = importlib.import_module(access.provider_name)
    options: dict[str, Any] = {
        "timeout": timeout_s,
        "follow_redirects": False,
        "trust_env": not access.endpoint.is_loopback,
    }
    if access.endpoint.url.startswith("http://"):
        # Trusts nobody, and is never asked to: spares reading the system's certificates, 40 ms.
        options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(RuntimeError):
        return sdk.DefaultAioHttpClient(**options)
    return sdk.DefaultAsyncHttpxClient(**options)


def _give_anthropic(model: Any, access: Access, http: Any) -> None:
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
