"""Models by name: ``offline``, or ``provider:name`` through LangChain.

LangChain and the provider packages are imported when the first model is opened, here and nowhere else. What
they may not decide is taken from them: retries (theirs are off, ours are counted and injectable), the
endpoint and the key (always given, so that no other variable redirects a call), redirects (never followed)
and response caches (off).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from promptvc.base.config import ModelSettings, Price
from promptvc.base.errors import InputError
from promptvc.base.jsonl import canonical_json
from promptvc.models.access import Access
from promptvc.models.calls import Answered, Manners
from promptvc.models.connections import give_anthropic, reached
from promptvc.models.failures import Failure
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.offline import OfflineModel
from promptvc.models.providers import OFFLINE, check_parameters
from promptvc.models.remote import Remote, reachable
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
    access = reachable(spec, settings=settings, environ=environ)
    throttle = (throttles or Throttles()).of(access.provider_name, access.location)
    manners = Manners.of(access, settings, retry)
    model = ChatModel(access, manners, throttle, settings.prices.get(spec))
    if access.provider is None:
        model.check()
    return model


class ChatModel(Remote["BaseChatModel"]):
    """A LangChain chat model with promptvc's own retries, limits and accounts."""

    def __init__(self, access: Access, manners: Manners, throttle: Throttle, price: Price | None) -> None:
        super().__init__(access, manners, throttle)
        self._price = price

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
        wanted = canonical_json(dict(parameters)).decode()
        client = self._client(wanted, lambda http: self._build(parameters, http))
        turns = [(message.role, message.content) for message in messages]
        return await self._calls.make(lambda: client.ainvoke(turns), self._completion)

    def _completion(self, message: AIMessage, latency_ms: float) -> Answered[Completion] | Failure:
        said = message.response_metadata
        finish = said.get("finish_reason") or said.get("stop_reason") or said.get("done_reason")
        text = str(message.text)
        if not text:
            calls = _spelled(message)
            if calls is not None:
                text, finish = calls, finish or "tool_calls"
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

    def _build(self, parameters: Mapping[str, Any], http: Any) -> BaseChatModel:
        """The LangChain object. Its class is found by building it once: that is the only public way to it."""
        check_parameters(parameters)
        return self._built(
            lambda: _construct(self._access, parameters, http, self._timeout_s),
            "cannot be opened",
            "look at the provider, its key and the parameters",
        )


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


def _spelled(message: AIMessage) -> str | None:
    """The tool calls of a message as the JSON list of OpenAI's chat completions; None where it calls nothing.

    ``[{"type": "function", "function": {"name": NAME, "arguments": "JSON TEXT"}}]``: without ids, which are new each
    time, so that equal calls are equal answers. Arguments that are no JSON stand as the model wrote them, after the
    calls that could be read.

    Source: https://platform.openai.com/docs/api-reference/chat/object, ``choices[].message.tool_calls``.
    """
    calls = [(call["name"], json.dumps(call["args"], ensure_ascii=False)) for call in message.tool_calls]
    calls += [(call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    spelled = [
        {"type": "function", "function": {"name": name, "arguments": arguments}} for name, arguments in calls
    ]
    return json.dumps(spelled, ensure_ascii=False) if spelled else None
