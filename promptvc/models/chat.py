"""Models by name: ``offline``, or ``provider:name`` through LangChain.

LangChain and the provider packages are imported when the first model is opened, here and nowhere else. What
they may not decide is taken from them: retries (theirs are off, ours are counted and injectable), the
endpoint and the key (always given, so that no other variable redirects a call), redirects (never followed)
and response caches (off).
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError, PromptvcError
from promptvc.base.jsonl import canonical_json
from promptvc.models.access import Access, resolve
from promptvc.models.calls import Answered, Calls, Manners
from promptvc.models.connections import connections, give_anthropic, reached
from promptvc.models.failures import Failure, scrub
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.offline import OfflineModel
from promptvc.models.providers import OFFLINE, check_parameters
from promptvc.models.retry import Retry
from promptvc.models.throttle import Throttle, Throttles

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage


def open_model(
    spec: str,
    *,
    settings: ModelSettings,
    environ: Mapping[str, str],
    retry: Retry | None = None,
    throttles: Throttles | None = None,
) -> Model:
    """The model that ``spec`` names; nothing is called yet.

    Args:
        spec: ``offline``, or ``provider:name`` as LangChain's ``init_chat_model`` takes it.
        settings: of the user's ``promptvc.yaml``.
        environ: holds endpoints and keys; nothing else may.
        retry: when given, instead of ``settings.attempts`` with the usual pauses.
        throttles: give the same to all models of one piece of work, so that those of one account share its rate
            limits; None: the model has its own.

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
    throttle = (throttles or Throttles()).of(access.provider_name, access.location)
    manners = Manners.of(access, settings, retry)
    model = ChatModel(access, manners, throttle, settings.prices.get(spec))
    if provider is None:
        model.check()
    return model


class ChatModel:
    """A LangChain chat model with promptvc's own retries, limits and accounts.

    It can be used from one event loop after another, not from two at once: connections belong to a loop and
    are opened anew for the next. Call :meth:`close` before a loop ends.
    """

    def __init__(self, access: Access, manners: Manners, throttle: Throttle, price: Price | None) -> None:
        self._access = access
        self._timeout_s = manners.timeout_s
        self._price = price
        self._calls = Calls(manners, throttle)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: Any = None
        self._clients: dict[bytes, BaseChatModel] = {}

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
        return await self._calls.make(lambda: client.ainvoke(turns), self._completion)

    async def close(self) -> None:
        """Close the connections of this event loop; a later call opens new ones."""
        http, self._http, self._loop = self._http, None, None
        self._clients.clear()
        if http is not None:
            await http.aclose()

    def _completion(self, message: AIMessage, latency_ms: float) -> Answered[Completion] | Failure:
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
        tokens = None if tokens_in is None or tokens_out is None else tokens_in + tokens_out
        return Answered(Completion(text, tokens_in, tokens_out, cost, latency_ms, finish), tokens)

    def _client(self, parameters: Mapping[str, Any]) -> BaseChatModel:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # The old connections died with their loop; nothing of them may be used, or closed, from here.
            self._loop, self._http, self._clients = loop, None, {}
        wanted = canonical_json(dict(parameters))
        client = self._clients.get(wanted)
        if client is None:
            if self._http is None:
                self._http = connections(self._access, self._timeout_s, self._calls.hear)
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


def _construct(access: Access, parameters: Mapping[str, Any], http: Any, timeout_s: float) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"model_provider": access.provider_name, **reached(access, http)}
    if (
        access.endpoint is not None
        and access.endpoint.variable is not None
        and access.provider_name == "openai"
    ):
        options["use_responses_api"] = False  # compatible servers speak chat completions only
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
        give_anthropic(model, access, http)
    return model
