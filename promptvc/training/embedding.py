"""Vectors of texts for a training: from this machine or from a provider, kept in the completion cache.

What a provider charges for them counts against the session's budget like its answers. It is no part of a training's
plan (:class:`~promptvc.training.options.Bounds`): the vectors are the same whatever is raced.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from promptvc.base.config import Price
from promptvc.base.errors import Interrupted, OverBudget, Usage
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache, Keys
from promptvc.models.embeddings import LEXICAL, LOCAL, Embedder, open_embeddings
from promptvc.models.messages import ChatMessage, Completion, RemoteModel
from promptvc.training.optimizer import Surroundings
from promptvc.training.scoring import Embed

_AT_ONCE = 256
_CHARACTERS_A_TOKEN = 4


def open_embed(spec: str, around: Surroundings) -> Embed | None:
    """What ``spec`` names: None for ``lexical``, else ``minilm`` or ``provider:model``; nothing is called yet.

    Raises:
        InputError: the model cannot be opened, or what ``minilm`` needs is not installed.
        Usage: a bound on cost and no price.
    """
    if spec == LEXICAL:
        return None
    budget = around.budget or Budget()
    price = around.settings.prices.get(spec)
    if budget.limits.cost is not None and price is None and spec not in LOCAL:
        raise Usage(
            f"the cost of {spec} is unknown, so a bound on it cannot be kept",
            hint=f'give its price: models.prices."{spec}" in promptvc.yaml',
        )
    embedder = open_embeddings(
        spec, settings=around.settings, environ=around.environ, throttles=around.throttles
    )
    return KeptEmbed(embedder, around, budget, price)


class KeptEmbed:
    """An :class:`~promptvc.training.scoring.Embed`. Nothing stays open between two questions.

    A text is kept under the key that evaluation looks its vector up by.
    """

    def __init__(self, embedder: Embedder, around: Surroundings, budget: Budget, price: Price | None) -> None:
        self._embedder, self._budget, self._price = embedder, budget, price
        self._cache: Cache | None = around.cache
        self._since = around.since
        location = embedder.location if isinstance(embedder, RemoteModel) else None
        self._keys = Keys(f"embeddings {embedder.name}", location)
        self._vectors: dict[str, tuple[float, ...]] = {}
        if isinstance(embedder, RemoteModel):
            embedder.ask_before_retries(budget.again)

    def __call__(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See :class:`~promptvc.training.scoring.Embed`; works inside a running event loop too.

        Raises:
            ProviderError: after the last retry.
            OverBudget: the budget has no room for a request.
            Interrupted: Ctrl-C; what came is in the cache.
        """
        new = {text for text in texts if text not in self._vectors}
        # Texts of about one length together: a model on this machine works on those at once.
        missing = sorted(new, key=lambda text: (len(text), text))
        for start in range(0, len(missing), _AT_ONCE):
            self._fetch(missing[start : start + _AT_ONCE])
        return [self._vectors[text] for text in texts]

    def _fetch(self, texts: list[str]) -> None:
        keys = {text: self._key(text) for text in texts}
        known = self._cache.get_many(list(keys.values()), since=self._since) if self._cache else {}
        for text, key in keys.items():
            if key in known:
                self._vectors[text] = _unit(json.loads(known[key].text))
        asked = [text for text in texts if text not in self._vectors]
        if not asked:
            return
        vectors = self._ask(asked)
        rows = [
            (keys[text], _completion(text, vector, self._price, local=self._embedder.name in LOCAL))
            for text, vector in zip(asked, vectors, strict=True)
        ]
        if self._cache is not None:
            self._cache.put_many(rows)
        for text, (_, completion) in zip(asked, rows, strict=True):
            # As the cache gives it back, so that the first run and the next compute with the same numbers.
            self._vectors[text] = _unit(json.loads(completion.text))

    def _ask(self, texts: list[str]) -> list[list[float]]:
        if self._embedder.name in LOCAL:
            return _run(self._embedder, texts)
        tokens = sum(map(_tokens, texts))
        cost = tokens * self._price.input / 1e6 if self._price is not None else 0.0
        ticket = self._budget.charge(tokens, cost)
        if ticket is None:
            raise OverBudget(self._budget.exhausted or "no call is allowed")
        completion: Completion | None = None
        try:
            vectors = _run(self._embedder, texts)
            completion = Completion("", tokens, 0, cost if self._price is not None else None, 0.0, None)
        finally:
            self._budget.settle(ticket, completion)
        return vectors

    def _key(self, text: str) -> bytes:
        return self._keys.key((ChatMessage("user", text),), {}, 0)


def _run(embedder: Embedder, texts: list[str]) -> list[list[float]]:
    async def asked() -> list[list[float]]:
        try:
            return await embedder.embed(texts)
        finally:
            await embedder.close()

    def run() -> list[list[float]]:
        with asyncio.Runner() as runner:
            return runner.run(asked())

    try:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        with ThreadPoolExecutor(1, thread_name_prefix="promptvc-embed") as pool:
            return pool.submit(run).result()
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted while {embedder.name} was asked for vectors; finished calls are kept",
            hint="run the same command again to go on",
        ) from None


def _completion(text: str, vector: Sequence[float], price: Price | None, *, local: bool) -> Completion:
    """As :class:`~promptvc.models.embeddings.RemoteEmbedder` gives it for one text."""
    tokens = None if local else _tokens(text)
    cost = tokens * price.input / 1e6 if tokens is not None and price is not None else None
    written = json.dumps(list(vector), separators=(",", ":"))
    return Completion(written, tokens, None if local else 0, cost, 0.0, None)


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_A_TOKEN)


def _unit(vector: Any) -> tuple[float, ...]:
    length = math.sqrt(math.fsum(number * number for number in vector))
    return tuple(number / length for number in vector) if length else tuple(vector)
