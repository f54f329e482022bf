"""Group commit: what counts is on the disk, and what was taken is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.writer import Writer
from promptvc.models.messages import Completion

ONE = Completion("billing", 12, 3, None, 4.5, "stop")


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def stored(folder: Path, count: int) -> list[int]:
    """Which of the first ``count`` keys another process would find."""
    other = Cache(folder)
    found = [number for number in range(count) if other.get(key(number)) is not None]
    other.close()
    return found


def test_a_completion_is_on_the_disk_before_it_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        writer = Writer(cache)
        for number in range(20):
            await writer.put(key(number), ONE)
            assert stored(tmp_path, number + 1) == list(range(number + 1))
        writer.close()

    cache = Cache(tmp_path)
    asyncio.run(scenario())
    cache.close()


def test_many_at_once_share_commits(tmp_path: Path) -> None:
    async def scenario() -> None:
        writer = Writer(cache)
        await asyncio.gather(*(writer.put(key(number), ONE) for number in range(500)))
        assert stored(tmp_path, 500) == list(range(500))
        writer.close()

    cache = Cache(tmp_path)
    asyncio.run(scenario())
    cache.close()


def test_what_was_taken_is_written_for_those_who_did_not_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        writer = Writer(cache)
        puts = [asyncio.create_task(writer.put(key(number), ONE)) for number in range(50)]
        await asyncio.sleep(0)  # every one has been taken; the first is being committed
        for put in puts:
            put.cancel()
        writer.close()
        assert stored(tmp_path, 50) == list(range(50))

    cache = Cache(tmp_path)
    asyncio.run(scenario())
    cache.close()
