"""Results as they come, kept aside: a hundred thousand answers take a file, not memory.

A spooled temporary file without a name: in memory while small, on the disk after that, and gone with the process
however that ends. What a killed run has paid for is in the completion cache.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from array import array
from collections.abc import Iterator

from promptvc.base.jsonl import parse_json
from promptvc.evidence.fields import Fields
from promptvc.evidence.runs import CaseResult

_IN_MEMORY = 16 * 1024 * 1024
_NOWHERE = -1


class Results:
    """Results by position of the case and repeat, in whatever order they come."""

    def __init__(self, cases: int, repeats: int) -> None:
        self._repeats = repeats
        self._offsets = array("q", [_NOWHERE]) * (cases * repeats)
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as this
        self.close = weakref.finalize(self, self._file.close)
        """Forget them; done by itself when nobody holds them any more."""
        self._end = 0

    def put(self, position: int, repeat: int, result: CaseResult) -> None:
        """Keep a result; one that is there is replaced."""
        line = json.dumps(result.to_json(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        data = line.encode("utf-8", "surrogatepass") + b"\n"
        self._file.seek(self._end)
        self._file.write(data)
        self._offsets[position * self._repeats + repeat] = self._end
        self._end += len(data)

    def of(self, position: int) -> tuple[CaseResult, ...]:
        """The results of a case, by repeat; those that did not come are missing."""
        first = position * self._repeats
        return tuple(
            self._read(offset) for offset in self._offsets[first : first + self._repeats] if offset >= 0
        )

    def __iter__(self) -> Iterator[CaseResult]:
        """Every result, in the order of the cases."""
        for offset in self._offsets:
            if offset >= 0:
                yield self._read(offset)

    def __len__(self) -> int:
        return sum(offset >= 0 for offset in self._offsets)

    def _read(self, offset: int) -> CaseResult:
        self._file.seek(offset)
        value = parse_json(self._file.readline().decode("utf-8", "surrogatepass"), file="a result")
        return CaseResult.read(Fields(value, file="a result"))
