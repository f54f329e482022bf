"""Texts as vectors whose cosine says how alike they are: ``lexical``, ``minilm``, or ``provider:name`` by LangChain.

``lexical`` is built in and compares words, not meanings: stems, pairs of words and pieces of words
(:mod:`promptvc.models.words`), hashed into :data:`WIDTH` places with a sign (Weinberger et al. 2009, Feature hashing
for large scale multitask learning). Texts that share no word differ, whatever they mean. Its numbers are whole, so the
same texts have the same similarity on every machine. ``minilm`` compares meanings, on this machine
(:mod:`promptvc.models.minilm`); it takes an extra.
"""

from __future__ import annotations

import json
import math
import operator
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from promptvc.base.config import ModelSettings, Price
from promptvc.models.access import Access
from promptvc.models.calls import Answered, Manners
from promptvc.models.connections import reached
from promptvc.models.failures import Failure
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.minilm import MINILM, MiniLM, open_minilm
from promptvc.models.remote import Remote, reachable
from promptvc.models.retry import Retry
from promptvc.models.similarity import UNIT, strength
from promptvc.models.throttle import Throttle, Throttles
from promptvc.models.words import features

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

LEXICAL = "lexical"
LOCAL = frozenset({LEXICAL, MINILM})
"""What makes vectors in this process: nothing leaves the machine, and nothing is paid."""

WIDTH = 4096

_MOST_TEXTS = 256
"""Texts in one request."""

_CHARACTERS_A_TOKEN = 4


class Embedder(Model, Protocol):
    """A model that makes vectors of texts.

    It is a :class:`~promptvc.models.messages.Model` too, so that its calls can be kept and accounted for like any
    other: the completion of a conversation is the vector of its last message, as a JSON list.
    """

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text, in their order, all of the same length.

        Raises:
            ProviderError: the provider failed after its retries.
        """
        ...

    def similarity(self, a: Sequence[float], b: Sequence[float]) -> float:
        """How alike two texts are, given their vectors; see :func:`similarity`."""
        ...


def similarity(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of two vectors of one length, -1..1; 0 where one of them has no length."""
    if len(a) != len(b):
        raise ValueError(f"vectors of {len(a)} and {len(b)} numbers come from two models")
    length = math.sqrt(_product(a, a)) * math.sqrt(_product(b, b))
    return min(1.0, max(-1.0, _product(a, b) / length)) if length else 0.0


def open_embeddings(
    spec: str,
    *,
    settings: ModelSettings,
    environ: Mapping[str, str],
    retry: Retry | None = None,
    throttles: Throttles | None = None,
) -> Embedder:
    """What ``spec`` names, ``lexical``, ``minilm`` or ``provider:name``; nothing is called yet.

    Args:
        settings, environ, retry, throttles: as for :func:`promptvc.models.chat.open_model`.

    Raises:
        InputError: unknown provider, its package is missing, no key, or an endpoint that ``local_only`` refuses.
    """
    if spec == LEXICAL:
        return LexicalEmbedder()
    if spec == MINILM:
        return MeaningEmbedder(open_minilm())
    access = reachable(spec, settings=settings, environ=environ)
    throttle = (throttles or Throttles()).of(access.provider_name, access.location)
    manners = Manners.of(access, settings, retry)
    embedder = RemoteEmbedder(access, manners, throttle, settings.prices.get(spec))
    embedder.check()
    return embedder


class _LocalEmbedder:
    """Vectors that are made here, at once."""

    def __init__(self, name: str, vectors: Callable[[Sequence[str]], list[list[float]]]) -> None:
        self.name = name
        self._vectors = vectors

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See :class:`Embedder`."""
        return self._vectors(texts)

    def similarity(self, a: Sequence[float], b: Sequence[float]) -> float:
        """See :func:`similarity`."""
        return similarity(a, b)

    def answer(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """See :class:`Embedder`; at once."""
        del parameters, repeat
        return _completion(self._vectors([messages[-1].content])[0], 0.0)

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """The same."""
        return self.answer(messages, parameters, repeat=repeat)

    async def close(self) -> None:
        """There is nothing to close."""


class LexicalEmbedder(_LocalEmbedder):
    """Vectors of words, without a model. Whole numbers; all 0 for a text without words."""

    def __init__(self) -> None:
        super().__init__(LEXICAL, lambda texts: [_hashed(text) for text in texts])


class MeaningEmbedder(_LocalEmbedder):
    """Vectors of ``minilm``."""

    def __init__(self, model: MiniLM) -> None:
        super().__init__(MINILM, lambda texts: [list(vector) for vector in model(texts)])


class RemoteEmbedder(Remote["Embeddings"]):
    """A LangChain embedding model with promptvc's own retries and limits."""

    def __init__(self, access: Access, manners: Manners, throttle: Throttle, price: Price | None) -> None:
        super().__init__(access, manners, throttle)
        self._price = price

    def check(self) -> None:
        """Build the client without calling it, to fail early.

        Raises:
            InputError: the provider is unknown, has no embeddings, is not installed or not configured.
        """
        self._build(None)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See :class:`Embedder`; so many texts a request that every provider takes them."""
        found: list[list[float]] = []
        for start in range(0, len(texts), _MOST_TEXTS):
            found += (await self._some(list(texts[start : start + _MOST_TEXTS])))[0]
        return found

    def similarity(self, a: Sequence[float], b: Sequence[float]) -> float:
        """See :func:`similarity`."""
        return similarity(a, b)

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        """See :class:`Embedder`.

        LangChain does not tell the tokens of embeddings. They are estimated, a quarter of the text's characters, and
        its cost with them where the model has a price: without that no bound on either could be kept.
        """
        del parameters, repeat
        text = messages[-1].content
        (vector,), latency_ms = await self._some([text])
        tokens = math.ceil(len(text) / _CHARACTERS_A_TOKEN)
        cost = tokens * self._price.input / 1_000_000 if self._price is not None else None
        return replace(_completion(vector, latency_ms), tokens_in=tokens, tokens_out=0, cost=cost)

    async def _some(self, texts: list[str]) -> tuple[list[list[float]], float]:
        """The vectors of one request, and the milliseconds that it took."""
        client = self._client("", self._build)

        def read(found: object, latency_ms: float) -> Answered[tuple[list[list[float]], float]] | Failure:
            vectors = _vectors(found, len(texts))
            if vectors is None:
                hint = "look at the base URL and at the model's name: it must lead to an embeddings API"
                return Failure("the answer holds no vectors of numbers", hint, again=False)
            return Answered((vectors, latency_ms), None)

        return await self._calls.make(lambda: client.aembed_documents(texts), read)

    def _build(self, http: Any) -> Embeddings:
        return self._built(
            lambda: _construct(self._access, http, self._timeout_s),
            "makes no embeddings",
            f"look at the provider, its key and the model's name, or use `{LEXICAL}`",
        )


def _construct(access: Access, http: Any, timeout_s: float) -> Embeddings:
    from langchain.embeddings import init_embeddings

    options: dict[str, Any] = {"provider": access.provider_name, **reached(access, http)}
    first = init_embeddings(access.name, **options)
    names: Mapping[str, Any] = getattr(type(first), "model_fields", {})
    known = set(names) | {field.alias for field in names.values() if field.alias}
    # Texts go as they are: token numbers are understood by one provider only.
    own = {"max_retries": 0, "timeout": timeout_s, "check_embedding_ctx_length": False}
    options.update({name: value for name, value in own.items() if name in known})
    return init_embeddings(access.name, **options)


def _vectors(found: object, count: int) -> list[list[float]] | None:
    """The vectors in an answer, if it is ``count`` lists of finite numbers, all of one length."""
    if not isinstance(found, list) or len(found) != count:
        return None
    if not all(isinstance(vector, list) and vector and len(vector) == len(found[0]) for vector in found):
        return None
    try:
        vectors = [[float(number) for number in vector] for vector in found]
    except (TypeError, ValueError):
        return None
    return vectors if all(map(math.isfinite, (number for vector in vectors for number in vector))) else None


def _hashed(text: str) -> list[float]:
    bag = features(text)
    weighted = [(feature, strength(feature, count)) for feature, count in bag.items()]
    length = math.sqrt(math.fsum(weight * weight for _, weight in weighted))
    places: list[float] = [0] * WIDTH
    for feature, weight in weighted:
        number = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
        share = round(weight * UNIT / length)
        places[number % WIDTH] += share if number & 0x8000_0000 else -share
    return places


def _product(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(map(operator.mul, a, b), 0.0)


def _completion(vector: Sequence[float], latency_ms: float) -> Completion:
    text = json.dumps(vector, separators=(",", ":"))
    return Completion(text, None, None, None, latency_ms, None)
