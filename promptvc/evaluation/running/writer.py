"""Group commit: every paid completion is on the disk before it counts, at the price of one fsync for many."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from promptvc.evaluation.running.cache import Cache
from promptvc.models.messages import Completion


class Writer:
    """Stores completions in a thread of its own; what arrives while a commit is under way goes into the next.

    Used on one event loop. :meth:`close` writes what is left, also for callers that were cancelled meanwhile.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="promptvc-cache")
        self._rows: list[tuple[bytes, Completion]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._busy = False

    async def put(self, key: bytes, completion: Completion) -> None:
        """Return when the completion is durable, or the cache has given up on the disk.

        The row is taken at once: being cancelled while waiting does not lose it.
        """
        durable: asyncio.Future[None] = self._loop.create_future()
        self._rows.append((key, completion))
        self._waiting.append(durable)
        if not self._busy:
            self._commit()
        await durable

    def close(self) -> None:
        """Write what is left and end the thread; blocks for one commit at most, or two."""
        self._pool.shutdown(wait=True)
        if self._rows:
            self._cache.put_many(self._rows)
            self._rows = []

    def _commit(self) -> None:
        rows, self._rows = self._rows, []
        waiting, self._waiting = self._waiting, []
        self._busy = True
        done = self._loop.run_in_executor(self._pool, self._cache.put_many, rows)
        done.add_done_callback(lambda future: self._committed(future, waiting))

    def _committed(self, future: asyncio.Future[None], waiting: list[asyncio.Future[None]]) -> None:
        self._busy = False
        error = None if future.cancelled() else future.exception()
        for durable in waiting:
            if durable.done():
                continue
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)
        if self._rows:
            self._commit()
